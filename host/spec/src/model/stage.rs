//! A stage: one step of the workflow and when, how often and with what it runs.

use armature_grants::Grants;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Bootstrap, ContextPolicy, Iteration, Role, Signature};

/// One step. It has one of `role`, `agent`, `tool_call`, `adapter`, `gate`, `subagent_spec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// Name of the stage; later stages see its result under it, e.g. `{{ plan.title }}`.
    #[schemars(schema_with = "super::text_or_number")]
    pub id: String,
    /// Ask a model, in this role: written out, or the name of one of `roles`.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_role_or_name")]
    pub role: Option<Role>,
    /// Ask a model, as this agent of `agent_library`.
    #[serde(default)]
    pub agent: Option<String>,
    /// Stages that must be done before this one starts.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Run the adapter of this name.
    #[serde(default)]
    pub adapter: Option<String>,
    /// Ask a person; the one value is `human`. Over the items of a fan-out each item is asked about by itself, and one
    /// "no" is enough.
    #[serde(default)]
    pub gate: Option<String>,
    /// Call a tool directly, without a model.
    #[serde(default)]
    pub tool_call: Option<ToolCall>,
    /// What the stage is shown and what it delivers.
    #[serde(default)]
    pub signature: Option<Signature>,
    /// What the model's answer is read as.
    #[serde(default)]
    pub output_mode: OutputMode,
    /// What becomes of an answer that no tier could give in the form asked for.
    #[serde(default)]
    pub on_parse_error: OnParseError,
    /// Try again after a failure.
    #[serde(default)]
    pub on_fail: Option<OnFail>,
    /// Go over the stage again on purpose, each pass building on the last.
    #[serde(default, rename = "loop")]
    pub iteration: Option<Iteration>,
    /// Template: what the person at the gate is shown.
    #[serde(default)]
    pub present: Option<String>,
    /// Template: run only when this is `true`, `1` or `yes`.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_condition")]
    pub condition: Option<String>,
    /// Template: do not run when this is `true`, `1` or `yes`.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_condition")]
    pub skip_if: Option<String>,
    /// Seconds for the stage, all its attempts included.
    #[serde(default)]
    pub timeout_s: Option<f64>,
    /// A failure becomes the result (`_failed`, `_failed_reason`, `_failed_type`) and the workflow goes on.
    #[serde(default)]
    pub fail_as_value: bool,
    /// JSON Schema of the model's answer.
    #[serde(default)]
    pub output_schema: Option<Map<String, Value>>,
    /// Run another spec: its path, looked for beside this spec first.
    #[serde(default)]
    pub subagent_spec: Option<String>,
    /// A subagent sees the keys of `signature.input` only.
    #[serde(default)]
    pub isolated: bool,
    /// Run once for each item of `partition_source`, so many at a time.
    #[serde(default)]
    pub fan_out: Option<i64>,
    /// How the results of the items become one.
    #[serde(default)]
    pub fan_in: FanIn,
    /// The name under which an item is seen; `item` when left out.
    #[serde(default)]
    pub partition_key: Option<String>,
    /// Template that gives the list of items.
    #[serde(default)]
    pub partition_source: Option<String>,
    /// Items are paths in the workspace: the text of each file is seen under this name, and none where there is no such
    /// file; an item that leads elsewhere fails. A stage with `grants` reads what its `fs.read` covers.
    #[serde(default)]
    pub inject_file_as: Option<String>,
    /// Cut texts in the result after so many characters; wins over `contracts.output_max_chars`.
    #[serde(default)]
    pub output_max_chars: Option<u64>,
    /// Show the model examples of this stage from earlier runs that a judge scored well.
    #[serde(default)]
    pub bootstrap: Option<Bootstrap>,
    /// Criteria for the stage's result, each a sentence. Nothing scores by them yet.
    #[serde(default)]
    pub evaluate: Vec<String>,
    /// Run after all others, also when one of them failed, with `_transcript` and `_diagnostics`.
    #[serde(default)]
    pub post_run: bool,
    /// Stream this stage's answer to whoever asked.
    #[serde(default)]
    pub response_stage: bool,
    /// Container image of this stage, where `sandbox.mode` is `docker`.
    #[serde(default)]
    pub sandbox_image: Option<String>,
    /// Narrows what the plugins called from this stage may do; it never adds a right.
    #[serde(default)]
    pub grants: Option<Grants>,
    /// What this stage's prompt must say, and what the stage must never see, beside what the workflow says.
    #[serde(default)]
    pub context_policy: Option<ContextPolicy>,
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Asks a person.
    Gate,
    /// Runs another spec.
    Subagent,
    /// Calls a tool.
    ToolCall,
    /// Runs an adapter.
    Adapter,
    /// Asks a model.
    Role,
}

