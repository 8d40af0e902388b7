//! Every way in which loading or calling a plugin can fail, each its own case: nobody has to read a text to find out
//! what happened. Texts meant for people say what, why and what to do; texts meant for guests say less
//! ([`CallError::for_model`]).

use std::{path::PathBuf, time::Duration};

use armature_grants::{Denial, LimitId, LimitRequest};
use serde::{Deserialize, Serialize};

/// Why a plugin cannot be used at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// A file or directory could not be read.
    #[error("cannot read `{}`: {why}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The bytes are not a component.
    #[error("`{plugin}` is not a WebAssembly component: {why}")]
    NotAComponent {
        /// The plugin, or the file's name.
        plugin: String,
        /// What was found, and what to do about it.
        why: String,
    },
    /// A limit that is checked before anything is compiled.
    #[error("`{plugin}` is over the limit `{}`: {found}, at most {allowed}", limit.name())]
    TooLarge {
        /// The plugin.
        plugin: String,
        /// The limit.
        limit: LimitId,
        /// What it has.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// The manifest is not in order.
    #[error("manifest of `{plugin}`: {why}")]
    Manifest {
        /// The plugin, or the file's name.
        plugin: String,
        /// What is wrong, with line and column where there is one.
        why: String,
    },
    /// It needs something that this host does not have.
    #[error("`{plugin}` imports `{import}`, which this host does not have: {why}")]
    UnknownImport {
        /// The plugin.
        plugin: String,
        /// The import, with its version.
        import: String,
        /// What to do.
        why: String,
    },
    /// It has none of the exports that make a plugin.
    #[error(
        "`{plugin}` exports no tool, adapter or rule: export `armature:plugin/tools`, `adapter-api` or `rule-api`, or typed functions"
    )]
    NothingExported {
        /// The plugin.
        plugin: String,
    },
    /// A rule with imports.
    #[error(
        "rule `{plugin}` imports `{import}`; a rule imports nothing, so that the same event always gets the same verdict"
    )]
    RuleImports {
        /// The plugin.
        plugin: String,
        /// Its first import.
        import: String,
    },
    /// The compiler refused it.
    #[error("`{plugin}` cannot be compiled: {why}")]
    Compile {
        /// The plugin.
        plugin: String,
        /// What the compiler said.
        why: String,
    },
    /// Compiling took too long.
    #[error("`{plugin}` was not compiled within {}s (limit `compile_s`)", limit.as_secs())]
    CompileTimeout {
        /// The plugin.
        plugin: String,
        /// The limit.
        limit: Duration,
    },
    /// The engine itself could not be made.
    #[error("the WebAssembly engine cannot start: {why}")]
    Engine {
        /// What it said.
        why: String,
    },
}

