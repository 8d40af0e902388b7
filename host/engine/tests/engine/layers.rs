//! Context layers and policies.

use std::sync::Arc;

use armature_engine::{Answer, GateAnswer};
use serde_json::json;

use crate::world::{Person, World};

const TIER: &str = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\n";

fn world() -> World {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { contains: hush, text: told }\n  - { text: fine }\n",
    );
    world
}

#[tokio::test]
async fn layers_that_must_be_shown_stand_in_every_prompt_in_their_order() {
    let world = world();
    world.file("text/law.md", "No claims about health.\n");
    let spec = format!(
        "{TIER}mission: Make tea known.\ncontext_layers:\n  - {{ name: style, content: Short words. }}\n  - {{ name: law, precedence: 5, src: text/law.md }}\n  - {{ name: extra, content: Only sometimes. }}\ncontext_policy: {{ must: [style, law] }}\nstages:\n  - {{ id: a, role: {{ name: r, type: worker, description: d }} }}\n  - {{ id: b, depends_on: [a], context_policy: {{ must: [extra], never: [style] }}, role: {{ name: r, type: worker, description: e }} }}\n"
    );
    let (outputs, prompts) = world.prompts(&spec, json!({})).await;
    let run = armature_store::RunId::new(outputs["run_id"].as_str().unwrap()).unwrap();
    let rows = world.traces(&run);
    let row = rows.iter().find(|row| row.stage_id == "b").unwrap();
    assert_eq!(
        serde_json::Value::from(row.context_policy.clone()),
        json!({"never": ["style"], "must": ["law", "extra"]})
    );
    let of = |n: usize| prompts[n]["system_prompt"].as_str().unwrap().to_owned();
    assert!(
        of(0).starts_with("[Workflow Mission]\nMake tea known.\n\n[Context Layer: law]\nNo claims about health.\n\n[Context Layer: style]\nShort words.\n\n"),
        "{}",
        of(0)
    );
    assert!(
        of(1).contains("[Context Layer: extra]") && of(1).contains("[Context Layer: law]"),
        "{}",
        of(1)
    );
    assert!(!of(1).contains("Short words."), "never wins: {}", of(1));
}

#[tokio::test]
async fn what_a_stage_never_sees_is_in_no_prompt_and_no_preview() {
    let world = world();
    let stage = |id: &str, policy: &str| {
        format!(
            "  - {{ id: {id}, depends_on: [first], {policy} role: {{ name: r, type: worker, description: 'about {{{{ secret }}}} {{{{ first.content }}}}' }} }}\n"
        )
    };
    let spec = format!(
        "{TIER}stages:\n  - {{ id: first, role: {{ name: r, type: worker, description: d }} }}\n{}{}",
        stage("open", ""),
        stage("closed", "context_policy: { never: [secret, first] },")
    );
    let (outputs, prompts) = world.prompts(&spec, json!({"secret": "hush"})).await;
    assert_eq!(outputs["open"]["content"], "told");
    assert_eq!(outputs["closed"]["content"], "fine");
    let closed = prompts.iter().find(|p| p["stage_id"] == "closed").unwrap();
    let system = closed["system_prompt"].as_str().unwrap();
    assert!(
        !system.contains("hush") && !system.contains("first"),
        "{system}"
    );
}

#[tokio::test]
async fn what_is_closed_is_not_in_arguments_gates_scripts_and_subagents() {
    let world = world();
    world.file(
        "child.yml",
        &format!(
            "name: child\nsandbox: {{ host_workspace: '{}' }}\nstages:\n  - {{ id: w, tool_call: {{ name: file_write, args: {{ path: child.txt, content: '[{{{{ secret }}}}]' }} }} }}\n",
            world.dir.path().join("work").display()
        ),
    );
    let spec = "context_policy: { never: [secret] }\nstages:\n  - { id: t, tool_call: { name: file_write, args: { path: tool.txt, content: '[{{ secret }}]' } } }\n  - { id: s, subagent_spec: child.yml }\n  - { id: g, gate: human, present: '[{{ secret }}]' }\n  - { id: c, condition: \"{{ secret == 'hush' }}\", tool_call: { name: file_write, args: { path: c.txt, content: x } } }\n";
    let person = Person::new(Answer::Approved, GateAnswer::Approved);
    let mut request = world.request(json!({"secret": "hush"}));
    request.approver = Arc::clone(&person) as _;
    let report = world.run_with(spec, request).await.unwrap();
    assert_eq!(world.read("tool.txt").as_deref(), Some("[]"));
    assert_eq!(world.read("child.txt").as_deref(), Some("[]"));
    assert_eq!(person.gates.lock().unwrap()[0].message, "[]");
    assert_eq!(report.outputs["c"], json!({"_skipped": true}));
    assert_eq!(report.outputs["secret"], "hush", "the run itself keeps it");
}

#[tokio::test]
async fn what_a_layer_closes_no_stage_opens() {
    let world = world();
    let spec = format!(
        "{TIER}context_layers: [{{ name: privacy, content: Say no names., never: [secret] }}]\nstages:\n  - {{ id: a, role: {{ name: r, type: worker, description: d }} }}\n"
    );
    let outputs = world.outputs(&spec, json!({"secret": "hush"})).await;
    assert_eq!(outputs["a"]["content"], "fine");
}

#[tokio::test]
async fn the_file_of_a_layer_must_be_there() {
    let world = world();
    let spec = "context_layers: [{ name: law, src: law.md }]\nstages: []\n";
    assert_eq!(world.codes(spec).await, ["SRC_FILE_NOT_FOUND"]);
}
