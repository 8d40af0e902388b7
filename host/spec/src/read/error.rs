//! What can be wrong with a value, in words for people.

use std::fmt;

use serde::de;
use serde_json::Value;

use crate::{
    location::Location,
    suggest::did_you_mean,
    yaml::{Node, NodeKind},
};

/// What was wrong, and where.
#[derive(Debug, Clone)]
pub(crate) struct ReadError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) at: Option<Location>,
    /// The value that was wrong.
    pub(super) node: Option<u32>,
    /// The key that was missing.
    pub(super) missing: Option<&'static str>,
    /// The error only follows from one that has been reported.
    pub(super) follows: bool,
}

/// What a value is, for people.
pub(super) struct Found<'a>(pub(super) &'a Node);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Characters of a text that are shown.
        const SHOWN: usize = 40;
        match &self.0.kind {
            NodeKind::List(_) => f.write_str("a list"),
            NodeKind::Map(_) => f.write_str("a mapping"),
            NodeKind::Scalar {
                value: Value::Null, ..
            } => f.write_str("nothing"),
            NodeKind::Scalar { value, text } => {
                let kind = match value {
                    Value::String(_) => "the text",
                    Value::Number(_) => "the number",
                    _ => "the value",
                };
                let shown: String = text
                    .chars()
                    .take(SHOWN)
                    .flat_map(char::escape_debug)
                    .collect();
                let more = if text.chars().nth(SHOWN).is_some() {
                    "…"
                } else {
                    ""
                };
                write!(f, "{kind} `{shown}{more}`")
            }
        }
    }
}

/// How what was expected is written.
pub(super) fn how_to_write(expected: &str) -> &'static str {
    match expected {
        "a list" => "write `[a, b]`, or a line `- a` for each",
        "a mapping" => "write `{key: value}`, or indented lines `key: value`",
        "a text" => "write a text; in quotes if it begins with `{`, `[`, `*`, `&`, `!`, `%` or `@`",
        "true or false" => "write `true` or `false`",
        word if word.contains("number") => "write digits, without quotes",
        _ => "`armature schema` says what may stand here",
    }
}

/// The words that are allowed.
pub(super) struct OneOf(pub(super) &'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }
}

impl ReadError {
    fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
            at: None,
            node: None,
            missing: None,
            follows: false,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let shown: String = variant
            .chars()
            .take(60)
            .flat_map(char::escape_debug)
            .collect();
        let mut why = Self::new(format!(
            "`{shown}` is not allowed here; {}",
            OneOf(expected)
        ));
        why.hint = did_you_mean(variant, expected.iter().copied())
            .or_else(|| Some("write one of these words".to_owned()));
        why
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let shown: String = field
            .chars()
            .take(60)
            .flat_map(char::escape_debug)
            .collect();
        let mut why = Self::new(format!(
            "there is no key `{shown}` here; {}",
            OneOf(expected)
        ));
        why.hint = did_you_mean(field, expected.iter().copied())
            .or_else(|| Some("remove it, or write one of these keys".to_owned()));
        why
    }

    fn missing_field(field: &'static str) -> Self {
        let mut why = Self::new(format!("the key `{field}` is missing"));
        why.missing = Some(field);
        why.hint = Some(format!("add `{field}: …`"));
        why
    }
}
