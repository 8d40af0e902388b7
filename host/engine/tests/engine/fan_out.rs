//! One stage over many items.

use armature_store::Event;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn never_more_items_are_at_work_than_the_author_allows() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { delay_ms: 5, text: done }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
stages:
  - id: f
    fan_out: 3
    partition_source: "{{ list }}"
    role: { name: r, type: worker, description: "{{ item }}" }
"#;
    let list: Vec<usize> = (0..20).collect();
    world.outputs(spec, json!({ "list": list })).await;
    let (mut now, mut most) = (0i32, 0);
    for event in world.watcher.all() {
        match event {
            Event::StageStarted { item: Some(_), .. } => now += 1,
            Event::StageCompleted { item: Some(_), .. } => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    assert_eq!((now, most), (0, 3));
}

#[tokio::test]
async fn results_keep_the_order_of_the_items_and_a_key_named_items_is_found() {
    let world = World::new();
    let spec = r#"
stages:
  - id: f
    fan_out: 3
    partition_source: "{{ planner.items }}"
    tool_call: { name: convert, args: { value: "{{ item }}", from: km, to: m } }
"#;
    let outputs = world
        .outputs(spec, json!({"planner": {"items": [5, 1, 4, 2]}}))
        .await;
    assert_eq!(outputs["f"], json!([5000.0, 1000.0, 4000.0, 2000.0]));
    assert_eq!(world.watcher.count("stage_start"), 4);
}

#[tokio::test]
async fn an_item_that_fails_disturbs_no_other() {
    let world = World::new();
    let spec = r#"
stages:
  - id: f
    fan_out: 2
    partition_key: unit
    partition_source: "{{ units }}"
    on_fail: { loop: { stage: f, max: 1 } }
    tool_call: { name: convert, args: { value: 1, from: "{{ unit }}", to: m } }
"#;
    let outputs = world
        .outputs(spec, json!({"units": ["km", "parsec", "ft"]}))
        .await;
    let results = outputs["f"].as_array().unwrap();
    assert_eq!(results[0], json!(1000.0));
    assert!(
        results[1]["_fan_out_error"]
            .as_str()
            .unwrap()
            .contains("parsec"),
        "{}",
        results[1]
    );
    assert!(results[2].is_number());
    assert_eq!(
        world.watcher.count("retry_attempt"),
        1,
        "retries hold for each item"
    );
    assert_eq!(world.watcher.count("stage_failed"), 1);
}

#[tokio::test]
async fn merge_and_first_and_an_empty_list() {
    let world = World::new();
    let spec = |fan_in: &str| {
        format!(
            "stages:\n  - id: f\n    fan_out: 2\n    fan_in: {fan_in}\n    partition_source: '{{{{ list }}}}'\n    tool_call: {{ name: file_write, args: {{ path: '{{{{ item }}}}', content: x }} }}\n"
        )
    };
    let list = json!({"list": ["a", "b"]});
    assert_eq!(
        world.outputs(&spec("merge"), list.clone()).await["f"],
        json!({"written": "b"})
    );
    assert_eq!(
        world.outputs(&spec("first"), list).await["f"],
        json!({"written": "a"})
    );
    for (fan_in, expected) in [
        ("list", json!([])),
        ("merge", json!({})),
        ("first", json!({})),
    ] {
        assert_eq!(
            world.outputs(&spec(fan_in), json!({"list": []})).await["f"],
            expected
        );
    }
}

#[tokio::test]
async fn what_is_no_list_is_refused_and_the_missing_name_is_told() {
    let world = World::new();
    let spec = "stages:\n  - id: f\n    fan_out: 2\n    partition_source: '{{ nothing.here }}'\n    tool_call: { name: file_read, args: { path: x } }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Stage 'f' partition_source resolved to")
            && error.to_string().contains("`nothing`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_is_injected_from_the_workspace_only() {
    let world = World::new();
    world.file("outside.txt", "secret");
    world.file("work/a.txt", "inside");
    let spec = r#"
stages:
  - id: f
    fan_out: 2
    inject_file_as: text
    partition_source: "{{ paths }}"
    tool_call: { name: file_write, args: { path: "copy-{{ loop_index | default('x') }}-{{ text | length }}", content: "{{ text }}" } }
"#;
    let paths = json!([
        "a.txt",
        "../outside.txt",
        "missing",
        "/etc/hostname",
        7,
        "link"
    ]);
    std::os::unix::fs::symlink("../outside.txt", world.dir.path().join("work/link")).unwrap();
    let report = world.run(spec, json!({ "paths": paths })).await.unwrap();
    assert_eq!(world.read("copy-x-6").as_deref(), Some("inside"));
    assert_eq!(world.read("copy-x-0").as_deref(), Some(""));
    let of = |item: usize| report.outputs["f"][item]["_fan_out_error"].as_str();
    assert_eq!((of(0), of(2)), (None, None));
    for (item, why) in [
        (
            1,
            "the item `../outside.txt` names no file in the workspace: the path has `..` in it",
        ),
        (
            3,
            "the item `/etc/hostname` names no file in the workspace: the path is absolute",
        ),
        (4, "an item names no file in the workspace: it is a number"),
        (
            5,
            "the item `link` names no file in the workspace: not a regular file, or a link",
        ),
    ] {
        let said = of(item).unwrap();
        assert!(said.starts_with("Stage 'f' inject_file_as: "), "{said}");
        assert!(
            said.contains(why) && said.contains("`sandbox.host_workspace`"),
            "{said}"
        );
    }
    let rows = world.traces(&report.run_id);
    assert_eq!(rows.iter().filter(|row| !row.success).count(), 4);
    let error = world.run(spec, json!({"paths": ["../outside.txt"]})).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("names no file in the workspace"), "{error}");
}

