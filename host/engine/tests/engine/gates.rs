//! Stages that ask a person.

use std::sync::{Arc, Mutex};

use armature_engine::{
    Answer, Approval, Approver, BoxFuture, Gate, GateAnswer, Observer, RunError, RunRequest,
};
use armature_store::{Event, RunId};
use serde_json::json;

use crate::world::{Person, World};

const SPEC: &str = r#"
stages:
  - { id: draft, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }
  - { id: ok, depends_on: [draft], gate: human, present: "Publish {{ draft }}?" }
  - { id: publish, depends_on: [ok], tool_call: { name: file_write, args: { path: published, content: x } } }
  - { id: after, depends_on: [publish], tool_call: { name: file_write, args: { path: after, content: x } } }
  - { id: revise, depends_on: [ok], skip_if: "{{ ok.approved }}", tool_call: { name: file_write, args: { path: revised, content: "{{ ok.feedback }}" } } }
  - { id: other, tool_call: { name: file_write, args: { path: other, content: x } } }
"#;

async fn answered(
    world: &World,
    answer: GateAnswer,
) -> Result<armature_engine::RunReport, RunError> {
    let person = Person::new(Answer::Unavailable, answer);
    let mut request = world.request(json!({}));
    request.approver = person.clone();
    let result = world.run_with(SPEC, request).await;
    assert_eq!(person.gates.lock().unwrap()[0].message, "Publish 1000.0?");
    result
}

#[tokio::test]
async fn an_approved_gate_lets_the_rest_go_on() {
    let world = World::new();
    let report = answered(&world, GateAnswer::Approved).await.unwrap();
    assert_eq!(
        report.outputs["ok"],
        json!({"approved": true, "feedback": null})
    );
    assert!(
        world.read("published").is_some()
            && world.read("after").is_some()
            && world.read("revised").is_none()
    );
}

#[tokio::test]
async fn a_rejected_gate_stops_what_depends_on_it_unless_the_spec_branches_on_it() {
    let world = World::new();
    let report = answered(&world, GateAnswer::Rejected("Not Yet".into()))
        .await
        .unwrap();
    assert_eq!(
        report.outputs["ok"],
        json!({"approved": false, "feedback": "Not Yet"})
    );
    assert!(world.read("published").is_none() && world.read("after").is_none());
    assert_eq!(world.read("revised").as_deref(), Some("Not Yet"));
    assert_eq!(report.rejected, [("ok".to_owned(), "Not Yet".to_owned())]);
    assert_eq!(report.summary.stages_skipped, 2);
}

#[tokio::test]
async fn where_nobody_can_answer_the_run_parks_after_everything_else_is_done() {
    let world = World::new();
    let error = answered(&world, GateAnswer::Unavailable).await.unwrap_err();
    let RunError::Parked { run_id, stage, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(stage, "ok");
    assert!(world.read("other").is_some() && world.read("published").is_none());
    let record = world.engine.store().unwrap().run(run_id).unwrap().unwrap();
    assert_eq!(record.status, armature_store::RunStatus::Parked);
}

#[tokio::test]
async fn a_rejection_on_which_everything_branches_is_not_told_as_a_stop() {
    let spec = r#"
stages:
  - { id: ok, gate: human }
  - { id: revise, depends_on: [ok], skip_if: "{{ ok.approved }}", tool_call: { name: file_write, args: { path: revised, content: x } } }
"#;
    let world = World::new();
    let mut request = world.request(json!({}));
    request.approver = Person::new(Answer::Unavailable, GateAnswer::Rejected("No".into()));
    let report = world.run_with(spec, request).await.unwrap();
    assert!(world.read("revised").is_some());
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
}

/// Rejects one item of a fan-out, and approves the others.
struct Picky;

impl Approver for Picky {
    fn approve<'a>(&'a self, _: Approval) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Unavailable))
    }

    fn gate<'a>(&'a self, gate: Gate) -> BoxFuture<'a, GateAnswer> {
        Box::pin(std::future::ready(match gate.stage.as_str() {
            "each[1]" => GateAnswer::Rejected(format!("Not {}", gate.message)),
            _ => GateAnswer::Approved,
        }))
    }
}

async fn picked(
    world: &World,
    gate: &str,
    names: [&str; 3],
) -> Result<armature_engine::RunReport, RunError> {
    let spec = format!(
        "stages:
  - {{ id: each, gate: human, fan_out: 2, partition_source: \"{{{{ names }}}}\", {gate} }}
  - {{ id: publish, depends_on: [each], tool_call: {{ name: file_write, args: {{ path: published, content: x }} }} }}
"
    );
    let mut request = world.request(json!({"names": names}));
    request.approver = Arc::new(Picky);
    world.run_with(&spec, request).await
}

#[tokio::test]
async fn one_rejected_item_of_a_gate_over_a_list_stops_what_depends_on_it() {
    let no = json!({"approved": false, "feedback": "Not b"});
    for (fan_in, told) in [("list", "each[1]"), ("merge", "each"), ("first", "each")] {
        let world = World::new();
        let gate = format!("present: '{{{{ item }}}}', fan_in: {fan_in}");
        let report = picked(&world, &gate, ["a", "b", "c"]).await.unwrap();
        let result = &report.outputs["each"];
        let rejected = if fan_in == "list" { &result[1] } else { result };
        assert_eq!(*rejected, no, "{fan_in}");
        assert!(world.read("published").is_none(), "{fan_in}");
        let told = (told.to_owned(), "Not b".to_owned());
        assert_eq!(report.rejected, [told], "{fan_in}");
    }
}

#[tokio::test]
async fn what_an_item_of_a_gate_could_not_ask_is_not_agreed_to() {
    let world = World::new();
    let gate = "present: '{{ 1 // (item | int) }}', fan_in: first";
    picked(&world, gate, ["1", "2", "0"]).await.unwrap_err();
    assert!(world.read("published").is_none());
}

/// A person who answers only once another stage has come to its end.
struct Patient {
    done: Mutex<Option<tokio::sync::oneshot::Sender<()>>>,
    is_done: tokio::sync::Mutex<Option<tokio::sync::oneshot::Receiver<()>>>,
}

impl Observer for Patient {
    fn event(&self, _: &RunId, event: &Event) {
        if event.name() == "stage_complete"
            && event.stage() == Some("other")
            && let Some(done) = self.done.lock().unwrap().take()
        {
            done.send(()).unwrap();
        }
    }
}

impl Approver for Patient {
    fn approve<'a>(&'a self, _: Approval) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Unavailable))
    }

    fn gate<'a>(&'a self, _: Gate) -> BoxFuture<'a, GateAnswer> {
        Box::pin(async move {
            let is_done = self.is_done.lock().await.take().unwrap();
            is_done.await.unwrap();
            GateAnswer::Approved
        })
    }
}

#[tokio::test]
async fn other_stages_go_on_while_a_person_thinks() {
    let world = World::new();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let patient = Arc::new(Patient {
        done: Mutex::new(Some(done)),
        is_done: tokio::sync::Mutex::new(Some(is_done)),
    });
    let request = RunRequest {
        approver: patient.clone(),
        observer: patient,
        ..world.request(json!({}))
    };
    let spec = "stages:\n  - { id: ok, gate: human }\n  - { id: other, tool_call: { name: file_write, args: { path: other, content: x } } }\n";
    let report = world.run_with(spec, request).await.unwrap();
    assert_eq!(report.outputs["ok"]["approved"], json!(true));
}
