//! What a run needs, what it must deliver, and how much it may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Inputs, outputs and budgets of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contract {
    /// Values that a run is started with.
    #[serde(default)]
    pub inputs: Vec<InputContract>,
    /// Values that a run must have at its end.
    #[serde(default)]
    pub outputs: Vec<OutputContract>,
    /// Accepted and ignored, as it always was.
    #[serde(default)]
    pub completion: Option<String>,
    /// Most passes of a stage's `loop`, and most rounds of tool calls of a model, where fewer than those allow anyway.
    #[serde(default = "iterations")]
    pub max_iterations: i64,
    /// How many LLM stages may run, fan-out items and retries counted; 0 or less is no limit.
    #[serde(default = "llm_calls")]
    pub max_llm_calls: i64,
    /// Most US dollars that the models of a run, and of the runs below it, may cost. What a call costs is known after
    /// it: the call that reaches the limit is the last.
    #[serde(default)]
    pub max_cost_usd: Option<f64>,
    /// Most tokens, read and written, that the models of a run and of the runs below it may use; counted as
    /// `max_cost_usd` is.
    #[serde(default)]
    pub max_tokens_total: Option<u64>,
    /// Hours that a run may take.
    #[serde(default = "hours")]
    pub timeout_hours: f64,
    /// Cut texts in results after so many characters.
    #[serde(default)]
    pub output_max_chars: Option<u64>,
}

const fn iterations() -> i64 {
    20
}

const fn llm_calls() -> i64 {
    100
}

const fn hours() -> f64 {
    8.0
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            completion: None,
            max_iterations: iterations(),
            max_llm_calls: llm_calls(),
            max_cost_usd: None,
            max_tokens_total: None,
            timeout_hours: hours(),
            output_max_chars: None,
        }
    }
}

/// A value that a run is started with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputContract {
    /// Its name: `{{ name }}` in templates, `-i name=…` on the command line.
    #[serde(default)]
    pub name: Option<String>,
    /// A run without it is refused.
    #[serde(default)]
    pub required: bool,
    /// Its type: `string`, `integer`, `number`, `boolean`, `array`, `object`; a value of another type is refused. Other
    /// words are for people.
    #[serde(default, rename = "type")]
    pub input_type: Option<Value>,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
    /// The value when none is given.
    #[serde(default)]
    pub default: Option<Value>,
}

/// A value that a run must have at its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutputContract {
    /// The stage that delivers it.
    #[serde(default)]
    pub stage: Option<String>,
    /// The key in that stage's result.
    #[serde(default)]
    pub key: Option<String>,
    /// A run without it fails.
    #[serde(default)]
    pub required: bool,
    /// Its type, in words; not enforced.
    #[serde(default, rename = "type")]
    pub output_type: Option<Value>,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
}