#[tokio::test]
async fn a_consensus_is_made_by_the_judges_tier() {
    let world = World::new();
    world.file("script.yml", "replies:\n  - { stage: f, contains: 'Results', json: { verdict: tea } }\n  - { stage: f, text: opinion }\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml }, frontier: { provider: scripted, model: big, script: script.yml } }
stages:
  - id: f
    fan_out: 2
    fan_in: consensus
    partition_source: "{{ list }}"
    role: { name: r, type: worker, description: "say {{ item }}" }
"#;
    let report = world.run(spec, json!({"list": [1, 2]})).await.unwrap();
    assert_eq!(report.outputs["f"], json!({"verdict": "tea"}));
    assert_eq!(report.summary.spent.llm_calls, 3);
}

#[tokio::test]
async fn a_list_without_end_is_refused_before_anything_runs() {
    let world = World::new();
    let spec = "stages:\n  - id: f\n    fan_out: 2\n    partition_source: '{{ list }}'\n    tool_call: { name: file_read, args: { path: x } }\n";
    let list: Vec<u8> = vec![0; 100_001];
    let error = world.run(spec, json!({ "list": list })).await.unwrap_err();
    assert!(
        error.to_string().contains("at most 100000 are allowed"),
        "{error}"
    );
    assert_eq!(world.watcher.count("stage_start"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_on_tool_calls_holds_for_calls_that_are_made_at_the_same_time() {
    let world = World::new();
    let spec = "safety_rules: [{ plugin: spending-cap, config: { max_tool_calls: 3 } }]\nstages:\n  - id: w\n    fan_out: 20\n    partition_source: '{{ items }}'\n    tool_call: { name: file_write, args: { path: 'out/{{ item }}.txt', content: x } }\n";
    let items: Vec<usize> = (0..20).collect();
    let outputs = world.outputs(spec, json!({"items": items})).await;
    let written = (0..20)
        .filter(|item| world.read(&format!("out/{item}.txt")).is_some())
        .count();
    assert_eq!(written, 3, "{outputs:?}");
}
