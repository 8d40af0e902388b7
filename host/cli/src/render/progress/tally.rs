//! What a run used and met, counted from its events: what the last line says.

use armature_store::{
    Event,
    event::{Denied, Usage},
};

use super::Streamed;
use crate::render::text;

/// So many refusals are kept; the rest is counted.
const MAX_KEPT: usize = 20;

/// Counts of a run and of the runs within it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// Calls that a rule or a person stopped.
    pub(crate) blocked: u64,
    /// Rights that were asked for and not given.
    pub(crate) denied: u64,
    /// Tokens read and written, those of cached replies left out.
    pub(crate) tokens: u64,
    /// Of those read, what the provider had kept.
    pub(crate) cached: u64,
    /// Of those written, hidden reasoning.
    pub(crate) reasoning: u64,
    /// What is known to have been paid.
    pub(crate) cost_usd: f64,
    /// The rights that were asked for first, each with the line that would give it.
    pub(crate) denials: Vec<Denied>,
    /// What the last call of a plugin used.
    pub(crate) last_usage: Option<Usage>,
    /// The answer that was shown while it came, last.
    pub(crate) streamed: Option<Streamed>,
    /// Why the stream of events has not all of them.
    pub(crate) unwritten: Option<String>,
}

impl Tally {
    pub(super) fn count(&mut self, event: &Event) {
        match event {
            Event::RuleVerdict(verdict) if verdict.verdict == "block" => self.blocked += 1,
            Event::Approval {
                approved: false, ..
            } => self.blocked += 1,
            Event::Denied(denied) => {
                self.denied += 1;
                if self.denials.len() < MAX_KEPT {
                    self.denials.push(denied.clone());
                }
            }
            Event::ToolResult(result) => self.last_usage = Some(result.usage),
            Event::ModelResult(result) if result.ok && !result.cached => {
                self.tokens = self
                    .tokens
                    .saturating_add(result.input_tokens)
                    .saturating_add(result.output_tokens);
                self.cached = self.cached.saturating_add(result.cached_input_tokens);
                self.reasoning = self.reasoning.saturating_add(result.reasoning_tokens);
                self.cost_usd += result.cost_usd.unwrap_or(0.0);
            }
            _ => {}
        }
    }

    /// What models used, each in words; nothing where they used nothing.
    pub(crate) fn used(&self) -> Vec<String> {
        let mut used = Vec::new();
        if self.tokens > 0 {
            let parts: Vec<String> = [(self.cached, "cached"), (self.reasoning, "reasoning")]
                .into_iter()
                .filter(|(tokens, _)| *tokens > 0)
                .map(|(tokens, kind)| format!("{} {kind}", text::thousands(tokens)))
                .collect();
            let parts = match parts.is_empty() {
                true => String::new(),
                false => format!(" ({})", parts.join(", ")),
            };
            used.push(format!("{} tokens{parts}", text::thousands(self.tokens)));
        }
        if self.cost_usd > 0.0 {
            used.push(format!("${:.4}", self.cost_usd));
        }
        used
    }

    /// What would give the rights that were refused, each said once.
    pub(crate) fn advice(&self) -> Option<String> {
        let mut hints: Vec<&str> = Vec::new();
        for hint in self
            .denials
            .iter()
            .filter_map(|denied| denied.hint.as_deref())
        {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        (!hints.is_empty()).then(|| hints.join("\n"))
    }
}
