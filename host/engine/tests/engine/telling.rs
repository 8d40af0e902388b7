//! What a run tells: its events in order, what stages are told last, where values in a trace come from.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn the_events_of_every_kind_of_stage_come_in_their_order() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: hello }\n");
    world.file("child.yml", "name: child\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
adapters: { stats: { type: plugin, plugin: text-stats, args: { text: x } } }
stages:
  - { id: t, tool_call: { name: file_write, args: { path: x, content: y } } }
  - { id: s, depends_on: [t], adapter: stats }
  - { id: m, depends_on: [s], role: { name: R, type: worker, description: d } }
  - { id: c, depends_on: [m], subagent_spec: child.yml }
  - { id: k, depends_on: [c], skip_if: "true", gate: human }
  - { id: p, post_run: true, tool_call: { name: file_write, args: { path: last, content: y } } }
"#;
    let report = world.run(spec, json!({"topic": "tea"})).await.unwrap();
    let lifecycle: Vec<String> = world
        .watcher
        .names()
        .into_iter()
        .filter(|name| name.starts_with("run_") || name.starts_with("stage_"))
        .collect();
    assert_eq!(
        lifecycle,
        [
            "run_start -",
            "stage_start t",
            "stage_complete t",
            "stage_start s",
            "stage_complete s",
            "stage_start m",
            "stage_complete m",
            "stage_start c",
            "run_start -",
            "stage_start c",
            "stage_complete c",
            "run_summary -",
            "run_complete -",
            "stage_complete c",
            "stage_skipped k",
            "stage_start p",
            "stage_complete p",
            "run_summary -",
            "run_complete -",
        ]
    );
    let keys: Vec<&str> = report.outputs.keys().map(String::as_str).collect();
    assert_eq!(keys, ["topic", "run_id", "t", "s", "m", "c", "k", "p"]);
}

#[tokio::test]
async fn the_last_stages_are_told_what_failed_and_what_the_models_said() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: hello }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
stages:
  - { id: m, role: { name: R, type: worker, description: d } }
  - { id: b, depends_on: [m], tool_call: { name: convert, args: { value: 1, from: km, to: parsec } } }
  - { id: p, post_run: true, tool_call: { name: file_write, args: { path: last, content: "{{ 'b' in (_diagnostics | tojson) }} {{ _transcript[0].stage_id }} {{ _transcript[0].response }} {{ m.content }}" } } }
"#;
    world.run(spec, json!({})).await.unwrap_err();
    assert_eq!(world.read("last").as_deref(), Some("True m hello hello"));
}

#[tokio::test]
async fn a_trace_says_where_each_value_comes_from() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: hello }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
continuation: { carry_forward: [{ key: w.written }] }
stages:
  - { id: w, tool_call: { name: file_write, args: { path: x, content: y } } }
  - { id: m, depends_on: [w], fan_out: 1, partition_source: "{{ ['a'] }}", role: { name: R, type: worker, description: "{{ topic }} {{ w.written }}" } }
"#;
    world.outputs(spec, json!({"topic": "tea"})).await;
    let report = world.run(spec, json!({"topic": "tea"})).await.unwrap();
    let rows = world.traces(&report.run_id);
    let row = rows.iter().find(|row| row.kind == "llm").unwrap();
    let from = |key: &str| row.inputs_provenance[key].as_str().unwrap().to_owned();
    assert_eq!(from("topic"), "user_input");
    assert_eq!(from("w"), "stage:w");
    assert_eq!(from("prior_run"), "prior_run");
    assert_eq!(from("item"), "engine");
    assert_eq!(from("run_id"), "engine");
    assert!(
        row.inputs
            .keys()
            .all(|key| row.inputs_provenance.contains_key(key))
    );
    assert!(!row.inputs_hash.is_empty());
}

#[tokio::test]
async fn the_trace_of_a_tool_or_a_script_says_where_what_it_was_given_comes_from() {
    let world = World::with_shell().await;
    let spec = r#"
adapters:
  stats: { type: plugin, plugin: text-stats, args: { text: "{{ w.written }} {{ nobody }}" } }
  said: { type: script, cmd: "echo {{ topic | sh }}", args: { N: "{{ run_id }}" } }
stages:
  - { id: w, tool_call: { name: file_write, args: { path: "{{ topic }}", content: y } } }
  - { id: s, depends_on: [w], adapter: stats }
  - { id: c, depends_on: [s], adapter: said }
  - { id: f, depends_on: [c], fan_out: 1, partition_source: "{{ ['a'] }}", tool_call: { name: file_write, args: { path: "{{ item }}", content: "{{ s }}" } } }
  - { id: plain, tool_call: { name: file_write, args: { path: x, content: y } } }
"#;
    let report = world
        .run(spec, json!({"topic": "tea", "unused": 1}))
        .await
        .unwrap();
    let rows = world.traces(&report.run_id);
    let of = |stage: &str| {
        let row = rows.iter().find(|row| row.stage_id == stage).unwrap();
        Value::from(row.inputs_provenance.clone())
    };
    assert_eq!(of("w"), json!({"topic": "user_input"}));
    assert_eq!(of("s"), json!({"w": "stage:w"}));
    assert_eq!(of("c"), json!({"topic": "user_input", "run_id": "engine"}));
    assert_eq!(of("f"), json!({"item": "engine", "s": "stage:s"}));
    assert_eq!(of("plain"), json!({}));
}

