//! How much work a JSON Schema makes.
//!
//! A schema of forty lines can ask for 2⁴⁰ checks of one value, each line referring twice to the next, and checking
//! cannot be interrupted. So what a schema unfolds to is counted before anything is checked against it: how many
//! schemas look at one place of a value, at every depth that JSON text can have, and how many of them are within one
//! another. It is an upper bound, made without looking at a value. References that cannot be followed by reading, to
//! other documents or to whatever is dynamic, are refused: what cannot be counted is not bounded.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Most schemas that look at one place of a value.
const MOST: u64 = 2_000;

/// Most schemas within one another, from the whole value to its deepest part: each has a frame on the stack.
const DEEPEST: u64 = 1_000;

/// How deep a value is: no JSON text is read that is deeper.
const DEPTH: usize = 128;

/// What `unevaluatedProperties` and `unevaluatedItems` cost: they look again at everything beside them.
const LOOKED_AT_AGAIN: u64 = 64;

/// Why a schema cannot be used, whatever it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is too much work.
    #[error(
        "its parts, with what they refer to, look more than {MOST} times at one place of a value, or are more than \
         {DEEPEST} within one another; refer less often to what refers again"
    )]
    TooMuch,
    /// It contains itself.
    #[error("`{0}` leads back to itself without going into the value")]
    Circular(String),
    /// It refers to what is not in it.
    #[error(
        "`{0}` refers to nothing in this schema; a schema here stands for itself, with `#/…` or `#anchor`"
    )]
    Elsewhere(String),
    /// It uses what cannot be followed by reading.
    #[error("`{0}` is not supported here; use `$ref` within the one schema")]
    Unsupported(&'static str),
}

/// Is this schema safe to check values against?
///
/// # Errors
/// [`SchemaError`] when checking may take too long, or when that cannot be known.
pub fn check_schema(schema: &Value) -> Result<(), SchemaError> {
    let graph = Graph::read(schema)?;
    let order = graph.inner_first()?;
    let mut nearer = vec![Work::default(); graph.nodes.len()];
    for depth in 0..=DEPTH {
        let mut here = vec![Work::default(); graph.nodes.len()];
        for &at in &order {
            let Some(node) = graph.nodes.get(at) else {
                continue;
            };
            let work = node.work(u64::from(depth == 0), &here, &nearer);
            if work.times > MOST || work.within > DEEPEST {
                return Err(SchemaError::TooMuch);
            }
            if let Some(place) = here.get_mut(at) {
                *place = work;
            }
        }
        if here.iter().all(|work| work.times == 0) {
            break;
        }
        nearer = here;
    }
    Ok(())
}

/// What one schema makes of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Work {
    /// How many schemas look at one place that lies this deep in the value.
    times: u64,
    /// How many are within one another, down to that depth.
    within: u64,
}

/// One schema and what it leads to, as places in the graph.
#[derive(Default)]
struct Node {
    /// Those that look at the same value, and by which word.
    same: Vec<(usize, String)>,
    /// Those that look at members or items: one of them at each.
    one_of: Vec<usize>,
    /// Those that look at members or items too: all of them at each.
    each: Vec<usize>,
    /// Does it look again at everything beside it?
    again: bool,
}

impl Node {
    /// The work at one depth, from the work of others at that depth and at the one before.
    fn work(&self, own: u64, here: &[Work], nearer: &[Work]) -> Work {
        let of = |list: &[Work], at: usize| list.get(at).copied().unwrap_or_default();
        let factor = if self.again { LOOKED_AT_AGAIN } else { 1 };
        let (mut times, mut within) = (own, 0);
        for (at, _) in &self.same {
            let part = of(here, *at);
            times = times.saturating_add(part.times.saturating_mul(factor));
            within = part.within.max(within);
        }
        let mut one = 0;
        for at in &self.one_of {
            let part = of(nearer, *at);
            one = part.times.max(one);
            within = part.within.max(within);
        }
        times = times.saturating_add(one);
        for at in &self.each {
            let part = of(nearer, *at);
            times = times.saturating_add(part.times);
            within = part.within.max(within);
        }
        Work {
            times,
            within: within + 1,
        }
    }
}

/// The schemas that a schema leads to, itself first. Those that nothing refers to are not in it: nothing looks at
/// them.
struct Graph<'a> {
    root: &'a Value,
    nodes: Vec<Node>,
    /// Where each is, by its address.
    places: HashMap<*const Value, usize>,
    waiting: Vec<(usize, &'a Map<String, Value>)>,
}

