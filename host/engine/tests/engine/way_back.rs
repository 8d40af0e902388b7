//! `on_fail.loop.stage`: beginning again at an earlier stage.

use std::sync::Mutex;

use armature_engine::{Answer, Approval, Approver, BoxFuture, Gate, GateAnswer};
use serde_json::json;

use crate::world::World;

const TIER: &str = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nrole_type_defaults: { judge: small }\n";

fn world(script: &str) -> World {
    let world = World::new();
    world.file("script.yml", &format!("replies:\n{script}"));
    world
}

fn spec(max: u32) -> String {
    format!(
        r#"{TIER}stages:
  - id: draft
    role: {{ name: w, type: worker, description: "Write. [{{{{ _last_result.why }}}}] [{{{{ again.attempt }}}}] [{{{{ again.result.why }}}}]" }}
  - id: between
    depends_on: [draft]
    tool_call: {{ name: file_write, args: {{ path: "draft.txt", content: "{{{{ draft.content }}}}" }} }}
  - id: aside
    depends_on: [draft]
    tool_call: {{ name: file_write, args: {{ path: "aside.txt", content: "{{{{ draft.content }}}}" }} }}
  - id: check
    depends_on: [between]
    output_mode: json
    role: {{ name: j, type: judge, description: "Good? {{{{ draft.content }}}}" }}
    on_fail: {{ loop: {{ stage: draft, context: again, max: {max}, until: "{{{{ ok }}}}" }} }}
  - id: end
    depends_on: [check]
    tool_call: {{ name: file_write, args: {{ path: end.txt, content: "{{{{ draft.content }}}} {{{{ check.ok }}}}" }} }}
"#
    )
}

const SCRIPT: &str = "  - { stage: draft, times: 1, text: bad }\n  - { stage: draft, text: good }\n  - { stage: check, contains: bad, json: { ok: false, why: too short } }\n  - { stage: check, json: { ok: true } }\n";

#[tokio::test]
async fn a_failure_goes_back_to_the_stage_that_is_named_and_what_lies_between_runs_again() {
    let world = world(SCRIPT);
    let (outputs, prompts) = world.prompts(&spec(3), json!({})).await;
    assert_eq!(outputs["draft"], json!({"content": "good"}));
    assert_eq!(outputs["check"], json!({"ok": true}));
    assert_eq!(world.read("draft.txt").as_deref(), Some("good"));
    assert_eq!(world.read("end.txt").as_deref(), Some("good True"));
    assert_eq!(
        world.read("aside.txt").as_deref(),
        Some("bad"),
        "what is not on the way back keeps what it used"
    );
    let drafts: Vec<&str> = prompts
        .iter()
        .filter(|prompt| prompt["stage_id"] == "draft")
        .map(|prompt| prompt["system_prompt"].as_str().unwrap())
        .collect();
    assert!(drafts[0].contains("Write. [] [] []"), "{}", drafts[0]);
    assert!(
        drafts[1].contains("Write. [too short] [1] [too short]"),
        "{}",
        drafts[1]
    );
    assert_eq!(world.watcher.count("retry_attempt"), 1);
}

#[tokio::test]
async fn a_way_back_that_is_used_up_leaves_the_last_result() {
    let world = world(
        "  - { stage: draft, text: bad }\n  - { stage: check, json: { ok: false, why: too short } }\n",
    );
    let outputs = world.outputs(&spec(2), json!({})).await;
    assert_eq!(outputs["check"]["ok"], false);
    let starts = world.watcher.names();
    let of = |stage: &str| starts.iter().filter(|name| *name == stage).count();
    assert_eq!((of("stage_start draft"), of("stage_start check")), (3, 3));
    assert_eq!(of("stage_start aside"), 1);
}

#[tokio::test]
async fn a_failure_between_counts_as_an_attempt_and_is_the_reason_in_the_end() {
    let world = world(
        "  - { stage: draft, times: 1, text: bad }\n  - { stage: draft, fail: auth }\n  - { stage: check, json: { ok: false } }\n",
    );
    let error = world.run(&spec(2), json!({})).await.unwrap_err();
    assert!(
        error.to_string().contains("stage `check` failed"),
        "{error}"
    );
    assert_eq!(world.watcher.count("retry_attempt"), 2);
}

/// Says no with these words, then yes.
struct Editor(Mutex<Vec<&'static str>>);

impl Approver for Editor {
    fn approve<'a>(&'a self, _: Approval) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Unavailable))
    }

    fn gate<'a>(&'a self, _: Gate) -> BoxFuture<'a, GateAnswer> {
        let answer = match self.0.lock().unwrap().pop() {
            Some(words) => GateAnswer::Rejected(words.to_owned()),
            None => GateAnswer::Approved,
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn a_person_who_rejects_sends_the_work_back_with_what_they_said() {
    let world =
        world("  - { stage: draft, times: 1, text: long }\n  - { stage: draft, text: brief }\n");
    let spec = format!(
        r#"{TIER}stages:
  - id: draft
    role: {{ name: w, type: worker, description: "Write. {{{{ _last_result.feedback }}}}" }}
  - id: review
    gate: human
    depends_on: [draft]
    present: "{{{{ draft.content }}}}"
    on_fail: {{ loop: {{ stage: draft, until: "{{{{ approved }}}}" }} }}
  - id: publish
    depends_on: [review]
    tool_call: {{ name: file_write, args: {{ path: out.txt, content: "{{{{ draft.content }}}}" }} }}
"#
    );
    let mut request = world.request(json!({}));
    request.approver = std::sync::Arc::new(Editor(Mutex::new(vec!["Make it shorter"])));
    let report = world.run_with(&spec, request).await.unwrap();
    assert_eq!(report.outputs["review"]["approved"], true);
    assert_eq!(world.read("out.txt").as_deref(), Some("brief"));
    assert_eq!(world.watcher.count("gate_opened"), 2);
}

#[tokio::test]
async fn every_kind_of_stage_that_can_fail_is_tried_again_by_itself() {
    let world = world("  - { fail: bad_reply }\n");
    world.file("child.yml", "name: child\nstages:\n  - { id: c, tool_call: { name: convert, args: { value: 1, from: km, to: parsec } } }\n");
    let again = "fail_as_value: true, on_fail: { loop: { max: 1, backoff_s: 0.001 } }";
    let spec = format!(
        "{TIER}adapters: {{ stats: {{ type: plugin, plugin: text-stats, args: {{ path: '../x' }} }} }}\nstages:\n  - {{ id: tool, {again}, tool_call: {{ name: convert, args: {{ value: 1, from: km, to: parsec }} }} }}\n  - {{ id: model, {again}, role: {{ name: r, type: worker, description: d }} }}\n  - {{ id: child, {again}, subagent_spec: child.yml }}\n  - {{ id: script, {again}, adapter: stats }}\n"
    );
    let outputs = world.outputs(&spec, json!({})).await;
    let names = world.watcher.names();
    for stage in ["tool", "model", "child", "script"] {
        assert_eq!(
            outputs[stage]["_failed"], true,
            "{stage}: {}",
            outputs[stage]
        );
        let starts = names
            .iter()
            .filter(|name| **name == format!("stage_start {stage}"));
        assert_eq!(starts.count(), 2, "{stage}");
    }
}

#[tokio::test]
async fn the_bound_on_model_calls_counts_every_way_back() {
    let world = world(SCRIPT);
    let plan = world.plan(&spec(3)).await.unwrap();
    let most = |stage: &str| plan.model_calls(stage).unwrap().attempts;
    assert_eq!((most("draft"), most("check")), (4, 4));
    assert!(plan.model_calls("end").is_none());
}