#[tokio::test]
async fn the_same_spec_and_inputs_make_the_same_prompts() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: hello }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
mission: Say hello.
stages:
  - { id: a, role: { name: R, type: worker, description: d } }
  - { id: b, role: { name: R, type: worker, description: e } }
  - { id: c, role: { name: R, type: worker, description: f } }
  - { id: all, depends_on: [c, a, b], role: { name: R, type: judge, model_tier: small, description: "{{ x }}" } }
"#;
    let (_, first) = world
        .prompts(spec, json!({"x": 1, "y": {"b": 1, "a": 2}}))
        .await;
    let (_, second) = world
        .prompts(spec, json!({"y": {"b": 1, "a": 2}, "x": 1}))
        .await;
    let last = |prompts: &[serde_json::Value]| prompts.last().unwrap()["system_prompt"].clone();
    assert_eq!(last(&first), last(&second));
    let text = last(&first).as_str().unwrap().to_owned();
    let places = ["• a\n", "• b\n", "• c\n"].map(|line| text.find(line).unwrap());
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_stage_with_a_signature_is_told_those_values_and_nothing_of_the_rest() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { stage: a, text: hidden words }\n  - { stage: b, contains: hidden, text: leaked }\n  - { stage: b, contains: tea, text: fine }\n",
    );
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
mission: Make tea known.
contracts: { inputs: [{ name: topic }] }
stages:
  - { id: a, role: { name: R, type: worker, description: d } }
  - { id: b, depends_on: [a], signature: { input: { topic: str } }, role: { name: R, type: worker, description: d } }
"#;
    let (outputs, prompts) = world.prompts(spec, json!({"topic": "tea"})).await;
    assert_eq!(outputs["b"]["content"], "fine");
    let system = prompts[1]["system_prompt"].as_str().unwrap();
    assert!(
        system.contains("Make tea known.") && !system.contains("hidden"),
        "{system}"
    );
}

#[tokio::test]
async fn a_spec_that_wants_no_traces_leaves_none_and_still_has_its_log() {
    let world = World::new();
    let spec = "trace: { enabled: false }\nstages:\n  - { id: t, tool_call: { name: file_write, args: { path: x, content: y } } }\n";
    let report = world.run(spec, json!({})).await.unwrap();
    assert!(world.traces(&report.run_id).is_empty());
    let log = world.engine.store().unwrap();
    assert!(
        armature_store::EventLog::events(log, &report.run_id)
            .unwrap()
            .len()
            > 3
    );
}

#[tokio::test]
async fn the_stage_that_closes_the_workflow_says_how_it_ended() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { json: { reason: handed_off, notes: to Ann, extra: 1, follow_on: [{ id: next, title: Next }] } }\n");
    let spec = r#"
model_tiers: { large: { provider: scripted, model: m, script: script.yml } }
closure: { stage: end }
stages:
  - id: end
    output_mode: guided_json
    output_schema: { type: object, required: [reason], properties: { reason: { enum: [done_no_follow_on, handed_off] } } }
    role: { name: R, type: worker, model_tier: large, description: d }
"#;
    let report = world.run(spec, json!({})).await.unwrap();
    assert_eq!(
        report.closure,
        Some(
            json!({"reason": "handed_off", "notes": "to Ann", "follow_on": [{"id": "next", "title": "Next"}]})
        )
    );
}

#[tokio::test]
async fn an_engine_that_is_used_again_begins_each_run_anew() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { text: hello }\n");
    let spec = "contracts: { max_llm_calls: 1 }\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: m, role: { name: R, type: worker, description: d } }\n";
    let plan = world.plan(spec).await.unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let report = world
            .engine
            .run(&plan, world.request(json!({})))
            .await
            .unwrap();
        ids.insert(report.run_id.to_string());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_value_is_printed_where_a_tool_takes_only_text() {
    let world = World::new();
    let spec = "stages:\n  - { id: w, tool_call: { name: file_write, args: { path: x, content: '{{ n + 1 }}' } } }\n  - { id: v, tool_call: { name: file_write, args: { path: y, content: '{{ plan }}' } } }\n";
    world
        .outputs(spec, json!({"n": 5, "plan": {"steps": ["a"]}}))
        .await;
    assert_eq!(world.read("x").as_deref(), Some("6"));
    assert_eq!(world.read("y").as_deref(), Some(r#"{"steps":["a"]}"#));
}
