//! Sections that specs may carry and that nothing reads. They are typed so that old specs still load and their typing
//! errors are still found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of failure and its remedy. Accepted and ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// When it happens.
    pub condition: String,
    /// What to do.
    pub recovery: String,
    /// How often.
    #[serde(default = "retries")]
    pub max_retries: i64,
}

/// Places of a run's files. Accepted and ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileState {
    /// Whether files are kept.
    #[serde(default)]
    pub enabled: bool,
    /// The directory.
    #[serde(default = "base")]
    pub base: String,
    /// Working files, below it.
    #[serde(default = "workspace")]
    pub workspace: String,
    /// The list of files, below it.
    #[serde(default = "manifest")]
    pub manifest: String,
}

/// Settings of tracing. Accepted and ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceSettings {
    /// Whether runs are traced.
    #[serde(default = "super::yes")]
    pub enabled: bool,
    /// What is measured.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// The directory.
    #[serde(default = "traces")]
    pub filesystem: String,
}

impl Default for FileState {
    fn default() -> Self {
        Self {
            enabled: false,
            base: base(),
            workspace: workspace(),
            manifest: manifest(),
        }
    }
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            metrics: Vec::new(),
            filesystem: traces(),
        }
    }
}

const fn retries() -> i64 {
    3
}

fn base() -> String {
    "~/.armature/runs/{{run_id}}/".to_owned()
}

fn workspace() -> String {
    "workspace/".to_owned()
}

fn manifest() -> String {
    "manifest.json".to_owned()
}

fn traces() -> String {
    "~/.armature/traces/{{run_id}}/".to_owned()
}
