//! What is given, or asked for: one shape for the spec's `grants:`, the manifest's `[requests]` and the policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FsGrant, HttpGrant, SecretGrants, ToolName};

/// How long what a plugin keeps in `kv` lasts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KvScope {
    /// Until the run ends.
    Run,
    /// For all runs of the workflow of this name.
    Workflow,
}

/// Rights, by capability. What is left out is not granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Files of the workspace.
    #[serde(default, skip_serializing_if = "FsGrant::is_empty")]
    pub fs: FsGrant,
    /// HTTP requests, e.g. `GET https://api.example.com/**`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Secrets (names of environment variables), each with the hosts that may receive it and the header that carries
    /// it. The plugin never sees the value.
    #[serde(default, skip_serializing_if = "SecretGrants::is_empty")]
    pub secrets: SecretGrants,
    /// A small store of the plugin's own: `run` or `workflow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv: Option<KvScope>,
    /// Tools of other plugins that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolName>,
}

impl Grants {
    /// Is nothing granted?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One line for each right, for people: `http GET https://api.example.com/**`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(
            self.fs
                .read
                .iter()
                .map(|rule| format!("fs read {}", rule.root())),
        );
        lines.extend(
            self.fs
                .write
                .iter()
                .map(|rule| format!("fs write {}", rule.root())),
        );
        lines.extend(self.http.iter().map(|grant| {
            let private = if grant.private {
                " (private addresses too)"
            } else {
                ""
            };
            format!("http {}{private}", grant.pattern)
        }));
        lines.extend(self.secrets.iter_names().into_iter().map(
            |name| match self.secrets.get(name) {
                Some(grant) => {
                    let hosts: Vec<String> = grant.hosts.iter().map(ToString::to_string).collect();
                    format!(
                        "secrets {name} to {} as `{}`",
                        hosts.join(", "),
                        grant.header
                    )
                }
                None => format!("secrets {name}"),
            },
        ));
        lines.extend(self.kv.map(|scope| match scope {
            KvScope::Run => "kv run".to_owned(),
            KvScope::Workflow => "kv workflow".to_owned(),
        }));
        lines.extend(self.tools.iter().map(|tool| format!("tools {tool}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_nobody_enforces_is_an_error() {
        let error = serde_json::from_str::<Grants>(r#"{"network": true}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `network`"),
            "{error}"
        );
    }

    #[test]
    fn the_same_words_are_read_from_a_manifest() {
        let grants: Grants = toml::from_str(
            "fs = { read = [\".\"] }\nhttp = [\"GET https://a.com/**\"]\nsecrets = [\"KEY\"]\nkv = \"run\"\ntools = [\"file_read\"]",
        )
        .unwrap();
        assert_eq!(
            grants.lines(),
            [
                "fs read .",
                "http GET https://a.com/**",
                "secrets KEY",
                "kv run",
                "tools file_read"
            ]
        );
    }
}
