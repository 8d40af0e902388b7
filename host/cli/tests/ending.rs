//! How commands end: with which code, and with which words.

use serde_json::{Value, json};

use crate::command::Place;

#[test]
fn a_plugin_that_the_operator_denies_leaves_code_4() {
    let get =
        "stages: [{id: a, tool_call: {name: http_get, args: {url: 'https://example.com'}}}]\n";
    let spec = format!("name: x\ntools: [{{plugin: http}}]\n{get}");
    let place = Place::with_spec(&spec);
    place.write_home("policy.toml", "deny_plugins = [\"http\"]\n");
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(4), "{}", ran.shown());
    assert!(
        ran.err
            .contains("the operator does not allow the plugin `http`"),
        "{}",
        ran.err
    );
    // What is wrong in another way, too, is a mistake in the spec.
    place.write(
        "other.yml",
        format!("{spec}  # \n").replace("tools:", "safety_mode: nonsense\ntools:"),
    );
    assert_eq!(place.run(&["run", "other.yml"]).code, Some(2));
}

#[test]
fn what_is_blocked_in_a_subagent_leaves_the_code_that_it_leaves_outside() {
    let place = Place::with_spec("name: x\nstages: [{id: a, subagent_spec: child.yml}]\n");
    place.write("child.yml", "name: child\nsafety_rules: [{plugin: deny-pattern, config: {pattern: secret}}]\nstages:\n  - {id: b, tool_call: {name: file_write, args: {path: a.txt, content: secret}}}\n");
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(4), "{}", ran.shown());
    assert!(!place.work().join("a.txt").exists());
}

#[test]
fn a_secret_that_is_given_as_an_input_is_not_shown_above_the_run() {
    let place = Place::with_spec(
        "name: x\nstages:\n  - id: keep\n    tool_call: {name: file_write, args: {path: a.txt, content: '{{ env.TRIP_KEY }}'}}\n",
    )
    .set("TRIP_KEY", "s3cret-value");
    let ran = place.run(&["run", "spec.yml", "-i", "told=use s3cret-value"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(
        ran.err.contains("told=\"use [secret TRIP_KEY]\""),
        "{}",
        ran.err
    );
    assert!(!ran.all().contains("s3cret-value"), "{}", ran.all());
}

#[test]
fn the_call_that_goes_beyond_the_budget_is_told_where_it_was_the_last() {
    let place = Place::with_spec(
        "name: x\ncontracts: {max_tokens_total: 10, max_cost_usd: 0.5}\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - {id: say, role: {name: A, type: worker, description: Say.}}\n",
    );
    place.write(
        "m.yml",
        "- {text: said, usage: {input_tokens: 9, output_tokens: 2}, cost_usd: 0.75}\n",
    );
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    for limit in [
        "11 tokens were used; contracts.max_tokens_total is 10",
        "$0.7500 were spent; contracts.max_cost_usd is 0.5",
    ] {
        assert!(ran.err.contains(limit), "{}", ran.err);
    }
}

#[test]
fn a_gate_in_a_subagent_parks_the_run_around_it() {
    let place = Place::with_spec("name: x\nstages: [{id: a, subagent_spec: child.yml}]\n");
    place.write("child.yml", "name: child\nstages: [{id: b, gate: human}]\n");
    assert_eq!(place.run(&["run", "spec.yml"]).code, Some(3));
}

#[test]
fn a_stage_that_fails_is_shown_with_its_place_in_the_spec() {
    let place = Place::with_spec(
        "name: x\nstages:\n  - id: keep\n    tool_call: {name: file_write, args: {path: '{{ where }}', content: x}}\n",
    );
    place.write("taken/by-a-directory", "");
    let ran = place.run(&["run", "spec.yml", "-i", "where=taken"]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(ran.err.contains("  at: spec.yml:3:9"), "{}", ran.err);
}

#[test]
fn an_answer_in_another_form_than_asked_for_is_told_on_the_terminal() {
    let place = Place::with_spec(
        "name: x\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - id: say\n    output_mode: json\n    role: {name: A, type: worker, description: Say.}\n",
    );
    place.write("m.yml", "- text: no JSON\n");
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(
        ran.err
            .contains("no answer in the form that was asked for: the text is kept under `raw`"),
        "{}",
        ran.err
    );
}

#[test]
fn the_name_of_a_secret_stays_its_name_in_a_file() {
    let place = Place::with_spec(
        "name: x\nstages:\n  - id: keep\n    tool_call: {name: file_write, args: {path: a.txt, content: 'export KEY={{ env.TRIP_KEY }}'}}\n",
    )
    .set("TRIP_KEY", "s3cret-value");
    let ran = place.run(&["run", "spec.yml", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert_eq!(place.read("a.txt"), "export KEY={{ env.TRIP_KEY }}");
    let _: Value = serde_json::from_str(&ran.out).unwrap();
}

#[test]
fn warnings_and_notes_of_rules_are_seen_by_the_person_who_runs_it() {
    let place = Place::with_spec(
        "name: x\nsafety_rules:\n  - {tool: file_write, condition: {field: path, op: contains, value: a}, action: warn, message: look at this}\n  - {tool: file_write, condition: {field: path, op: contains, value: a}, action: log, message: noted}\nstages:\n  - {id: keep, tool_call: {name: file_write, args: {path: a.txt, content: x}}}\n",
    );
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(
        ran.err.contains("⚠ file_write: look at this"),
        "{}",
        ran.err
    );
    let verbose = place.run(&["run", "spec.yml", "-v"]);
    assert!(verbose.err.contains("noted"), "{}", verbose.err);
}

#[test]
fn a_result_is_the_same_wherever_it_is_asked_for() {
    let place = Place::with_spec(
        "name: x\nstages: [{id: keep, tool_call: {name: file_write, args: {path: a.txt, content: x}}}]\n",
    );
    let ran = place.run(&["run", "spec.yml", "-q", "-o", "out.json"]);
    let quiet: Value = serde_json::from_str(&ran.out).unwrap();
    let last = std::fs::read_to_string(place.home().join("last/x.json")).unwrap();
    assert_eq!(
        (ran.out.as_str(), place.read("out.json")),
        (last.as_str(), ran.out.clone())
    );
    assert_eq!(quiet["keep"], json!({"written": "a.txt"}));
}
