//! What can happen in a run, as it is written: `{"type": "stage_start", "data": {"stage": …}}`.
//!
//! Names and payload keys are those the original sends to its observers, where it has them; a reader of its
//! `session.jsonl` reads these. Payloads that will grow are structs with a `Default`, so that a new field breaks nobody.
//! Every field that was not there from the start has a default: old logs stay readable. What this version cannot read
//! it keeps as [`Event::Unknown`], byte for byte in meaning, and writes back the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// A reply did not hold and a larger model is asked.
    #[serde(rename = "tier_escalation_warning")]
    TierEscalation {
        stage: String,
        escalation_count: u32,
        message: String,
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
        message: String,
    },
    /// A person approved or refused the call with exactly these arguments.
    #[serde(rename = "approval")]
    Approval {
        stage: String,
        call_id: String,
        args_digest: String,
        approved: bool,
        by: String,
    },
    /// A gate waits for a person.
    #[serde(rename = "gate_opened")]
    GateOpened {
        stage: String,
        message: String,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        show: Value,
    },
    /// A person answered a gate.
    #[serde(rename = "gate_answered")]
    GateAnswered {
        stage: String,
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

/// What decides a run, by digest, and what `resume` needs to begin again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStarted {
    /// Name of the workflow.
    pub workflow: String,
    /// Digest of the spec's text.
    pub spec_digest: String,
    /// Digest of the inputs.
    pub inputs_digest: String,
    /// Digest of every plugin the run may call, by name.
    pub plugins: BTreeMap<String, String>,
    /// Digest of the safety rules.
    pub policy_version: String,
    /// Where the spec was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_path: Option<String>,
    /// The inputs, scrubbed of secrets by the engine.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// The run that started this one as a subagent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<crate::RunId>,
}

/// A tool is about to be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolIntent {
    /// The stage it is called for.
    pub stage: String,
    /// The fan-out item it is called for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// Who calls: `stage`, `model`, `adapter`, `plugin:<name>`, `cli`, `mcp`.
    pub caller: String,
    /// The plugin.
    pub plugin: String,
    /// Its digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub plugin_digest: String,
    /// The tool.
    pub tool: String,
    /// Digest of the arguments.
    pub args_digest: String,
    /// The arguments, scrubbed, with placeholders for secrets.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub args: Value,
    /// The name of this call, the same in its result.
    pub call_id: String,
    /// Whether the tool says that calling twice does no harm.
    pub idempotent: bool,
    /// Whether the call can change something outside the run's own files. Durable if so, and so by default.
    pub outside: bool,
}

impl Default for ToolIntent {
    fn default() -> Self {
        Self {
            stage: String::new(),
            item: None,
            caller: String::new(),
            plugin: String::new(),
            plugin_digest: String::new(),
            tool: String::new(),
            args_digest: String::new(),
            args: Value::Null,
            call_id: String::new(),
            idempotent: false,
            outside: true,
        }
    }
}

/// A tool call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolResult {
    /// The stage it was called for.
    pub stage: String,
    /// Who called.
    pub caller: String,
    /// The plugin.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// The name of the call, as in its intent.
    pub call_id: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// What it returned, scrubbed.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// Why it failed: the error's class and text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What it used.
    pub usage: Usage,
    /// As in its intent.
    pub outside: bool,
}

impl Default for ToolResult {
    fn default() -> Self {
        Self {
            stage: String::new(),
            caller: String::new(),
            plugin: String::new(),
            tool: String::new(),
            call_id: String::new(),
            ok: false,
            result: Value::Null,
            error: None,
            usage: Usage::default(),
            outside: true,
        }
    }
}

/// Why something failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// The error's class.
    #[serde(rename = "type")]
    pub class: String,
    /// The error's text.
    pub reason: String,
}

/// What a call of a plugin used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Instructions, roughly.
    pub fuel: u64,
    /// Most bytes of linear memory at once.
    pub memory_peak: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes of arguments and of host answers.
    pub bytes_in: u64,
    /// Bytes of the result and of host requests.
    pub bytes_out: u64,
    /// Wall time in microseconds.
    pub wall_us: u64,
    /// How often a right was refused.
    pub denials: u64,
}

/// A model is about to be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelIntent {
    /// The stage.
    pub stage: String,
    /// The fan-out item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// Which request of the stage's loop.
    pub turn: u32,
    /// The name of this request, the same in its result.
    pub call_id: String,
    /// The model.
    pub model: String,
    /// The tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Digest of the request: the key of the response cache.
    pub request_digest: String,
    /// Whether it costs money or leaves the machine. Durable if so, and so by default.
    pub outside: bool,
}

impl Default for ModelIntent {
    fn default() -> Self {
        Self {
            stage: String::new(),
            item: None,
            turn: 0,
            call_id: String::new(),
            model: String::new(),
            tier: None,
            request_digest: String::new(),
            outside: true,
        }
    }
}

/// A model answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelResult {
    /// The stage.
    pub stage: String,
    /// The name of the request, as in its intent.
    pub call_id: String,
    /// The model that answered.
    pub model: String,
    /// Whether it answered.
    pub ok: bool,
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the reply.
    pub output_tokens: u64,
    /// What it cost, if the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Whether the reply came from the response cache.
    pub cached: bool,
    /// The reply, in the engine's form: what an offline replay answers with.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub reply: Value,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// As in its intent.
    pub outside: bool,
}

impl Default for ModelResult {
    fn default() -> Self {
        Self {
            stage: String::new(),
            call_id: String::new(),
            model: String::new(),
            ok: false,
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: None,
            elapsed_s: 0.0,
            cached: false,
            reply: Value::Null,
            error: None,
            outside: true,
        }
    }
}

/// A safety rule decided on a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleVerdict {
    /// The stage.
    pub stage: String,
    /// The call.
    pub call_id: String,
    /// The tool that was to be called.
    pub tool: String,
    /// The rule: its place in the spec, or the plugin's name.
    pub rule: String,
    /// `pre` or `post`.
    pub phase: String,
    /// `allow`, `log`, `warn`, `require_approval` or `block`.
    pub verdict: String,
    /// What the rule says about it.
    pub message: String,
}

/// A right was asked for that is not granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Denied {
    /// The stage.
    pub stage: String,
    /// The plugin that asked.
    pub plugin: String,
    /// The tool that was running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The capability: `fs`, `http`, `secret`, `kv`, `tool` …
    pub capability: String,
    /// What was asked.
    pub asked: String,
    /// The line that would grant it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Counts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the original's and say it")]
pub struct RunSummary {
    pub run_id: crate::RunId,
    pub workflow: String,
    pub elapsed_s: f64,
    pub stages_total: u64,
    pub stages_ran: u64,
    pub stages_skipped: u64,
    pub stages_resumed: u64,
    pub stages_failed: u64,
    #[serde(default)]
    pub rogue_signals: u64,
}

/// An event this version has no variant for, or whose payload it cannot read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnknownEvent {
    /// Its `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its payload.
    #[serde(default)]
    pub data: Value,
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
            | Self::TierEscalation { stage, .. }
            | Self::ApprovalAsked { stage, .. }
            | Self::Approval { stage, .. }
            | Self::GateOpened { stage, .. }
            | Self::GateAnswered { stage, .. }
            | Self::PluginLog { stage, .. }
            | Self::Progress { stage, .. } => Some(stage),
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
