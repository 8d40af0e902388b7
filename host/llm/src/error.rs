//! What can go wrong with a model, and what to do about it.
//!
//! Every message says which model, what happened and, in [`LlmError::hint`], the next step. Text that a server sent is
//! cut and scrubbed of the key before it gets here: no variant can carry a secret.

use std::time::Duration;

use crate::scripted::ScriptError;

/// A failed call or connection.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The key is missing, wrong, or not allowed to use this model.
    #[error("{model}: not authorized (HTTP {status}): {detail}")]
    Auth {
        /// The model's id.
        model: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// The account has no money left.
    #[error("{model}: the account has no credit left: {detail}")]
    Credits {
        /// The model's id.
        model: String,
        /// What the server said.
        detail: String,
    },
    /// Too many requests.
    #[error("{model}: rate limited{}{}: {detail}", asked(*.retry_after), made(*.tries))]
    RateLimited {
        /// The model's id.
        model: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the server said.
        detail: String,
        /// How many tries were made.
        tries: u32,
    },
    /// The server failed or has no capacity.
    #[error("{model}: the provider is overloaded or failing (HTTP {status}){}: {detail}", made(*.tries))]
    Overloaded {
        /// The model's id.
        model: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the server said.
        detail: String,
        /// How many tries were made.
        tries: u32,
    },
    /// No answer in time.
    #[error("{model}: no complete answer in time{}: {detail}", made(*.tries))]
    Timeout {
        /// The model's id.
        model: String,
        /// Which limit ran out.
        detail: String,
        /// How many tries were made.
        tries: u32,
        /// Would another try take as long?
        is_final: bool,
    },
    /// The server could not be reached, or the connection broke.
    #[error("{model}: the connection failed{}: {detail}", made(*.tries))]
    Connect {
        /// The model's id.
        model: String,
        /// What failed.
        detail: String,
        /// How many tries were made.
        tries: u32,
    },
    /// The prompt, or the conversation by now, is longer than the model can read.
    #[error("{model}: the prompt is longer than the model can read: {detail}")]
    TooLong {
        /// The model's id.
        model: String,
        /// What the server said.
        detail: String,
    },
    /// The provider's filter for content would not let the prompt through.
    #[error("{model}: the provider's content filter refused the prompt: {detail}")]
    Filtered {
        /// The model's id.
        model: String,
        /// What the server said.
        detail: String,
    },
    /// The server refuses the request itself: another try would be refused too.
    #[error("{model}: the request was refused (HTTP {status}): {detail}")]
    BadRequest {
        /// The model's id.
        model: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// The answer is not what the protocol promises, or is larger than allowed.
    #[error("{model}: the reply could not be used: {detail}")]
    BadReply {
        /// The model's id.
        model: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The connection cannot be set up from what the spec says.
    #[error("{what}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to write instead.
        hint: String,
    },
    /// The script of a scripted model is wrong, or has no reply for this request.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl LlmError {
    /// Whether the same request may succeed later, unchanged.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Overloaded { .. }
                | Self::Timeout {
                    is_final: false,
                    ..
                }
                | Self::Connect { .. }
        )
    }

    /// How long the server asked to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// The next step, as one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Auth { .. } => {
                "check that `api_key_env` names the variable with the key, and that the key may use this model".into()
            }
            Self::Credits { .. } => "add credit at the provider, or choose another tier".into(),
            Self::RateLimited { .. } => "lower `fan_out`, wait, or choose another tier".into(),
            Self::Overloaded { .. } => "try again later, or choose another tier".into(),
            Self::Timeout { .. } => "give the stage a longer `timeout_s` (without one a call has 600 s), ask for less, or choose a faster tier".into(),
            Self::Connect { .. } => "check `api_base`, and that the server runs and can be reached from here".into(),
            Self::TooLong { .. } => {
                "give the stage less: `signature.input`, `output_max_chars`, a tool that returns less; or choose a model that reads more".into()
            }
            Self::Filtered { .. } => "reword the role, leave out what the filter objects to, or choose another tier".into(),
            Self::BadRequest { status: 404, .. } => {
                "check the tier's `model` and `api_base`: the server knows no such model or path".into()
            }
            Self::BadRequest { detail, .. } if detail.contains("does not support tools") => {
                "set `tool_calling: false` for this tier: tools are then described in the prompt".into()
            }
            Self::BadRequest { .. } => "the server's words above say which field it refuses".into(),
            Self::BadReply { .. } => {
                "check that `api_base` speaks this provider's protocol, or choose another model".into()
            }
            Self::Config { hint, .. } => hint.clone(),
            Self::Script(error) => error.hint(),
        }
    }

    /// A key that no header can hold.
    pub(crate) fn bad_key(model: &str) -> Self {
        Self::Config {
            what: format!("{model}: the API key has characters that no HTTP header can carry"),
            hint: "check the variable that `api_key_env` names: a key is one line of letters, digits and signs".into(),
        }
    }

    /// Notes how many tries were made.
    pub(crate) fn after(mut self, made: u32) -> Self {
        match &mut self {
            Self::RateLimited { tries, .. }
            | Self::Overloaded { tries, .. }
            | Self::Timeout { tries, .. }
            | Self::Connect { tries, .. } => *tries = made,
            _ => {}
        }
        self
    }
}

fn made(tries: u32) -> String {
    if tries > 1 {
        format!(", {tries} times")
    } else {
        String::new()
    }
}

fn asked(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(" (the server asks to wait {} s)", wait.as_secs_f64()))
        .unwrap_or_default()
}
