//! A plugin that is dropped into a directory: found, inspected, called; refused what it was not granted.

use crate::project::Project;

#[test]
fn a_plugin_in_the_directory_is_found_inspected_and_called() {
    let project = Project::new();
    project.install("units");
    let listed = project.run(&["plugin", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(
        listed.out.contains("units") && listed.out.contains("file "),
        "{}",
        listed.out
    );
    let inspected = project.run(&["plugin", "inspect", "plugins/units"]);
    assert_eq!(inspected.code, 0, "{}", inspected.err);
    assert!(
        inspected.out.contains("convert") && inspected.out.contains("sha256:"),
        "{}",
        inspected.out
    );
    let args = r#"{"value": 2, "from": "km", "to": "m"}"#;
    let called = project.run(&["plugin", "call", "convert", "--args", args]);
    assert_eq!(called.code, 0, "{}", called.err);
    assert_eq!(called.json(), serde_json::json!(2000.0));
}

#[test]
fn a_right_that_was_not_granted_is_refused_with_the_line_and_granted_with_it() {
    let project = Project::new();
    project.install("notes");
    let spec = |grants: &str| {
        format!(
            "name: notes\ntools:\n  - plugin: notes\n{grants}stages:\n  - id: add\n    tool_call: {{ name: note_add, args: {{ text: tea }} }}\n"
        )
    };
    project.write("spec.yml", &spec(""));
    let refused = project.run(&["run", "spec.yml"]);
    assert_eq!(refused.code, 4, "{}", refused.all());
    let said = refused.all();
    assert!(
        said.contains("kv: workflow") && said.contains("grants:") && said.contains("plugin: notes"),
        "{said}"
    );
    project.write("spec.yml", &spec("    grants:\n      kv: workflow\n"));
    assert_eq!(project.result()["add"]["id"], 1);
}

#[test]
fn the_operators_policy_is_a_ceiling_that_no_spec_lifts() {
    let project = Project::new();
    project.install("notes");
    let spec = "name: notes\ntools:\n  - plugin: notes\n    grants: { kv: run }\nstages:\n  - id: add\n    tool_call: { name: note_add, args: { text: tea } }\n";
    project.write("spec.yml", spec);
    std::fs::create_dir_all(project.path("home")).unwrap();
    std::fs::write(project.path("home/policy.toml"), "[plugins.notes]\n").unwrap();
    let said = project.run(&["run", "spec.yml"]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.all().contains("policy"), "{}", said.all());
}

#[test]
fn a_file_that_is_no_component_is_named_and_does_not_stop_the_others() {
    let project = Project::new();
    project
        .install("units")
        .write("plugins/broken.wasm", "#!/bin/sh\n");
    let listed = project.run(&["plugin", "list"]);
    assert!(
        listed.all().contains("units") && listed.all().contains("broken"),
        "{}",
        listed.all()
    );
    let inspected = project.run(&["plugin", "inspect", "plugins/broken.wasm"]);
    assert!(matches!(inspected.code, 1 | 2), "{}", inspected.code);
    assert!(
        inspected.err.contains("not a WebAssembly component"),
        "{}",
        inspected.err
    );
}
