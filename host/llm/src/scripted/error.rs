//! What can be wrong with a script.

use std::fmt;

/// One mistake, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A script that cannot be used, or that has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the script `{file}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The script is wrong; every mistake at once.
    #[error("{}", Listed { file, mistakes })]
    Mistakes {
        /// The file.
        file: String,
        /// What is wrong, in the order of the file. Never empty.
        mistakes: Vec<Mistake>,
    },
    /// No reply of the script fits the request.
    #[error("stage `{stage}`, turn {turn}{}: the script `{file}` has no reply left for it", item_words(*.item))]
    NoReply {
        /// The file.
        file: String,
        /// The stage that asked.
        stage: String,
        /// Its turn.
        turn: u32,
        /// The fan-out item.
        item: Option<usize>,
        /// The start of the last user or tool message: what `contains` looks at.
        last_message: String,
        /// Why the replies for this stage did not fit, each with its line.
        near: Vec<String>,
    },
}

impl ScriptError {
    /// The next step.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "check the tier's `script:`; it is relative to the spec".into()
            }
            Self::Mistakes { .. } => {
                "a reply reads `- stage: NAME` with one of text, json, tool_calls, fail".into()
            }
            Self::NoReply {
                file,
                stage,
                turn,
                last_message,
                near,
                ..
            } => {
                let mut hint =
                    format!("add to `{file}`: `- {{stage: {stage}, turn: {turn}, text: …}}`");
                for reason in near {
                    hint.push_str("; ");
                    hint.push_str(reason);
                }
                if !near.is_empty() && !last_message.is_empty() {
                    hint.push_str("; the last message begins with: ");
                    hint.push_str(last_message);
                }
                hint
            }
        }
    }
}

fn item_words(item: Option<usize>) -> String {
    item.map(|item| format!(", item {item}"))
        .unwrap_or_default()
}

struct Listed<'a> {
    file: &'a str,
    mistakes: &'a [Mistake],
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            index,
            Mistake {
                line,
                column,
                message,
            },
        ) in self.mistakes.iter().enumerate()
        {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{line}:{column}: {message}", self.file)?;
        }
        Ok(())
    }
}
