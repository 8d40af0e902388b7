//! Specs within specs.

use armature_store::Event;
use serde_json::json;

use crate::world::World;

fn child(world: &World, stages: &str) {
    let work = world.dir.path().join("work");
    world.file(
        "sub/child.yml",
        &format!(
            "name: child\nsandbox: {{ host_workspace: '{}' }}\n{stages}",
            work.display()
        ),
    );
}

const CHILD: &str = "contracts: { inputs: [{ name: unit, required: true }] }\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: 1, from: '{{ unit }}', to: m } } }\n";

#[tokio::test]
async fn a_child_is_a_run_of_its_own_that_knows_its_parent() {
    let world = World::new();
    child(&world, CHILD);
    let report = world
        .run(
            "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n",
            json!({"unit": "km"}),
        )
        .await
        .unwrap();
    assert_eq!(report.outputs["s"]["c"], json!(1000.0));
    let parents: Vec<_> = world
        .watcher
        .all()
        .into_iter()
        .filter_map(|event| {
            if let Event::RunStarted(start) = event {
                Some(start.parent)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(parents, [None, Some(report.run_id.clone())]);
    assert_eq!(world.traces(&report.run_id)[0].kind, "subagent");
}

#[tokio::test]
async fn n_items_are_n_children_in_order_and_isolation_hides_the_rest() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: c, tool_call: { name: file_write, args: { path: '{{ unit }}', content: '[{{ hidden }}]' } } }\n",
    );
    let spec = r#"
stages:
  - id: s
    subagent_spec: sub/child.yml
    isolated: true
    signature: { input: { unit: str } }
    fan_out: 2
    partition_key: unit
    partition_source: "{{ units }}"
"#;
    let report = world
        .run(
            &format!("contracts: {{ inputs: [{{ name: unit }}] }}{spec}"),
            json!({"units": ["a", "b", "c"], "hidden": "x"}),
        )
        .await
        .unwrap();
    let results: Vec<_> = report.outputs["s"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["c"]["written"].clone())
        .collect();
    assert_eq!(results, ["a", "b", "c"]);
    assert_eq!(world.read("a").as_deref(), Some("[]"));
}

#[tokio::test]
async fn the_parents_rules_hold_in_the_child_too() {
    let world = World::new();
    child(&world, CHILD);
    let spec = "safety_rules: [{ tool: convert, action: block, message: from above }]\nstages:\n  - { id: s, subagent_spec: sub/child.yml }\n";
    let report = world.run(spec, json!({"unit": "km"})).await;
    assert!(report.unwrap_err().to_string().contains("from above"));
}

#[tokio::test]
async fn a_spec_that_calls_itself_comes_to_an_end() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: again, subagent_spec: child.yml }\n",
    );
    let error = world
        .run(
            "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n",
            json!({}),
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("8 are allowed"), "{error}");
}

#[tokio::test]
async fn a_childs_problem_is_found_while_planning_and_names_its_file() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: c, tool_call: { name: no_such_tool, args: {} } }\n",
    );
    let problems = world
        .plan("stages:\n  - { id: s, subagent_spec: sub/child.yml }\n")
        .await
        .unwrap_err();
    let problem = problems.errors().next().unwrap();
    assert_eq!(
        (problem.code, problem.stage.as_deref()),
        ("UNKNOWN_TOOL", Some("s"))
    );
    assert!(problem.message.contains("child.yml"), "{}", problem.message);
}

#[tokio::test]
async fn a_child_cannot_spend_more_than_its_parent_has() {
    let world = World::new();
    world.file("sub/script.yml", "replies:\n  - { text: x }\n");
    child(
        &world,
        "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: a, role: { name: r, type: worker, description: one } }\n  - { id: b, depends_on: [a], role: { name: r, type: worker, description: two } }\n",
    );
    let spec =
        "contracts: { max_llm_calls: 1 }\nstages:\n  - { id: s, subagent_spec: sub/child.yml }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("max_llm_calls limit (1) reached"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_runs_of_a_tree_do_at_one_time_is_bounded_for_the_tree() {
    let world = World::new();
    world.file(
        "sub/script.yml",
        "replies:\n  - { delay_ms: 200, text: done }\n",
    );
    child(
        &world,
        "contracts: { max_llm_calls: 0 }\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - id: leaf\n    fan_out: 100\n    partition_source: '{{ list }}'\n    role: { name: r, type: worker, description: x }\n",
    );
    let spec = "contracts: { max_llm_calls: 0 }\nstages:\n  - { id: s, subagent_spec: sub/child.yml, fan_out: 4 }\n";
    let list: Vec<usize> = (0..100).collect();
    world.outputs(spec, json!({ "list": list })).await;
    let (mut now, mut most, mut all) = (0i32, 0, 0);
    for event in world.watcher.all() {
        match event {
            Event::StageStarted {
                item: Some(_),
                stage,
                ..
            } if stage == "leaf" => {
                now += 1;
                all += 1;
            }
            Event::StageCompleted {
                item: Some(_),
                stage,
                ..
            } if stage == "leaf" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    assert_eq!((now, all), (0, 400));
    assert!(most <= 256, "{most} at one time");
}
