//! What a log says about its run: how far it is, what is done, what may have happened.
//!
//! A fold over events and nothing else, so that it is the same for every log and can be tested without one. Resume and
//! replay begin here: results are taken, an intent without a result is an effect that may have happened, and an event
//! that this version cannot read forbids to go on, because it may have been either.
//!
//! A stage that has ended and begins again is a pass of a loop: nothing of the last pass is its result, and no answer
//! that a person gave for it counts for the next. An approval is for one call: the call's intent uses it up.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    Event, Recorded, RunId, RunStatus, Seq,
    event::{ModelIntent, ModelResult, RunStarted, ToolIntent, ToolResult},
};

/// What the digest of a question begins with that asks whether a call may be made again: what follows names the call.
const AGAIN: &str = "again:";

/// What identifies the question whether a call that may have been made is to be made again.
pub fn again(intent: &ToolIntent) -> String {
    format!("{AGAIN}{}:{}", intent.call_id, intent.args_digest)
}

/// The state of a run, as its log has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// How it began; none if the log is empty.
    pub start: Option<RunStarted>,
    /// How far it is; none if the log is empty.
    pub status: Option<RunStatus>,
    /// Place of the last event: what [`crate::EventLog::append_after`] wants.
    pub last: Seq,
    /// Place of the event that ended or parked it last.
    pub ended: Seq,
    /// Results of completed stages, in the order of their completion.
    pub results: Map<String, Value>,
    /// Where each stage that is done, or was left out, came to its end.
    pub done: BTreeMap<String, Seq>,
    /// Results of completed fan-out items, by stage and item.
    pub items: BTreeMap<String, BTreeMap<usize, Value>>,
    /// How often a model stage has begun, by stage and item.
    pub model_starts: BTreeMap<(String, Option<usize>), u64>,
    /// Tool calls that ended, by call id.
    pub calls: BTreeMap<String, (ToolIntent, ToolResult)>,
    /// Tool calls that may have happened: an intent, no result. In the order of their intents.
    pub open_calls: Vec<ToolIntent>,
    /// Model requests that ended, by call id.
    pub replies: BTreeMap<String, (ModelIntent, ModelResult)>,
    /// Model requests that may have been made.
    pub open_requests: Vec<ModelIntent>,
    /// The runs that its stages started, by the name of the attempt.
    pub children: BTreeMap<String, RunId>,
    /// All runs that its stages ever started, those of earlier passes too.
    pub descendants: Vec<RunId>,
    /// Gates and calls that wait for a person, in the order in which they were asked.
    pub questions: Vec<Question>,
    /// Answers to gates, by stage and item, in the order in which they were given: a stage that is gone on with asks the
    /// same again, pass by pass, and each answer is for its own question.
    pub gate_answers: BTreeMap<(String, Option<usize>), Vec<Answered>>,
    /// Answers to approvals that were not used yet, by stage and digest of the arguments, with the text.
    pub approvals: BTreeMap<(String, String), (bool, String)>,
    /// What it has used, without the runs that it started.
    pub used: Used,
    /// Events this version cannot read. A run that has any must not be gone on with.
    pub unreadable: Vec<Seq>,
    /// When each question was asked first: one that is asked again by a later process has waited since.
    first_asked: BTreeMap<String, String>,
    /// Times of the first and the last event of this stretch of work.
    stretch: Option<(String, String)>,
}

/// Something that a person is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The stage.
    pub stage: String,
    /// The item of a fan-out whose gate it is; a call has it in its name.
    pub item: Option<usize>,
    /// What the person is shown.
    pub message: String,
    /// Since when: ISO-8601, UTC.
    pub since: String,
    /// The call that needs approval; none for a gate.
    pub call: Option<Call>,
}

/// What a person said to a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What the person was shown.
    pub message: String,
    /// Yes, or no.
    pub approved: bool,
    /// The person's words.
    pub text: String,
}

/// A call that needs approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name of the call.
    pub id: String,
    /// The plugin.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// What the answer is bound to.
    pub digest: String,
    /// The arguments as a person may see them.
    pub args: Value,
}

/// What a run has used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// Requests to models.
    pub llm_calls: u64,
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money.
    pub cost_usd: f64,
    /// Calls of tools and adapters.
    pub tool_calls: u64,
    /// Time at work, the time it was parked or dead left out.
    pub active: Duration,
}

impl Used {
    /// What another run used was used here too. Time is not: they were at work at the same time.
    pub fn add(&mut self, other: &Self) {
        self.llm_calls = self.llm_calls.saturating_add(other.llm_calls);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cost_usd += other.cost_usd;
        self.tool_calls = self.tool_calls.saturating_add(other.tool_calls);
    }
}

