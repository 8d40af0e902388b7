//! What a model answered.

use serde::{Deserialize, Serialize};

use crate::{Message, ToolCall};

/// One answer, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Its text, possibly empty. For [`crate::Output::Schema`] the JSON, whichever way the provider carried it.
    pub text: String,
    /// The tools it wants called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// What it used.
    pub usage: Usage,
    /// What it cost, `None` where no price is known.
    pub cost_usd: Option<f64>,
    /// Why it stopped.
    pub finish: Finish,
    /// The model that answered, as the provider names it.
    pub model: String,
}

impl Reply {
    /// The reply as a message of the conversation that goes on.
    #[must_use]
    pub fn to_message(&self) -> Message {
        Message::Assistant {
            text: self.text.clone(),
            tool_calls: self.tool_calls.clone(),
        }
    }
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, those from the provider's cache included.
    pub input_tokens: u64,
    /// Tokens written, hidden reasoning included.
    pub output_tokens: u64,
    /// Of the tokens read, those that the provider had kept and charges less for.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Of the tokens written, those of hidden reasoning, where the provider counts them apart.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cached_input_tokens = self
            .cached_input_tokens
            .saturating_add(other.cached_input_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
    }
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    #[default]
    Stop,
    /// It wants tools called.
    ToolCalls,
    /// It hit the longest reply allowed: the text is cut.
    Length,
    /// The provider or the model would not answer.
    Refused,
    /// A reason this version does not know.
    Other,
}
