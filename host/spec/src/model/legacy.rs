//! Sections that the original declared and never read. What of them means something here says so; the rest is typed so
//! that old specs still load and their typing errors are still found.

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

/// Files of a run, each run's apart from the others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileState {
    /// Whether each run has a workspace of its own, in place of `sandbox.host_workspace`.
    #[serde(default)]
    pub enabled: bool,
    /// The run's directory. A path that begins with `~/.armature/` lies in armature's home, any other below
    /// `sandbox.host_workspace`; `{{run_id}}` is the run, and is added when it is not there.
    #[serde(default = "base")]
    pub base: String,
    /// The workspace, below it.
    #[serde(default = "workspace")]
    pub workspace: String,
    /// The list of the files that the run wrote, below it: path, bytes and digest of each, written when the run ends.
    #[serde(default = "manifest")]
    pub manifest: String,
}

/// Settings of tracing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceSettings {
    /// Whether a run leaves rows in the traces. Events, from which a run goes on, are kept in any case.
    #[serde(default = "super::yes")]
    pub enabled: bool,
    /// Accepted and ignored: everything is measured.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Accepted and ignored: traces lie in armature's home.
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
