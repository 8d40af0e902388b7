//! `armature explain` and `run --dry-run`: what would happen, before it does.

use serde_json::{Value, json};

use crate::command::{Place, repository, shows};

const SPEC: &str = "name: trip
version: '2'
description: Plan a trip.
contracts:
  inputs:
    - {name: city, required: true, type: string, description: Where to}
    - {name: days, type: integer, default: 2}
  max_llm_calls: 9
model_tiers:
  small: {provider: scripted, model: m, script: m.yml}
  large: {provider: openai, model: gpt-4o}
tools:
  - plugin: http
    grants: {http: ['GET https://api.example.com/**']}
safety_rules:
  - {tool: '*', condition: {field: url, op: contains, value: internal}, action: block}
  - {plugin: deny-pattern, tool: file_write, config: {pattern: secret}}
stages:
  - id: weather
    tool_call:
      name: http_get
      args: {url: 'https://api.example.com/w/{{ city }}', headers: {Key: '{{ env.TRIP_KEY }}'}}
  - id: plan
    depends_on: [weather]
    on_fail: {loop: {max: 2}}
    timeout_s: 60
    role: {name: Planner, type: worker, model_tier: small, description: Plan., tools: [file_read]}
  - id: check
    depends_on: [plan]
    gate: human
    present: '{{ plan.content }}'
  - id: pages
    depends_on: [check]
    fan_out: 3
    partition_source: '{{ plan.days }}'
    role: {name: Writer, type: worker, model_tier: small, description: Write.}
  - id: deeper
    subagent_spec: child.yml
  - id: report
    post_run: true
    tool_call: {name: file_write, args: {path: out.txt, content: done}}
";

const CHILD: &str = "name: child
stages:
  - id: look
    tool_call: {name: file_read, args: {path: a.txt}}
";

fn trip() -> Place {
    let place = Place::with_spec(SPEC);
    place.write("child.yml", CHILD);
    place.write(
        "m.yml",
        "- stage: explain\n  contains: TRIP_KEY\n  text: It plans a trip.\n",
    );
    place
}

#[test]
fn a_workflow_is_explained_without_a_model_and_without_a_trace() {
    let place = trip();
    place.write_home("policy.toml", "[plugins.file]\nfs = { read = [\".\"] }\n");
    shows!("explain", place.run(&["explain", "spec.yml"]));
    assert!(!place.home().join("traces.db").exists());
}

#[test]
fn a_dry_run_tells_the_same() {
    let place = trip();
    let (dry, explained) = (
        place.run(&["run", "spec.yml", "--dry-run", "-i", "city=Rome"]),
        place.run(&["explain", "spec.yml"]),
    );
    assert_eq!(dry.out, explained.out);
    assert_eq!(dry.code, Some(0));
}

#[test]
fn the_account_is_json_for_programs() {
    let place = trip().set("TRIP_KEY", "s3cret-value");
    let ran = place.run(&["explain", "spec.yml", "--format", "json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["levels"][0], json!(["weather", "deeper"]));
    let key = told["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "TRIP_KEY");
    assert_eq!(
        key.unwrap(),
        &json!({"name": "TRIP_KEY", "to": ["api.example.com"], "by": "stage weather", "set": true})
    );
    assert_eq!(told["children"][0]["stages"][0]["id"], json!("look"));
    assert_eq!(told["bounds"]["for_each_item"], json!(["pages"]));
    assert!(!ran.out.contains("s3cret"), "{}", ran.out);
}

#[test]
fn prose_is_asked_of_the_smallest_tier() {
    let ran = trip().run(&["explain", "spec.yml", "--prose"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "It plans a trip.\n"),
        "{}",
        ran.shown()
    );
}

#[test]
fn prose_without_a_tier_is_refused() {
    let place = Place::with_spec("name: x\nstages: [{id: a, gate: human}]\n");
    let ran = place.run(&["explain", "spec.yml", "--prose"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("no model tier to ask"), "{}", ran.err);
}

#[test]
fn what_cannot_be_run_is_not_explained() {
    let place = Place::with_spec("name: x\nstages: [{id: a, adapter: nope}]\n");
    let ran = place.run(&["explain", "spec.yml"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("nope") && ran.out.is_empty(),
        "{}",
        ran.shown()
    );
}

#[test]
fn every_workflow_that_ships_can_be_explained() {
    let place = Place::new();
    for entry in repository().join("specs").read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".yml") && !name.ends_with(".model.yml") {
            let ran = place.run_in_repository(&["explain", &format!("specs/{name}")]);
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{name}");
        }
    }
}
