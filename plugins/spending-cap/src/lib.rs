//! A rule against runs that spend too much.
//!
//! ```yaml
//! safety_rules:
//!   - plugin: spending-cap
//!     config: { max_usd: 0.50, max_tool_calls: 100 }
//! ```
//!
//! The cap is on what was spent before a call: the call that reaches it is made, the next one is not. Without any cap
//! the configuration is a mistake and blocks, rather than look like protection.

use armature_plugin::prelude::*;
use armature_plugin::{Phase, Spending};

/// What the workflow's author wrote under `config`: the most that the run may have used.
#[data]
#[serde(deny_unknown_fields)]
struct Config {
    /// US dollars, for model calls with a known price.
    max_usd: Option<f64>,
    /// Tokens of model calls, in and out.
    max_tokens: Option<u64>,
    /// Model calls.
    max_llm_calls: Option<u64>,
    /// Tool calls.
    max_tool_calls: Option<u64>,
}

fn check(event: &Event, config: Config) -> Result<Verdict, String> {
    if event.phase == Phase::Post {
        return Ok(Verdict::Allow);
    }
    Ok(match reached(&event.spent, &config)? {
        Some(cap) => Verdict::Block(format!("the run has reached its cap: {cap}")),
        None => Verdict::Allow,
    })
}

/// The first cap that is reached, in words.
fn reached(spent: &Spending, config: &Config) -> Result<Option<String>, String> {
    let counts = [
        ("tokens", spent.tokens, config.max_tokens),
        ("model calls", spent.llm_calls, config.max_llm_calls),
        ("tool calls", spent.tool_calls, config.max_tool_calls),
    ];
    if config.max_usd.is_none() && counts.iter().all(|(_, _, cap)| cap.is_none()) {
        return Err(
            "config: set at least one of max_usd, max_tokens, max_llm_calls, max_tool_calls".into(),
        );
    }
    if let Some(cap) = config.max_usd {
        if !(cap.is_finite() && cap >= 0.0) {
            return Err(format!(
                "config: `max_usd` is an amount of dollars, not {cap}"
            ));
        }
        // Said this way round, an amount that is no number blocks.
        let below = spent.cost_usd < cap;
        if !below {
            return Ok(Some(format!("${:.4} of ${cap:.4}", spent.cost_usd)));
        }
    }
    Ok(counts.iter().find_map(|(what, used, cap)| {
        cap.filter(|cap| used >= cap)
            .map(|cap| format!("{used} of {cap} {what}"))
    }))
}

export_rule!(check);

#[cfg(test)]
mod tests {
    use super::*;
    use armature_plugin::serde_json::from_value;

    const SPENT: Spending = Spending {
        cost_usd: 0.25,
        tokens: 1_000,
        llm_calls: 3,
        tool_calls: 7,
    };

    fn judge(spent: Spending, config: Value) -> Result<Option<String>, String> {
        reached(&spent, &from_value(config).unwrap())
    }

    #[test]
    fn what_was_spent_may_be_less_than_the_cap_and_not_the_same() {
        assert_eq!(
            judge(SPENT, json!({"max_usd": 0.26, "max_tool_calls": 8})),
            Ok(None)
        );
        assert_eq!(
            judge(SPENT, json!({"max_usd": 0.25})),
            Ok(Some("$0.2500 of $0.2500".into()))
        );
        assert_eq!(
            judge(SPENT, json!({"max_tokens": 1000})),
            Ok(Some("1000 of 1000 tokens".into()))
        );
        assert_eq!(
            judge(SPENT, json!({"max_llm_calls": 2})),
            Ok(Some("3 of 2 model calls".into()))
        );
        assert_eq!(
            judge(SPENT, json!({"max_tool_calls": 0})),
            Ok(Some("7 of 0 tool calls".into()))
        );
    }

    #[test]
    fn an_amount_that_is_no_number_counts_as_too_much() {
        let spent = Spending {
            cost_usd: f64::NAN,
            ..SPENT
        };
        assert!(matches!(judge(spent, json!({"max_usd": 1.0})), Ok(Some(_))));
    }

    #[test]
    fn a_configuration_that_caps_nothing_is_refused() {
        assert!(judge(SPENT, json!({})).is_err());
        assert!(judge(SPENT, json!({"max_usd": -1.0})).is_err());
        assert!(from_value::<Config>(json!({"max_dollars": 1})).is_err());
    }
}
