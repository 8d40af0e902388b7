//! The payloads of events that have many fields, or will.
//!
//! Each reads an older log: a field that is missing has its default. `outside` is true by default, since what is not
//! known to stay on this machine must be on the disk before and after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What decides a run, by digest, and what `resume` needs to begin again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Digest of every other file it is made from: specs of subagents, skills.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Where the spec was read from, from the root of the file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_path: Option<String>,
    /// The directory it was started in: what every relative path of the spec means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Where plugins were looked for, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_dirs: Vec<String>,
    /// Whether models may answer from the cache.
    pub use_cache: bool,
    /// The inputs, scrubbed of secrets by the engine.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// What the run before it left to it (`continuation`), scrubbed too.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub carried: Map<String, Value>,
    /// The run that started this one as a subagent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<crate::RunId>,
}

impl Default for RunStarted {
    fn default() -> Self {
        Self {
            workflow: String::new(),
            spec_digest: String::new(),
            inputs_digest: String::new(),
            plugins: BTreeMap::new(),
            policy_version: String::new(),
            files: BTreeMap::new(),
            spec_path: None,
            directory: None,
            plugin_dirs: Vec::new(),
            use_cache: true,
            inputs: Map::new(),
            carried: Map::new(),
            parent: None,
        }
    }
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
    /// Of those of the request, what the provider had kept.
    pub cached_input_tokens: u64,
    /// Of those of the reply, hidden reasoning.
    pub reasoning_tokens: u64,
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
            cached_input_tokens: 0,
            reasoning_tokens: 0,
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
