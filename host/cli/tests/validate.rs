//! `armature validate`: each way in which a workflow can be wrong gets one clear answer.

use crate::command::{Place, shows};

fn validate(spec: &str) -> crate::command::Ran {
    Place::with_spec(spec).run(&["validate", "spec.yml"])
}

#[test]
fn a_sound_workflow_is_valid_and_has_a_risk() {
    let spec = "name: sound\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - id: a\n    role: {name: A, type: worker, description: Do it}\n";
    let place = Place::with_spec(spec);
    place.write("m.yml", "replies: [{text: done}]\n");
    shows!("validate-sound", place.run(&["validate", "spec.yml"]));
}

#[test]
fn warnings_are_shown_and_change_nothing() {
    let spec = "name: doubtful\nstages:\n  - id: a\n    tool_call: {name: file_read, args: {path: x}}\n    dependson: []\n";
    shows!("validate-warning", validate(spec));
}

#[test]
fn a_file_that_is_not_there() {
    shows!(
        "validate-missing-file",
        Place::new().run(&["validate", "nope.yml"])
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for() {
    let place = Place::new();
    let made = std::process::Command::new("mkfifo")
        .arg(place.work().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    for command in ["validate", "run", "explain"] {
        let ran = place.run(&[command, "pipe"]);
        assert_eq!(ran.code, Some(2), "{}", ran.shown());
        assert!(
            ran.all().contains("`pipe` is no regular file"),
            "{}",
            ran.shown()
        );
    }
    // What a shell hands over is read to its end.
    let spec = "name: x\nstages:\n  - { id: a, gate: human }\n";
    let ran = place.run_reading(&["validate", "/dev/stdin"], spec);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
}

#[test]
fn text_that_is_no_yaml() {
    shows!(
        "validate-malformed",
        validate("name: x\nstages:\n  - id: a\n   role: [\n")
    );
}

#[test]
fn values_of_the_wrong_type_are_all_shown_at_once() {
    shows!(
        "validate-wrong-types",
        validate(
            "name: x\nsafety_mode: harsh\nstages:\n  - id: a\n    gate: human\n    fan_out: many\n    depends_on: ghost\n"
        )
    );
}

#[test]
fn a_tool_that_nobody_has() {
    shows!(
        "validate-unknown-tool",
        validate(
            "name: x\nstages:\n  - id: a\n    tool_call: {name: file_raed, args: {path: x}}\n"
        )
    );
}

#[test]
fn a_sandbox_that_the_policy_does_not_allow_is_refused_with_the_line_to_add() {
    shows!(
        "validate-denied-sandbox",
        validate(
            "name: x\nsandbox: {mode: none}\nadapters: {list: {type: script, cmd: ls}}\nstages:\n  - id: a\n    adapter: list\n"
        )
    );
}

#[test]
fn arguments_that_do_not_fit_are_shown_with_what_the_tool_takes() {
    shows!(
        "validate-arguments",
        validate(
            "name: x\nstages:\n  - id: a\n    tool_call: {name: file_read, args: {paht: x}}\n"
        )
    );
}

#[test]
fn a_right_that_nobody_enforces_is_refused() {
    shows!(
        "validate-unknown-grant",
        validate("name: x\ntools:\n  - plugin: file\n    grants: {network: true}\nstages: []\n")
    );
}

#[test]
fn a_file_that_is_no_component_is_named_with_the_reason() {
    let place = Place::with_spec("name: x\ntools:\n  - plugin: broken\nstages: []\n");
    place.write("plugins/broken.wasm", b"this is no component");
    shows!(
        "validate-no-component",
        place.run(&["validate", "spec.yml"])
    );
}

#[test]
fn control_characters_of_a_spec_do_not_reach_the_terminal() {
    let ran =
        validate("name: x\nstages:\n  - id: \"a\\u001b[2J\"\n    adapter: \"\u{7f}\u{9b}31m\"\n");
    assert_eq!(ran.code, Some(2));
    let is_plain = |c: char| !c.is_control() || c == '\n';
    assert!(
        ran.err.chars().all(is_plain) && ran.out.chars().all(is_plain),
        "{:?}",
        ran.err
    );
}

#[test]
fn findings_are_given_as_data_too() {
    let place = Place::with_spec("name: x\nstages:\n  - id: a\n    adapter: nope\n");
    shows!(
        "validate-json",
        place.run(&["validate", "spec.yml", "--format", "json"])
    );
}

#[test]
fn several_workflows_are_reported_together_and_one_wrong_one_is_enough() {
    let place = Place::with_spec("name: x\nstages:\n  - id: a\n    gate: human\n");
    place.write(
        "wrong.yml",
        "name: y\nstages:\n  - id: a\n    gate: robot\n",
    );
    let ran = place.run(&[
        "validate",
        "spec.yml",
        "wrong.yml",
        "nope.yml",
        "--format",
        "json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, report["valid"].as_bool()),
        (Some(2), Some(false))
    );
    let specs = report["specs"].as_array().unwrap();
    let shown: Vec<_> = specs
        .iter()
        .map(|spec| {
            (
                spec["file"].as_str().unwrap(),
                spec["valid"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("spec.yml", true),
            ("wrong.yml", false),
            ("nope.yml", false)
        ]
    );
    assert_eq!(specs[0]["risk"]["score"], 15);
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            (
                f["file"].as_str().unwrap(),
                f["code"].as_str().unwrap(),
                f["line"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("wrong.yml", "INVALID_GATE", Some(4)),
            ("nope.yml", "UNREADABLE", None)
        ]
    );
    let quiet = place.run(&["validate", "-q", "spec.yml"]);
    assert_eq!(
        (quiet.code, quiet.out.as_str(), quiet.err.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn no_home_is_needed_to_validate() {
    let place = Place::with_spec(
        "name: x\nstages:\n  - id: a\n    tool_call: {name: file_read, args: {path: x}}\n",
    );
    // Nobody can make a directory there.
    let ran = place.run(&["validate", "spec.yml", "--home", "/proc/armature"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
}

#[test]
fn a_workflow_with_every_kind_of_warning_is_valid_and_runs() {
    let place = Place::with_spec(
        "name: x
contracts: {inputs: [{name: a-b}, {name: topic}, {name: done}]}
failures: {f: {condition: c, recovery: r}}
safety_rules: [{tool: nothing, action: block}]
unknown: 1
stages:
  - {id: topic, tool_call: {name: file_write, args: {path: out.txt, content: 'it is {{ nobody }}'}}, fan_in: first, present: hi}
  - {id: last, post_run: true, depends_on: [topic], condition: x > 3, response_stage: true, tool_call: {name: file_read, args: {path: out.txt}}}
  - {id: after, depends_on: [last], tool_call: {name: file_read, args: {path: out.txt}}}
",
    );
    let ran = place.run(&["validate", "spec.yml", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = report["findings"].as_array().unwrap();
    assert!(found.len() >= 10, "{found:#?}");
    assert!(
        found
            .iter()
            .all(|f| f["severity"] == "warning" && f["hint"].is_string())
    );
    let ran = place.run(&["run", "-q", "spec.yml", "-i", "topic=x"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert_eq!(place.read("out.txt"), "it is ");
}

#[test]
fn what_is_wrong_with_a_child_is_shown_in_the_childs_text() {
    let place = Place::with_spec("name: x\nstages:\n  - {id: s, subagent_spec: child.yml}\n");
    place.write("child.yml", "name: y\nstages:\n  - {id: a, gate: robot}\n");
    let ran = place.run(&["validate", "spec.yml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("child.yml:3:19]"), "{}", ran.shown());
    assert!(
        ran.err.contains("3 │   - {id: a, gate: robot}"),
        "{}",
        ran.shown()
    );
}