impl RunState {
    /// Reads a run's events, in order.
    pub fn fold(events: impl IntoIterator<Item = Recorded>) -> Self {
        let mut state = Self::default();
        for recorded in events {
            state.last = recorded.seq;
            state.watch_the_clock(&recorded);
            if let Some(status) = RunStatus::after(&recorded.event) {
                state.status = Some(status);
                if status != RunStatus::Running {
                    state.ended = recorded.seq;
                }
            }
            state.take(recorded);
        }
        state.end_stretch();
        state
    }

    /// The stages whose gates wait for a person.
    pub fn open_gates(&self) -> Vec<&str> {
        let gates = self.questions.iter().filter(|asked| asked.call.is_none());
        gates.map(|asked| asked.stage.as_str()).collect()
    }

    /// A stretch of work lasts from its first event to its last: what comes after is another process.
    fn watch_the_clock(&mut self, recorded: &Recorded) {
        let now = &recorded.timestamp;
        match (&recorded.event, &mut self.stretch) {
            (Event::GateAnswered { .. } | Event::Approval { .. }, Some(_))
                if self.status != Some(RunStatus::Running) => {}
            (Event::RunResumed { .. }, _) | (_, None) => {
                self.end_stretch();
                self.stretch = Some((now.clone(), now.clone()));
            }
            (_, Some((_, last))) => last.clone_from(now),
        }
    }

    fn end_stretch(&mut self) {
        let Some((first, last)) = self.stretch.take() else {
            return;
        };
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
        if let (Some(first), Some(last)) = (at(&first), at(&last)) {
            self.used.active += Duration::try_from(last - first).unwrap_or_default();
        }
    }

    /// Nothing of the last pass counts. One that begins again without having ended was interrupted, and the items it
    /// has finished count.
    fn begin(&mut self, stage: &str) {
        if self.done.remove(stage).is_none() {
            return;
        }
        self.results.shift_remove(stage);
        self.items.remove(stage);
        self.model_starts.retain(|(of, _), _| of != stage);
        self.calls.retain(|_, (intent, _)| intent.stage != stage);
        self.replies.retain(|_, (intent, _)| intent.stage != stage);
        self.gate_answers.retain(|(of, _), _| of != stage);
        self.approvals.retain(|(of, _), _| of != stage);
        let attempts = |id: &str| attempt_of(id, stage);
        self.children.retain(|id, _| !attempts(id));
    }

    fn ask(&mut self, key: String, at: String, question: Question) {
        let since = self.first_asked.entry(key).or_insert(at).clone();
        let question = Question { since, ..question };
        let same = |asked: &Question| {
            (&asked.stage, asked.item) == (&question.stage, question.item)
                && asked.call.as_ref().map(|call| &call.digest)
                    == question.call.as_ref().map(|call| &call.digest)
        };
        match self.questions.iter_mut().find(|asked| same(asked)) {
            Some(asked) => *asked = question,
            None => self.questions.push(question),
        }
    }

    fn take(&mut self, recorded: Recorded) {
        let Recorded {
            seq,
            timestamp,
            event,
        } = recorded;
        match event {
            Event::RunStarted(start) => self.start = Some(start),
            // Who goes on with a run that has used up its time gives it as much again.
            Event::RunFailed {
                failure,
                stage: None,
                ..
            } if failure == "TimeoutError" => {
                self.stretch = None;
                self.used.active = Duration::ZERO;
            }
            // What still waits is asked again by whoever goes on.
            Event::RunResumed { .. } => self.questions.clear(),
            Event::StageStarted {
                stage, kind, item, ..
            } => {
                self.begin(&stage);
                if let Some(item) = item {
                    self.items
                        .get_mut(&stage)
                        .and_then(|items| items.remove(&item));
                }
                if kind == "llm" {
                    *self.model_starts.entry((stage, item)).or_default() += 1;
                }
            }
            Event::StageCompleted {
                stage,
                item: None,
                result,
                ..
            } => {
                self.done.insert(stage.clone(), seq);
                self.results.insert(stage, result);
            }
            Event::StageCompleted {
                stage,
                item: Some(item),
                result,
                ..
            } => {
                self.items.entry(stage).or_default().insert(item, result);
            }
            Event::StageSkipped { stage, .. } => {
                self.results.shift_remove(&stage);
                self.done.insert(stage, seq);
            }
            // Whoever tries again may be asked again; what was agreed to and not used stays.
            Event::StageFailed { stage, .. } => self
                .approvals
                .retain(|(of, _), (approved, _)| *of != stage || *approved),
            Event::ChildStarted {
                call_id, run_id, ..
            } => {
                self.descendants.push(run_id.clone());
                self.children.insert(call_id, run_id);
            }
            Event::GateOpened {
                stage,
                item,
                message,
                ..
            } => {
                let key = format!("{}\n{message}", place(&stage, item));
                let question = Question {
                    stage,
                    item,
                    message,
                    since: String::new(),
                    call: None,
                };
                self.ask(key, timestamp, question);
            }
            Event::GateAnswered {
                stage,
                item,
                approved,
                text,
                ..
            } => {
                let is_this = |asked: &mut Question| {
                    asked.call.is_none() && (&asked.stage, asked.item) == (&stage, item)
                };
                let asked = self.questions.extract_if(.., is_this).last();
                let answered = Answered {
                    message: asked.map(|asked| asked.message).unwrap_or_default(),
                    approved,
                    text,
                };
                self.gate_answers
                    .entry((stage, item))
                    .or_default()
                    .push(answered);
            }
            Event::ApprovalAsked {
                stage,
                call_id,
                plugin,
                tool,
                args_digest,
                args,
                message,
            } => {
                let question = Question {
                    stage,
                    item: None,
                    message,
                    since: String::new(),
                    call: Some(Call {
                        id: call_id,
                        plugin,
                        tool,
                        digest: args_digest.clone(),
                        args,
                    }),
                };
                self.ask(args_digest, timestamp, question);
            }
            Event::Approval {
                stage,
                args_digest,
                approved,
                text,
                ..
            } => self.approve(stage, args_digest, approved, text),
            Event::Unknown(_) => self.unreadable.push(seq),
            other => self.take_effect(other),
        }
    }

