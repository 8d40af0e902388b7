//! What a run did before it was interrupted, as its log has it.
//!
//! A stage is kept when it came to its end after everything that it needs did, and all of that is kept too: a stage
//! that was repeated takes with it what was made from its older result. Within a stage that was interrupted, items of
//! a fan-out that ended well are kept, and so is each answer of a model and each result of a tool: it is read from the
//! log under the name of its call, if it was the same call. What failed is tried again.
//!
//! What a person said is used once, as it would have been by the process that asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use armature_sandbox::Digest;
use armature_store::{RunId, RunState, RunStatus, Seq, event::ToolIntent, state::Answered};
use serde_json::{Value, json};

use crate::plan::{Plan, stage::Stage};

/// The digest of what was asked, and what came of it.
type Made = (String, Value);

/// What is known of the run before this process.
#[derive(Debug, Default)]
pub(crate) struct Past {
    stages: HashMap<usize, Arc<Value>>,
    items: HashMap<usize, BTreeMap<usize, Value>>,
    calls: HashMap<String, Made>,
    replies: HashMap<String, Made>,
    said: Mutex<Said>,
}

/// What is used up.
#[derive(Debug, Default)]
struct Said {
    open: Vec<ToolIntent>,
    gates: BTreeMap<(String, Option<usize>), Vec<Answered>>,
    approvals: BTreeMap<(String, String), (bool, String)>,
    children: BTreeMap<String, RunId>,
}

impl Past {
    /// What a log says about a run of this plan.
    pub(crate) fn of(plan: &Plan, mut state: RunState) -> Self {
        let stages = kept(plan, &state);
        let plan = &plan.0;
        let is_kept = |stage: &str| {
            plan.index
                .get(stage)
                .is_some_and(|number| stages.contains_key(number))
        };
        let mut items = HashMap::new();
        for (stage, done) in std::mem::take(&mut state.items) {
            let Some(number) = plan.index.get(&stage).copied() else {
                continue;
            };
            if plan.stages.get(number).is_some_and(is_one_pass) && !stages.contains_key(&number) {
                items.insert(number, done);
            }
        }
        let calls = state
            .calls
            .into_values()
            .filter(|(intent, result)| result.ok && !is_kept(&intent.stage));
        let calls =
            calls.map(|(intent, result)| (intent.call_id, (intent.args_digest, result.result)));
        let replies = state
            .replies
            .into_values()
            .filter(|(intent, result)| result.ok && !is_kept(&intent.stage));
        let replies =
            replies.map(|(intent, result)| (intent.call_id, (intent.request_digest, result.reply)));
        let is_done = |intent: &ToolIntent| {
            let number = plan.index.get(&intent.stage);
            let done = number.and_then(|number| items.get(number));
            intent
                .item
                .is_some_and(|item| done.is_some_and(|done| done.contains_key(&item)))
        };
        let open = state.open_calls.into_iter().filter(|intent| {
            intent.outside && !intent.idempotent && !is_kept(&intent.stage) && !is_done(intent)
        });
        let said = Said {
            open: open.collect(),
            gates: state.gate_answers,
            approvals: state.approvals,
            children: state.children,
        };
        Self {
            calls: calls.collect(),
            replies: replies.collect(),
            said: Mutex::new(said),
            items,
            stages,
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a stage that is not run again.
    pub(crate) fn stage(&self, number: usize) -> Option<&Arc<Value>> {
        self.stages.get(&number)
    }

    /// The result of an item that is not run again.
    pub(crate) fn item(&self, stage: usize, item: usize) -> Option<&Value> {
        self.items.get(&stage)?.get(&item)
    }

    /// The result of a call, if this very call was made.
    pub(crate) fn call(&self, id: &str, digest: &Digest) -> Option<&Value> {
        let (of, result) = self.calls.get(id)?;
        (*of == digest.to_string()).then_some(result)
    }

    /// The answer of a model, if this very request was made.
    pub(crate) fn reply(&self, id: &str, digest: &str) -> Option<&Value> {
        let (of, reply) = self.replies.get(id)?;
        (of == digest).then_some(reply)
    }

    /// What a person said to this question of a gate, the next in the order of its answers. One that was shown something
    /// else has said nothing about this, nor about what comes after it.
    pub(crate) fn take_gate(
        &self,
        stage: &str,
        item: Option<usize>,
        message: &str,
    ) -> Option<(bool, String)> {
        let mut said = self.said();
        let answers = said.gates.get_mut(&(stage.to_owned(), item))?;
        if answers.first()?.message != message {
            answers.clear();
            return None;
        }
        let Answered { approved, text, .. } = answers.remove(0);
        Some((approved, text))
    }

    /// What a person said about a call that has not been made yet.
    pub(crate) fn take_approval(&self, stage: &str, digest: &str) -> Option<(bool, String)> {
        let mut said = self.said();
        if said.approvals.is_empty() {
            return None;
        }
        said.approvals
            .remove(&(stage.to_owned(), digest.to_owned()))
    }

    /// The run that an attempt at a stage started.
    pub(crate) fn take_child(&self, call: &str) -> Option<RunId> {
        self.said().children.remove(call)
    }

    /// The calls of a stage that may have been made, and do harm when they are made twice.
    pub(crate) fn take_open(&self, stage: &str) -> Vec<ToolIntent> {
        let mut said = self.said();
        if said.open.is_empty() {
            return Vec::new();
        }
        let all = std::mem::take(&mut said.open);
        let (of_stage, others) = all.into_iter().partition(|call| call.stage == stage);
        said.open = others;
        of_stage
    }
}

/// Are its items those of one pass, and not of the last that there was?
fn is_one_pass(stage: &Stage) -> bool {
    stage.iteration.is_none() && stage.way_back().is_none()
}

/// The stages whose results count.
fn kept(plan: &Plan, state: &RunState) -> HashMap<usize, Arc<Value>> {
    let plan = &plan.0;
    let mut kept = HashMap::new();
    let mut ends: HashMap<usize, Seq> = HashMap::new();
    let end_of = |number: usize| {
        let id = plan.ids.get(number)?;
        Some((id, *state.done.get(id)?))
    };
    let result = |id: &str| {
        let value = state.results.get(id).cloned();
        Arc::new(value.unwrap_or_else(|| json!({"_skipped": true})))
    };
    for number in plan.graph.order().iter().copied() {
        let Some((id, end)) = end_of(number) else {
            continue;
        };
        let mut needs = plan.graph.needs(number).iter();
        if needs.all(|need| ends.get(need).is_some_and(|earlier| *earlier < end)) {
            ends.insert(number, end);
            kept.insert(number, result(id));
        }
    }
    // What runs last was told how the workflow ended. If that can have changed since, it is told again.
    let is_whole = kept.len() == plan.graph.len();
    let since = match state.status {
        Some(RunStatus::Completed) => Seq::START,
        _ => state.ended,
    };
    for number in plan.graph.len()..plan.stages.len() {
        if let Some((id, end)) = end_of(number)
            && is_whole
            && end > since
        {
            kept.insert(number, result(id));
        }
    }
    kept
}
