//! Names of plugins and tools: a grammar narrow enough that two names which look alike are the same name.
//!
//! Lower-case ASCII only: no case folding, no homoglyphs, no invisible characters, nothing a path could be built from.

use std::{borrow::Borrow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name, in bytes: what the model providers accept for a tool.
const MAX_NAME: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {kind} name: use 1 to 64 lower-case letters, digits, `_`, `-` or `.`, starting with a letter"
)]
pub struct NameError {
    kind: &'static str,
    text: String,
}

fn check(kind: &'static str, text: &str) -> Result<(), NameError> {
    let mut bytes = text.bytes();
    let first_is_letter = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = bytes
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'));
    if first_is_letter && rest && text.len() <= MAX_NAME && !text.contains("..") {
        Ok(())
    } else {
        let text: String = text
            .chars()
            .take(MAX_NAME)
            .flat_map(char::escape_debug)
            .collect();
        Err(NameError { kind, text })
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the grammar.
            ///
            /// # Errors
            /// [`NameError`] with the text, made printable.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a plugin.
    PluginName,
    "plugin"
);
name_type!(
    /// The name of a tool.
    ToolName,
    "tool"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_mistaken_for_one_another_are_refused() {
        for text in [
            "",
            "File",
            "fіle",
            "a b",
            "../x",
            "a..b",
            "a/b",
            "-x",
            "9x",
            "x\u{200b}",
            &"a".repeat(65),
        ] {
            assert!(PluginName::new(text).is_err(), "{text:?}");
        }
        for text in ["file", "file_read", "time.now", "a-1"] {
            assert!(ToolName::new(text).is_ok(), "{text:?}");
        }
    }
}
