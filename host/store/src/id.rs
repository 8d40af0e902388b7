//! The names of a run and of a place in its log.
//!
//! A run id becomes a directory name and a part of URLs, so its grammar has no dot, no slash and no leading dash. Fresh
//! ids are 12 hex digits; others are accepted because databases of the original hold 8 digits, and embedders' own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Digits of a fresh id: 48 random bits, a collision among a million runs is a chance of one in 500.
/// The unique key of the log turns even that into an error instead of a mixed-up run.
const FRESH_DIGITS: usize = 12;

/// Longest id accepted, in bytes.
const MAX_DIGITS: usize = 64;

/// Why a text is no run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a run id: use the 12 hex digits that `armature run` printed, or list the runs that exist"
)]
pub struct RunIdError {
    text: String,
}

/// The name of one run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// A new id, random.
    pub fn fresh() -> Self {
        let mut text = uuid::Uuid::new_v4().simple().to_string();
        text.truncate(FRESH_DIGITS);
        Self(text)
    }

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`RunIdError`] with the text, made printable.
    pub fn new(text: impl Into<String>) -> Result<Self, RunIdError> {
        let text = text.into();
        let starts_well = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        let goes_on_well = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if starts_well && goes_on_well && text.len() <= MAX_DIGITS {
            return Ok(Self(text));
        }
        let text = text
            .chars()
            .take(MAX_DIGITS)
            .flat_map(char::escape_debug)
            .collect();
        Err(RunIdError { text })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;
    fn try_from(text: String) -> Result<Self, RunIdError> {
        Self::new(text)
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl AsRef<str> for RunId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a run's log. The first event is 1 and there are no holes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_is_twelve_hex_digits_and_parses() {
        let id = RunId::fresh();
        assert_eq!(id.as_str().len(), 12);
        assert!(id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(RunId::new(id.as_str()).unwrap(), id);
        assert_ne!(RunId::fresh(), id);
    }

    #[test]
    fn an_id_that_could_leave_its_directory_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "-rf",
            "a b",
            "a\0",
            "é",
            &"a".repeat(65),
        ] {
            assert!(RunId::new(text).is_err(), "{text:?}");
            assert!(
                serde_json::from_value::<RunId>(serde_json::json!(text)).is_err(),
                "{text:?}"
            );
        }
        for text in ["4f53cda1", "0123456789ab", "child_0", "nightly-7"] {
            assert!(RunId::new(text).is_ok(), "{text:?}");
        }
    }
}
