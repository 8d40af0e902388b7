//! The table of event kinds: name, durability, meaning. Documentation and tests are checked against it.
//!
//! A durable event is on the disk before the call that appends it returns, because an effect follows it (an intent), an
//! effect was made (a result), a person decided, or the process may end right after. All else is queued: losing the
//! last milliseconds of it costs a repeated pure step, waiting for the disk would cost every step a millisecond.

use crate::Event;

/// When an event must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Soon. The append does not wait.
    Queued,
    /// Before the append returns, if the event says that its effect leaves this machine (`outside`).
    Outside,
    /// Before the append returns.
    Always,
    /// Not at all: it is told to whoever watches, and what it is a part of is kept whole.
    Never,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The `type` of the event wherever it is written.
    pub name: &'static str,
    /// When it must be on the disk.
    pub durability: Durability,
    /// Whether a run that has it as its last lifecycle event is not running.
    pub ends_run: bool,
    /// What it says.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $durability:ident $ends:literal $meaning:literal;)*) => {
        /// Every kind this version writes.
        pub const KINDS: &[Kind] = &[$(
            Kind { name: $name, durability: Durability::$durability, ends_run: $ends, meaning: $meaning },
        )*];

        impl Event {
            /// Its row in [`KINDS`]; none for an event of another version.
            pub fn kind(&self) -> Option<&'static Kind> {
                match self {
                    $(Self::$variant { .. } => Some(
                        &Kind { name: $name, durability: Durability::$durability, ends_run: $ends, meaning: $meaning }
                    ),)*
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

kinds! {
    RunStarted      "run_start"               Queued  false "a run begins, with the digests of all that decides it";
    RunResumed      "run_resumed"             Always  false "another process goes on with the run";
    StageStarted    "stage_start"             Queued  false "a stage begins; also each fan-out item and each retry";
    StageCompleted  "stage_complete"          Queued  false "a stage, or an item of it, ended with this result";
    StageSkipped    "stage_skipped"           Queued  false "skip_if or condition left the stage out";
    StageResumed    "stage_resumed"           Queued  false "the result was taken from before the interruption";
    StageFailed     "stage_failed"            Queued  false "a stage ended in an error";
    RetryAttempt    "retry_attempt"           Queued  false "the stage is tried again";
    LoopIteration   "loop_iteration"          Queued  false "a pass of the stage's loop is over";
    TierEscalation  "tier_escalation_warning" Queued  false "a reply did not hold and a larger model is asked";
    ChildStarted    "child_start"             Queued  false "a stage starts another run as a subagent";
    ToolIntent      "tool_intent"             Outside false "a tool is about to be called";
    ToolResult      "tool_result"             Outside false "the call ended, with its result and usage";
    ModelIntent     "model_intent"            Outside false "a model is about to be asked";
    ModelResult     "model_result"            Outside false "the model answered, with tokens and cost";
    Token           "token"                   Never   false "a piece of a response_stage's text while it arrives; the log has the whole";
    RuleVerdict     "rule_verdict"            Queued  false "a safety rule decided on a call";
    ApprovalAsked   "approval_asked"          Always  false "a call waits for a person's approval";
    Approval        "approval"                Always  false "a person approved or refused a call";
    GateOpened      "gate_opened"             Always  false "a gate waits for a person";
    GateAnswered    "gate_answered"           Always  false "a person answered a gate";
    Denied          "denied"                  Queued  false "a right was asked for that is not granted";
    PluginLog       "plugin_log"              Queued  false "a line from a plugin";
    Progress        "progress"                Queued  false "how far a call is";
    RunSummary      "run_summary"             Queued  false "counts of the run";
    RunCompleted    "run_complete"            Always  true  "the run ended well";
    RunFailed       "run_failed"              Always  true  "the run ended in an error";
    RunParked       "run_parked"              Always  true  "the run waits for a person, no process with it";
    RunCancelled    "run_cancelled"           Always  true  "the run was stopped by whoever started it";
}

impl Event {
    /// The `type` of the event.
    pub fn name(&self) -> &str {
        match (self.kind(), self) {
            (Some(kind), _) => kind.name,
            (None, Self::Unknown(event)) => &event.kind,
            (None, _) => "",
        }
    }

    /// Whether it must be on the disk before what follows it. An event of another version is: it may be an intent.
    pub fn is_durable(&self) -> bool {
        match self.kind().map(|kind| kind.durability) {
            Some(Durability::Queued | Durability::Never) => false,
            Some(Durability::Outside) => self.leaves_this_machine(),
            Some(Durability::Always) | None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{RunId, Seq, event::*};

    /// One of each, and the payload that is written: names and keys of the original where it has them.
    fn one_of_each() -> Vec<(Event, Value)> {
        let text = String::new;
        let run_id = RunId::new("r").unwrap();
        let summary = RunSummary {
            run_id: run_id.clone(),
            workflow: "w".to_owned(),
            elapsed_s: 1.5,
            stages_total: 6,
            stages_ran: 1,
            stages_skipped: 2,
            stages_resumed: 0,
            stages_failed: 3,
            rogue_signals: 0,
        };
        let any = Value::Null;
        vec![
            (Event::RunStarted(RunStarted::default()), any.clone()),
            (
                Event::RunResumed {
                    after: Seq(3),
                    reason: text(),
                },
                json!({ "after": 3, "reason": "" }),
            ),
            (
                Event::StageStarted {
                    stage: "a".to_owned(),
                    kind: "llm".to_owned(),
                    role: None,
                    item: None,
                },
                json!({ "stage": "a", "kind": "llm", "role": null }),
            ),
            (
                Event::StageCompleted {
                    stage: "a".to_owned(),
                    elapsed_s: 0.5,
                    item: Some(1),
                    result: json!([1]),
                },
                json!({ "stage": "a", "elapsed_s": 0.5, "item": 1, "result": [1] }),
            ),
            (
                Event::StageSkipped {
                    stage: "a".to_owned(),
                    reason: "skip_if".to_owned(),
                },
                json!({ "stage": "a", "reason": "skip_if" }),
            ),
            (
                Event::StageResumed {
                    stage: "a".to_owned(),
                },
                json!({ "stage": "a" }),
            ),
            (
                Event::StageFailed {
                    stage: "a".to_owned(),
                    failure: "E".to_owned(),
                    reason: "r".to_owned(),
                    item: None,
                },
                json!({ "stage": "a", "type": "E", "reason": "r" }),
            ),
            (
                Event::RetryAttempt {
                    stage: "a".to_owned(),
                    attempt: 1,
                    max: 2,
                    reason: "r".to_owned(),
                },
                json!({ "stage": "a", "attempt": 1, "max": 2, "reason": "r" }),
            ),
            (
                Event::LoopIteration {
                    stage: "a".to_owned(),
                    iteration: 1,
                    max: 2,
                    until_met: false,
                },
                json!({ "stage": "a", "iteration": 1, "max": 2, "until_met": false }),
            ),
            (
                Event::TierEscalation {
                    stage: "a".to_owned(),
                    escalation_count: 1,
                    message: "m".to_owned(),
                },
                json!({ "stage": "a", "escalation_count": 1, "message": "m" }),
            ),
            (
                Event::ChildStarted {
                    stage: "a".to_owned(),
                    call_id: "a#1".to_owned(),
                    run_id: run_id.clone(),
                },
                json!({ "stage": "a", "call_id": "a#1", "run_id": "r" }),
            ),
            (Event::ToolIntent(ToolIntent::default()), any.clone()),
            (Event::ToolResult(ToolResult::default()), any.clone()),
            (Event::ModelIntent(ModelIntent::default()), any.clone()),
            (Event::ModelResult(ModelResult::default()), any.clone()),
            (
                Event::Token {
                    stage: text(),
                    text: "x".to_owned(),
                },
                json!({ "stage": "", "text": "x" }),
            ),
            (Event::RuleVerdict(RuleVerdict::default()), any.clone()),
            (
                Event::ApprovalAsked {
                    stage: text(),
                    call_id: text(),
                    plugin: text(),
                    tool: text(),
                    args_digest: text(),
                    args: Value::Null,
                    message: text(),
                },
                any.clone(),
            ),
            (
                Event::Approval {
                    stage: text(),
                    call_id: text(),
                    args_digest: text(),
                    approved: true,
                    text: text(),
                    by: text(),
                },
                any.clone(),
            ),
            (
                Event::GateOpened {
                    stage: text(),
                    item: None,
                    message: text(),
                    show: Value::Null,
                },
                any.clone(),
            ),
            (
                Event::GateAnswered {
                    stage: text(),
                    item: None,
                    approved: true,
                    text: text(),
                    by: text(),
                },
                any.clone(),
            ),
            (Event::Denied(Denied::default()), any.clone()),
            (
                Event::PluginLog {
                    stage: text(),
                    plugin: text(),
                    level: text(),
                    message: text(),
                },
                json!({ "stage": "", "plugin": "", "level": "", "message": "" }),
            ),
            (
                Event::Progress {
                    stage: text(),
                    plugin: text(),
                    message: text(),
                    fraction: None,
                },
                any.clone(),
            ),
            (
                Event::RunSummary(summary),
                json!({ "run_id": "r", "workflow": "w", "elapsed_s": 1.5, "stages_total": 6, "stages_ran": 1,
                    "stages_skipped": 2, "stages_resumed": 0, "stages_failed": 3, "rogue_signals": 0 }),
            ),
            (
                Event::RunCompleted {
                    run_id,
                    elapsed_s: 1.0,
                },
                json!({ "run_id": "r", "elapsed_s": 1.0 }),
            ),
            (
                Event::RunFailed {
                    failure: "E".to_owned(),
                    reason: "r".to_owned(),
                    stage: None,
                },
                json!({ "type": "E", "reason": "r", "stage": null }),
            ),
            (
                Event::RunParked {
                    waiting: vec![],
                    reason: text(),
                },
                any.clone(),
            ),
            (Event::RunCancelled { reason: text() }, any),
        ]
    }

    #[test]
    fn every_row_of_the_table_is_an_event_that_is_written_by_its_name_and_read_back() {
        let events = one_of_each();
        let names: Vec<&str> = events.iter().map(|(event, _)| event.name()).collect();
        assert_eq!(
            names,
            KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()
        );
        for (event, payload) in events {
            let written = serde_json::to_value(&event).unwrap();
            assert_eq!(written["type"], event.name());
            if !payload.is_null() {
                assert_eq!(written["data"], payload, "{}", event.name());
            }
            assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event);
        }
    }

    #[test]
    fn an_effect_that_leaves_the_machine_is_durable_and_any_other_call_is_not() {
        assert!(Event::ToolIntent(ToolIntent::default()).is_durable());
        assert!(
            !Event::ToolIntent(ToolIntent {
                outside: false,
                ..ToolIntent::default()
            })
            .is_durable()
        );
        let old = r#"{"type": "tool_intent", "data": {"stage": "a"}}"#;
        assert!(
            serde_json::from_str::<Event>(old).unwrap().is_durable(),
            "a field that is missing is the safe one"
        );
        let other = r#"{"type": "from_the_future", "data": 1}"#;
        assert!(serde_json::from_str::<Event>(other).unwrap().is_durable());
        assert!(
            !Event::StageResumed {
                stage: String::new()
            }
            .is_durable()
        );
    }
}
