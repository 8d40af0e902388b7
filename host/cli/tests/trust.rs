//! What decides about rights can be changed by nobody but the operator, or nothing runs.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use crate::command::Place;

const SPEC: &str = "name: x\nstages: []\n";

fn mode(place: &Place, name: &str, mode: u32) {
    let path = place.home().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nothing_runs_under_a_policy_that_others_can_write() {
    let place = Place::with_spec(SPEC);
    place.write_home("policy.toml", "deny_plugins = [\"x\"]\n");
    mode(&place, "policy.toml", 0o664);
    for command in ["run", "validate", "explain"] {
        let ran = place.run(&[command, "spec.yml"]);
        assert_eq!(ran.code, Some(1), "{}", ran.shown());
        let line = format!(
            "chmod go-w '{}'",
            place.home().join("policy.toml").display()
        );
        assert!(ran.err.contains(&line), "{}", ran.err);
    }
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(
        doctor.out.contains("✗ access") && doctor.out.contains("chmod go-w"),
        "{}",
        doctor.out
    );
    mode(&place, "policy.toml", 0o644);
    assert_eq!(place.run(&["run", "spec.yml"]).code, Some(0));
}

#[test]
fn nothing_runs_with_a_home_in_which_others_could_put_a_policy_or_a_plugin() {
    let place = Place::with_spec(SPEC);
    place.write_home("plugins/own/plugin.toml", "name = \"own\"\n");
    for (name, what) in [("", "home"), ("plugins", "plugins"), ("plugins/own", "own")] {
        mode(&place, name, 0o777);
        let ran = place.run(&["run", "spec.yml"]);
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.shown());
        assert!(ran.err.contains("others can change"), "{what}: {}", ran.err);
        mode(&place, name, 0o755);
        assert_eq!(place.run(&["run", "spec.yml"]).code, Some(0), "{what}");
    }
}

#[test]
fn a_directory_of_plugins_that_a_person_names_is_doubted_by_the_doctor_alone() {
    let place = Place::with_spec(SPEC);
    place.write("plugins/own/plugin.toml", "name = \"own\"\n");
    let dir = place.work().join("plugins");
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(place.run(&["run", "spec.yml"]).code, Some(0));
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}", doctor.out);
    assert!(
        doctor.out.contains("others can change `plugins`"),
        "{}",
        doctor.out
    );
}

#[test]
fn what_a_run_leaves_in_the_home_is_for_its_owner_alone() {
    let place = Place::with_spec("name: ../odd name\nstages: []\n");
    assert_eq!(
        place.run(&["run", "spec.yml", "-i", "topic=tea"]).code,
        Some(0)
    );
    let last: Vec<_> = place
        .home()
        .join("last")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(last.len(), 1, "{last:?}");
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&last[0]).unwrap()).unwrap();
    assert_eq!(kept["topic"], serde_json::json!("tea"));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&last[0]), 0o600);
    assert_eq!(mode(last[0].parent().unwrap()), 0o700);
}

#[test]
fn a_run_that_waited_goes_on_under_no_policy_that_others_can_write() {
    let place = Place::with_spec("name: x\nstages: [{ id: g, gate: human }]\n");
    assert_eq!(place.run(&["run", "spec.yml"]).code, Some(3));
    let listed = place.run(&["runs", "--format", "json"]);
    let runs: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let run = runs[0]["run_id"].as_str().unwrap();
    place.write_home("policy.toml", "");
    mode(&place, "policy.toml", 0o666);
    for arguments in [&["approve", run, "g", "--yes"][..], &["resume", run]] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, Some(1), "{}", ran.shown());
        assert!(ran.err.contains("others can change"), "{}", ran.err);
    }
    mode(&place, "policy.toml", 0o644);
    let ran = place.run(&["approve", run, "g", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
}

#[test]
fn nothing_runs_where_others_could_put_compiled_code_in_place_of_ours() {
    let place = Place::with_spec(SPEC);
    assert_eq!(place.run(&["run", "spec.yml"]).code, Some(0));
    for name in ["", "cache"] {
        mode(&place, name, 0o777);
        let ran = place.run(&["run", "spec.yml"]);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.shown());
        mode(&place, name, 0o700);
    }
}

#[test]
fn a_new_file_of_events_is_for_its_owner_alone() {
    let place = Place::with_spec(SPEC);
    let ran = place.run(&["run", "spec.yml", "--events", "events.jsonl"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let meta = std::fs::metadata(place.work().join("events.jsonl")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
}