    fn approve(&mut self, stage: String, digest: String, approved: bool, text: String) {
        self.questions.retain(|asked| {
            asked.stage != stage || asked.call.as_ref().is_none_or(|call| call.digest != digest)
        });
        if approved && digest.starts_with(AGAIN) {
            self.open_calls.retain(|intent| again(intent) != digest);
        } else {
            self.approvals.insert((stage, digest), (approved, text));
        }
    }

    fn take_effect(&mut self, event: Event) {
        match event {
            Event::ToolIntent(intent) => {
                self.used.tool_calls += 1;
                self.approvals
                    .remove(&(intent.stage.clone(), intent.args_digest.clone()));
                // Made again: it is the same call, and its last result counts. The next attempt takes the place of one
                // that failed: that it may be made again was the spec's own word.
                let calls = &self.calls;
                self.open_calls.retain(|open| {
                    let is_next_attempt = calls.contains_key(&open.call_id)
                        && open.stage == intent.stage
                        && open.item == intent.item
                        && open.args_digest == intent.args_digest;
                    open.call_id != intent.call_id && !is_next_attempt
                });
                self.open_calls.push(intent);
            }
            Event::ToolResult(result) => {
                let found = self
                    .open_calls
                    .iter()
                    .enumerate()
                    .find(|(_, intent)| intent.call_id == result.call_id)
                    .map(|(at, intent)| (at, intent.clone()));
                if let Some((at, intent)) = found {
                    if says_what_happened(&result) {
                        self.open_calls.remove(at);
                    }
                    self.calls.insert(result.call_id.clone(), (intent, result));
                }
            }
            Event::ModelIntent(intent) => {
                self.used.llm_calls += 1;
                self.open_requests
                    .retain(|open| open.call_id != intent.call_id);
                self.open_requests.push(intent);
            }
            Event::ModelResult(result) => {
                if result.ok && !result.cached {
                    let tokens = result.input_tokens.saturating_add(result.output_tokens);
                    self.used.tokens = self.used.tokens.saturating_add(tokens);
                    self.used.cost_usd += result.cost_usd.unwrap_or(0.0);
                }
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
            _ => {}
        }
    }
}

/// How a person names a stage, or one item of it: `stage[2]`.
pub(crate) fn place(stage: &str, item: Option<usize>) -> String {
    match item {
        Some(item) => format!("{stage}[{item}]"),
        None => stage.to_owned(),
    }
}

/// Is this the name of an attempt at the stage, at an item or in a pass of it (`stage#1`, `stage[2]@3#1`)?
fn attempt_of(id: &str, stage: &str) -> bool {
    id.strip_prefix(stage)
        .is_some_and(|rest| rest.starts_with(['#', '[', '~', '@']))
}

/// Classes of failures that end a call before it does anything.
const DID_NOTHING: &[&str] = &[
    "KeyError",
    "PermissionError",
    "ToolBlocked",
    "ValueError",
    "TemplateError",
    "FileNotFoundError",
    "RecursionError",
];

/// Does the result tell whether the call had its effect? One that ran into a limit, was stopped, or failed half way may
/// have had it: then somebody has to be asked before it is made again.
fn says_what_happened(result: &ToolResult) -> bool {
    result.ok
        || result
            .error
            .as_ref()
            .is_some_and(|error| DID_NOTHING.contains(&error.class.as_str()))
}

#[cfg(test)]
mod tests;
