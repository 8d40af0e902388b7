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
async fn a_spec_that_calls_itself_under_a_condition_comes_to_an_end() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: again, condition: \"{{ true }}\", subagent_spec: child.yml }\n",
    );
    let spec = "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n";
    let plan = world.plan(spec).await.unwrap();
    let codes: Vec<&str> = plan.warnings().iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["RECURSIVE_SUBAGENT"]);
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(error.to_string().contains("8 are allowed"), "{error}");
}

#[tokio::test]
async fn specs_that_run_one_another_without_end_are_refused_with_the_way() {
    let world = World::new();
    world.file(
        "sub/child.yml",
        "name: child\nstages:\n  - { id: on, subagent_spec: other.yml }\n",
    );
    world.file(
        "sub/other.yml",
        "name: other\nstages:\n  - { id: x, gate: human }\n  - { id: back, subagent_spec: child.yml }\n",
    );
    let found = world
        .plan("stages:\n  - { id: s, subagent_spec: sub/child.yml }\n")
        .await
        .unwrap_err();
    let finding = found.errors().next().unwrap();
    assert_eq!(
        (finding.code, finding.stage.as_deref()),
        ("CIRCULAR_SUBAGENT", Some("back"))
    );
    assert!(
        finding
            .message
            .ends_with("`child.yml` runs `other.yml` runs `child.yml`"),
        "{finding}"
    );
    assert!(finding.file.as_ref().unwrap().name.ends_with("other.yml"));
    assert_eq!(finding.at.map(|at| (at.line, at.column)), Some((4, 32)));
}

#[tokio::test]
async fn a_childs_problem_is_found_while_planning_at_its_place_in_its_own_file() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: c, tool_call: { name: no_such_tool, args: {} } }\n",
    );
    let found = world
        .plan("stages:\n  - { id: s, subagent_spec: sub/child.yml }\n")
        .await
        .unwrap_err();
    let finding = found.errors().next().unwrap();
    assert_eq!(
        (finding.code, finding.stage.as_deref()),
        ("UNKNOWN_TOOL", Some("c"))
    );
    assert!(finding.file.as_ref().unwrap().name.ends_with("child.yml"));
    assert!(finding.at.is_some_and(|at| at.column > 20), "{finding:?}");
}

#[tokio::test]
async fn a_childs_typing_errors_are_shown_in_the_child_and_a_missing_one_where_it_is_named() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: c, gate: human, output_mode: xml }\n",
    );
    let found = world
        .plan(
            "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n  - { id: t, subagent_spec: nowhere.yml }\n",
        )
        .await
        .unwrap_err();
    let shown: Vec<(&str, bool, Option<&str>)> = found
        .errors()
        .map(|finding| {
            let is_child = finding.file.as_ref().unwrap().name.ends_with("child.yml");
            (finding.code, is_child, finding.stage.as_deref())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("INVALID_VALUE", true, Some("c")),
            ("UNREADABLE_SUBAGENT", false, Some("t")),
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_parent_and_with_its_children_is_said_at_once() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: c, tool_call: { name: no_such_tool } }\n",
    );
    let codes = world
        .codes("stages:\n  - { id: s, subagent_spec: sub/child.yml }\n  - { id: t, gate: robot }\n")
        .await;
    assert_eq!(codes, ["INVALID_GATE", "UNKNOWN_TOOL"]);
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

#[tokio::test]
async fn a_childs_mission_names_the_item_that_the_child_was_started_for() {
    let world = World::new();
    world.file("sub/script.yml", "- { text: done }\n");
    child(
        &world,
        "mission: 'Praise {{ drink }}.'\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: a, role: { type: worker, description: d } }\n  - { id: z, post_run: true, tool_call: { name: file_write, args: { path: 'told-{{ drink }}', content: '{{ _transcript }}' } } }\n",
    );
    let spec = r#"
stages:
  - id: s
    subagent_spec: sub/child.yml
    fan_out: 2
    partition_key: drink
    partition_source: "{{ drinks }}"
"#;
    world
        .outputs(spec, json!({"drink": "water", "drinks": ["tea", "rum"]}))
        .await;
    assert!(world.read("told-tea").unwrap().contains("Praise tea."));
    assert!(world.read("told-rum").unwrap().contains("Praise rum."));
}