impl Stage {
    /// What the stage does. When several fields say so, the first of `gate`, `subagent_spec`, `tool_call`, `adapter`,
    /// `role`, `agent` wins. A stage with none of them, which the validator refuses, counts as a role.
    pub fn kind(&self) -> StageKind {
        self.execution_fields()
            .first()
            .map_or(StageKind::Role, |(_, kind)| *kind)
    }

    /// The fields that say what to do, in order of precedence, by their keys.
    pub fn execution_fields(&self) -> Vec<(&'static str, StageKind)> {
        [
            ("gate", self.gate.is_some(), StageKind::Gate),
            (
                "subagent_spec",
                self.subagent_spec.is_some(),
                StageKind::Subagent,
            ),
            ("tool_call", self.tool_call.is_some(), StageKind::ToolCall),
            ("adapter", self.adapter.is_some(), StageKind::Adapter),
            ("role", self.role.is_some(), StageKind::Role),
            ("agent", self.agent.is_some(), StageKind::Role),
        ]
        .into_iter()
        .filter_map(|(key, present, kind)| present.then_some((key, kind)))
        .collect()
    }

    /// The name under which an item of a fan-out is seen.
    pub fn item_key(&self) -> &str {
        self.partition_key.as_deref().unwrap_or("item")
    }
}

/// A direct call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// Name of the tool.
    pub name: String,
    /// Its arguments. Texts are templates at any depth; one that is a single `{{ … }}` keeps its type.
    #[serde(default)]
    pub args: Map<String, Value>,
}

/// What a model's answer is read as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// Text, under the key `content`.
    #[default]
    Text,
    /// A JSON object, found in the answer.
    Json,
    /// A JSON object that fits `output_schema`; larger tiers are asked when a smaller one fails.
    GuidedJson,
}

/// What becomes of an answer that is not in the form asked for, after a second try and every larger tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnParseError {
    /// The result is what was said, under `raw`, with `_parse_error: true`.
    #[default]
    Value,
    /// The stage fails.
    Fail,
}

/// How the results of a fan-out become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FanIn {
    /// A list, in the order of the items.
    #[default]
    List,
    /// One object; later items win.
    Merge,
    /// The first result.
    First,
    /// A judge makes one answer of all.
    Consensus,
}

/// What happens when a stage fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OnFail {
    /// Try the stage again.
    #[serde(default, rename = "loop")]
    pub retry: Option<Loop>,
}

/// Trying again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Loop {
    /// Where to begin again: the stage itself when left out, or a stage that it depends on. Then that stage and what lies
    /// between run again too.
    #[serde(default)]
    #[schemars(schema_with = "super::text_or_number")]
    pub stage: String,
    /// The name under which repeated stages see `attempt`, `error` and `result`: what went wrong before.
    #[serde(default = "retry_context")]
    pub context: String,
    /// Attempts after the first.
    #[serde(default = "retries")]
    pub max: u32,
    /// Template: a result counts only when this is `true`, `1` or `yes`.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_condition")]
    pub until: Option<String>,
    /// Seconds before the first repetition, doubled each time. No wait when left out.
    #[serde(default)]
    pub backoff_s: Option<f64>,
    /// The longest wait, in seconds.
    #[serde(default = "longest_backoff")]
    pub backoff_max_s: f64,
}

fn retry_context() -> String {
    "retry".to_owned()
}

const fn retries() -> u32 {
    3
}

const fn longest_backoff() -> f64 {
    60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_execution_field_in_the_order_of_precedence_decides() {
        let stage: Stage = serde_json::from_value(serde_json::json!({
            "id": "a", "adapter": "x", "gate": "human", "tool_call": { "name": "t" }
        }))
        .unwrap();
        assert_eq!(stage.kind(), StageKind::Gate);
        let stage: Stage = serde_json::from_value(serde_json::json!({
            "id": "a", "adapter": "x", "tool_call": { "name": "t" }, "subagent_spec": "s.yml"
        }))
        .unwrap();
        assert_eq!(stage.kind(), StageKind::Subagent);
    }
}
