//! A decision of a rule in a fresh instance, and of twenty rules one after another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use armature_grants::Limits;
use armature_sandbox::{Caller, Phase, Plugin, RuleEvent, Spending};
use armature_tests::{Guest, Host, compiled};
use serde_json::{Value, json};

use crate::{
    bare,
    row::{Rounds, Row, median, p50},
};

fn event(config: Value) -> RuleEvent {
    RuleEvent {
        phase: Phase::Pre,
        tool: "shell".into(),
        plugin: "shell".into(),
        arguments: json!({"command": "ls -la"}),
        result: None,
        stage: "build".into(),
        caller: Caller::Model,
        reversibility: "none".into(),
        spent: Spending::default(),
        config,
    }
}

fn bare_event() -> bare::rule::exports::armature::plugin::rule_api::Event {
    use bare::rule::exports::armature::plugin::rule_api::{
        Caller, Event, Phase, Reversibility, Spending,
    };
    Event {
        phase: Phase::Pre,
        tool: "shell".into(),
        plugin: "shell".into(),
        arguments: r#"{"command":"ls -la"}"#.into(),
        result: None,
        stage: "build".into(),
        caller: Caller::Model,
        reversibility: Reversibility::None,
        spent: Spending {
            cost_usd: 0.0,
            tokens: 0,
            llm_calls: 0,
            tool_calls: 0,
        },
        config: "{}".into(),
    }
}

/// The median of asking so many rules, so often.
async fn asking(host: &Host, rules: &[Arc<Plugin>], event: &RuleEvent, count: usize) -> Duration {
    let mut times = Vec::with_capacity(count);
    for round in 0..count + count / 10 {
        let started = Instant::now();
        for rule in rules {
            let outcome = host
                .sandbox
                .check_rule(rule, event, Limits::standard())
                .await;
            outcome.result.expect("a verdict");
        }
        if round >= count / 10 {
            times.push(started.elapsed());
        }
    }
    median(times)
}

pub(crate) async fn measure(rounds: &Rounds) -> Vec<Row> {
    let count = rounds.of(3_000);
    let allow = Guest::rule("(i32.const 256)").build();
    let host = Host::new();
    let ours = asking(&host, &[host.load(&allow)], &event(json!({})), count).await;

    let engine = bare::engine();
    let pre = bare::prepared(&engine, &allow);
    let indices = bare::rule::RuleExportsIndices::new(&pre).unwrap();
    let asked = bare_event();
    let theirs = p50(count, || bare::check(&pre, &indices, &asked));

    // As a spec has them: twenty entries of one plugin, with a pattern.
    let twenty: Vec<Arc<Plugin>> = vec![host.load(&compiled("deny-pattern")); 20];
    let config = json!({"pattern": r"(?i)rm\s+-rf"});
    let all = asking(&host, &twenty, &event(config), count / 10).await;
    vec![
        Row::time(
            "rule decision, fresh instance",
            ours,
            "≤ 15 µs",
            Duration::from_micros(15),
            Some(theirs),
        ),
        Row::time(
            "20 rules of the real deny-pattern, one after another",
            all,
            "< 500 µs",
            Duration::from_micros(500),
            Some(theirs * 20),
        ),
    ]
}
