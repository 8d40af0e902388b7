//! Items of a fan-out that fail, and files that items are.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;

fn convert(settings: &str) -> String {
    format!(
        "stages:\n  - id: f\n    fan_out: 2\n    partition_key: unit\n    partition_source: '{{{{ units }}}}'\n    {settings}\n    tool_call: {{ name: convert, args: {{ value: 1, from: '{{{{ unit }}}}', to: m }} }}\n"
    )
}

#[tokio::test]
async fn when_every_item_fails_the_stage_fails_as_the_first_did() {
    let world = World::new();
    let error = world
        .run(&convert(""), json!({"units": ["parsec", "ell"]}))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("stage `f` failed") && error.to_string().contains("parsec"),
        "{error}"
    );
}

#[tokio::test]
async fn when_failures_are_values_each_item_has_its_own() {
    let world = World::new();
    let outputs = world
        .outputs(
            &convert("fail_as_value: true"),
            json!({"units": ["parsec", "ell"]}),
        )
        .await;
    let items = outputs["f"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    for (item, unit) in items.iter().zip(["parsec", "ell"]) {
        assert_eq!(item["_failed"], true);
        assert!(item["_failed_type"].is_string());
        assert!(
            item["_fan_out_error"].as_str().unwrap().contains(unit),
            "{item}"
        );
        assert_eq!(item["vulnerabilities"], json!(null));
    }
}

#[tokio::test]
async fn an_item_that_failed_has_no_say_in_a_consensus() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { stage: f, item: 0, fail: auth }\n  - { stage: f, item: 1, text: opinion }\n  - { stage: f, contains: _fan_out_error, json: { heard: failures } }\n  - { stage: f, contains: opinion, json: { heard: opinions } }\n",
    );
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: script.yml }, frontier: { provider: scripted, model: big, script: script.yml } }\nstages:\n  - id: f\n    fan_out: 2\n    fan_in: consensus\n    partition_source: '{{ list }}'\n    role: { name: r, type: worker, description: 'say {{ item }}' }\n";
    let outputs = world.outputs(spec, json!({"list": [1, 2]})).await;
    assert_eq!(outputs["f"], json!({"heard": "opinions"}));
}

#[tokio::test]
async fn children_are_as_many_as_items_and_a_consensus_is_made_of_them() {
    let world = World::new();
    world.file(
        "judge.yml",
        "replies:\n  - { contains: Results, json: { verdict: tea } }\n",
    );
    world.file("child.yml", "name: child\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: 1, from: '{{ item }}', to: m } } }\n");
    let spec = "model_tiers: { frontier: { provider: scripted, model: m, script: judge.yml } }\nstages:\n  - { id: s, subagent_spec: child.yml, fan_out: 3, fan_in: consensus, partition_source: '{{ list }}' }\n";
    let outputs = world.outputs(spec, json!({"list": ["km", "ft"]})).await;
    assert_eq!(outputs["s"], json!({"verdict": "tea"}));
    assert_eq!(
        world.watcher.count("run_start"),
        3,
        "two items, two children"
    );
}

#[tokio::test]
async fn the_time_of_a_stage_holds_for_each_of_its_items() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { item: 1, delay_ms: 60000, text: late }\n  - { text: quick }\n",
    );
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - id: f\n    fan_out: 2\n    timeout_s: 0.3\n    partition_source: '{{ list }}'\n    role: { name: r, type: worker, description: 'say {{ item }}' }\n";
    let began = Instant::now();
    let outputs = world.outputs(spec, json!({"list": [1, 2]})).await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(outputs["f"][0], json!({"content": "quick"}));
    assert_eq!(
        outputs["f"][1],
        json!({"_fan_out_error": "Stage 'f' timed out after 0.3s"})
    );
}

#[tokio::test]
async fn a_file_that_the_stage_may_not_read_is_not_injected_and_counts_as_a_denial() {
    let world = World::new();
    world.file("work/open/a.txt", "shown");
    world.file("work/closed/b.txt", "hidden");
    let spec = r#"
stages:
  - id: f
    fan_out: 2
    grants: { fs: { read: [open], write: ["."] } }
    inject_file_as: text
    partition_source: "{{ paths }}"
    tool_call: { name: file_write, args: { path: "copy-of-{{ item | replace('/', '-') }}", content: "[{{ text }}]" } }
"#;
    let report = world
        .run(spec, json!({"paths": ["open/a.txt", "closed/b.txt"]}))
        .await
        .unwrap();
    assert_eq!(world.read("copy-of-open-a.txt").as_deref(), Some("[shown]"));
    assert_eq!(world.read("copy-of-closed-b.txt").as_deref(), Some("[]"));
    assert_eq!(report.denials, 1);
    assert_eq!(world.watcher.count("denied"), 1);
}

#[tokio::test]
async fn a_file_above_the_operators_ceiling_is_not_injected() {
    let world = World::with(
        "[ceiling]\nfs = { read = [\"open\"], write = [\".\"] }\n",
        &[],
    );
    world.file("work/closed/b.txt", "hidden");
    let spec = "stages:\n  - id: f\n    fan_out: 1\n    inject_file_as: text\n    partition_source: '{{ paths }}'\n    tool_call: { name: file_write, args: { path: copy, content: '[{{ text }}]' } }\n";
    world
        .outputs(spec, json!({"paths": ["closed/b.txt"]}))
        .await;
    assert_eq!(world.read("copy").as_deref(), Some("[]"));
}

#[tokio::test]
async fn a_list_that_a_stage_should_have_given_is_missed_with_the_reason() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: no json }\n");
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: plan, skip_if: '{{ skip }}', output_mode: json, role: { name: r, type: worker, description: d } }\n  - { id: f, depends_on: [plan], fan_out: 2, partition_source: '{{ plan.items }}', tool_call: { name: file_read, args: { path: x } } }\n";
    for (skip, why) in [
        (
            false,
            "Stage 'plan' has no answer in the form that was asked for",
        ),
        (true, "Stage 'plan' was left out"),
    ] {
        let error = world.run(spec, json!({"skip": skip})).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
