//! File rights: relative paths and the directories they must lie under.
//!
//! [`RelPath`] refuses every way to write a path that leaves its root before any file system sees it. Links are not
//! this file's business: the sandbox refuses them while it walks.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest path, in bytes.
const MAX_PATH: usize = 1024;

/// A path below the workspace, in one spelling: names joined by `/`; the workspace itself is the empty path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

/// Why a text is not a [`RelPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    /// Starts at the root of some file system.
    #[error("the path is absolute; write it relative to the workspace")]
    Absolute,
    /// Has a `..` in it.
    #[error("the path has `..` in it; it must stay inside the workspace")]
    Parent,
    /// Has a character that no portable file name has.
    #[error("the path has a backslash, a colon or a control character in it")]
    Character,
    /// Nothing, or too much.
    #[error("the path is empty or longer than 1024 bytes")]
    Length,
}

impl RelPath {
    /// Reads a path. `./a//b` and `a/b` are the same; a trailing `/` is refused together with `.` and `..` tricks by
    /// being normalised away before anything is opened.
    ///
    /// # Errors
    /// [`RelPathError`] for anything that could name a place outside the workspace.
    pub fn new(text: &str) -> Result<Self, RelPathError> {
        if text.is_empty() || text.len() > MAX_PATH {
            return Err(RelPathError::Length);
        }
        if text.starts_with('/') {
            return Err(RelPathError::Absolute);
        }
        if text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | ':'))
        {
            return Err(RelPathError::Character);
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => return Err(RelPathError::Parent),
                name => names.push(name),
            }
        }
        Ok(Self(names.join("/")))
    }

    /// The names on the way, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The path as text, `.` for the workspace itself.
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// Is this path `root` or below it?
    pub fn is_under(&self, root: &Self) -> bool {
        root.0.is_empty()
            || self.0 == root.0
            || self
                .0
                .strip_prefix(&root.0)
                .is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for RelPath {
    type Err = RelPathError;
    fn from_str(text: &str) -> Result<Self, RelPathError> {
        Self::new(text)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file or directory that a grant names; everything below a directory is meant with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PathRule(RelPath);

impl PathRule {
    /// The root of what is meant.
    pub fn root(&self) -> &RelPath {
        &self.0
    }
}

impl TryFrom<String> for PathRule {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        RelPath::new(&text)
            .map(Self)
            .map_err(|why| format!("`{}`: {why}", text.escape_debug()))
    }
}

impl From<PathRule> for String {
    fn from(rule: PathRule) -> Self {
        rule.0.to_string()
    }
}

/// Which files may be read and which written, relative to the workspace (`sandbox.host_workspace`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FsGrant {
    /// Files and directories that may be read and listed; `.` is the whole workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<PathRule>,
    /// Files and directories that may be created and replaced. Writing does not include reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<PathRule>,
}

impl FsGrant {
    /// May this path be read?
    pub fn may_read(&self, path: &RelPath) -> bool {
        self.read.iter().any(|rule| path.is_under(rule.root()))
    }

    /// May this path be written?
    pub fn may_write(&self, path: &RelPath) -> bool {
        self.write.iter().any(|rule| path.is_under(rule.root()))
    }

    /// Does it grant nothing?
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.write.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_leaves_the_workspace_is_refused() {
        for text in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "//x",
            "a\\..\\x",
            "c:/x",
            "a\0b",
            "",
            "..",
            "a/..",
        ] {
            assert!(RelPath::new(text).is_err(), "{text:?}");
        }
        assert!(RelPath::new(&"a/".repeat(600)).is_err());
    }

    #[test]
    fn one_place_has_one_spelling() {
        for text in ["./a/b", "a//b", "a/./b", "a/b/", "a/b/."] {
            assert_eq!(
                RelPath::new(text).map(|p| p.to_string()),
                Ok("a/b".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_rule_covers_what_lies_below_it_and_no_neighbour_with_a_longer_name() {
        let root = RelPath::new("data").unwrap();
        assert!(RelPath::new("data").unwrap().is_under(&root));
        assert!(RelPath::new("data/x/y").unwrap().is_under(&root));
        assert!(!RelPath::new("database").unwrap().is_under(&root));
        assert!(!RelPath::new(".").unwrap().is_under(&root));
    }
}