/// Why a tool has no result, in the tool's own words. Mirrors `tool-error` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", content = "message", rename_all = "snake_case")]
pub enum ToolError {
    /// There is no tool of this name.
    #[error("unknown tool: {0}")]
    UnknownTool(String),
    /// The arguments are wrong.
    #[error("invalid arguments: {0}")]
    InvalidArguments(String),
    /// Not allowed.
    #[error("denied: {0}")]
    Denied(String),
    /// Something is missing.
    #[error("not found: {0}")]
    NotFound(String),
    /// It may work later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It took too long.
    #[error("timeout: {0}")]
    Timeout(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Why a call into a plugin has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// It ran into a limit and was stopped.
    #[error("plugin `{plugin}` was stopped by the limit `{}` ({})", limit.name(), limit.row().show(*allowed))]
    Limit {
        /// The plugin.
        plugin: String,
        /// The limit.
        limit: LimitId,
        /// How much was allowed.
        allowed: u64,
        /// How much a spec may allow here: the table's ceiling, or less where the operator says so.
        most: u64,
    },
    /// It asked for a right that it does not have.
    #[error(transparent)]
    Denied(Box<Denial>),
    /// It answered that it could not.
    #[error(transparent)]
    Tool(ToolError),
    /// It crashed.
    #[error("plugin `{plugin}` crashed: {why}")]
    Trap {
        /// The plugin.
        plugin: String,
        /// What the engine said: the kind of trap, never an address of the host.
        why: String,
    },
    /// Its answer is not what the contract says.
    #[error("plugin `{plugin}` gave a bad answer: {why}")]
    BadResult {
        /// The plugin.
        plugin: String,
        /// What is wrong.
        why: String,
    },
    /// It does not do this.
    #[error("plugin `{plugin}` has no {what}")]
    NoSuchExport {
        /// The plugin.
        plugin: String,
        /// What was wanted.
        what: String,
    },
    /// All instances are in use, by calls that wait for this one.
    #[error("no room for another instance of `{plugin}`: too many calls wait for each other")]
    Busy {
        /// The plugin.
        plugin: String,
    },
    /// What runs commands outside of components is not there, or does not do it.
    #[error("{why}")]
    Outside {
        /// What is wrong, as it or the system said it.
        why: String,
        /// What to do.
        hint: String,
    },
    /// It could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl CallError {
    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Limit {
                plugin,
                limit,
                allowed,
                most,
            } => {
                let (row, why) = (limit.row(), limit.row().why);
                if allowed < most {
                    Some(format!(
                        "{why} If the plugin is right to need more, raise it in the spec (at most {}):\ntools:\n  - plugin: {plugin}\n    limits: {{ {}: … }}",
                        row.show(*most),
                        row.name
                    ))
                } else if *most < row.ceiling {
                    Some(format!(
                        "{why} The operator's policy allows no spec more. If the plugin is right to need more, raise it in policy.toml (at most {}):\n[limits]\n{} = …",
                        row.show(row.ceiling),
                        row.name
                    ))
                } else {
                    None
                }
            }
            Self::Denied(denial) => Some(denial.hint()),
            Self::Outside { hint, .. } => Some(hint.clone()),
            _ => None,
        }
    }

    /// The same, where a spec may ask for no more than the operator's `policy` says.
    #[must_use]
    pub fn under(mut self, policy: &LimitRequest) -> Self {
        if let Self::Limit { limit, most, .. } = &mut self
            && let Some(amount) = policy.get(*limit)
        {
            *most = amount.min(*most);
        }
        self
    }

    /// What a model or another plugin is told: enough to try something else, nothing about the host.
    pub fn for_model(&self) -> String {
        match self {
            Self::Denied(denial) => denial.for_guest(),
            Self::Load(_) | Self::Outside { .. } => "the tool cannot be used".to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<Denial> for CallError {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}

impl From<ToolError> for CallError {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_raise_a_limit_is_who_can() {
        let row = LimitId::Output.row();
        let at = |allowed: u64, policy: Option<u64>| {
            let policy = policy.map_or_else(LimitRequest::default, |amount| {
                LimitRequest::default().and(LimitId::Output, amount)
            });
            let error = CallError::Limit {
                plugin: "p".to_owned(),
                limit: LimitId::Output,
                allowed,
                most: row.ceiling,
            };
            error.under(&policy).hint()
        };
        let said = at(1000, None).unwrap();
        assert!(said.contains("raise it in the spec"), "{said}");
        let said = at(1000, Some(2000)).unwrap();
        let most = format!("raise it in the spec (at most {})", row.show(2000));
        assert!(said.contains(&most), "{said}");
        let said = at(2000, Some(2000)).unwrap();
        assert!(said.contains("raise it in policy.toml"), "{said}");
        assert!(said.ends_with("[limits]\noutput = …"), "{said}");
        assert!(!said.contains("in the spec"), "{said}");
        // More than the table allows cannot be had from anybody, whatever the policy says.
        assert_eq!(at(row.ceiling, Some(u64::MAX)), None);
    }
}
