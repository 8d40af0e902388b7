//! The people around a run: who approves calls, who answers gates, who watches.
//!
//! The engine asks and waits; how the question reaches a person (terminal, web page, channel) is the caller's. An
//! answer is for exactly what was shown: an approval carries the digest of that one call, and covers nothing else.

use std::{future::Future, pin::Pin, sync::Arc};

use armature_store::{Event, RunId};
use serde_json::Value;

/// A future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A call that needs a person's agreement.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The run.
    pub run: RunId,
    /// The stage; empty outside a workflow.
    pub stage: String,
    /// The name of the call in the run's log.
    pub call_id: String,
    /// The plugin that would be called.
    pub plugin: String,
    /// The tool, or the adapter.
    pub tool: String,
    /// The arguments, rendered, without secrets.
    pub args: Value,
    /// Digest of plugin, tool, arguments as they are, and who asks where and when: what the answer is about.
    pub digest: String,
    /// Why it is asked.
    pub message: String,
    /// May it have been made already, before the run was interrupted?
    pub is_again: bool,
}

/// The answer to an [`Approval`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This call, with these arguments.
    Approved,
    /// No.
    Refused,
    /// Nobody can be asked here: the run waits.
    Unavailable,
}

/// A human gate of the workflow.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The run.
    pub run: RunId,
    /// The stage, after those of the stages whose subagent it is in; with the item where there are several:
    /// `child[2]/review[0]`.
    pub stage: String,
    /// What the person is to look at: `present`, rendered.
    pub message: String,
}

/// The answer to a [`Gate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateAnswer {
    /// Go on.
    Approved,
    /// Do not; with what the person says, as it was written.
    Rejected(String),
    /// Nobody can be asked here: the run waits.
    Unavailable,
}

/// Whoever answers questions.
pub trait Approver: Send + Sync {
    /// May this call be made?
    fn approve<'a>(&'a self, ask: Approval) -> BoxFuture<'a, Answer>;

    /// Is this gate open?
    fn gate<'a>(&'a self, gate: Gate) -> BoxFuture<'a, GateAnswer>;

    /// Who answers, for the log: `terminal`, `api`, a name.
    fn name(&self) -> &str {
        "approver"
    }
}

/// Whoever watches. Called in order, from the run's own tasks: must not block.
///
/// It is told of everything that the log has, and of the text of a `response_stage` while it arrives ([`Event::Token`]).
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, run: &RunId, event: &Event);

    /// Does it look at the results in `stage_complete`? Without a log and without a reader they are left out.
    fn wants_results(&self) -> bool {
        true
    }
}

/// Asks for a run that a stage of another run started: a stage of it is named by the way to it, `child/inner`, so that
/// one answer opens one gate.
pub(crate) struct Below {
    /// The stage that started the run, with the item.
    pub(crate) stage: String,
    pub(crate) asks: std::sync::Arc<dyn Approver>,
}

impl Below {
    fn named(&self, stage: &str) -> String {
        format!("{}/{stage}", self.stage)
    }
}

impl Approver for Below {
    fn approve<'a>(&'a self, mut ask: Approval) -> BoxFuture<'a, Answer> {
        ask.stage = self.named(&ask.stage);
        ask.call_id = self.named(&ask.call_id);
        self.asks.approve(ask)
    }

    fn gate<'a>(&'a self, mut gate: Gate) -> BoxFuture<'a, GateAnswer> {
        gate.stage = self.named(&gate.stage);
        self.asks.gate(gate)
    }

    fn name(&self) -> &str {
        self.asks.name()
    }
}

/// Nobody to ask and nobody watching.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Approver for Nobody {
    fn approve<'a>(&'a self, _: Approval) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Unavailable))
    }

    fn gate<'a>(&'a self, _: Gate) -> BoxFuture<'a, GateAnswer> {
        Box::pin(std::future::ready(GateAnswer::Unavailable))
    }
}

impl Observer for Nobody {
    fn event(&self, _: &RunId, _: &Event) {}

    fn wants_results(&self) -> bool {
        false
    }
}

/// Nobody, ready to be handed over.
pub fn nobody() -> Arc<Nobody> {
    Arc::new(Nobody)
}
