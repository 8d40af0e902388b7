//! Safety rules over real calls: operators, actions, modes, and who else holds to them.

use std::sync::Arc;

use armature_engine::{Answer, GateAnswer};
use armature_store::Event;
use serde_json::json;

use crate::world::{Person, World};

/// A write to this path, under these rules.
fn write(rules: &str, path: &str) -> String {
    format!(
        "safety_rules:\n{rules}stages:\n  - {{ id: w, tool_call: {{ name: file_write, args: {{ path: '{path}', content: 'a {{{{ word }}}} z' }} }} }}\n"
    )
}

async fn is_blocked(world: &World, rule: &str) -> bool {
    let spec = write(&format!("  - {rule}\n"), "x.txt");
    match world.run(&spec, json!({"word": "rm -rf"})).await {
        Ok(_) => false,
        Err(error) => {
            assert!(error.to_string().contains("blocked"), "{error}");
            true
        }
    }
}

#[tokio::test]
async fn each_operator_is_asked_about_the_rendered_argument() {
    let world = World::new();
    for (op, value, blocked) in [
        ("contains", "rm -rf", true),
        ("contains", "{{", false),
        ("not_contains", "rm", false),
        ("not_contains", "{{", true),
        ("equals", "a rm -rf z", true),
        ("equals", "a {{ word }} z", false),
        ("not_equals", "a rm -rf z", false),
        ("not_equals", "x", true),
        ("matches_regex", "rm +-r", true),
        ("matches_regex", "^rm", false),
        ("truthy", "", true),
    ] {
        let rule = format!(
            "{{ tool: file_write, condition: {{ field: content, op: {op}, value: '{value}' }}, action: block, message: no }}"
        );
        assert_eq!(is_blocked(&world, &rule).await, blocked, "{op} {value}");
        // A field that is not there meets no condition.
        let absent = rule.replace("field: content", "field: absent");
        assert!(!is_blocked(&world, &absent).await, "{op} of nothing");
    }
}

#[tokio::test]
async fn a_rule_without_a_condition_is_about_every_call_of_its_tool_and_no_other() {
    let world = World::new();
    assert!(is_blocked(&world, "{ tool: file_write, action: block }").await);
    assert!(is_blocked(&world, "{ tool: '*', action: block }").await);
    assert!(!is_blocked(&world, "{ tool: file_read, action: block }").await);
}

#[tokio::test]
async fn a_rule_can_ask_whether_a_call_can_be_undone() {
    let world = World::new();
    for (word, blocked) in [("partial", true), ("none", false), ("full", false)] {
        let rule = format!(
            "{{ tool: '*', condition: {{ field: _tool_reversibility, op: equals, value: {word} }}, action: block }}"
        );
        assert_eq!(is_blocked(&world, &rule).await, blocked, "{word}");
    }
    let adapter = "safety_rules: [{ tool: '*', condition: { field: _tool_reversibility, op: equals, value: unknown }, action: block, message: who knows }]\nadapters: { stats: { type: plugin, plugin: text-stats, args: { text: x } } }\nstages: [{ id: s, adapter: stats }]\n";
    let error = world.run(adapter, json!({})).await.unwrap_err();
    assert!(error.to_string().contains("who knows"), "{error}");
}

