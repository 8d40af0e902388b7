//! The examples of the repository, run as its README says.

use crate::{
    command::{Place, repository, shows},
    warm::warm,
};

#[test]
fn hello_greets_whoever_is_named() {
    shows!(
        "example-hello",
        Place::new().run_in_repository(&["run", "specs/hello.yml", "-i", "name=Ada"])
    );
}

#[test]
fn every_shipped_workflow_is_valid_and_prints_what_the_examples_readme_says() {
    let script = repository().join("examples/run.sh");
    let place = Place::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(warm(&place.home()));
    let ran = std::process::Command::new("sh")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_armature"))
        .arg(place.home())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
}

#[test]
fn the_briefing_uses_all_kinds_of_plugins_and_blocks_one_call() {
    // A copy, so that what it writes does not lie in the repository.
    let place = Place::new();
    for name in ["spec.yml", "model.yml"] {
        let from = repository().join("examples/briefing").join(name);
        place.write(
            &format!("examples/briefing/{name}"),
            std::fs::read(from).unwrap(),
        );
    }
    let plugins = repository().join("examples/plugins").display().to_string();
    let ran = place.run(&["run", "examples/briefing/spec.yml", "--plugins", &plugins]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    for told in [
        "model calls convert",
        "note_add blocked: that looks like a card number, which is never stored [safety_rules[0] (deny-pattern)]",
        "adapter calls file_write",
        "✓ answers",
        "3 items",
        "7 ran, 0 skipped, 0 failed, 1 blocked",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    assert!(ran.out.starts_with("# Briefing\n"), "{}", ran.out);
    assert_eq!(place.read("out/briefing.md").trim_end(), ran.out.trim_end());
    assert!(place.read("out/outline.md").contains("- From Jonas Lind"));
}
