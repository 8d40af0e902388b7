//! `loop`: passes over a stage that are meant.

use std::time::{Duration, Instant};

use armature_store::Event;
use serde_json::{Value, json};

use crate::world::World;

const TIER: &str = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\n";

fn world(script: &str) -> World {
    let world = World::new();
    world.file("script.yml", &format!("replies:\n{script}"));
    world
}

/// Pass, most passes, and whether it was the one that was waited for.
fn passes(world: &World) -> Vec<(u32, u32, bool)> {
    let pass = |event| match event {
        Event::LoopIteration {
            iteration,
            max,
            until_met,
            ..
        } => Some((iteration, max, until_met)),
        _ => None,
    };
    world.watcher.all().into_iter().filter_map(pass).collect()
}

const DRAFTS: &str = "  - { stage: r, times: 1, json: { draft: one, score: 0.2 } }\n  - { stage: r, times: 1, json: { draft: two, score: 0.5 } }\n  - { stage: r, json: { draft: three, score: 0.9 } }\n";

fn refine(settings: &str) -> String {
    format!(
        "{TIER}stages:\n  - id: r\n    output_mode: json\n    loop: {settings}\n    role: {{ name: w, type: worker, description: \"{{% if _iteration.is_first %}}Begin.{{% else %}}Pass {{{{ _iteration.num }}}} of [{{{{ draft }}}}] [{{{{ _iteration.carry_forward.draft }}}}] [{{{{ score }}}}]{{% if _iteration.is_last %}} for the last time{{% endif %}}{{% endif %}}\" }}\n"
    )
}

