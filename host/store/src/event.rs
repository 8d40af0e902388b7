//! What can happen in a run, as it is written: `{"type": "stage_start", "data": {"stage": …}}`.
//!
//! Names and payload keys are those the original sends to its observers, where it has them; a reader of its
//! `session.jsonl` reads these. Payloads that will grow are structs with a `Default`, so that a new field breaks nobody.
//! Every field that was not there from the start has a default: old logs stay readable. What this version cannot read
//! it keeps as [`Event::Unknown`], byte for byte in meaning, and writes back the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::payload::{
    Denied, Failure, ModelIntent, ModelResult, RuleVerdict, RunStarted, RunSummary, ToolIntent,
    ToolResult, UnknownEvent, Usage,
};

/// One thing that happened in a run. The table of kinds is [`crate::KINDS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields repeat the words of the design; each variant has its sentence in the table of kinds"
)]
pub enum Event {
    /// A run begins.
    #[serde(rename = "run_start")]
    RunStarted(RunStarted),
    /// Another process goes on with the run, which had come as far as `after`.
    #[serde(rename = "run_resumed")]
    RunResumed { after: crate::Seq, reason: String },
    /// A stage begins; also each fan-out item and each retry. `kind` is `gate`, `tool_call`, `script`, `llm` or `subagent`.
    #[serde(rename = "stage_start")]
    StageStarted {
        stage: String,
        kind: String,
        role: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
    },
    /// A stage (or, with `item`, one item of its fan-out) ended with `result`, kept in full.
    #[serde(rename = "stage_complete")]
    StageCompleted {
        stage: String,
        elapsed_s: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        #[serde(default)]
        result: Value,
    },
    /// `skip_if` or `condition` left the stage out.
    #[serde(rename = "stage_skipped")]
    StageSkipped { stage: String, reason: String },
    /// The result was taken from before the interruption.
    #[serde(rename = "stage_resumed")]
    StageResumed { stage: String },
    /// A stage ended in an error; `failure` is the error's class (`type` on the wire).
    #[serde(rename = "stage_failed")]
    StageFailed {
        stage: String,
        #[serde(rename = "type")]
        failure: String,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
    },
    /// The stage is tried again.
    #[serde(rename = "retry_attempt")]
    RetryAttempt {
        stage: String,
        attempt: u32,
        max: u32,
        reason: String,
    },
    /// A pass of a stage's loop is over.
    #[serde(rename = "loop_iteration")]
    LoopIteration {
        stage: String,
        /// From 1.
        iteration: u32,
        max: u32,
        /// Whether the loop ends because what it waits for is there.
        until_met: bool,
    },
    /// A reply did not hold and a larger model is asked.
    #[serde(rename = "tier_escalation_warning")]
    TierEscalation {
        stage: String,
        escalation_count: u32,
        message: String,
    },
    /// A stage starts another run as a subagent; `call_id` names the attempt, the same when it is repeated.
    #[serde(rename = "child_start")]
    ChildStarted {
        stage: String,
        call_id: String,
        run_id: crate::RunId,
    },
    /// A tool is about to be called.
    #[serde(rename = "tool_intent")]
    ToolIntent(ToolIntent),
    /// The call ended.
    #[serde(rename = "tool_result")]
    ToolResult(ToolResult),
    /// A model is about to be asked.
    #[serde(rename = "model_intent")]
    ModelIntent(ModelIntent),
    /// The model answered.
    #[serde(rename = "model_result")]
    ModelResult(ModelResult),
    /// A piece of the text of a `response_stage`, while it arrives; without secrets, and not kept.
    #[serde(rename = "token")]
    Token { stage: String, text: String },
    /// A safety rule decided. `phase` is `pre` or `post`; `verdict` is `allow`, `log`, `warn`, `require_approval` or `block`.
    #[serde(rename = "rule_verdict")]
    RuleVerdict(RuleVerdict),
    /// A call waits for a person's approval.
    #[serde(rename = "approval_asked")]
    ApprovalAsked {
        stage: String,
        call_id: String,
        plugin: String,
        tool: String,
        args_digest: String,
        /// The arguments as a person may see them.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        args: Value,
        message: String,
    },
    /// A person approved or refused the call with exactly these arguments.
    #[serde(rename = "approval")]
    Approval {
        stage: String,
        call_id: String,
        args_digest: String,
        approved: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        by: String,
    },
    /// A gate waits for a person.
    #[serde(rename = "gate_opened")]
    GateOpened {
        stage: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        message: String,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        show: Value,
    },
    /// A person answered a gate.
    #[serde(rename = "gate_answered")]
    GateAnswered {
        stage: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        approved: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        by: String,
    },
    /// A right was asked for that is not granted.
    #[serde(rename = "denied")]
    Denied(Denied),
    /// A line from a plugin.
    #[serde(rename = "plugin_log")]
    PluginLog {
        stage: String,
        plugin: String,
        level: String,
        message: String,
    },
    /// How far a call is: `fraction` between 0 and 1, if it is known.
    #[serde(rename = "progress")]
    Progress {
        stage: String,
        plugin: String,
        message: String,
        fraction: Option<f64>,
    },
    /// Counts of the run.
    #[serde(rename = "run_summary")]
    RunSummary(RunSummary),
    /// The run ended well.
    #[serde(rename = "run_complete")]
    RunCompleted {
        run_id: crate::RunId,
        elapsed_s: f64,
    },
    /// The run ended in an error; `failure` is the error's class (`type` on the wire).
    #[serde(rename = "run_failed")]
    RunFailed {
        #[serde(rename = "type")]
        failure: String,
        reason: String,
        stage: Option<String>,
    },
    /// The run waits for the gates or approvals of these stages, no process with it.
    #[serde(rename = "run_parked")]
    RunParked {
        waiting: Vec<String>,
        reason: String,
    },
    /// The run was stopped by whoever started it.
    #[serde(rename = "run_cancelled")]
    RunCancelled { reason: String },
    /// An event of another version.
    #[serde(untagged)]
    Unknown(UnknownEvent),
}

