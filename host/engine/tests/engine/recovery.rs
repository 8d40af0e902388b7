//! What surrounds every kind of stage.

use std::time::{Duration, Instant};

use armature_engine::Failure;
use serde_json::json;

use crate::world::World;

fn scripted(script: &str, stage: &str) -> (String, String) {
    let spec = format!(
        "model_tiers: {{ small: {{ provider: scripted, model: m, script: script.yml }} }}\nstages:\n{stage}"
    );
    (format!("replies:\n{script}"), spec)
}

#[tokio::test]
async fn skip_if_and_condition_have_the_originals_truth() {
    let world = World::new();
    for (text, truthy) in [
        ("true", true),
        ("True", true),
        ("1", true),
        ("yes", true),
        ("{{ 1 }}", true),
        ("{{ x > 3 }}", true),
        ("{{ missing }}", false),
        ("{{ missing.a.b }}", false),
        ("{{ [1] }}", false),
        ("{{ 2 }}", false),
        ("x > 3", false),
        ("{{ missing > 3 }}", false),
    ] {
        let spec = format!(
            "stages:\n  - {{ id: a, skip_if: \"{text}\", tool_call: {{ name: file_read, args: {{ path: a }} }} }}\n  - {{ id: b, condition: \"{text}\", tool_call: {{ name: file_read, args: {{ path: a }} }} }}\n"
        );
        let outputs = world.outputs(&spec, json!({"x": 5})).await;
        assert_eq!(
            outputs["a"] == json!({"_skipped": true}),
            truthy,
            "skip_if {text}"
        );
        assert_eq!(
            outputs["b"] == json!({"_skipped": true}),
            !truthy,
            "condition {text}"
        );
    }
}

#[tokio::test]
async fn a_failure_can_become_the_value() {
    let world = World::new();
    let spec = "stages:\n  - { id: a, fail_as_value: true, tool_call: { name: file_read, args: { path: '../x' } } }\n  - { id: b, depends_on: [a], condition: '{{ a._failed }}', tool_call: { name: file_read, args: { path: y } } }\n";
    let report = world.run(spec, json!({})).await.unwrap();
    assert_eq!(report.outputs["a"]["_failed"], true);
    assert!(
        report.outputs["a"]["_failed_type"].is_string()
            && report.outputs["a"]["_failed_reason"].is_string()
    );
    assert_eq!(report.outputs["b"], json!({"error": "File not found: y"}));
    assert_eq!(report.summary.stages_failed, 1);
}

#[tokio::test]
async fn a_stage_is_tried_until_its_result_is_right() {
    let world = World::new();
    let (script, spec) = scripted(
        "  - { stage: a, times: 2, text: no }\n  - { stage: a, text: done }\n",
        "  - id: a\n    role: { name: r, type: worker, description: 'try {{ _retry_attempt }} {{ _last_result.content }}' }\n    on_fail: { loop: { stage: a, max: 3, until: \"{{ content == 'done' }}\", backoff_s: 0.001 } }\n",
    );
    world.file("script.yml", &script);
    let mut request = world.request(json!({}));
    request.use_cache = false;
    let report = world.run_with(&spec, request).await.unwrap();
    assert_eq!(report.outputs["a"], json!({"content": "done"}));
    assert_eq!(world.watcher.count("retry_attempt"), 2);
    assert_eq!(world.watcher.count("stage_start"), 3);
}

#[tokio::test]
async fn when_all_tries_are_used_up_the_last_failure_is_the_stages() {
    let world = World::new();
    let (script, spec) = scripted(
        "  - { stage: a, fail: auth }\n",
        "  - id: a\n    role: { name: r, type: worker, description: d }\n    on_fail: { loop: { stage: a, max: 2 } }\n",
    );
    world.file("script.yml", &script);
    let error = world.run(&spec, json!({})).await.unwrap_err();
    assert!(
        matches!(error.failure(), Some(Failure::Model(_))),
        "{error}"
    );
    assert_eq!(world.watcher.count("stage_start"), 3);
}

#[tokio::test]
async fn a_block_is_not_tried_again() {
    let world = World::new();
    let spec = "safety_rules: [{ tool: '*', action: block, message: no }]\nstages:\n  - { id: a, tool_call: { name: file_read, args: { path: a } }, on_fail: { loop: { stage: a, max: 5 } } }\n";
    world.run(spec, json!({})).await.unwrap_err();
    assert_eq!(world.watcher.count("stage_start"), 1);
}

#[tokio::test]
async fn a_timeout_ends_the_work_of_every_attempt_together() {
    let world = World::new();
    let (script, spec) = scripted(
        "  - { stage: a, delay_ms: 60000, text: late }\n",
        "  - id: a\n    timeout_s: 0.1\n    role: { name: r, type: worker, description: d }\n    on_fail: { loop: { stage: a, max: 5 } }\n",
    );
    world.file("script.yml", &script);
    let began = Instant::now();
    let error = world.run(&spec, json!({})).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(
        error.to_string(),
        "stage `a` failed: Stage 'a' timed out after 0.1s"
    );
}

#[tokio::test]
async fn results_are_cut_to_size_and_keep_their_type() {
    let world = World::new();
    let spec = "contracts: { output_max_chars: 4 }\nstages:\n  - { id: w, tool_call: { name: file_write, args: { path: long-name.txt, content: x } } }\n";
    let outputs = world.outputs(spec, json!({})).await;
    assert_eq!(
        outputs["w"],
        json!({"written": "long...[truncated]", "_truncated": true})
    );
}
