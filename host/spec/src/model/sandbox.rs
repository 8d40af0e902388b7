//! Where tools and scripts run.

use armature_grants::SandboxMode;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where tools and scripts run, and over which directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sandbox {
    /// What stands between a tool and the host.
    #[serde(default)]
    pub mode: SandboxMode,
    /// Container image, for `docker`. It is fetched if the engine does not have it, and run by its digest.
    #[serde(default = "image")]
    pub image: String,
    /// Seconds for one call.
    #[serde(default = "timeout")]
    pub timeout_s: f64,
    /// Whether a container has a network, for `docker`: any address then. Components need a grant instead.
    #[serde(default)]
    pub allow_network: bool,
    /// Where the workspace is mounted, for `docker`.
    #[serde(default = "workspace")]
    pub workspace: String,
    /// The directory that file tools and scripts work in; nothing outside it can be reached.
    #[serde(default = "here")]
    pub host_workspace: String,
    /// Variables of commands, for `docker` and `none`. They are all that a command has of an environment, besides a
    /// `PATH`, and stand in the spec for everybody to read: no place for a secret.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Processors, for `docker`, e.g. `1.5`.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_text_or_number")]
    pub cpu_limit: Option<String>,
    /// Memory, for `docker`, e.g. `512m`. Where nothing is written it is `2g`, and there is no swap.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_text_or_number")]
    pub memory_limit: Option<String>,
    /// The container command, for `docker`: `docker`, `podman` or `nerdctl`.
    #[serde(default = "runtime")]
    pub runtime: String,
    /// Platform of the image, e.g. `linux/amd64`.
    #[serde(default)]
    pub platform: Option<String>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            mode: SandboxMode::default(),
            image: image(),
            timeout_s: timeout(),
            allow_network: false,
            workspace: workspace(),
            host_workspace: here(),
            env: IndexMap::new(),
            cpu_limit: None,
            memory_limit: None,
            runtime: runtime(),
            platform: None,
        }
    }
}

fn image() -> String {
    "python:3.11-slim".to_owned()
}

const fn timeout() -> f64 {
    300.0
}

fn workspace() -> String {
    "/workspace".to_owned()
}

fn here() -> String {
    ".".to_owned()
}

fn runtime() -> String {
    "docker".to_owned()
}