impl<'a> Graph<'a> {
    fn read(root: &'a Value) -> Result<Self, SchemaError> {
        stands_for_itself(root)?;
        let mut graph = Self {
            root,
            nodes: Vec::new(),
            places: HashMap::new(),
            waiting: Vec::new(),
        };
        graph.place(root);
        while let Some((at, schema)) = graph.waiting.pop() {
            let mut node = Node::default();
            for (word, value) in schema {
                graph.follow(&mut node, word, value)?;
            }
            if let Some(place) = graph.nodes.get_mut(at) {
                *place = node;
            }
        }
        Ok(graph)
    }

    fn place(&mut self, schema: &'a Value) -> usize {
        if let Some(at) = self.places.get(&std::ptr::from_ref(schema)) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(Node::default());
        self.places.insert(std::ptr::from_ref(schema), at);
        if let Value::Object(map) = schema {
            self.waiting.push((at, map));
        }
        at
    }

    fn follow(&mut self, node: &mut Node, word: &str, value: &'a Value) -> Result<(), SchemaError> {
        match word {
            "$ref" => {
                if let Some(target) = value.as_str() {
                    let schema = self.target(target)?;
                    node.same.push((self.place(schema), target.to_owned()));
                }
            }
            "$dynamicRef" => return Err(SchemaError::Unsupported("$dynamicRef")),
            "$recursiveRef" => return Err(SchemaError::Unsupported("$recursiveRef")),
            "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" => {
                for schema in one_or_list(value) {
                    node.same.push((self.place(schema), word.to_owned()));
                }
            }
            "dependentSchemas" | "dependencies" => {
                for schema in members(value) {
                    node.same.push((self.place(schema), word.to_owned()));
                }
            }
            "properties" => {
                for schema in members(value) {
                    node.one_of.push(self.place(schema));
                }
            }
            "patternProperties" => {
                for schema in members(value) {
                    node.each.push(self.place(schema));
                }
            }
            "items"
            | "prefixItems"
            | "additionalItems"
            | "additionalProperties"
            | "propertyNames" => {
                for schema in one_or_list(value) {
                    node.one_of.push(self.place(schema));
                }
            }
            "contains" => node.each.push(self.place(value)),
            "unevaluatedProperties" | "unevaluatedItems" => {
                node.again = true;
                node.each.push(self.place(value));
            }
            _ => {}
        }
        Ok(())
    }

    /// What a reference means.
    fn target(&self, reference: &str) -> Result<&'a Value, SchemaError> {
        let nowhere = || SchemaError::Elsewhere(reference.chars().take(100).collect());
        let fragment = reference.strip_prefix('#').ok_or_else(nowhere)?;
        let fragment = decoded(fragment).ok_or_else(nowhere)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&fragment).ok_or_else(nowhere);
        }
        let mut found = Vec::new();
        anchored(self.root, &fragment, &mut found);
        match found.as_slice() {
            [one] => Ok(one),
            _ => Err(nowhere()),
        }
    }

    /// The places in an order in which each comes after those that look at the same value for it.
    fn inner_first(&self) -> Result<Vec<usize>, SchemaError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            Open,
            Done,
        }
        let mut seen = vec![Seen::No; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        for start in 0..self.nodes.len() {
            // Without recursion: a chain of references is as long as its author likes.
            let mut path = vec![(start, 0usize)];
            while let Some((at, next)) = path.pop() {
                let Some(state) = seen.get_mut(at) else {
                    continue;
                };
                if next == 0 {
                    if *state == Seen::Done {
                        continue;
                    }
                    *state = Seen::Open;
                }
                match self.nodes.get(at).and_then(|node| node.same.get(next)) {
                    Some((inner, word)) => {
                        path.push((at, next + 1));
                        match seen.get(*inner) {
                            Some(Seen::Open) => {
                                return Err(SchemaError::Circular(
                                    word.chars().take(100).collect(),
                                ));
                            }
                            Some(Seen::No) => path.push((*inner, 0)),
                            _ => {}
                        }
                    }
                    None => {
                        *state = Seen::Done;
                        order.push(at);
                    }
                }
            }
        }
        Ok(order)
    }
}