fn roles(prompts: &[Value]) -> Vec<String> {
    let role = |prompt: &Value| {
        let text = prompt["system_prompt"].as_str().unwrap();
        text.split("## Your Role\n")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    prompts.iter().map(role).collect()
}

#[tokio::test]
async fn each_pass_builds_on_the_last_until_the_condition_is_met() {
    let world = world(DRAFTS);
    let spec = refine("{ max_iterations: 5, until: '{{ score > 0.8 }}', carry_forward: [draft] }");
    let (outputs, prompts) = world.prompts(&spec, json!({})).await;
    assert_eq!(outputs["r"], json!({"draft": "three", "score": 0.9}));
    assert_eq!(passes(&world), [(1, 5, false), (2, 5, false), (3, 5, true)]);
    assert_eq!(
        roles(&prompts),
        [
            "Begin.",
            "Pass 2 of [one] [one] []",
            "Pass 3 of [two] [two] []"
        ]
    );
}

#[tokio::test]
async fn the_way_to_a_carried_value_may_begin_with_the_stage() {
    let world = world(DRAFTS);
    let spec = refine("{ max_iterations: 2, carry_forward: [r.draft] }");
    let (_, prompts) = world.prompts(&spec, json!({})).await;
    assert_eq!(
        roles(&prompts),
        ["Begin.", "Pass 2 of [one] [one] [] for the last time"]
    );
}

#[tokio::test]
async fn everything_is_carried_when_nothing_is_said_and_nothing_for_an_empty_list() {
    let world = world(DRAFTS);
    let (_, prompts) = world
        .prompts(&refine("{ max_iterations: 2 }"), json!({}))
        .await;
    assert_eq!(
        roles(&prompts)[1],
        "Pass 2 of [one] [one] [0.2] for the last time"
    );
    let (_, prompts) = world
        .prompts(
            &refine("{ max_iterations: 2, carry_forward: [] }"),
            json!({}),
        )
        .await;
    assert_eq!(roles(&prompts)[1], "Pass 2 of [] [] [] for the last time");
}

#[tokio::test]
async fn a_condition_that_is_never_met_leaves_the_last_result() {
    let world = world("  - { stage: r, json: { draft: x, score: 0.1 } }\n");
    let spec = refine("{ max_iterations: 3, until: '{{ r.score > 0.8 }}' }");
    assert_eq!(world.outputs(&spec, json!({})).await["r"]["draft"], "x");
    assert_eq!(
        passes(&world),
        [(1, 3, false), (2, 3, false), (3, 3, false)]
    );
}

#[tokio::test]
async fn the_contract_caps_the_passes_of_every_loop() {
    let world = world("  - { stage: r, json: { draft: x, score: 0.1 } }\n");
    let spec = format!(
        "contracts: {{ max_iterations: 2 }}\n{}",
        refine("{ max_iterations: 5 }")
    );
    world.outputs(&spec, json!({})).await;
    assert_eq!(passes(&world), [(1, 2, false), (2, 2, false)]);
}

#[tokio::test]
async fn the_contract_caps_the_rounds_of_tool_calls_too() {
    let world =
        world("  - { tool_calls: [{ name: file_read, arguments: { path: a } }], text: looking }\n");
    let spec = format!(
        "contracts: {{ max_iterations: 3 }}\n{TIER}stages:\n  - {{ id: m, role: {{ name: r, type: worker, description: d, tools: [file_read] }} }}\n"
    );
    let error = world.run(&spec, json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it still calls tools in round 3, the last it has"),
        "{error}"
    );
    assert_eq!(world.watcher.count("model_intent"), 3);
}

#[tokio::test]
async fn a_pass_of_a_fan_out_is_all_of_its_items() {
    let world = World::new();
    let spec = r#"
stages:
  - id: f
    fan_out: 2
    partition_source: "{{ list }}"
    loop: { max_iterations: 3, until: "{{ _result | length == 2 and _iteration.num == 2 }}" }
    tool_call: { name: file_write, args: { path: "{{ _iteration.num }}-{{ item }}", content: "[{{ _result }}]" } }
"#;
    let outputs = world.outputs(spec, json!({"list": ["a", "b"]})).await;
    assert_eq!(
        outputs["f"],
        json!([{"written": "2-a"}, {"written": "2-b"}])
    );
    assert_eq!(world.read("1-a").as_deref(), Some("[]"));
    assert_eq!(
        world.read("2-b").as_deref(),
        Some(r#"[[{"written":"1-a"},{"written":"1-b"}]]"#)
    );
}

#[tokio::test]
async fn a_pass_is_attempted_as_often_as_on_fail_says_and_then_fails_the_stage() {
    let world = world(
        "  - { stage: r, times: 1, json: { draft: one } }\n  - { stage: r, times: 1, fail: bad_reply }\n  - { stage: r, times: 1, json: { draft: two } }\n  - { stage: r, fail: auth }\n",
    );
    let spec = format!(
        "{TIER}stages:\n  - id: r\n    output_mode: json\n    loop: {{ max_iterations: 3 }}\n    on_fail: {{ loop: {{ max: 1 }} }}\n    role: {{ name: w, type: worker, description: 'pass {{{{ _iteration.num }}}}' }}\n"
    );
    world.run(&spec, json!({})).await.unwrap_err();
    assert_eq!(passes(&world).len(), 2);
    assert_eq!(world.watcher.count("stage_start"), 5);
    assert_eq!(world.watcher.count("retry_attempt"), 2);
}

#[tokio::test]
async fn the_time_of_a_stage_is_for_all_its_passes() {
    let world = World::new();
    let spec = "stages:\n  - { id: w, timeout_s: 0.2, loop: { max_iterations: 5, backoff_s: 60 }, tool_call: { name: file_write, args: { path: x, content: y } } }\n";
    let began = Instant::now();
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains("timed out after 0.2s"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn calls_of_different_passes_have_different_names_in_the_log() {
    let world = World::new();
    let spec = "stages:\n  - { id: w, loop: { max_iterations: 2 }, tool_call: { name: file_write, args: { path: x, content: y } } }\n";
    let report = world.run(spec, json!({})).await.unwrap();
    let calls: Vec<String> = world
        .watcher
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::ToolIntent(intent) => Some(intent.call_id),
            _ => None,
        })
        .collect();
    assert_eq!(calls, ["w@1#1.1", "w@2#1.1"]);
    let passes: Vec<Option<u64>> = world
        .traces(&report.run_id)
        .iter()
        .map(|row| row.loop_iteration)
        .collect();
    assert_eq!(passes, [Some(1), Some(2)]);
}

#[tokio::test]
async fn where_a_loop_is_does_not_fill_its_prompts() {
    let world = world(
        "  - { stage: r, contains: _iteration, text: shown }\n  - { stage: r, text: hidden }\n",
    );
    let spec = format!(
        "{TIER}stages:\n  - {{ id: r, loop: {{ max_iterations: 2 }}, role: {{ name: w, type: worker, description: d }} }}\n"
    );
    assert_eq!(
        world.outputs(&spec, json!({})).await["r"]["content"],
        "hidden"
    );
}
