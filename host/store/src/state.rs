//! What a log says about its run: how far it is, what is done, what may have happened.
//!
//! A fold over events and nothing else, so that it is the same for every log and can be tested without one. Resume and
//! replay begin here: results are taken, an intent without a result is an effect that may have happened, and an event
//! that this version cannot read forbids to go on, because it may have been either.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    Event, Recorded, RunStatus, Seq,
    event::{ModelIntent, ModelResult, RunStarted, ToolIntent, ToolResult},
};

/// The state of a run, as its log has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// How it began; none if the log is empty.
    pub start: Option<RunStarted>,
    /// How far it is; none if the log is empty.
    pub status: Option<RunStatus>,
    /// Place of the last event: what [`crate::EventLog::append_after`] wants.
    pub last: Seq,
    /// Results of completed stages, in the order of their completion.
    pub results: Map<String, Value>,
    /// Results of completed fan-out items, by stage and item.
    pub items: BTreeMap<String, BTreeMap<usize, Value>>,
    /// Tool calls that ended, by call id.
    pub calls: BTreeMap<String, (ToolIntent, ToolResult)>,
    /// Tool calls that may have happened: an intent, no result. In the order of their intents.
    pub open_calls: Vec<ToolIntent>,
    /// Model requests that ended, by call id.
    pub replies: BTreeMap<String, (ModelIntent, ModelResult)>,
    /// Model requests that may have been made.
    pub open_requests: Vec<ModelIntent>,
    /// Stages whose gate waits for a person.
    pub open_gates: Vec<String>,
    /// Answers to gates, by stage: whether it was approved, and the text.
    pub gate_answers: BTreeMap<String, (bool, String)>,
    /// Answers to approvals, by stage and digest of the arguments.
    pub approvals: BTreeMap<(String, String), bool>,
    /// Events this version cannot read. A run that has any must not be gone on with.
    pub unreadable: Vec<Seq>,
}

impl RunState {
    /// Reads a run's events, in order.
    pub fn fold(events: impl IntoIterator<Item = Recorded>) -> Self {
        let mut state = Self::default();
        for recorded in events {
            state.last = recorded.seq;
            if let Some(status) = RunStatus::after(&recorded.event) {
                state.status = Some(status);
            }
            state.take(recorded.seq, recorded.event);
        }
        state
    }

    /// A stage that has ended and begins again is a pass of a loop: nothing of the last pass is its result. One that
    /// begins again without having ended was interrupted, and the items it has finished count.
    fn begin(&mut self, stage: &str) {
        if self.results.shift_remove(stage).is_some() {
            self.items.remove(stage);
        }
    }

    fn take(&mut self, seq: Seq, event: Event) {
        match event {
            Event::RunStarted(start) => self.start = Some(start),
            Event::StageStarted {
                stage, item: None, ..
            } => self.begin(&stage),
            Event::StageStarted {
                stage,
                item: Some(item),
                ..
            } => {
                self.items
                    .get_mut(&stage)
                    .and_then(|items| items.remove(&item));
            }
            Event::StageCompleted {
                stage,
                item: None,
                result,
                ..
            } => drop(self.results.insert(stage, result)),
            Event::StageCompleted {
                stage,
                item: Some(item),
                result,
                ..
            } => {
                self.items.entry(stage).or_default().insert(item, result);
            }
            Event::ToolIntent(intent) => self.open_calls.push(intent),
            Event::ToolResult(result) => {
                if let Some(at) = self
                    .open_calls
                    .iter()
                    .position(|intent| intent.call_id == result.call_id)
                {
                    let intent = self.open_calls.remove(at);
                    self.calls.insert(result.call_id.clone(), (intent, result));
                }
            }
            Event::ModelIntent(intent) => self.open_requests.push(intent),
            Event::ModelResult(result) => {
                if let Some(at) = self
                    .open_requests
                    .iter()
                    .position(|intent| intent.call_id == result.call_id)
                {
                    let intent = self.open_requests.remove(at);
                    self.replies
                        .insert(result.call_id.clone(), (intent, result));
                }
            }
            Event::GateOpened { stage, .. } if !self.open_gates.contains(&stage) => {
                self.open_gates.push(stage);
            }
            Event::GateAnswered {
                stage,
                approved,
                text,
                ..
            } => {
                self.open_gates.retain(|open| *open != stage);
                self.gate_answers.insert(stage, (approved, text));
            }
            Event::Approval {
                stage,
                args_digest,
                approved,
                ..
            } => {
                self.approvals.insert((stage, args_digest), approved);
            }
            Event::Unknown(_) => self.unreadable.push(seq),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn start(item: Option<usize>) -> Event {
        Event::StageStarted {
            stage: "a".to_owned(),
            kind: "tool_call".to_owned(),
            role: None,
            item,
        }
    }

    fn end(item: Option<usize>) -> Event {
        Event::StageCompleted {
            stage: "a".to_owned(),
            elapsed_s: 0.0,
            item,
            result: json!(item),
        }
    }

    fn fold(events: impl IntoIterator<Item = Event>) -> RunState {
        let recorded = |(seq, event)| Recorded {
            seq: Seq(seq),
            timestamp: String::new(),
            event,
        };
        RunState::fold((1..).zip(events).map(recorded))
    }

    #[test]
    fn items_of_an_interrupted_stage_count_and_those_of_a_finished_pass_do_not() {
        let state = fold([
            start(None),
            start(Some(0)),
            end(Some(0)),
            start(Some(1)),
            start(None),
        ]);
        assert_eq!(state.items["a"].keys().copied().collect::<Vec<_>>(), [0]);
        let state = fold([
            start(None),
            start(Some(0)),
            end(Some(0)),
            end(None),
            start(None),
        ]);
        assert!(state.items.is_empty() && state.results.is_empty());
    }

    #[test]
    fn an_empty_log_is_a_run_that_has_not_begun() {
        assert_eq!(fold([]), RunState::default());
    }
}
