//! What waits for a person: the gates and the calls that parked a run, and those of the runs that it started.
//!
//! A run within a run is answered through the run around it, by the way to it: `child/inner`, with the item where the
//! child or the gate is one of a fan-out (`child[2]/inner`, `review[0]`). An answer is an event of the log in which the question stands,
//! appended only if that log has not gone on: of two people who answer at the same time one is told.

use serde_json::Value;

use crate::{
    Event, EventLog as _, RunId, RunState, RunStatus, Seq, Store, StoreError,
    state::{Call, Question, place},
};

/// How deep runs within runs are looked through; deeper ones cannot be started.
const MAX_DEPTH: usize = 64;

/// One question, and where its answer goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The way to the stage, or to one item of it: its id, after those of the stages whose subagent it is in.
    pub path: String,
    /// What is asked.
    pub question: Question,
    /// The run in whose log it stands.
    run: RunId,
    /// The last event that whoever answers has seen.
    after: Seq,
}

impl Waiting {
    /// Is this what a person means by a stage's name? Items of a fan-out may be left out.
    pub fn is_meant_by(&self, name: &str) -> bool {
        self.path == name
            || without_items(&self.path) == name
            || self.call_path() == Some(name.to_owned())
    }

    /// The name of the call, with the way to it; none for a gate.
    pub fn call_path(&self) -> Option<String> {
        let call = self.question.call.as_ref()?;
        Some(match self.path.rsplit_once('/') {
            Some((way, _)) => format!("{way}/{}", call.id),
            None => call.id.clone(),
        })
    }
}

/// Items in the order of their numbers: `each[2]` before `each[10]`.
fn order(path: &str) -> Vec<(String, usize)> {
    let part = |name: &str| {
        let (stage, item) = name.split_once('[').unwrap_or((name, ""));
        let item = item.trim_end_matches(']').parse().unwrap_or_default();
        (stage.to_owned(), item)
    };
    path.split('/').map(part).collect()
}

/// A name of a stage without the items in it: `child[2]/inner` → `child/inner`.
pub fn without_items(path: &str) -> String {
    let names = path
        .split('/')
        .map(|name| name.split_once('[').map_or(name, |(name, _)| name));
    names.collect::<Vec<_>>().join("/")
}

impl Store {
    /// Everything that a run and the runs below it wait for, in the order of the ways to it: the same each time, whoever
    /// of those that run side by side asked first.
    ///
    /// # Errors
    /// SQLite's reason, or a damaged event.
    pub fn waiting(&self, run: &RunId) -> Result<Vec<Waiting>, StoreError> {
        let mut found = Vec::new();
        self.gather_waiting(run, "", MAX_DEPTH, &mut found)?;
        found.sort_by_cached_key(|asked| order(&asked.path));
        Ok(found)
    }

    fn gather_waiting(
        &self,
        run: &RunId,
        way: &str,
        depth: usize,
        found: &mut Vec<Waiting>,
    ) -> Result<(), StoreError> {
        let state = RunState::fold(self.events(run)?);
        if state.status != Some(RunStatus::Parked) {
            return Ok(());
        }
        for question in state.questions {
            found.push(Waiting {
                path: format!("{way}{}", place(&question.stage, question.item)),
                question,
                run: run.clone(),
                after: state.last,
            });
        }
        for (call, child) in &state.children {
            let Some(depth) = depth.checked_sub(1) else {
                break;
            };
            let stage = call.split(['~', '@', '#']).next().unwrap_or_default();
            self.gather_waiting(child, &format!("{way}{stage}/"), depth, found)?;
        }
        Ok(())
    }

    /// Writes down what a person said, durably. The run goes on when it is resumed.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the run has gone on since it was looked at; SQLite's reason.
    pub fn answer(
        &self,
        waiting: &mut [Waiting],
        place: usize,
        approved: bool,
        text: &str,
        by: &str,
    ) -> Result<(), StoreError> {
        let Some(asked) = waiting.get(place) else {
            return Ok(());
        };
        let (run, stage) = (asked.run.clone(), asked.question.stage.clone());
        let event = match &asked.question.call {
            None => Event::GateAnswered {
                stage,
                item: asked.question.item,
                approved,
                text: text.to_owned(),
                by: by.to_owned(),
            },
            Some(Call { id, digest, .. }) => Event::Approval {
                stage,
                call_id: id.clone(),
                args_digest: digest.clone(),
                approved,
                text: text.to_owned(),
                by: by.to_owned(),
            },
        };
        let after = self.append_after(&run, asked.after, &event)?;
        // The other questions of this log were seen together with this one.
        for other in waiting.iter_mut().filter(|other| other.run == run) {
            other.after = after;
        }
        Ok(())
    }
}

impl Question {
    /// The arguments, if it is about a call.
    pub fn args(&self) -> Option<&Value> {
        self.call.as_ref().map(|call| &call.args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_meant_by_its_way_with_and_without_items_and_by_its_call() {
        let asked = Waiting {
            path: "child[2]/inner".to_owned(),
            question: Question {
                stage: "inner".to_owned(),
                item: None,
                message: String::new(),
                since: String::new(),
                call: Some(Call {
                    id: "inner#1.1".to_owned(),
                    plugin: String::new(),
                    tool: String::new(),
                    digest: String::new(),
                    args: Value::Null,
                }),
            },
            run: RunId::fresh(),
            after: Seq::START,
        };
        for name in ["child[2]/inner", "child/inner", "child[2]/inner#1.1"] {
            assert!(asked.is_meant_by(name), "{name}");
        }
        for name in ["inner", "child", "child[1]/inner"] {
            assert!(!asked.is_meant_by(name), "{name}");
        }
    }
}
