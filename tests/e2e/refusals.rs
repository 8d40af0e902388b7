//! Bad input of any kind: one clear error, an exit code of the table, nothing half written, no panic.

use crate::project::Project;

/// What is written, the exit code, and what the message must say.
const SPECS: &[(&str, i32, &str)] = &[
    ("name: x\nstages: [\n", 2, "spec.yml:"),
    ("name: x\nstages: 3\n", 2, "stages"),
    ("stages: []\n", 2, "name"),
    ("name: x\nname: y\nstages: []\n", 2, "name"),
    ("name: x\nstages:\n  - id: a\n", 2, "NO_EXECUTION_TYPE"),
    (
        "name: x\nstages:\n  - { id: a, tool_call: { name: file_raed, args: {} } }\n",
        2,
        "file_read",
    ),
    (
        "name: x\nstages:\n  - { id: a, depends_on: [b], gate: human }\n",
        2,
        "b",
    ),
    (
        "name: x\nstages:\n  - { id: a, tool_call: { name: file_read, args: { path: \"{{ x\" } } }\n",
        2,
        "template",
    ),
    (
        "name: x\nstages:\n  - { id: a, tool_call: { name: shell, args: { command: ls } } }\n",
        2,
        "cmd",
    ),
    (
        "name: x\ntools:\n  - { plugin: nowhere }\nstages: []\n",
        2,
        "nowhere",
    ),
    (
        "name: x\ntools:\n  - { plugin: http, grants: { network: all } }\nstages: []\n",
        2,
        "network",
    ),
    (
        "name: x\ncontracts: { inputs: [{ name: topic, required: true }] }\nstages: []\n",
        2,
        "topic",
    ),
    (
        "name: x\nstages:\n  - { id: a, tool_call: { name: file_read, args: { path: 3 } } }\n",
        2,
        "path",
    ),
];

#[test]
fn every_mistake_in_a_spec_is_one_clear_error() {
    for (spec, code, says) in SPECS {
        let project = Project::new();
        project.write("spec.yml", spec);
        let said = project.run(&["run", "spec.yml", "-q"]);
        assert_eq!(said.code, *code, "{spec}\n{}", said.all());
        assert!(said.err.contains(says), "{spec}\n{}", said.err);
        assert_eq!(said.out, "", "{spec}");
    }
}

#[test]
fn a_spec_that_is_not_there_and_an_input_that_is_none_are_usage_errors() {
    let project = Project::new();
    let said = project.run(&["run", "nowhere.yml"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.err.contains("nowhere.yml"), "{}", said.err);
    project.write("spec.yml", "name: x\nstages: []\n");
    let said = project.run(&["run", "spec.yml", "-i", "no equals sign"]);
    assert_eq!(said.code, 2, "{}", said.all());
}

#[test]
fn bytes_that_are_no_text_are_refused_in_one_line() {
    let project = Project::new();
    for bytes in [&b"name: \xff\xfe"[..], b"name: a\0b\nstages: []", b""] {
        std::fs::write(project.path("work/spec.yml"), bytes).unwrap();
        let said = project.run(&["validate", "spec.yml"]);
        assert_eq!(said.code, 2, "{bytes:?}: {}", said.all());
    }
}

#[test]
fn an_input_is_data_whatever_it_says() {
    let project = Project::new();
    project.write("spec.yml", "name: x\nstages:\n  - { id: a, tool_call: { name: file_write, args: { path: out, content: \"{{ topic }}\" } } }\n");
    for topic in [
        "{{ 7*7 }}",
        "say \"hi\"\nstages: []",
        "123",
        "[1, 2]",
        "None",
        "{% for x in y %}",
    ] {
        let said = project.run(&["run", "spec.yml", "-q", "-i", &format!("topic={topic}")]);
        assert_eq!(said.code, 0, "{}", said.all());
        assert_eq!(project.read("out").unwrap(), topic);
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let project = Project::new();
    project.write("spec.yml", "name: x\nstages:\n  - { id: a, tool_call: { name: file_write, args: { path: out, content: tea } } }\n");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let said = project.run_into(&["run", "spec.yml", "-q"], full);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("cannot be written") && said.err.contains("armature last"),
        "{}",
        said.err
    );
}
