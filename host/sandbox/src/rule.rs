//! What a rule is asked and what it answers, in the host's own types.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::rule::exports::armature::plugin::rule_api as wit;

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the call.
    Pre,
    /// After the call.
    Post,
}

/// Who asked for a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// A `tool_call` stage.
    Stage,
    /// The model of a role stage.
    Model,
    /// An adapter.
    Adapter,
    /// Another tool.
    Plugin,
    /// A person at the command line.
    Operator,
}

impl Caller {
    /// The word for it in events and traces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Model => "model",
            Self::Adapter => "adapter",
            Self::Plugin => "plugin",
            Self::Operator => "operator",
        }
    }
}

/// What a run has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Cost of model calls in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// Tokens of model calls, in and out.
    pub tokens: u64,
    /// Model calls.
    pub llm_calls: u64,
    /// Tool calls.
    pub tool_calls: u64,
}

/// A tool call, as a rule sees it.
#[derive(Debug, Clone)]
pub struct RuleEvent {
    /// Before or after.
    pub phase: Phase,
    /// The tool's name, or the adapter's.
    pub tool: String,
    /// The plugin that has it.
    pub plugin: String,
    /// The arguments, as they will be passed.
    pub arguments: Value,
    /// The result, after the call.
    pub result: Option<Value>,
    /// The stage.
    pub stage: String,
    /// Who asked.
    pub caller: Caller,
    /// `full`, `partial`, `none` or `unknown`.
    pub reversibility: String,
    /// What the run has used so far.
    pub spent: Spending,
    /// What the rule was configured with.
    pub config: Value,
}

impl RuleEvent {
    /// Its size on the way in, roughly, in bytes.
    pub(crate) fn size(&self) -> usize {
        let json = |value: &Value| serde_json::to_vec(value).map_or(0, |bytes| bytes.len());
        json(&self.arguments) + self.result.as_ref().map_or(0, json) + json(&self.config)
    }
}

/// What a rule answers, from the least to the most restrictive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "message", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing against it.
    Allow,
    /// Fine, but write it down.
    Log(String),
    /// Fine, but tell somebody.
    Warn(String),
    /// Only if a person agrees.
    RequireApproval(String),
    /// No.
    Block(String),
}

impl From<&RuleEvent> for wit::Event {
    fn from(event: &RuleEvent) -> Self {
        Self {
            phase: match event.phase {
                Phase::Pre => wit::Phase::Pre,
                Phase::Post => wit::Phase::Post,
            },
            tool: event.tool.clone(),
            plugin: event.plugin.clone(),
            arguments: event.arguments.to_string(),
            result: event.result.as_ref().map(ToString::to_string),
            stage: event.stage.clone(),
            caller: match event.caller {
                Caller::Stage => wit::Caller::Stage,
                Caller::Model => wit::Caller::Model,
                Caller::Adapter => wit::Caller::Adapter,
                Caller::Plugin => wit::Caller::Plugin,
                Caller::Operator => wit::Caller::Operator,
            },
            reversibility: match event.reversibility.as_str() {
                "full" => wit::Reversibility::Full,
                "partial" => wit::Reversibility::Partial,
                "none" => wit::Reversibility::None,
                _ => wit::Reversibility::Unknown,
            },
            spent: wit::Spending {
                cost_usd: event.spent.cost_usd,
                tokens: event.spent.tokens,
                llm_calls: event.spent.llm_calls,
                tool_calls: event.spent.tool_calls,
            },
            config: event.config.to_string(),
        }
    }
}

impl From<wit::Verdict> for Verdict {
    fn from(verdict: wit::Verdict) -> Self {
        let clean = |text: String| crate::manifest::plain_text(&text, 1_000);
        match verdict {
            wit::Verdict::Allow => Self::Allow,
            wit::Verdict::Log(text) => Self::Log(clean(text)),
            wit::Verdict::Warn(text) => Self::Warn(clean(text)),
            wit::Verdict::RequireApproval(text) => Self::RequireApproval(clean(text)),
            wit::Verdict::Block(text) => Self::Block(clean(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_ordered_from_the_least_to_the_most_restrictive() {
        let text = || String::from("z");
        let rising = [
            Verdict::Allow,
            Verdict::Log(text()),
            Verdict::Warn(text()),
            Verdict::RequireApproval(text()),
            Verdict::Block(String::new()),
        ];
        assert!(rising.is_sorted());
    }
}
