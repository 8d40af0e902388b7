//! `armature plugin`: found, inspected, called; and what happens to a right that nobody gave.

use crate::command::{Place, repository, shows};

fn examples() -> String {
    repository().join("examples/plugins").display().to_string()
}

#[test]
fn the_built_in_plugins_are_listed() {
    shows!("plugin-list", Place::new().run(&["plugin", "list"]));
}

#[test]
fn a_plugin_dropped_in_a_directory_is_found() {
    let place = Place::new();
    let component = std::fs::read(repository().join("examples/plugins/units/units.wasm")).unwrap();
    place.write("plugins/units.wasm", component);
    let ran = place.run(&["plugin", "list"]);
    assert!(
        ran.out.contains("units") && ran.out.contains("(plugins/units.wasm)"),
        "{}",
        ran.out
    );
    let ran = place.run(&[
        "plugin",
        "call",
        "convert",
        "--args",
        r#"{"value": 1, "from": "kg", "to": "g"}"#,
    ]);
    assert_eq!(
        (ran.code, ran.out.trim().parse::<f64>()),
        (Some(0), Ok(1000.0)),
        "{}",
        ran.shown()
    );
}

#[test]
fn a_page_about_a_plugin() {
    let place = Place::new();
    shows!(
        "plugin-inspect",
        place.run_in_repository(&["plugin", "inspect", "examples/plugins/units"])
    );
    let ran = place.run(&["plugin", "inspect", "file", "--json"]);
    let page: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(page["requests"]["fs"]["read"][0], ".");
    assert_eq!(page["tools"][0]["name"], "file_read");
}

#[test]
fn a_right_that_was_not_given_is_refused_with_the_line_that_gives_it() {
    let place = Place::new();
    let examples = examples();
    let call = [
        "plugin",
        "call",
        "note_add",
        "--args",
        r#"{"text": "Assam"}"#,
        "--plugins",
        &examples,
    ];
    shows!("plugin-denied", place.run(&call));
    let granted = [&call[..], &["--grant", "{kv: workflow}"]].concat();
    assert_eq!(place.run(&granted).code, Some(0));
    place.write(
        "spec.yml",
        "name: x\ntools: [{plugin: notes, grants: {kv: workflow}}]\nstages: []\n",
    );
    assert_eq!(
        place
            .run(&[&call[..], &["--spec", "spec.yml"]].concat())
            .code,
        Some(0)
    );
}

#[test]
fn arguments_are_checked_before_anything_is_called() {
    shows!(
        "plugin-arguments",
        Place::new().run(&["plugin", "call", "file_read", "--args", r#"{"pth": 1}"#])
    );
    shows!(
        "plugin-no-json",
        Place::new().run(&["plugin", "call", "file_read", "--args", "{oops"])
    );
}

#[test]
fn a_tool_that_nobody_has_is_answered_with_the_nearest() {
    shows!(
        "plugin-no-tool",
        Place::new().run(&["plugin", "call", "file_raed"])
    );
}

#[test]
fn a_file_that_is_no_component_is_refused() {
    let place = Place::new();
    place.write("x.wasm", b"\0asm and nothing else");
    shows!(
        "plugin-no-component",
        place.run(&["plugin", "inspect", "x.wasm"])
    );
}

#[test]
fn a_file_outside_the_workspace_is_not_read() {
    let ran = Place::new().run(&[
        "plugin",
        "call",
        "file_read",
        "--args",
        r#"{"path": "../home/policy.toml"}"#,
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert_eq!(ran.out, "");
}
