//! What one run leaves to the next.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn values_of_every_kind_of_stage_come_whole_and_with_their_type() {
    let world = World::new();
    let long = "x".repeat(5_000);
    world.file(
        "script.yml",
        &format!(
            "replies:\n  - {{ json: {{ score: 0.9, list: [1, {{ a: b }}], text: '{long}' }} }}\n"
        ),
    );
    world.file("child.yml", "name: child\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: 2, from: km, to: m } } }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
continuation:
  inject_as: before
  carry_forward: [{ key: j.score }, { key: j.list }, { key: j.text }, { key: w.written }, { key: s.c }]
stages:
  - { id: j, output_mode: json, role: { name: r, type: worker, description: d } }
  - { id: w, tool_call: { name: file_write, args: { path: "seen-{{ n }}.json", content: "{{ before | tojson }}" } } }
  - { id: s, subagent_spec: child.yml }
"#;
    world.outputs(spec, json!({"n": 1})).await;
    world.outputs(spec, json!({"n": 2})).await;
    assert_eq!(world.read("seen-1.json").as_deref(), Some("null"));
    let seen: serde_json::Value =
        serde_json::from_str(&world.read("seen-2.json").unwrap()).unwrap();
    assert_eq!(seen["score"], json!(0.9));
    assert_eq!(seen["list"], json!([1, {"a": "b"}]));
    assert_eq!(seen["text"], json!(long));
    assert_eq!(seen["written"], "seen-1.json");
    assert_eq!(seen["c"], json!(2000.0));
    assert_eq!(seen["w"]["written"], "seen-1.json", "and by stage and key");
}

#[tokio::test]
async fn a_child_of_that_name_is_not_the_last_run() {
    let world = World::new();
    world.file("child.yml", "name: test\nstages:\n  - { id: w, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }\n");
    let spec = r#"
continuation: { carry_forward: [{ key: w.written }] }
stages:
  - { id: w, tool_call: { name: file_write, args: { path: "{{ name }}", content: "[{{ prior_run.written }}]" } } }
  - { id: s, depends_on: [w], subagent_spec: child.yml }
"#;
    world.outputs(spec, json!({"name": "one"})).await;
    world.outputs(spec, json!({"name": "two"})).await;
    assert_eq!(world.read("two").as_deref(), Some("[one]"));
}
