//! Why a tool has no result. The text is read by models and people: it says what was wrong and what would be right.

use std::fmt;

use crate::bindings::tool::armature::plugin::tool_types as wit;
use crate::{fs, http, kv};

/// Why a tool has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolError {
    /// There is no tool of this name.
    UnknownTool(String),
    /// The arguments are wrong.
    InvalidArguments(String),
    /// Not allowed: not granted, blocked by a rule, or refused by a person.
    Denied(String),
    /// Something is missing: a file, a page, a record.
    NotFound(String),
    /// It may work later: a busy server, a lost connection.
    Unavailable(String),
    /// It took too long.
    Timeout(String),
    /// Anything else.
    Failed(String),
}

impl ToolError {
    /// Anything that no other variant says better.
    pub fn failed(text: impl fmt::Display) -> Self {
        Self::Failed(text.to_string())
    }

    /// The arguments are wrong: say which one, and what would be right.
    pub fn invalid(text: impl fmt::Display) -> Self {
        Self::InvalidArguments(text.to_string())
    }

    /// The text, whatever the variant.
    pub fn text(&self) -> &str {
        match self {
            Self::UnknownTool(text)
            | Self::InvalidArguments(text)
            | Self::Denied(text)
            | Self::NotFound(text)
            | Self::Unavailable(text)
            | Self::Timeout(text)
            | Self::Failed(text) => text,
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for ToolError {}

impl From<String> for ToolError {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl From<&str> for ToolError {
    fn from(text: &str) -> Self {
        Self::Failed(text.to_owned())
    }
}

impl From<fs::Error> for ToolError {
    fn from(error: fs::Error) -> Self {
        let text = error.to_string();
        match error.reason {
            fs::Reason::Denied(_) => Self::Denied(text),
            fs::Reason::NotFound => Self::NotFound(text),
            fs::Reason::InvalidPath(_) => Self::InvalidArguments(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<http::Error> for ToolError {
    fn from(error: http::Error) -> Self {
        let text = error.to_string();
        match error {
            http::Error::Denied(_) => Self::Denied(text),
            http::Error::InvalidRequest(_) => Self::InvalidArguments(text),
            http::Error::Timeout => Self::Timeout(text),
            http::Error::Unreachable(_) | http::Error::Status(429 | 500..) => {
                Self::Unavailable(text)
            }
            http::Error::Status(404 | 410) => Self::NotFound(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<kv::Error> for ToolError {
    fn from(error: kv::Error) -> Self {
        match error {
            kv::Error::Denied(text) => Self::Denied(text),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<wit::ToolError> for ToolError {
    fn from(error: wit::ToolError) -> Self {
        match error {
            wit::ToolError::UnknownTool(text) => Self::UnknownTool(text),
            wit::ToolError::InvalidArguments(text) => Self::InvalidArguments(text),
            wit::ToolError::Denied(text) => Self::Denied(text),
            wit::ToolError::NotFound(text) => Self::NotFound(text),
            wit::ToolError::Unavailable(text) => Self::Unavailable(text),
            wit::ToolError::Timeout(text) => Self::Timeout(text),
            wit::ToolError::Failed(text) => Self::Failed(text),
        }
    }
}

impl From<ToolError> for wit::ToolError {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::UnknownTool(text) => Self::UnknownTool(text),
            ToolError::InvalidArguments(text) => Self::InvalidArguments(text),
            ToolError::Denied(text) => Self::Denied(text),
            ToolError::NotFound(text) => Self::NotFound(text),
            ToolError::Unavailable(text) => Self::Unavailable(text),
            ToolError::Timeout(text) => Self::Timeout(text),
            ToolError::Failed(text) => Self::Failed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_keeps_what_kind_of_failure_it_was() {
        let missing = fs::Error {
            path: "a".into(),
            reason: fs::Reason::NotFound,
        };
        assert_eq!(
            ToolError::from(missing),
            ToolError::NotFound("`a` does not exist".into())
        );
        assert!(matches!(
            ToolError::from(http::Error::Status(503)),
            ToolError::Unavailable(_)
        ));
        assert!(matches!(
            ToolError::from(http::Error::Status(404)),
            ToolError::NotFound(_)
        ));
        assert!(matches!(
            ToolError::from(http::Error::Status(403)),
            ToolError::Failed(_)
        ));
        assert!(matches!(
            ToolError::from(kv::Error::Denied("no".into())),
            ToolError::Denied(_)
        ));
    }
}
