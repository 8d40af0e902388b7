//! What a run used and met, counted from its events: what the last line says.

use armature_store::Event;

/// Counts of a run and of the runs within it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// Calls that a rule or a person stopped.
    pub(crate) blocked: u64,
    /// Rights that were asked for and not given.
    pub(crate) denied: u64,
    /// Calls of models, those answered from the cache left out.
    pub(crate) model_calls: u64,
    /// Tokens read and written, those of cached replies left out.
    pub(crate) tokens: u64,
    /// What is known to have been paid.
    pub(crate) cost_usd: f64,
    /// Calls of tools and adapters.
    pub(crate) tool_calls: u64,
}

impl Tally {
    pub(super) fn count(&mut self, event: &Event) {
        match event {
            Event::RuleVerdict(verdict) if verdict.verdict == "block" => self.blocked += 1,
            Event::Approval { approved: false, .. } => self.blocked += 1,
            Event::Denied(_) => self.denied += 1,
            Event::ToolIntent(_) => self.tool_calls += 1,
            Event::ModelResult(result) if result.ok && !result.cached => {
                self.model_calls += 1;
                self.tokens = self.tokens.saturating_add(result.input_tokens).saturating_add(result.output_tokens);
                self.cost_usd += result.cost_usd.unwrap_or(0.0);
            }
            _ => {}
        }
    }
}
