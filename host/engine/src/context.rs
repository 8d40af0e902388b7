//! What a stage can see: the inputs, the results of what it depends on, and what is its own (an item, an attempt).
//!
//! A [`Context`] is three pointers, however much is in it: results lie once on the run's [`Board`], each written once
//! and never changed, and nothing is copied when a stage starts. A template is given only the names that it can
//! mention ([`Names`]), so a chain of ten thousand stages costs ten thousand small views and not fifty million values.
//!
//! A stage sees its ancestors and nothing that merely happened to finish earlier: what a prompt contains may not
//! depend on the weather. (A stage whose template names another stage waits for it; the plan sees to that.)

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// The names that a template can ask its context for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Is this one of them?
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those of another one too.
    pub(crate) fn add<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.0.extend(names.into_iter().map(str::to_owned));
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

/// For each stage, everything that it depends on, however indirectly: one bit each.
#[derive(Debug)]
pub(crate) struct Ancestors {
    words: Vec<u64>,
    stride: usize,
}

impl Ancestors {
    /// Those of a graph.
    pub(crate) fn of(graph: &crate::schedule::Graph) -> Self {
        let stride = graph.len().div_ceil(64);
        let mut all = Self {
            words: vec![0; stride * graph.len()],
            stride,
        };
        for node in graph.order() {
            let mut row = vec![0u64; stride];
            for need in graph.needs(*node) {
                for (word, more) in row.iter_mut().zip(all.row(*need)) {
                    *word |= more;
                }
                if let Some(word) = row.get_mut(need / 64) {
                    *word |= 1 << (need % 64);
                }
            }
            if let Some(slot) = all.words.get_mut(node * stride..(node + 1) * stride) {
                slot.copy_from_slice(&row);
            }
        }
        all
    }

    fn row(&self, node: usize) -> &[u64] {
        self.words
            .get(node * self.stride..(node + 1) * self.stride)
            .unwrap_or(&[])
    }

    /// Does `node` depend on `other`?
    pub(crate) fn has(&self, node: usize, other: usize) -> bool {
        self.row(node)
            .get(other / 64)
            .is_some_and(|word| word & (1 << (other % 64)) != 0)
    }
}

/// The place of a stage's result. A result is never changed; a stage that is repeated adds a newer one, which is then
/// the one that is seen. Nobody waits for a lock to look.
#[derive(Debug, Default)]
struct Slot {
    value: OnceLock<Arc<Value>>,
    newer: OnceLock<Box<Self>>,
}

impl Slot {
    fn get(&self) -> Option<&Arc<Value>> {
        let mut slot = self;
        while let Some(newer) = slot.newer.get().filter(|newer| newer.value.get().is_some()) {
            slot = newer;
        }
        slot.value.get()
    }

    fn add(&self, mut value: Arc<Value>) {
        let mut slot = self;
        while let Err(taken) = slot.value.set(value) {
            value = taken;
            slot = slot.newer.get_or_init(Box::default);
        }
    }
}

/// The results of a run, each written once unless its stage is repeated.
#[derive(Debug)]
pub(crate) struct Board {
    base: IndexMap<String, Arc<Value>>,
    ids: Arc<[String]>,
    index: Arc<HashMap<String, usize>>,
    ancestors: Arc<Ancestors>,
    slots: Vec<Slot>,
    /// What is added once the workflow is over, for the stages that run last.
    late: OnceLock<Vec<(String, Arc<Value>)>>,
}

impl Board {
    /// An empty board for these stages, with the inputs and what the engine adds to them.
    pub(crate) fn new(
        base: IndexMap<String, Arc<Value>>,
        ids: Arc<[String]>,
        index: Arc<HashMap<String, usize>>,
        ancestors: Arc<Ancestors>,
    ) -> Self {
        let slots = ids.iter().map(|_| Slot::default()).collect();
        Self {
            base,
            ids,
            index,
            ancestors,
            slots,
            late: OnceLock::new(),
        }
    }

    /// Writes a stage's result. The first one counts.
    pub(crate) fn put(&self, stage: usize, value: Arc<Value>) {
        if let Some(slot) = self.slots.get(stage) {
            let _ = slot.value.set(value);
        }
    }

    /// Writes the result of a stage that was repeated: it is seen in place of the older one.
    pub(crate) fn replace(&self, stage: usize, value: Arc<Value>) {
        if let Some(slot) = self.slots.get(stage) {
            slot.add(value);
        }
    }

    /// Adds what only the stages that run last see. The first time counts.
    pub(crate) fn add_late(&self, values: Vec<(String, Arc<Value>)>) {
        let _ = self.late.set(values);
    }

    fn late(&self) -> impl Iterator<Item = &(String, Arc<Value>)> {
        self.late.get().into_iter().flatten()
    }

    /// A stage's result, once it is there.
    pub(crate) fn get(&self, stage: usize) -> Option<&Arc<Value>> {
        self.slots.get(stage)?.get()
    }

