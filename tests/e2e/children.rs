//! Specs within specs, as a person sees them.

use crate::project::Project;

const PARENT: &str = "name: parent\nstages:\n  - { id: child, subagent_spec: child.yml }\n";

#[test]
fn a_gate_within_a_spec_is_opened_by_the_name_that_the_hint_says() {
    let project = Project::new();
    project.write("spec.yml", PARENT);
    project.write(
        "child.yml",
        "name: child\nstages:\n  - { id: inner, gate: human, present: Publish? }\n",
    );
    let parked = project.run(&["run", "spec.yml"]);
    assert_eq!(parked.code, 3, "{}", parked.all());
    let (before, _) = parked.err.split_once(" child/inner --yes").unwrap();
    let command: Vec<&str> = before
        .rsplit("armature ")
        .next()
        .unwrap()
        .split(' ')
        .collect();
    let other = project.run(&["run", "spec.yml", "--approve", "inner=yes"]);
    assert_eq!(other.code, 2, "{}", other.all());
    let answered = project.run(&[command[0], command[1], "child/inner", "--yes"]);
    assert_eq!(answered.code, 0, "{}", answered.all());
    let opened = project.run(&["run", "spec.yml", "--approve", "child/inner=yes"]);
    assert_eq!(opened.code, 0, "{}", opened.all());
}

#[test]
fn a_child_works_in_its_parents_workspace_or_deeper_and_nowhere_else() {
    let project = Project::new();
    std::fs::create_dir_all(project.path("outer/data")).unwrap();
    std::fs::write(project.path("outer/data/secret.txt"), "outside").unwrap();
    project.write("sub/data/note.txt", "inside");
    let child = |workspace: &str, path: &str| {
        format!(
            "name: child\nsandbox: {{ host_workspace: {workspace} }}\nstages:\n  - {{ id: read, tool_call: {{ name: file_read, args: {{ path: {path} }} }} }}\n"
        )
    };
    project.write("spec.yml", PARENT);
    project.write("child.yml", &child("../outer", "data/secret.txt"));
    let said = project.run(&["run", "spec.yml"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        !said.all().contains("outside") && said.err.contains("workspace"),
        "{}",
        said.all()
    );
    project.write("child.yml", &child("sub", "data/note.txt"));
    let said = project.run(&["run", "spec.yml", "-q"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(said.json()["child"]["read"]["content"], "inside");
    project.write(
        "spec.yml",
        &PARENT.replace(
            "child.yml }",
            "child.yml, grants: { fs: { read: [data] } } }",
        ),
    );
    let said = project.run(&["run", "spec.yml"]);
    assert_eq!(said.code, 1, "{}", said.all());
}