#[tokio::test]
async fn the_most_restrictive_rule_wins_and_an_allow_lifts_no_block() {
    let world = World::new();
    // Side by side on one tool they are a mistake that validation finds; by way of `*` from a plugin they are not.
    let rules = "  - { tool: file_write, action: allow }\n  - { plugin: deny-pattern, tool: file_write, config: { pattern: 'rm', message: no deleting } }\n";
    let error = world
        .run(&write(rules, "x.txt"), json!({"word": "rm"}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no deleting"), "{error}");
    let rules = "  - { tool: file_write, action: warn, message: first }\n  - { tool: file_write, action: block, message: second }\n  - { tool: file_write, action: log, message: third }\n";
    let error = world
        .run(&write(rules, "x.txt"), json!({"word": "x"}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("second"), "{error}");
}

#[tokio::test]
async fn an_allow_exempts_from_the_questions_behind_it_and_not_from_those_before() {
    let world = World::new();
    let harmless = "{ tool: file_write, condition: { field: path, op: contains, value: draft }, action: allow }";
    let ask = "{ tool: file_write, action: require_approval, message: look }";
    let run = async |rules: String, path: &str| {
        let person = Person::new(Answer::Approved, GateAnswer::Unavailable);
        let mut request = world.request(json!({"word": "x"}));
        request.approver = Arc::clone(&person) as _;
        world.run_with(&write(&rules, path), request).await.unwrap();
        person.asked.lock().unwrap().len()
    };
    assert_eq!(
        run(format!("  - {harmless}\n  - {ask}\n"), "draft.txt").await,
        0
    );
    assert_eq!(
        run(format!("  - {harmless}\n  - {ask}\n"), "final.txt").await,
        1
    );
    assert_eq!(
        run(format!("  - {ask}\n  - {harmless}\n"), "draft.txt").await,
        1
    );
}

#[tokio::test]
async fn a_refusal_is_a_block_that_is_counted_and_not_tried_again() {
    let world = World::new();
    let spec = "safety_rules: [{ tool: file_write, action: require_approval, message: look }]\nstages:\n  - { id: w, fail_as_value: true, on_fail: { loop: { max: 3 } }, tool_call: { name: file_write, args: { path: x, content: y } } }\n";
    let person = Person::new(Answer::Refused, GateAnswer::Unavailable);
    let mut request = world.request(json!({}));
    request.approver = Arc::clone(&person) as _;
    let report = world.run_with(spec, request).await.unwrap();
    assert_eq!(person.asked.lock().unwrap().len(), 1);
    assert_eq!(report.outputs["w"]["_failed_type"], "ToolBlocked");
    assert_eq!(report.summary.rogue_signals, 1);
    assert_eq!(world.read("x"), None);
}

#[tokio::test]
async fn what_warns_and_what_logs_lets_the_call_through_and_is_told_with_its_words() {
    let world = World::new();
    let rules = "  - { tool: file_write, action: warn, message: careful }\n  - { tool: file_write, action: log, message: noted }\n";
    world
        .outputs(&write(rules, "x.txt"), json!({"word": "x"}))
        .await;
    assert!(world.read("x.txt").is_some());
    let told: Vec<(String, String)> = world
        .watcher
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::RuleVerdict(verdict) => Some((verdict.verdict, verdict.message)),
            _ => None,
        })
        .collect();
    let words = [("warn", "careful"), ("log", "noted")];
    assert_eq!(told, words.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[tokio::test]
async fn strict_mode_without_a_rule_blocks_every_way_to_a_tool() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { turn: 1, tool_calls: [{ name: file_read, arguments: { path: x } }] }\n  - { turn: 2, contains: strict, text: refused }\n",
    );
    let spec = "safety_mode: strict\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nadapters: { stats: { type: plugin, plugin: text-stats, args: { text: x } } }\nstages:\n  - { id: t, fail_as_value: true, tool_call: { name: file_read, args: { path: x } } }\n  - { id: s, fail_as_value: true, adapter: stats }\n  - { id: m, role: { name: r, type: worker, description: d, tools: [file_read] } }\n";
    let report = world.run(spec, json!({})).await.unwrap();
    assert_eq!(report.outputs["t"]["_failed_type"], "ToolBlocked");
    assert_eq!(report.outputs["s"]["_failed_type"], "ToolBlocked");
    assert_eq!(report.outputs["m"], json!({"content": "refused"}));
    assert_eq!(report.summary.rogue_signals, 3);
    // Each is told, also the one that only the model heard of.
    let events = world.watcher.all();
    let told = events.iter().filter(|event| {
        matches!(event, Event::RuleVerdict(verdict)
            if verdict.verdict == "block" && verdict.rule == "safety_mode: strict")
    });
    assert_eq!(told.count(), 3);
}
