//! What a million tokens cost.
//!
//! List prices of early 2026, in US dollars, without the discounts for cached or batched tokens: an estimate on the high
//! side, good for budgets and comparisons, not an invoice. A spec's own `price:` wins, and may name the price of cached
//! tokens; a model that is not listed has no price rather than a guessed one. What runs on the user's own machine costs
//! nothing.

use serde::{Deserialize, Serialize};

use crate::Usage;
use crate::providers::resolve;

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Read.
    pub input_per_million: f64,
    /// Written.
    pub output_per_million: f64,
    /// Read from the provider's cache; `None`: as the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_per_million: Option<f64>,
}

impl Price {
    /// What this much costs.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "tokens of one call are far below 2^52"
    )]
    pub fn cost(&self, usage: Usage) -> f64 {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let kept = self
            .cached_input_per_million
            .unwrap_or(self.input_per_million);
        ((usage.input_tokens - cached) as f64 * self.input_per_million
            + cached as f64 * kept
            + usage.output_tokens as f64 * self.output_per_million)
            / 1e6
    }
}

/// Servers that people run themselves.
const IS_FREE: &[&str] = &["ollama", "vllm", "lmstudio", "llamacpp"];

/// Provider, model, dollars per million read, dollars per million written.
const PRICES: &[(&str, &str, f64, f64)] = &[
    ("openai", "gpt-5", 1.25, 10.0),
    ("openai", "gpt-5-mini", 0.25, 2.0),
    ("openai", "gpt-5-nano", 0.05, 0.4),
    ("openai", "gpt-4.1", 2.0, 8.0),
    ("openai", "gpt-4.1-mini", 0.4, 1.6),
    ("openai", "gpt-4.1-nano", 0.1, 0.4),
    ("openai", "gpt-4o", 2.5, 10.0),
    ("openai", "gpt-4o-mini", 0.15, 0.6),
    ("openai", "o3", 2.0, 8.0),
    ("openai", "o4-mini", 1.1, 4.4),
    ("anthropic", "claude-opus-4-5", 5.0, 25.0),
    ("anthropic", "claude-opus-4-1", 15.0, 75.0),
    ("anthropic", "claude-sonnet-4-5", 3.0, 15.0),
    ("anthropic", "claude-sonnet-4", 3.0, 15.0),
    ("anthropic", "claude-haiku-4-5", 1.0, 5.0),
    ("anthropic", "claude-3-5-haiku", 0.8, 4.0),
    ("gemini", "gemini-2.5-pro", 1.25, 10.0),
    ("gemini", "gemini-2.5-flash", 0.3, 2.5),
    ("gemini", "gemini-2.5-flash-lite", 0.1, 0.4),
    ("groq", "llama-3.3-70b-versatile", 0.59, 0.79),
    ("groq", "llama-3.1-8b-instant", 0.05, 0.08),
    ("deepseek", "deepseek-chat", 0.28, 0.42),
    ("deepseek", "deepseek-reasoner", 0.28, 0.42),
];

/// What a tier's model costs without a `price:` of its own, if that is known: `provider` and `model` as a spec has them,
/// and whether it has an `api_base`, with which a model's name means what it says.
#[must_use]
pub fn listed_price(provider: &str, model: &str, has_base: bool) -> Option<Price> {
    let (row, model) = resolve(provider, model, has_base)?;
    listed(row.name, model)
}

/// The listed price. A model's dated releases cost what the model costs.
pub(crate) fn listed(provider: &str, model: &str) -> Option<Price> {
    if IS_FREE.contains(&provider) {
        return Some(Price {
            input_per_million: 0.0,
            output_per_million: 0.0,
            cached_input_per_million: None,
        });
    }
    // OpenRouter passes prices on and names models `maker/model`.
    let (provider, model) = match model.split_once('/') {
        Some((maker, model)) if provider == "openrouter" => (maker, model),
        _ => (provider, model),
    };
    let row = PRICES
        .iter()
        .find(|(maker, name, ..)| *maker == provider && is_release_of(model, name))?;
    Some(Price {
        input_per_million: row.2,
        output_per_million: row.3,
        cached_input_per_million: None,
    })
}

/// `gpt-4o-2024-08-06` is a release of `gpt-4o`; `gpt-4o-mini` is not.
fn is_release_of(model: &str, name: &str) -> bool {
    match model.strip_prefix(name) {
        Some("" | "-latest") => true,
        Some(rest) => rest.strip_prefix(['-', '@']).is_some_and(|date| {
            date.len() >= 8 && date.chars().all(|c| c.is_ascii_digit() || c == '-')
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_and_its_dated_releases_have_one_price_and_its_siblings_their_own() {
        let input = |provider, model| listed(provider, model).map(|price| price.input_per_million);
        assert_eq!(input("openai", "gpt-4o"), Some(2.5));
        assert_eq!(input("openai", "gpt-4o-2024-08-06"), Some(2.5));
        assert_eq!(input("openai", "gpt-4o-mini"), Some(0.15));
        assert_eq!(input("openrouter", "openai/gpt-4o-mini"), Some(0.15));
        assert_eq!(input("anthropic", "claude-sonnet-4-5-20250929"), Some(3.0));
        assert_eq!(input("openai", "gpt-4o-audio-preview"), None);
        assert_eq!(input("ollama", "gpt-4o"), Some(0.0));
    }

    #[test]
    fn cost_counts_both_directions() {
        let price = Price {
            input_per_million: 2.0,
            output_per_million: 10.0,
            cached_input_per_million: None,
        };
        let usage = Usage {
            input_tokens: 500_000,
            output_tokens: 100_000,
            cached_input_tokens: 400_000,
            reasoning_tokens: 50_000,
        };
        assert!((price.cost(usage) - 2.0).abs() < 1e-12);
        let with_cache = Price {
            cached_input_per_million: Some(0.5),
            ..price
        };
        assert!((with_cache.cost(usage) - 1.4).abs() < 1e-12);
    }
}
