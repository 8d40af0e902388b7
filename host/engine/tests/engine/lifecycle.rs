//! From inputs to the end of a run.

use std::time::{Duration, Instant};

use armature_engine::RunError;
use armature_store::RunStatus;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn inputs_are_required_filled_and_read_by_type() {
    let world = World::new();
    let spec = "contracts: { inputs: [{ name: a, required: true }, { name: n, type: number, default: 2 }] }\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: '{{ n }}', from: km, to: '{{ a }}' } } }\n";
    assert_eq!(
        world.run(spec, json!({})).await.unwrap_err().to_string(),
        "Required input 'a' missing from context"
    );
    assert_eq!(
        world.outputs(spec, json!({"a": "m"})).await["c"],
        json!(2000.0)
    );
    assert_eq!(
        world.outputs(spec, json!({"a": "m", "n": "3"})).await["c"],
        json!(3000.0)
    );
}

#[tokio::test]
async fn a_promised_output_that_is_missing_fails_the_run() {
    let world = World::new();
    let spec = "contracts: { outputs: [{ stage: w, key: title, required: true }] }\nstages:\n  - { id: w, tool_call: { name: file_write, args: { path: x, content: y } } }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Required output 'title' from stage 'w' missing or None in results"
    );
}

#[tokio::test]
async fn a_failing_stage_stops_its_siblings_and_nothing_goes_on_after_the_run() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { delay_ms: 60000, text: late }\n",
    );
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
stages:
  - { id: slow, role: { name: r, type: worker, description: d } }
  - { id: fails, tool_call: { name: convert, args: { value: 1, from: km, to: parsec } } }
  - { id: never, depends_on: [fails], tool_call: { name: file_write, args: { path: never, content: x } } }
"#;
    let began = Instant::now();
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        matches!(&error, RunError::Stage { stage, .. } if stage == "fails"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(world.read("never"), None);
    let events = world.watcher.all().len();
    tokio::task::yield_now().await;
    assert_eq!(world.watcher.all().len(), events);
    let record = world
        .engine
        .store()
        .unwrap()
        .run(error.run_id().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(record.status, RunStatus::Failed);
}

#[tokio::test]
async fn stages_that_run_last_see_a_failure_too() {
    let world = World::new();
    let spec = r#"
stages:
  - { id: fails, tool_call: { name: convert, args: { value: 1, from: km, to: parsec } } }
  - { id: report, post_run: true, tool_call: { name: file_write, args: { path: report, content: "{{ _diagnostics[0].code }} {{ _diagnostics[0].stage_id }}" } } }
"#;
    world.run(spec, json!({})).await.unwrap_err();
    assert_eq!(world.read("report").as_deref(), Some("stage_failed fails"));
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_stops() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { delay_ms: 60000, text: late }\n",
    );
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: slow, role: { name: r, type: worker, description: d } }\n";
    let request = world.request(json!({}));
    let cancel = request.cancel.clone();
    let plan = world.plan(spec).await.unwrap();
    let run = world.engine.run(&plan, request);
    let stop = async {
        while world.watcher.count("model_intent") == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(run, stop);
    let error = result.unwrap_err();
    assert!(matches!(error, RunError::Cancelled { .. }), "{error}");
    let record = world
        .engine
        .store()
        .unwrap()
        .run(error.run_id().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(record.status, RunStatus::Cancelled);
}

#[tokio::test]
async fn the_contracts_time_ends_a_run() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { delay_ms: 60000, text: late }\n",
    );
    let spec = "contracts: { timeout_hours: 0.00003 }\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: slow, role: { name: r, type: worker, description: d } }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Workflow 'test' exceeded timeout_hours=0.00003"
    );
}

#[tokio::test]
async fn what_a_plugin_keeps_for_the_workflow_is_there_in_the_next_run() {
    let world = World::new();
    let spec = |tool: &str, args: &str| {
        format!(
            "tools: [{{ plugin: notes, grants: {{ kv: workflow }} }}]\nstages:\n  - {{ id: n, tool_call: {{ name: {tool}, args: {args} }} }}\n"
        )
    };
    world
        .outputs(
            &spec("note_add", "{ text: buy tea, tags: [tea] }"),
            json!({}),
        )
        .await;
    let found = world
        .outputs(&spec("note_search", "{ query: tea }"), json!({}))
        .await;
    assert!(found["n"].to_string().contains("buy tea"), "{}", found["n"]);
}

#[tokio::test]
async fn settings_without_effect_are_told() {
    let world = World::new();
    let spec = "memory: {}\ntriggers: [{ type: cron, schedule: '0 9 * * *' }]\nstages: []\n";
    assert_eq!(world.codes(spec).await, ["NOT_YET"]);
}

#[tokio::test]
async fn a_run_starts_with_values_of_the_last_one_that_ended_well() {
    let world = World::new();
    let spec = r#"
continuation: { carry_forward: [{ key: w.written }] }
stages:
  - { id: w, tool_call: { name: file_write, args: { path: "{{ name }}", content: "after [{{ prior_run.written }}]" } } }
  - { id: fails, depends_on: [w], condition: "{{ broken }}", tool_call: { name: file_read, args: { path: "../x" } } }
"#;
    world.outputs(spec, json!({"name": "one"})).await;
    world
        .run(spec, json!({"name": "two", "broken": true}))
        .await
        .unwrap_err();
    world.outputs(spec, json!({"name": "three"})).await;
    assert_eq!(world.read("one").as_deref(), Some("after []"));
    assert_eq!(world.read("three").as_deref(), Some("after [one]"));
}

#[tokio::test]
async fn a_stage_that_fails_before_its_call_leaves_a_trace_too() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { delay_ms: 60000, text: late }\n",
    );
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
stages:
  - { id: late, timeout_s: 0.05, fail_as_value: true, role: { name: r, type: worker, description: d } }
  - { id: gone, fail_as_value: true, depends_on: [late], tool_call: { name: file_read, args: { path: "../x" } } }
"#;
    let report = world.run(spec, json!({})).await.unwrap();
    let rows = world.traces(&report.run_id);
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.stage_id.as_str(), row.kind.as_str(), row.success))
        .collect();
    assert_eq!(seen, [("late", "llm", false), ("gone", "tool_call", false)]);
    assert_eq!(rows[0].error_type.as_deref(), Some("TimeoutError"));
}

#[tokio::test]
async fn a_child_that_runs_out_of_its_stages_time_is_over_and_says_so() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { delay_ms: 60000, text: late }\n",
    );
    world.file("child.yml", "name: child\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: slow, role: { name: r, type: worker, description: d } }\n");
    let error = world
        .run(
            "stages:\n  - { id: s, timeout_s: 0.2, subagent_spec: child.yml }\n",
            json!({}),
        )
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `s` failed: Stage 's' timed out after 0.2s"
    );
    assert_eq!(world.watcher.count("run_cancelled"), 1);
    let running = armature_store::RunQuery {
        status: Some(RunStatus::Running),
        ..Default::default()
    };
    assert!(
        world
            .engine
            .store()
            .unwrap()
            .runs(&running)
            .unwrap()
            .is_empty()
    );
}