impl Event {
    /// The stage it is about.
    pub fn stage(&self) -> Option<&str> {
        match self {
            Self::StageStarted { stage, .. }
            | Self::StageCompleted { stage, .. }
            | Self::StageSkipped { stage, .. }
            | Self::StageResumed { stage }
            | Self::StageFailed { stage, .. }
            | Self::RetryAttempt { stage, .. }
            | Self::LoopIteration { stage, .. }
            | Self::TierEscalation { stage, .. }
            | Self::ChildStarted { stage, .. }
            | Self::ApprovalAsked { stage, .. }
            | Self::Approval { stage, .. }
            | Self::GateOpened { stage, .. }
            | Self::GateAnswered { stage, .. }
            | Self::PluginLog { stage, .. }
            | Self::Progress { stage, .. }
            | Self::Token { stage, .. } => Some(stage),
            Self::ToolIntent(event) => Some(&event.stage),
            Self::ToolResult(event) => Some(&event.stage),
            Self::ModelIntent(event) => Some(&event.stage),
            Self::ModelResult(event) => Some(&event.stage),
            Self::RuleVerdict(event) => Some(&event.stage),
            Self::Denied(event) => Some(&event.stage),
            Self::RunFailed { stage, .. } => stage.as_deref(),
            Self::Unknown(event) => event.data.get("stage").and_then(Value::as_str),
            Self::RunStarted(_)
            | Self::RunResumed { .. }
            | Self::RunSummary(_)
            | Self::RunCompleted { .. }
            | Self::RunParked { .. }
            | Self::RunCancelled { .. } => None,
        }
    }

    /// Whether its effect is one that the rest of the world can notice.
    pub(crate) fn leaves_this_machine(&self) -> bool {
        match self {
            Self::ToolIntent(event) => event.outside,
            Self::ToolResult(event) => event.outside,
            Self::ModelIntent(event) => event.outside,
            Self::ModelResult(event) => event.outside,
            _ => false,
        }
    }
}
