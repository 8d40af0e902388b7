//! Files: the built-in tool reads and writes the workspace, and nothing else wherever the path points.

use crate::project::Project;

fn read(project: &Project, path: &str) -> String {
    let spec = format!(
        "name: x\nstages:\n  - {{ id: a, fail_as_value: true, tool_call: {{ name: file_read, args: {{ path: \"{path}\" }} }} }}\n"
    );
    project.write("spec.yml", &spec);
    project.result()["a"].to_string()
}

#[test]
fn a_path_out_of_the_workspace_is_refused_however_it_is_written() {
    let project = Project::new();
    std::fs::write(project.path("secret"), "outside").unwrap();
    std::os::unix::fs::symlink("../secret", project.path("work/link")).unwrap();
    std::os::unix::fs::symlink("..", project.path("work/up")).unwrap();
    for path in [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "link",
        "up/secret",
        ".git/config",
        ".armature/policy.toml",
    ] {
        let answer = read(&project, path);
        assert!(answer.contains("_failed"), "{path}: {answer}");
        assert!(
            !answer.contains("outside") && !answer.contains("root:"),
            "{path}: {answer}"
        );
    }
}

#[test]
fn a_missing_file_is_an_answer_and_a_file_is_its_text() {
    let project = Project::new();
    project.write("notes/a.txt", "grüße");
    assert_eq!(read(&project, "notes/a.txt"), r#"{"content":"grüße"}"#);
    assert_eq!(
        read(&project, "notes/b.txt"),
        r#"{"error":"File not found: notes/b.txt"}"#
    );
}

#[test]
fn a_tool_cannot_write_the_spec_that_it_runs_in_nor_the_plugins() {
    let project = Project::new();
    project.install("units");
    for path in ["spec.yml", "plugins/units/units.wasm"] {
        let spec = format!(
            "name: x\nstages:\n  - {{ id: a, fail_as_value: true, tool_call: {{ name: file_write, args: {{ path: {path}, content: x }} }} }}\n"
        );
        project.write("spec.yml", &spec);
        let answer = project.result()["a"].to_string();
        assert!(answer.contains("_failed"), "{path}: {answer}");
    }
}
