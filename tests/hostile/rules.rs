//! Rules: they import nothing, see one event, and a rule that fails has no verdict.

use armature_grants::{LimitId, Limits};
use armature_sandbox::{
    CallError, Caller, LoadError, Outcome, Phase, RuleEvent, Spending, Verdict,
};
use armature_tests::{Guest, Host, compiled};
use serde_json::{Value, json};

fn event(config: Value) -> RuleEvent {
    RuleEvent {
        phase: Phase::Pre,
        tool: "shell".into(),
        plugin: "shell".into(),
        arguments: json!({"command": "rm -rf /"}),
        result: None,
        stage: "s".into(),
        caller: Caller::Model,
        reversibility: "none".into(),
        spent: Spending::default(),
        config,
    }
}

async fn check(host: &Host, guest: &Guest) -> Outcome<Verdict> {
    let plugin = host.load(&guest.build());
    let outcome = host
        .sandbox
        .check_rule(&plugin, &event(json!({})), host.limits.clone())
        .await;
    host.still_serves(&plugin).await;
    outcome
}

/// A verdict of this case with the text at 1024.
fn verdict(case: u8, length: usize) -> Guest {
    Guest::rule(&format!(
        "(i32.store8 (i32.const 256) (i32.const {case})) (i32.store (i32.const 260) (i32.const 1024))
         (i32.store (i32.const 264) (i32.const {length})) (i32.const 256)"
    ))
}

#[tokio::test]
async fn a_rule_that_imports_anything_is_refused() {
    let host = Host::new();
    let rule = "(core module $m (memory (export \"memory\") 1) (func (export \"f\")))
        (core instance $i (instantiate $m))
        (instance $rule) (export \"armature:plugin/rule-api@0.1.0\" (instance $rule))";
    for import in [
        "armature:plugin/log@0.1.0",
        "armature:plugin/kv@0.1.0",
        "wasi:random/random@0.2.0",
        "wasi:clocks/wall-clock@0.2.0",
    ] {
        let text = format!("(component (import \"{import}\" (instance)) {rule})");
        let error = host.try_load(&wat::parse_str(text).unwrap()).unwrap_err();
        assert!(
            matches!(&error, LoadError::RuleImports { import: named, .. } if named == import),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_committed_rules_import_nothing() {
    let host = Host::new();
    for name in ["deny-pattern", "spending-cap"] {
        let plugin = host.load(&compiled(name));
        assert!(plugin.kinds().rule && plugin.imports().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_rule_that_never_answers_is_stopped_and_has_no_verdict() {
    let forever = Guest::rule("(loop $for_ever (br $for_ever)) unreachable");
    let host = Host::new().deadline(200);
    host.was_stopped(&check(&host, &forever).await, LimitId::Timeout);
    let host = Host::new().limited(|limits| limits.fuel = 1_000_000);
    host.was_stopped(&check(&host, &forever).await, LimitId::Fuel);
}

#[tokio::test]
async fn a_rule_that_crashes_has_no_verdict() {
    let outcome = check(&Host::new(), &Guest::rule("unreachable")).await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { .. })),
        "{:?}",
        outcome.result
    );
    // There is no sixth case.
    let outcome = check(&Host::new(), &verdict(5, 1)).await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { .. })),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn the_text_of_a_verdict_is_short_and_clean() {
    let mut text = b"\x1b[2Jno\nno".to_vec();
    text.resize(20_000, b'x');
    let guest = verdict(4, text.len()).data(1024, &text);
    let outcome = check(&Host::new(), &guest).await;
    let Ok(Verdict::Block(text)) = outcome.result else {
        panic!("{:?}", outcome.result)
    };
    assert!(
        text.starts_with("[2Jno no") && text.len() <= 1_000,
        "{text:.20}"
    );
}

#[tokio::test]
async fn the_same_event_always_gets_the_same_verdict() {
    // Counts its own calls in memory and blocks the second: it never comes to a second.
    let guest = Guest::rule(
        "(i32.store (i32.const 2048) (i32.add (i32.load (i32.const 2048)) (i32.const 1)))
         (i32.store8 (i32.const 256) (select (i32.const 4) (i32.const 0) (i32.gt_u (i32.load (i32.const 2048)) (i32.const 1))))
         (i32.const 256)",
    );
    let host = Host::new();
    let plugin = host.load(&guest.build());
    for _ in 0..20 {
        let outcome = host
            .sandbox
            .check_rule(&plugin, &event(json!({})), Limits::standard())
            .await;
        assert_eq!(outcome.result.unwrap(), Verdict::Allow);
    }
}

#[tokio::test]
async fn a_plugin_that_is_no_rule_has_no_verdict() {
    let host = Host::new();
    let plugin = host.load(&Guest::echo().build());
    let outcome = host
        .sandbox
        .check_rule(&plugin, &event(json!({})), Limits::standard())
        .await;
    assert!(
        matches!(outcome.result, Err(CallError::NoSuchExport { .. })),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn an_adapter_is_called_under_the_same_limits() {
    let host = Host::new().deadline(200);
    let plugin = host.load(&Guest::adapter("(loop $for_ever (br $for_ever)) unreachable").build());
    let outcome = host
        .sandbox
        .run_adapter(&plugin, &json!({}), &json!({}), host.call_with())
        .await;
    host.was_stopped(&outcome, LimitId::Timeout);
    let tool = host.load(&Guest::echo().build());
    let outcome = host
        .sandbox
        .run_adapter(&tool, &json!({}), &json!({}), host.call_with())
        .await;
    assert!(
        matches!(outcome.result, Err(CallError::NoSuchExport { .. })),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn what_a_rule_is_asked_is_limited_in_size() {
    let host = Host::new().limited(|limits| (limits.input, limits.output) = (1_000, 500));
    let plugin = host.load(&verdict(0, 0).build());
    let mut large = event(json!({}));
    large.arguments = json!("x".repeat(2_000));
    let outcome = host
        .sandbox
        .check_rule(&plugin, &large, host.limits.clone())
        .await;
    assert!(
        matches!(
            outcome.result,
            Err(CallError::Limit {
                limit: LimitId::Input,
                allowed: 1_500,
                ..
            })
        ),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn arguments_and_a_result_that_fit_their_limits_fit_a_rule() {
    let host = Host::new().limited(|limits| (limits.input, limits.output) = (3_000, 3_000));
    let plugin = host.load(&verdict(0, 0).build());
    let mut after = event(json!({}));
    after.phase = Phase::Post;
    after.arguments = json!("x".repeat(2_900));
    after.result = Some(json!("y".repeat(2_900)));
    let outcome = host
        .sandbox
        .check_rule(&plugin, &after, host.limits.clone())
        .await;
    assert_eq!(outcome.result.unwrap(), Verdict::Allow);
}