    /// The inputs and what the engine added.
    pub(crate) fn base(&self) -> &IndexMap<String, Arc<Value>> {
        &self.base
    }

    /// Results in spec order.
    pub(crate) fn results(&self) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.ids
            .iter()
            .zip(&self.slots)
            .filter_map(|(id, slot)| Some((id.as_str(), slot.get()?)))
    }
}

#[derive(Debug)]
struct Extra {
    key: String,
    value: Arc<Value>,
    /// There for templates; a prompt does not list it, and a subagent is not given it.
    quiet: bool,
    next: Option<Arc<Self>>,
}

/// Who is looking.
#[derive(Debug, Clone, Copy)]
enum Sight {
    /// This stage, which sees its ancestors.
    Stage(usize),
    /// Someone who may see every result that is there.
    Everything,
}

/// What a stage can see. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    board: Arc<Board>,
    sight: Sight,
    extra: Option<Arc<Extra>>,
    /// Names that are not there for this stage, whatever has them.
    closed: Option<Arc<Names>>,
}

/// Where a value comes from, for traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// Given to the run, or put beside what was given.
    Base,
    /// The result of this stage.
    Stage(&'a str),
    /// The engine's, for this stage: an item, a pass, an attempt.
    Own,
}

impl Context {
    /// What a stage sees.
    pub(crate) fn for_stage(board: &Arc<Board>, stage: usize) -> Self {
        Self {
            board: Arc::clone(board),
            sight: Sight::Stage(stage),
            extra: None,
            closed: None,
        }
    }

    /// Everything that is there.
    pub(crate) fn of_everything(board: &Arc<Board>) -> Self {
        Self {
            board: Arc::clone(board),
            sight: Sight::Everything,
            extra: None,
            closed: None,
        }
    }

    /// The same without these names.
    #[must_use]
    pub(crate) fn without(self, closed: Option<Arc<Names>>) -> Self {
        Self { closed, ..self }
    }

    /// The same with one more name, which hides others of that name.
    #[must_use]
    pub(crate) fn with(&self, key: impl Into<String>, value: impl Into<Arc<Value>>) -> Self {
        self.add(key.into(), value.into(), false)
    }

    /// [`Context::with`], for what only templates ask for.
    #[must_use]
    pub(crate) fn with_quiet(&self, key: impl Into<String>, value: impl Into<Arc<Value>>) -> Self {
        self.add(key.into(), value.into(), true)
    }

    fn add(&self, key: String, value: Arc<Value>, quiet: bool) -> Self {
        let extra = Extra {
            key,
            value,
            quiet,
            next: self.extra.clone(),
        };
        Self {
            extra: Some(Arc::new(extra)),
            ..self.clone()
        }
    }

    fn is_closed(&self, name: &str) -> bool {
        self.closed
            .as_ref()
            .is_some_and(|closed| closed.contains(name))
    }

    fn extras(&self) -> impl Iterator<Item = &Extra> {
        std::iter::successors(self.extra.as_deref(), |extra| extra.next.as_deref())
    }

    fn sees(&self, stage: usize) -> bool {
        match self.sight {
            Sight::Everything => true,
            Sight::Stage(viewer) => self.board.ancestors.has(viewer, stage),
        }
    }

    /// One name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Value>> {
        if self.is_closed(name) {
            return None;
        }
        if let Some(extra) = self.extras().find(|extra| extra.key == name) {
            return Some(&extra.value);
        }
        let stage = self
            .board
            .index
            .get(name)
            .copied()
            .filter(|stage| self.sees(*stage));
        let late = || {
            self.board
                .late()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        stage
            .and_then(|stage| self.board.get(stage))
            .or_else(late)
            .or_else(|| self.board.base.get(name))
    }

    /// An object of the names that a template can mention.
    pub(crate) fn view(&self, names: &Names) -> Value {
        let mut map = Map::new();
        for name in names.iter() {
            if let Some(value) = self.get(name) {
                map.insert(name.to_owned(), Value::clone(value));
            }
        }
        Value::Object(map)
    }

