//! `armature validate`: each way in which a workflow can be wrong gets one clear answer.

use crate::command::{Place, shows};

fn validate(spec: &str) -> crate::command::Ran {
    Place::with_spec(spec).run(&["validate", "spec.yml"])
}

#[test]
fn a_sound_workflow_is_valid_and_has_a_risk() {
    let spec = "name: sound\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - id: a\n    role: {name: A, type: worker, description: Do it}\n";
    shows!("validate-sound", validate(spec));
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
fn a_tool_that_comes_later_is_said_to() {
    shows!(
        "validate-later",
        validate(
            "name: x\nstages:\n  - id: a\n    tool_call: {name: shell, args: {command: ls}}\n"
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
    let place = Place::with_spec("name: x\nstages:\n  - id: a\n    gate: human\n");
    let ran = place.run(&["validate", "spec.yml", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (
            ran.code,
            report["valid"].as_bool(),
            report["risk"]["score"].as_u64()
        ),
        (Some(0), Some(true), Some(15))
    );
}
