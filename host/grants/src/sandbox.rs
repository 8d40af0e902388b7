//! What stands between a command and the host, and which of it the operator allows.
//!
//! A component is always allowed: nothing is stricter. A container is allowed unless the policy says otherwise. The
//! host's own shell is refused until the policy names it: a spec that came from elsewhere cannot ask for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands between a tool and the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// WebAssembly: no host process exists.
    #[default]
    Wasm,
    /// A container for every command.
    Docker,
    /// The host's own shell, where the operator's policy allows it.
    None,
}

impl SandboxMode {
    /// The word for it in a spec and in the policy.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Docker => "docker",
            Self::None => "none",
        }
    }
}

/// `[sandbox]` of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxPolicy {
    /// Which modes a spec may ask for, besides `wasm`.
    allow: Vec<SandboxMode>,
    /// May a container have a network? No address is held back from it then. Where nothing is said, it may unless there
    /// is a ceiling for what the shell may do: a network cannot be held to one.
    pub(crate) network: Option<bool>,
    /// The only images that a container is made of; without it any.
    images: Option<Vec<String>>,
}

impl Default for SandboxPolicy {
    fn default() -> Self {
        Self {
            allow: vec![SandboxMode::Docker],
            network: None,
            images: None,
        }
    }
}

impl SandboxPolicy {
    /// May commands run in this mode?
    pub fn allows(&self, mode: SandboxMode) -> bool {
        mode == SandboxMode::Wasm || self.allow.contains(&mode)
    }

    /// May a container be made of this image, as the spec writes it?
    pub fn allows_image(&self, image: &str) -> bool {
        self.images
            .as_ref()
            .is_none_or(|images| images.iter().any(|allowed| allowed == image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> SandboxPolicy {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_hosts_shell_is_refused_until_the_policy_names_it() {
        let silent = policy("");
        assert!(silent.allows(SandboxMode::Wasm) && silent.allows(SandboxMode::Docker));
        assert!(!silent.allows(SandboxMode::None));
        assert!(policy("allow = [\"none\"]").allows(SandboxMode::None));
        let nothing = policy("allow = []");
        assert!(nothing.allows(SandboxMode::Wasm) && !nothing.allows(SandboxMode::Docker));
    }

    #[test]
    fn an_image_that_the_policy_does_not_list_is_refused() {
        assert!(policy("").allows_image("anything"));
        let listed = policy("images = [\"python:3.11-slim\"]");
        assert!(listed.allows_image("python:3.11-slim"));
        assert!(!listed.allows_image("python:3.11"));
        assert!(toml::from_str::<SandboxPolicy>("image = []").is_err());
    }
}