    /// Where the value of a visible name comes from.
    pub(crate) fn origin(&self, name: &str) -> Origin<'_> {
        if self.extras().any(|extra| extra.key == name) {
            return Origin::Own;
        }
        let stage = self.board.index.get(name).copied();
        match stage.filter(|stage| self.sees(*stage) && self.board.get(*stage).is_some()) {
            Some(stage) => Origin::Stage(self.board.ids.get(stage).map_or("", String::as_str)),
            None if self.board.late().any(|(key, _)| key == name) => Origin::Own,
            None => Origin::Base,
        }
    }

    /// Everything visible: inputs, then results in spec order, then what is the stage's own.
    pub(crate) fn all(&self) -> IndexMap<String, Arc<Value>> {
        self.collect(true)
    }

    /// [`Context::all`] without what is there for templates only.
    pub(crate) fn listed(&self) -> IndexMap<String, Arc<Value>> {
        self.collect(false)
    }

    fn collect(&self, with_quiet: bool) -> IndexMap<String, Arc<Value>> {
        let mut all = self.board.base.clone();
        for (stage, (id, slot)) in self.board.ids.iter().zip(&self.board.slots).enumerate() {
            if let Some(value) = slot.get().filter(|_| self.sees(stage)) {
                all.insert(id.clone(), Arc::clone(value));
            }
        }
        all.extend(self.board.late().cloned());
        let extras: Vec<&Extra> = self
            .extras()
            .filter(|extra| with_quiet || !extra.quiet)
            .collect();
        for extra in extras.into_iter().rev() {
            all.insert(extra.key.clone(), Arc::clone(&extra.value));
        }
        if self.closed.is_some() {
            all.retain(|name, _| !self.is_closed(name));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schedule::Graph;

    fn board(needs: &[&[usize]]) -> Arc<Board> {
        let graph = Graph::new(needs.iter().map(|list| list.to_vec()).collect()).unwrap();
        let ids: Arc<[String]> = (0..needs.len()).map(|n| format!("s{n}")).collect();
        let index = ids.iter().cloned().zip(0..).collect();
        let base = IndexMap::from([("topic".to_owned(), Arc::new(json!("tea")))]);
        Arc::new(Board::new(
            base,
            ids,
            Arc::new(index),
            Arc::new(Ancestors::of(&graph)),
        ))
    }

    #[test]
    fn a_stage_sees_its_ancestors_and_not_its_neighbours() {
        let board = board(&[&[], &[0], &[], &[1]]);
        for n in 0..3 {
            board.put(n, Arc::new(json!(n)));
        }
        let context = Context::for_stage(&board, 3);
        assert_eq!(
            context.all().keys().collect::<Vec<_>>(),
            ["topic", "s0", "s1"]
        );
        assert!(context.get("s2").is_none());
        assert!(Context::of_everything(&board).get("s2").is_some());
    }

    #[test]
    fn what_is_the_stages_own_hides_others_of_that_name() {
        let context = Context::for_stage(&board(&[&[]]), 0)
            .with("topic", json!("item"))
            .with("topic", json!("later"));
        assert_eq!(**context.get("topic").unwrap(), json!("later"));
        assert_eq!(*context.all()["topic"], json!("later"));
    }

    #[test]
    fn a_repeated_stage_is_seen_by_its_newest_result_and_a_put_does_not_count_twice() {
        let board = board(&[&[], &[0]]);
        board.put(0, Arc::new(json!(1)));
        board.put(0, Arc::new(json!("ignored")));
        let context = Context::for_stage(&board, 1);
        let before = Arc::clone(context.get("s0").unwrap());
        board.replace(0, Arc::new(json!(2)));
        board.replace(0, Arc::new(json!(3)));
        assert_eq!(
            (&*before, &**context.get("s0").unwrap()),
            (&json!(1), &json!(3))
        );
        assert_eq!(board.results().count(), 1);
    }

    #[test]
    fn what_is_closed_is_not_there_by_any_way() {
        let board = board(&[&[], &[0]]);
        board.put(0, Arc::new(json!(1)));
        let closed = Arc::new(["s0", "topic", "item"].into_iter().collect::<Names>());
        let context = Context::for_stage(&board, 1)
            .with("item", json!(1))
            .with("open", json!(2))
            .without(Some(closed));
        assert!(
            ["s0", "topic", "item"]
                .iter()
                .all(|name| context.get(name).is_none())
        );
        assert_eq!(context.all().keys().collect::<Vec<_>>(), ["open"]);
        assert_eq!(
            context.view(&["s0", "open"].into_iter().collect()),
            json!({"open": 2})
        );
    }

    #[test]
    fn what_is_quiet_is_for_templates_and_is_not_listed() {
        let context = Context::for_stage(&board(&[&[]]), 0).with_quiet("_iteration", json!(1));
        assert!(context.get("_iteration").is_some() && context.all().contains_key("_iteration"));
        assert!(!context.listed().contains_key("_iteration"));
    }

    #[test]
    fn every_name_knows_where_it_comes_from() {
        let board = board(&[&[], &[0]]);
        board.put(0, Arc::new(json!(1)));
        let context = Context::for_stage(&board, 1).with("item", json!(1));
        assert_eq!(context.origin("topic"), Origin::Base);
        assert_eq!(context.origin("s0"), Origin::Stage("s0"));
        assert_eq!(context.origin("item"), Origin::Own);
    }

    #[test]
    fn a_view_has_what_the_template_can_mention_and_no_more() {
        let board = board(&[&[], &[0]]);
        board.put(0, Arc::new(json!({"a": 1})));
        let names: Names = ["s0", "x"].into_iter().collect();
        assert_eq!(
            Context::for_stage(&board, 1).view(&names),
            json!({"s0": {"a": 1}})
        );
    }
}
