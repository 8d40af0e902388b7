//! What a stage is shown and what it delivers.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of values with a type in words; the types of two connected stages are compared as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// The only values that the stage is shown.
    #[serde(default)]
    pub input: IndexMap<String, String>,
    /// The values that its result has.
    #[serde(default)]
    pub output: IndexMap<String, String>,
}
