//! `loop` of a stage: passes that are meant, each building on the one before. Trying again after a failure is
//! [`super::OnFail`], another thing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Passes over one stage. Each sees what the last one left; the result of the last pass is the stage's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Iteration {
    /// Most passes. `contracts.max_iterations` caps it.
    #[serde(default = "passes")]
    pub max_iterations: i64,
    /// Template over a pass's result: no further pass when this is `true`, `1` or `yes`. Without it all passes are made.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_condition")]
    pub until: Option<String>,
    /// What a pass leaves to the next: ways into its result (`draft`, `meta.score`, also `STAGE.draft`). Everything when
    /// left out, nothing for an empty list.
    #[serde(default)]
    pub carry_forward: Option<Vec<String>>,
    /// The name under which a pass sees `num` (from 1), `is_first`, `is_last` and `carry_forward`.
    #[serde(default = "variable")]
    pub iteration_var: String,
    /// Seconds before the second pass, doubled each time. No wait when left out.
    #[serde(default)]
    pub backoff_s: Option<f64>,
    /// The longest wait, in seconds.
    #[serde(default = "longest_backoff")]
    pub backoff_max_s: f64,
}

const fn passes() -> i64 {
    10
}

fn variable() -> String {
    "_iteration".to_owned()
}

const fn longest_backoff() -> f64 {
    60.0
}
