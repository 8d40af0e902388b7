//! What the README's first command shows.

use crate::project::{Project, repository};

#[test]
fn the_readmes_example_runs_offline_and_one_call_is_blocked() {
    let project = Project::new();
    let examples = repository().join("examples");
    let copied = std::process::Command::new("cp")
        .args([
            "-R",
            examples.join("briefing").to_str().unwrap(),
            project.path("work/briefing").to_str().unwrap(),
        ])
        .status()
        .unwrap();
    assert!(copied.success());
    let plugins = examples.join("plugins");
    let said = project.run(&[
        "run",
        "briefing/spec.yml",
        "--plugins",
        plugins.to_str().unwrap(),
    ]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.all().contains("1 blocked"), "{}", said.all());
    assert!(said.all().contains("0 failed"), "{}", said.all());
}

#[test]
fn the_last_result_can_be_read_again() {
    let project = Project::new();
    project.write("spec.yml", "name: hello\nstages:\n  - id: keep\n    tool_call: { name: file_write, args: { path: a.txt, content: tea } }\n");
    project.result();
    let last = project.run(&["last", "spec.yml"]);
    assert_eq!(last.code, 0, "{}", last.err);
    assert!(last.out.contains("a.txt"), "{}", last.out);
}

#[test]
fn the_version_is_one_line() {
    let said = Project::new().run(&["--version"]);
    assert_eq!(
        (said.code, said.out.trim()),
        (0, concat!("armature ", env!("CARGO_PKG_VERSION")))
    );
}
