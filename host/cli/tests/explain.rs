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
fn a_script_that_says_something_else_is_not_asked_for_prose() {
    let place = Place::with_spec(
        "name: x\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages: [{id: a, role: {name: A, type: worker, description: Say.}}]\n",
    );
    place.write("m.yml", "- text: Green tea is not fermented.\n");
    let ran = place.run(&["explain", "spec.yml", "--prose"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(2), ""),
        "{}",
        ran.shown()
    );
    assert!(
        ran.err.contains("tier `small` answers from a script"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("`stage: explain`"), "{}", ran.err);
}

#[test]
fn what_models_may_cost_is_among_the_bounds() {
    let spec = "name: x\ncontracts: {max_cost_usd: 1.5, max_tokens_total: 20000}\nstages: [{id: a, gate: human}]\n";
    let place = Place::with_spec(spec);
    let said = place.run(&["explain", "spec.yml"]).out;
    assert!(
        said.contains("  $1.5, and the call that reaches it"),
        "{said}"
    );
    assert!(
        said.contains("  20,000 tokens, and the call that reaches it"),
        "{said}"
    );
    let told = place.run(&["explain", "spec.yml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["bounds"]["max_cost_usd"], serde_json::json!(1.5));
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
