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
    /// The name of the database, when it is not the workflow's own. It lies in `memory/` in armature's home, whatever
    /// else is written.
    #[serde(default)]
    pub db: Option<String>,
    /// Remember under the name of this workflow: specs that name the same one share what they remember.
    #[serde(default)]
    pub workflow_name: Option<String>,
    /// Have the model of the smallest tier collect facts after each run that ended well.
    #[serde(default)]
    pub extract_knowledge: bool,
    /// Compare new facts with those that are known: what is known is not stored again, what changed replaces what was.
    #[serde(default = "super::yes")]
    pub reconcile: bool,
    /// The name under which stages see the facts that have to do with the run's inputs and mission.
    #[serde(default = "knowledge_key")]
    pub inject_knowledge_as: String,
    /// Offer the tools `memory.search_records`, `memory.get_records`, `memory.search_conversation` and
    /// `memory.get_run_trace` to roles that list them. They only read.
    #[serde(default)]
    pub navigation_tools: bool,
}

impl Memory {
    /// The name under which this workflow remembers.
    pub fn name<'a>(&'a self, workflow: &'a str) -> &'a str {
        self.workflow_name.as_deref().unwrap_or(workflow)
    }
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryCapture {
    /// The stage that delivers it.
    pub stage: String,
    /// The key in that stage's result.
    pub key: String,
    /// How many values are kept: the newest, and of the others the best.
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
