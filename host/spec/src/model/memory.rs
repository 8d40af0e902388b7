//! What one run leaves to the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a later run is told about earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// Whether memory is read and written at all.
    #[serde(default = "super::yes")]
    pub enabled: bool,
    /// Start each run without earlier entries; still write new ones.
    #[serde(default)]
    pub fresh: bool,
    /// The values that are kept.
    #[serde(default)]
    pub capture: Vec<MemoryCapture>,
    /// The name under which stages see the entries.
    #[serde(default = "memory_key")]
    pub inject_as: String,
    /// The database, when it is not the workflow's own.
    #[serde(default)]
    pub db: Option<String>,
    /// Have a model collect facts after each run.
    #[serde(default)]
    pub extract_knowledge: bool,
    /// The name under which stages see those facts.
    #[serde(default = "knowledge_key")]
    pub inject_knowledge_as: String,
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryCapture {
    /// The stage that delivers it.
    pub stage: String,
    /// The key in that stage's result.
    pub key: String,
    /// How many of the latest values are kept.
    #[serde(default = "entries")]
    pub max_entries: u32,
}

/// Values of the last successful run that the next one starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Continuation {
    /// The values.
    #[serde(default)]
    pub carry_forward: Vec<CarryForward>,
    /// The name under which stages see them.
    #[serde(default = "prior_run")]
    pub inject_as: String,
}

/// A value that is carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CarryForward {
    /// `STAGE.KEY`.
    pub key: String,
}

fn memory_key() -> String {
    "_memory".to_owned()
}

fn knowledge_key() -> String {
    "_knowledge".to_owned()
}

const fn entries() -> u32 {
    5
}

fn prior_run() -> String {
    "prior_run".to_owned()
}