fn one_or_list(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(list) => list.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

/// Parts with an address of their own change what references in them mean.
fn stands_for_itself(root: &Value) -> Result<(), SchemaError> {
    fn look(value: &Value, words: &[&'static str], is_root: bool) -> Result<(), SchemaError> {
        if let Value::Object(map) = value
            && !is_root
            && let Some(word) = words
                .iter()
                .find(|word| map.get(**word).is_some_and(Value::is_string))
        {
            return Err(SchemaError::Unsupported(word));
        }
        children(value).try_for_each(|child| look(child, words, false))
    }
    let draft = root.get("$schema").and_then(Value::as_str);
    let words: &[&str] = match draft {
        Some(draft) if draft.contains("draft-04") => &["id", "$id"],
        _ => &["$id"],
    };
    look(root, words, true)
}

fn anchored<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    let is_named = ["$anchor", "$dynamicAnchor"]
        .iter()
        .any(|word| value.get(*word).and_then(Value::as_str) == Some(name));
    if is_named {
        found.push(value);
    }
    for child in children(value) {
        anchored(child, name, found);
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The fragment of a URL as text.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `a0` refers `fan` times to `a1`, and so on; `wrap` puts the references somewhere.
    fn tower(height: usize, wrap: impl Fn(Value) -> Value) -> Value {
        let mut defs = Map::new();
        for level in 0..height {
            let next = json!({"$ref": format!("#/$defs/a{}", level + 1)});
            defs.insert(format!("a{level}"), wrap(next));
        }
        defs.insert(format!("a{height}"), json!({"type": "string"}));
        json!({"$ref": "#/$defs/a0", "$defs": defs})
    }

    #[test]
    fn a_schema_that_unfolds_without_end_is_refused_before_it_is_used() {
        for word in ["allOf", "anyOf", "oneOf"] {
            let twice = tower(40, |next| json!({word: [next, next]}));
            assert_eq!(check_schema(&twice), Err(SchemaError::TooMuch), "{word}");
        }
        let deeper = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        assert_eq!(check_schema(&deeper), Err(SchemaError::TooMuch));
        let patterns = json!({"patternProperties": {"a": {"$ref": "#"}, "^a": {"$ref": "#"}}});
        assert_eq!(check_schema(&patterns), Err(SchemaError::TooMuch));
        let chain = tower(2_000, |next| next);
        assert_eq!(check_schema(&chain), Err(SchemaError::TooMuch));
        let again = json!({"unevaluatedProperties": false, "allOf": [
            {"unevaluatedProperties": false, "allOf": [{"unevaluatedProperties": false, "allOf": [true]}]}]});
        assert_eq!(check_schema(&again), Err(SchemaError::TooMuch));
    }

    #[test]
    fn what_cannot_be_followed_by_reading_is_refused() {
        let refused = |schema: Value| check_schema(&schema).unwrap_err();
        let circular = json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#"}]}}});
        assert!(matches!(refused(circular), SchemaError::Circular(_)));
        for target in ["https://x.test/s", "other.json#/a", "#/nowhere", "#nobody"] {
            let error = refused(json!({"items": {"$ref": target}}));
            assert_eq!(error, SchemaError::Elsewhere(target.to_owned()));
        }
        for schema in [
            json!({"items": {"$dynamicRef": "#a"}}),
            json!({"$defs": {"a": {"$id": "https://x.test/", "$ref": "#/a"}}}),
            json!({"$schema": "http://json-schema.org/draft-04/schema#", "a": {"id": "x"}}),
        ] {
            assert!(matches!(refused(schema), SchemaError::Unsupported(_)));
        }
    }

    #[test]
    fn schemas_as_people_write_them_are_taken() {
        for schema in [
            json!({}),
            json!(true),
            json!({"type": "object", "properties": {"id": {"type": "string"}, "$ref": {"type": "string"}}, "additionalProperties": false}),
            // A tree and a list, which go on as deep as the value.
            json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}),
            json!({"properties": {"head": {"$ref": "#/$defs/no%64e"}}, "$defs": {"node": {"properties": {
                "value": {"type": "number"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}}}),
            json!({"items": {"$ref": "#one"}, "$defs": {"x": {"$anchor": "one", "type": "string"}}}),
            json!({"unevaluatedProperties": false, "allOf": [{"properties": {"a": true}}, {"properties": {"b": true}}]}),
            json!({"oneOf": (0..500).map(|n| json!({"const": n})).collect::<Vec<_>>()}),
            // The same part in many places is no tower.
            tower(
                1,
                |next| json!({"properties": (0..50).map(|n| (n.to_string(), next.clone())).collect::<Map<_, _>>()}),
            ),
        ] {
            assert_eq!(check_schema(&schema), Ok(()), "{schema}");
        }
    }
}
