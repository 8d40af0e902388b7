//! The table of capabilities: every kind of right there is.
//!
//! A new capability is one row here, one field in [`crate::Grants`] and one file in the sandbox. What is not in this
//! table cannot be requested, and an unknown key in a grant is an error: no permission is accepted and then ignored.

use std::fmt;

/// A kind of right that a plugin may be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Read and write files of the workspace.
    Fs,
    /// Send HTTP requests.
    Http,
    /// Use a secret without seeing it.
    Secret,
    /// Keep small values between calls.
    Kv,
    /// Call other tools.
    Tool,
}

impl Capability {
    /// All of them, in the order in which help and documentation list them.
    pub const ALL: &'static [Self] = &[Self::Fs, Self::Http, Self::Secret, Self::Kv, Self::Tool];

    /// The key under `grants:` in a spec and under `[requests]` in a manifest.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Fs => "fs",
            Self::Http => "http",
            Self::Secret => "secrets",
            Self::Kv => "kv",
            Self::Tool => "tools",
        }
    }

    /// What holding it means, in one line.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Fs => "read or write files under the named directories of the workspace",
            Self::Http => "send HTTP requests that match a method and a URL pattern",
            Self::Secret => "have the host add a secret to requests towards the named hosts",
            Self::Kv => "keep small values for the run or the workflow",
            Self::Tool => "call the named tools of other plugins, with their rights",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
