//! How much memory the results of a run may hold, together with those of all runs below it.
//!
//! Each result has a limit of its own, but a run keeps all of them until it ends, for templates of later stages: without
//! a bound on the sum a thousand large results end the process, and with it every other run in it. What counts is what a
//! value takes in memory, not its length as JSON: a list of small numbers is many times its text.
//!
//! A result that does not fit is dropped, and its stage fails. What a run holds is free again when the run is over, and
//! what the items of a fan-out hold when they have been put together.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use armature_grants::RunLimit;
use serde_json::Value;

use crate::failure::Failure;

/// Name of the limit.
const LIMIT: &str = "result_bytes";

/// What is left for the results of a tree of runs.
#[derive(Debug)]
pub(crate) struct Room(AtomicU64);

impl Room {
    /// All that the table gives.
    pub(crate) fn whole() -> Self {
        Self(AtomicU64::new(RunLimit::amount_of(LIMIT)))
    }
}

/// What one run, or one fan-out, holds of it until it is dropped.
#[derive(Debug)]
pub(crate) struct Results {
    room: Arc<Room>,
    held: AtomicU64,
}

impl Results {
    /// Nothing yet.
    pub(crate) fn new(room: &Arc<Room>) -> Self {
        Self {
            room: Arc::clone(room),
            held: AtomicU64::new(0),
        }
    }

    /// Nothing yet, of the same room.
    pub(crate) fn aside(&self) -> Self {
        Self::new(&self.room)
    }

    /// Counts a result of this stage, if there is room for it.
    pub(crate) fn hold(&self, stage: &str, value: &Value) -> Result<(), Failure> {
        let bytes = weight(value);
        self.room
            .0
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes))
            .map_err(|_| Failure::Results {
                stage: stage.to_owned(),
                limit: RunLimit::amount_of(LIMIT),
            })?;
        self.held.fetch_add(bytes, Relaxed);
        Ok(())
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.room.0.fetch_add(*self.held.get_mut(), Relaxed);
    }
}

/// About how many bytes of memory a value takes.
fn weight(value: &Value) -> u64 {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (ENTRY + key.len()) as u64 + weight(value))
            .sum(),
    };
    size_of::<Value>() as u64 + inner
}

/// What an entry of a mapping takes beside its value and the text of its key: the key, its hash and its place.
const ENTRY: usize = size_of::<String>() + 2 * size_of::<usize>();

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use armature_grants::Policy;
    use armature_store::RunId;
    use serde_json::{Map, json};

    use super::*;
    use crate::{
        Answer, Approval, Approver, BoxFuture, Engine, EngineConfig, Gate, GateAnswer, RunRequest,
        run::{make::make, past::Past},
        stage,
    };

    /// Rejects with more words than anybody reads.
    struct Wordy;

    impl Approver for Wordy {
        fn approve<'a>(&'a self, _: Approval) -> BoxFuture<'a, Answer> {
            Box::pin(std::future::ready(Answer::Refused))
        }

        fn gate<'a>(&'a self, _: Gate) -> BoxFuture<'a, GateAnswer> {
            Box::pin(std::future::ready(GateAnswer::Rejected("x".repeat(5_000))))
        }
    }

    #[test]
    fn what_is_held_together_has_a_bound_and_is_free_again_when_it_is_dropped() {
        let room = Arc::new(Room(AtomicU64::new(2_000)));
        let (run, value) = (Results::new(&room), json!("x".repeat(900)));
        assert!(run.hold("a", &value).is_ok());
        let items = run.aside();
        assert!(items.hold("b", &value).is_ok());
        let failure = run.hold("c", &value).unwrap_err();
        assert!(failure.to_string().contains("stage 'c'"), "{failure}");
        assert!(
            failure
                .hint()
                .is_some_and(|hint| hint.contains("output_max_chars"))
        );
        drop(items);
        assert!(run.hold("c", &value).is_ok());
        drop(run);
        assert_eq!(room.0.load(Relaxed), 2_000);
    }

    #[test]
    fn a_value_weighs_what_it_takes_in_memory() {
        let numbers = json!(vec![0; 1_000]);
        let memory = (size_of::<Value>() * 1_000) as u64;
        assert!((memory..memory * 2).contains(&weight(&numbers)));
        assert!(numbers.to_string().len() < 2_100);
        assert!(weight(&json!({"key": "x".repeat(500)})) > 503);
    }

    #[tokio::test]
    async fn a_stage_whose_result_does_not_fit_fails_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(EngineConfig {
            home: dir.path().join("home"),
            plugin_dirs: Vec::new(),
            policy: Policy::default(),
            environment: Arc::new(|name| HashMap::<&str, String>::new().remove(name)),
            persist: false,
            builtins: Vec::new(),
        })
        .unwrap();
        let text = format!(
            "name: x\nsandbox: {{ host_workspace: '{}' }}\nstages:\n- {{ id: a, gate: human }}\n- {{ id: b, gate: human }}\n",
            dir.path().display()
        );
        let document = armature_spec::parse("s.yml", &text).unwrap();
        let plan = engine.plan(document).await.unwrap();
        let request = RunRequest {
            approver: Arc::new(Wordy),
            ..RunRequest::new(Map::new())
        };
        let inputs = Map::new();
        let run = make(
            &engine.0,
            &plan,
            RunId::fresh(),
            &inputs,
            request,
            Past::default(),
        );
        let run = run.unwrap();
        run.results.room.0.store(8_000, Relaxed);
        assert!(stage::start(Arc::clone(&run), 0).await.is_ok());
        let broken = stage::start(Arc::clone(&run), 1).await.unwrap_err();
        assert!(matches!(&broken.failure, Failure::Results { stage, .. } if stage == "b"));
        assert!(run.board.get(0).is_some() && run.board.get(1).is_none());
    }
}
