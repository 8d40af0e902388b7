//! A run is its event log: whoever reads it can go on.

use std::sync::{Arc, Mutex};

use armature_engine::{
    Answer, Engine, GateAnswer, Observer, ResumeProblem, RunError, RunReport, RunRequest,
};
use armature_store::{
    Event, EventLog as _, RunId, RunStatus, Waiting,
    event::{RunStarted, ToolIntent},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{Person, World};

/// Stops the run after so many events of a kind, as Ctrl-C would.
struct Stopper {
    name: &'static str,
    stage: &'static str,
    left: Mutex<usize>,
    cancel: CancellationToken,
}

impl Observer for Stopper {
    fn event(&self, _: &RunId, event: &Event) {
        if event.name() == self.name && event.stage() == Some(self.stage) {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.cancel.cancel();
            }
        }
    }
}

fn text(world: &World, spec: &str) -> String {
    let work = world.dir.path().join("work");
    format!(
        "name: test\nsandbox: {{ host_workspace: '{}' }}\n{spec}",
        work.display()
    )
}

async fn plan(world: &World, engine: &Engine, spec: &str) -> armature_engine::Plan {
    let name = world.dir.path().join("spec.yml");
    let document = armature_spec::parse(&name.to_string_lossy(), &text(world, spec)).unwrap();
    engine.plan(document).await.unwrap()
}

/// Runs until the n-th event of a kind at a stage.
async fn interrupted(
    world: &World,
    spec: &str,
    inputs: Value,
    (name, stage, count): (&'static str, &'static str, usize),
) -> RunId {
    let cancel = CancellationToken::new();
    let stopper = Stopper {
        name,
        stage,
        left: Mutex::new(count),
        cancel: cancel.clone(),
    };
    let request = RunRequest {
        cancel,
        observer: Arc::new(stopper),
        ..world.request(inputs)
    };
    match world.run_with(spec, request).await {
        Err(RunError::Cancelled { run_id }) => run_id,
        other => panic!("{other:?}"),
    }
}

async fn parked(world: &World, spec: &str, inputs: Value) -> RunId {
    match world.run(spec, inputs).await {
        Err(RunError::Parked { run_id, .. }) => run_id,
        other => panic!("{other:?}"),
    }
}

async fn resumed(world: &World, spec: &str, run: &RunId) -> Result<RunReport, RunError> {
    let engine = world.other_process();
    let plan = plan(world, &engine, spec).await;
    engine
        .resume(&plan, run.clone(), world.request(json!({})))
        .await
}

fn events(world: &World, run: &RunId) -> Vec<Event> {
    let log = world.engine.store().unwrap().events(run).unwrap();
    log.into_iter().map(|recorded| recorded.event).collect()
}

/// How often something happened at a stage.
fn count(world: &World, run: &RunId, name: &str, stage: &str) -> usize {
    let events = events(world, run);
    let is = |event: &&Event| event.name() == name && event.stage() == Some(stage);
    events.iter().filter(is).count()
}

fn answer(world: &World, run: &RunId, path: &str, approved: bool, text: &str) -> Vec<Waiting> {
    let store = world.engine.store().unwrap();
    let mut waiting = store.waiting(run).unwrap();
    let place = waiting
        .iter()
        .position(|asked| asked.is_meant_by(path))
        .unwrap_or_else(|| panic!("{waiting:?}"));
    store
        .answer(&mut waiting, place, approved, text, "test")
        .unwrap();
    waiting
}

const CHAIN: &str = r#"
stages:
  - { id: a, tool_call: { name: file_write, args: { path: a, content: "{{ n }}" } } }
  - { id: skipped, depends_on: [a], condition: "{{ n == 2 }}", tool_call: { name: file_write, args: { path: s, content: x } } }
  - { id: b, depends_on: [a, skipped], tool_call: { name: file_write, args: { path: b, content: "{{ a.written }}" } } }
  - { id: c, depends_on: [b], tool_call: { name: file_write, args: { path: c, content: "{{ b.written }}{{ run_id }}" } } }
  - { id: last, post_run: true, tool_call: { name: file_write, args: { path: last, content: "{{ _diagnostics | length }} wrong" } } }
"#;

#[tokio::test]
async fn stages_that_are_done_or_were_left_out_are_not_run_again() {
    let world = World::new();
    let run = interrupted(&world, CHAIN, json!({"n": 1}), ("stage_complete", "b", 1)).await;
    assert_eq!(world.read("c"), None);
    let report = resumed(&world, CHAIN, &run).await.unwrap();
    assert_eq!(report.run_id, run);
    assert_eq!(world.read("c"), Some(format!("b{run}")));
    assert_eq!(world.read("last").as_deref(), Some("0 wrong"));
    for stage in ["a", "b", "c"] {
        assert_eq!(count(&world, &run, "tool_intent", stage), 1, "{stage}");
    }
    for stage in ["a", "skipped", "b"] {
        assert_eq!(count(&world, &run, "stage_resumed", stage), 1, "{stage}");
    }
    assert_eq!(report.outputs["skipped"], json!({"_skipped": true}));
    assert_eq!(report.summary.stages_resumed, 3);
    assert_eq!(report.summary.stages_ran, 2);
    let record = world.engine.store().unwrap().run(&run).unwrap().unwrap();
    assert_eq!(record.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_failure_that_became_a_value_is_kept_and_one_that_ended_the_run_is_tried_again() {
    let world = World::new();
    let spec = r#"
stages:
  - { id: soft, fail_as_value: true, tool_call: { name: file_read, args: { path: soft } } }
  - { id: hard, depends_on: [soft], tool_call: { name: file_write, args: { path: hard, content: x } } }
"#;
    // Directories are in the way.
    world.file("work/soft/x", "x");
    let in_the_way = world.file("work/hard/x", "x");
    let error = world.run(spec, json!({})).await.unwrap_err();
    let run = error.run_id().unwrap().clone();
    std::fs::remove_dir_all(in_the_way.parent().unwrap()).unwrap();
    let report = resumed(&world, spec, &run).await.unwrap();
    assert_eq!(report.outputs["soft"]["_failed"], json!(true));
    assert_eq!(report.outputs["hard"]["written"], "hard");
    assert_eq!(count(&world, &run, "tool_intent", "soft"), 1);
}

#[tokio::test]
async fn items_of_a_fan_out_are_kept_one_by_one() {
    let world = World::new();
    let spec = r#"
stages:
  - id: each
    fan_out: 1
    partition_source: "{{ list }}"
    partition_key: item
    tool_call: { name: file_write, args: { path: "{{ item }}", content: "{{ item }}" } }
"#;
    let inputs = json!({"list": ["p", "q", "r", "s"]});
    let run = interrupted(&world, spec, inputs, ("stage_complete", "each", 2)).await;
    let before = count(&world, &run, "tool_intent", "each");
    assert!((2..4).contains(&before), "{before}");
    let report = resumed(&world, spec, &run).await.unwrap();
    let paths: Vec<&Value> = report.outputs["each"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["written"])
        .collect();
    assert_eq!(paths, ["p", "q", "r", "s"]);
    let mut items: Vec<usize> = events(&world, &run)
        .into_iter()
        .filter_map(|event| match event {
            Event::StageCompleted { item, .. } => item,
            _ => None,
        })
        .collect();
    items.sort_unstable();
    assert_eq!(items, [0, 1, 2, 3], "each item came to its end once");
}

const GATE: &str = r#"
stages:
  - { id: draft, tool_call: { name: file_write, args: { path: draft, content: x } } }
  - { id: ok, depends_on: [draft], gate: human, present: "Publish {{ draft.written }}?" }
  - { id: publish, depends_on: [ok], tool_call: { name: file_write, args: { path: published, content: "Yes {{ ok.feedback }}" } } }
  - { id: revise, depends_on: [ok], skip_if: "{{ ok.approved }}", tool_call: { name: file_write, args: { path: revised, content: "{{ ok.feedback }}" } } }
"#;

#[tokio::test]
async fn a_gate_that_parked_the_run_is_answered_later_and_asked_no_more() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    let waiting = world.engine.store().unwrap().waiting(&run).unwrap();
    assert_eq!(waiting[0].question.message, "Publish draft?");
    answer(&world, &run, "ok", true, "");
    let report = resumed(&world, GATE, &run).await.unwrap();
    assert_eq!(
        report.outputs["ok"],
        json!({"approved": true, "feedback": null})
    );
    assert!(world.read("published").is_some() && world.read("revised").is_none());
    assert_eq!(count(&world, &run, "gate_opened", "ok"), 1);
    assert_eq!(count(&world, &run, "tool_intent", "draft"), 1);
}

#[tokio::test]
async fn a_rejection_given_later_keeps_its_words_and_stops_what_depends_on_the_gate() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    answer(&world, &run, "ok", false, "Not YET\nplease");
    let report = resumed(&world, GATE, &run).await.unwrap();
    assert_eq!(world.read("revised").as_deref(), Some("Not YET\nplease"));
    assert_eq!(world.read("published"), None);
    assert_eq!(
        report.rejected,
        [("ok".to_owned(), "Not YET\nplease".to_owned())]
    );
}

#[tokio::test]
async fn a_rejected_gate_still_stops_what_depends_on_it_after_an_interruption() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    answer(&world, &run, "ok", false, "no");
    let cancel = CancellationToken::new();
    let stopper = Stopper {
        name: "stage_complete",
        stage: "ok",
        left: Mutex::new(1),
        cancel: cancel.clone(),
    };
    let plan = plan(&world, &world.engine, GATE).await;
    let request = RunRequest {
        cancel,
        observer: Arc::new(stopper),
        ..world.request(json!({}))
    };
    world
        .engine
        .resume(&plan, run.clone(), request)
        .await
        .unwrap_err();
    let report = resumed(&world, GATE, &run).await.unwrap();
    assert_eq!(world.read("published"), None);
    assert_eq!(report.rejected.len(), 1);
}

#[tokio::test]
async fn a_run_that_still_waits_parks_again_and_has_waited_since_it_was_first_asked() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    let waiting = || world.engine.store().unwrap().waiting(&run).unwrap();
    let before = waiting();
    let error = resumed(&world, GATE, &run).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
    let after = waiting();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].question.since, before[0].question.since);
}

const APPROVAL: &str = r#"
safety_rules: [{ tool: file_write, action: require_approval, message: look }]
stages:
  - { id: w, tool_call: { name: file_write, args: { path: w, content: "{{ text }}" } } }
  - { id: other, tool_call: { name: file_read, args: { path: there } } }
"#;

#[tokio::test]
async fn a_call_that_needs_approval_waits_and_is_made_once_in_another_process() {
    let world = World::new();
    world.file("work/there", "x");
    let run = parked(&world, APPROVAL, json!({"text": "words"})).await;
    assert_eq!(count(&world, &run, "stage_complete", "other"), 1);
    let waiting = world.engine.store().unwrap().waiting(&run).unwrap();
    let call = waiting[0].question.call.as_ref().unwrap();
    assert_eq!(
        (call.tool.as_str(), &call.args["content"]),
        ("file_write", &json!("words"))
    );
    answer(&world, &run, "w", true, "");
    resumed(&world, APPROVAL, &run).await.unwrap();
    assert_eq!(world.read("w").as_deref(), Some("words"));
    assert_eq!(count(&world, &run, "tool_intent", "w"), 1);
    assert_eq!(count(&world, &run, "approval_asked", "w"), 1);
}

#[tokio::test]
async fn a_call_that_a_person_refused_meanwhile_fails_with_the_words() {
    let world = World::new();
    world.file("work/there", "x");
    let run = parked(&world, APPROVAL, json!({"text": "x"})).await;
    answer(&world, &run, "w#1.1", false, "Not This Week");
    let error = resumed(&world, APPROVAL, &run).await.unwrap_err();
    assert!(error.failure().unwrap().is_refusal());
    assert!(error.to_string().contains("Not This Week"), "{error}");
    assert_eq!(world.read("w"), None);
    // Whoever goes on with the failed run is asked again.
    let error = resumed(&world, APPROVAL, &run).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
}

#[tokio::test]
async fn an_approval_holds_for_the_call_that_was_shown_and_another_one_is_asked_about() {
    let world = World::new();
    let spec = r#"
safety_rules: [{ tool: file_write, action: require_approval, message: look }]
stages:
  - { id: seen, on_fail: { loop: { max: 0 } }, tool_call: { name: file_read, args: { path: source } } }
  - id: each
    depends_on: [seen]
    fan_out: 2
    partition_source: "{{ ['1', '2'] }}"
    partition_key: item
    tool_call: { name: file_write, args: { path: "{{ item }}", content: "{{ seen.content }}" } }
"#;
    world.file("work/source", "x");
    let run = parked(&world, spec, json!({})).await;
    let store = world.engine.store().unwrap();
    assert_eq!(
        store.waiting(&run).unwrap().len(),
        2,
        "one visit answers all"
    );
    answer(&world, &run, "each[0]#1.1", true, "");
    let error = resumed(&world, spec, &run).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
    assert!(world.read("1").is_some() && world.read("2").is_none());
    let left = store.waiting(&run).unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].question.args().unwrap()["path"], "2");
    answer(&world, &run, "each", true, "");
    resumed(&world, spec, &run).await.unwrap();
    assert!(world.read("2").is_some());
    assert_eq!(count(&world, &run, "tool_intent", "each"), 2);
}

#[tokio::test]
async fn what_a_model_said_and_what_its_tools_did_is_not_asked_and_not_done_again() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { turn: 1, tool_calls: [{ name: file_write, arguments: { path: one, content: x } }] }\n  - { turn: 2, tool_calls: [{ name: file_read, arguments: { path: one } }] }\n  - { turn: 3, text: done }\n",
    );
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
safety_rules: [{ tool: file_read, action: require_approval, message: look }]
stages:
  - { id: m, role: { name: r, type: worker, description: d, tools: [file_read, file_write] } }
"#;
    let run = parked(&world, spec, json!({})).await;
    answer(&world, &run, "m", true, "");
    let report = resumed(&world, spec, &run).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "done"}));
    assert_eq!(count(&world, &run, "model_intent", "m"), 3);
    assert_eq!(count(&world, &run, "tool_intent", "m"), 2);
    assert_eq!(report.summary.spent.llm_calls, 3);
    assert_eq!(report.summary.spent.tool_calls, 2);
}

#[tokio::test]
async fn stages_that_run_last_are_told_of_those_before_the_interruption_too() {
    let world = World::new();
    world.file("script.yml", "replies: [{ text: Hello }]\n");
    let spec = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
stages:
  - { id: m, role: { name: Greeter, type: worker, description: d } }
  - { id: bad, fail_as_value: true, tool_call: { name: file_read, args: { path: there } } }
  - { id: ok, depends_on: [m, bad], gate: human }
  - { id: last, post_run: true, tool_call: { name: file_write, args: { path: last, content: "{{ _transcript[0].role_name }} {{ _transcript[0].response }} {{ _diagnostics[0].stage_id }}" } } }
"#;
    world.file("work/there/x", "a directory is in the way");
    let run = parked(&world, spec, json!({})).await;
    answer(&world, &run, "ok", true, "");
    resumed(&world, spec, &run).await.unwrap();
    assert_eq!(world.read("last").as_deref(), Some("Greeter Hello bad"));
}

#[tokio::test]
async fn budgets_go_on_from_what_was_used() {
    let world = World::new();
    world.file(
        "script.yml",
        "replies: [{ text: yes, usage: { input_tokens: 7, output_tokens: 3 } }]\n",
    );
    let llm = "role: { name: r, type: worker, description: d }";
    let spec = format!(
        "contracts: {{ max_llm_calls: 2 }}\nmodel_tiers: {{ small: {{ provider: scripted, model: m, script: script.yml }} }}\nstages:\n  - {{ id: a, {llm} }}\n  - {{ id: ok, depends_on: [a], gate: human }}\n  - {{ id: b, depends_on: [ok], {llm} }}\n  - {{ id: c, depends_on: [b], {llm} }}\n"
    );
    let mut request = world.request(json!({}));
    request.use_cache = false;
    let error = world.run_with(&spec, request).await.unwrap_err();
    let run = error.run_id().unwrap().clone();
    answer(&world, &run, "ok", true, "");
    let plan = plan(&world, &world.engine, &spec).await;
    let mut request = world.request(json!({}));
    request.use_cache = false;
    let error = world
        .engine
        .resume(&plan, run.clone(), request)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("max_llm_calls limit (2) reached — stage 'c'"),
        "{error}"
    );
}

async fn problem(world: &World, spec: &str, run: &RunId) -> ResumeProblem {
    match resumed(world, spec, run).await {
        Err(RunError::Resume(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_of_another_spec_or_of_changed_files_does_not_go_on() {
    let world = World::new();
    let spec =
        format!("skill_library: {{ s: {{ id: s, description: d, path: skill.md }} }}\n{GATE}");
    world.file("skill.md", "one");
    let run = parked(&world, &spec, json!({})).await;
    let changed = problem(&world, &spec.replace("Publish", "Print"), &run).await;
    assert!(
        changed.to_string().contains("the spec changed"),
        "{changed}"
    );
    assert!(changed.hint().contains("--force"));
    world.file("skill.md", "two");
    let changed = problem(&world, &spec, &run).await;
    assert!(
        changed.to_string().contains("skill.md` changed"),
        "{changed}"
    );
    world.file("skill.md", "one");
    answer(&world, &run, "ok", true, "");
    resumed(&world, &spec, &run).await.unwrap();
    let over = problem(&world, &spec, &run).await;
    assert_eq!(over, ResumeProblem::Complete(run));
    let nothing = RunId::fresh();
    assert_eq!(
        problem(&world, &spec, &nothing).await,
        ResumeProblem::Unknown(nothing)
    );
}

#[tokio::test]
async fn a_changed_plugin_stops_a_run_and_is_named() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    // The log says that it was another one.
    let store = world.engine.store().unwrap();
    let mut log = store.events(&run).unwrap();
    let Event::RunStarted(start) = &mut log[0].event else {
        panic!("{log:?}");
    };
    start
        .plugins
        .insert("file".to_owned(), "another".to_owned());
    let copy = RunId::fresh();
    for recorded in log {
        store.append(&copy, &recorded.event).unwrap();
    }
    let changed = problem(&world, GATE, &copy).await;
    assert!(
        changed.to_string().contains("the plugin `file` changed"),
        "{changed}"
    );
}

#[tokio::test]
async fn inputs_that_held_a_secret_are_not_guessed() {
    let world = World::new();
    let run = RunId::fresh();
    let plan = plan(&world, &world.engine, GATE).await;
    let start = RunStarted {
        spec_digest: plan.digest().to_string(),
        inputs_digest: "of what was really given".to_owned(),
        ..RunStarted::default()
    };
    let store = world.engine.store().unwrap();
    store.append(&run, &Event::RunStarted(start)).unwrap();
    store.flush().unwrap();
    assert_eq!(
        problem(&world, GATE, &run).await,
        ResumeProblem::SecretInputs(run)
    );
}

#[tokio::test]
async fn inputs_that_held_a_secret_are_given_again_and_must_be_the_same() {
    let world = World::with("", &[("KEY", "open-sesame")]);
    let spec = GATE.replace("content: x", "content: '{{ who }}{{ env.KEY }}'");
    let run = parked(&world, &spec, json!({"who": "open-sesame"})).await;
    let plan = plan(&world, &world.engine, &spec).await;
    let go_on = async |inputs: Value| {
        let request = world.request(inputs);
        world.engine.resume(&plan, run.clone(), request).await
    };
    for other in [json!({}), json!({"who": "somebody"})] {
        let error = go_on(other).await.unwrap_err();
        assert!(
            matches!(error, RunError::Resume(ResumeProblem::SecretInputs(_))),
            "{error}"
        );
    }
    let error = go_on(json!({"who": "open-sesame"})).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
}

#[tokio::test]
async fn of_two_that_go_on_with_a_run_at_the_same_time_one_is_told_who_is_at_work() {
    let world = World::new();
    let run = parked(&world, GATE, json!({})).await;
    let plan = plan(&world, &world.engine, GATE).await;
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let (give, answer) = tokio::sync::oneshot::channel();
    let approver = Slow {
        asked: Mutex::new(Some(asked)),
        answer: tokio::sync::Mutex::new(Some(answer)),
    };
    let mut request = world.request(json!({}));
    request.approver = Arc::new(approver);
    let engine = world.engine.clone();
    let (first_plan, first_run) = (plan.clone(), run.clone());
    let first = tokio::spawn(async move { engine.resume(&first_plan, first_run, request).await });
    is_asked.await.unwrap();
    let at_work = problem(&world, GATE, &run).await;
    let pid = Some(std::process::id());
    assert_eq!(
        at_work,
        ResumeProblem::AtWork {
            run: run.clone(),
            pid
        }
    );
    assert_eq!(
        armature_engine::worker(&world.dir.path().join("home"), &run),
        Some(pid)
    );
    give.send(GateAnswer::Approved).unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(
        armature_engine::worker(&world.dir.path().join("home"), &run),
        None
    );
}

/// A person who is at the terminal of another process.
struct Slow {
    asked: Mutex<Option<tokio::sync::oneshot::Sender<()>>>,
    answer: tokio::sync::Mutex<Option<tokio::sync::oneshot::Receiver<GateAnswer>>>,
}

impl armature_engine::Approver for Slow {
    fn approve<'a>(
        &'a self,
        _: armature_engine::Approval,
    ) -> armature_engine::BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Unavailable))
    }

    fn gate<'a>(&'a self, _: armature_engine::Gate) -> armature_engine::BoxFuture<'a, GateAnswer> {
        Box::pin(async move {
            let asked = self.asked.lock().unwrap().take().unwrap();
            asked.send(()).unwrap();
            let answer = self.answer.lock().await.take().unwrap();
            answer.await.unwrap()
        })
    }
}

/// A log that ends within a call of the first stage.
async fn dies_within_a_call(world: &World, spec: &str, intent: ToolIntent) -> RunId {
    let run = interrupted(world, spec, json!({}), ("stage_complete", "before", 1)).await;
    let store = world.engine.store().unwrap();
    let copy = RunId::fresh();
    for recorded in store.events(&run).unwrap() {
        if !matches!(
            recorded.event,
            Event::RunCancelled { .. } | Event::RunSummary(_)
        ) {
            store.append(&copy, &recorded.event).unwrap();
        }
    }
    store.append(&copy, &Event::ToolIntent(intent)).unwrap();
    copy
}

const EFFECT: &str = r#"
stages:
  - { id: before, tool_call: { name: file_write, args: { path: before, content: x } } }
  - { id: effect, depends_on: [before], tool_call: { name: file_write, args: { path: effect, content: x } } }
  - { id: beside, depends_on: [before], tool_call: { name: file_write, args: { path: beside, content: x } } }
"#;

fn intent() -> ToolIntent {
    ToolIntent {
        stage: "effect".to_owned(),
        tool: "pay".to_owned(),
        plugin: "bank".to_owned(),
        call_id: "effect#1.1".to_owned(),
        args_digest: "d".to_owned(),
        args: json!({"to": "Ada"}),
        ..ToolIntent::default()
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_made_is_not_made_again_unasked() {
    let world = World::new();
    let run = dies_within_a_call(&world, EFFECT, intent()).await;
    let error = resumed(&world, EFFECT, &run).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
    assert!(world.read("beside").is_some() && world.read("effect").is_none());
    let waiting = world.engine.store().unwrap().waiting(&run).unwrap();
    let asked = &waiting[0].question;
    assert!(
        asked.message.contains("make it again?"),
        "{}",
        asked.message
    );
    assert_eq!(asked.args(), Some(&json!({"to": "Ada"})));
    answer(&world, &run, "effect#1.1", true, "");
    resumed(&world, EFFECT, &run).await.unwrap();
    assert!(world.read("effect").is_some());
    assert_eq!(count(&world, &run, "approval_asked", "effect"), 1);
}

#[tokio::test]
async fn a_call_that_is_not_to_be_made_again_fails_its_stage() {
    let world = World::new();
    let run = dies_within_a_call(&world, EFFECT, intent()).await;
    let person = Person::new(Answer::Refused, GateAnswer::Unavailable);
    let plan = plan(&world, &world.engine, EFFECT).await;
    let mut request = world.request(json!({}));
    request.approver = person.clone();
    let error = world.engine.resume(&plan, run, request).await.unwrap_err();
    assert!(error.failure().unwrap().is_refusal(), "{error}");
    let asked = person.asked.lock().unwrap();
    assert!(asked[0].is_again && asked[0].call_id == "effect#1.1");
    assert_eq!(world.read("effect"), None);
}

#[tokio::test]
async fn a_call_that_may_be_made_twice_is_simply_made_again() {
    let world = World::new();
    let harmless = ToolIntent {
        idempotent: true,
        ..intent()
    };
    let run = dies_within_a_call(&world, EFFECT, harmless).await;
    resumed(&world, EFFECT, &run).await.unwrap();
    assert!(world.read("effect").is_some());
}

fn child(world: &World, stages: &str) {
    world.file("sub/child.yml", &text(world, stages));
}

#[tokio::test]
async fn a_child_run_goes_on_too_and_keeps_its_id() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: one, tool_call: { name: file_write, args: { path: one, content: x } } }\n  - { id: two, depends_on: [one], tool_call: { name: file_write, args: { path: two, content: x } } }\n",
    );
    let spec = "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n  - { id: t, depends_on: [s], tool_call: { name: file_write, args: { path: t, content: '{{ s.two.written }}' } } }\n";
    let run = interrupted(&world, spec, json!({}), ("stage_complete", "one", 1)).await;
    let children = || -> Vec<RunId> {
        let ids = events(&world, &run)
            .into_iter()
            .filter_map(|event| match event {
                Event::ChildStarted { run_id, .. } => Some(run_id),
                _ => None,
            });
        ids.collect()
    };
    let before = children();
    resumed(&world, spec, &run).await.unwrap();
    assert_eq!(children(), before);
    assert_eq!(before.len(), 1);
    assert_eq!(count(&world, &before[0], "tool_intent", "one"), 1);
    assert_eq!(count(&world, &before[0], "stage_resumed", "one"), 1);
    assert_eq!(world.read("t").as_deref(), Some("two"));
}

#[tokio::test]
async fn a_child_that_has_ended_before_its_stage_did_is_not_run_again() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: one, tool_call: { name: file_write, args: { path: one, content: x } } }\n  - { id: after, post_run: true, tool_call: { name: file_write, args: { path: after, content: x } } }\n",
    );
    let spec = "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n";
    let report = world.run(spec, json!({})).await.unwrap();
    // The same log, without the end of the stage.
    let store = world.engine.store().unwrap();
    let copy = RunId::fresh();
    let mut child = None;
    for recorded in store.events(&report.run_id).unwrap() {
        if let Event::ChildStarted { run_id, .. } = &recorded.event {
            child = Some(run_id.clone());
        }
        if matches!(recorded.event, Event::StageCompleted { .. }) {
            break;
        }
        store.append(&copy, &recorded.event).unwrap();
    }
    let child = child.unwrap();
    let before = events(&world, &child).len();
    let again = resumed(&world, spec, &copy).await.unwrap();
    assert_eq!(again.outputs["s"]["one"], report.outputs["s"]["one"]);
    assert_eq!(events(&world, &child).len(), before);
}

#[tokio::test]
async fn a_gate_within_a_child_parks_all_of_it_and_is_answered_by_the_way_to_it() {
    let world = World::new();
    child(
        &world,
        "stages:\n  - { id: inner, gate: human, present: 'Item {{ item }}?' }\n  - { id: then, depends_on: [inner], tool_call: { name: file_write, args: { path: 'f{{ item }}', content: x } } }\n",
    );
    let spec = r#"
stages:
  - id: s
    subagent_spec: sub/child.yml
    fan_out: 2
    partition_source: "{{ [1, 2] }}"
    partition_key: item
"#;
    let error = world.run(spec, json!({})).await.unwrap_err();
    let RunError::Parked {
        run_id: run,
        waiting,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(waiting, &["s/inner"]);
    let store = world.engine.store().unwrap();
    let paths: Vec<String> = store
        .waiting(run)
        .unwrap()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert_eq!(paths, ["s[0]/inner", "s[1]/inner"]);
    answer(&world, run, "s[1]/inner", true, "");
    let error = resumed(&world, spec, run).await.unwrap_err();
    assert!(matches!(error, RunError::Parked { .. }), "{error}");
    assert!(world.read("f1").is_none() && world.read("f2").is_some());
    answer(&world, run, "s/inner", true, "");
    resumed(&world, spec, run).await.unwrap();
    assert!(world.read("f1").is_some());
}

#[tokio::test]
async fn a_refusal_within_a_child_is_a_refusal_outside() {
    let world = World::new();
    child(
        &world,
        "safety_rules: [{ tool: file_write, action: block, message: never }]\nstages:\n  - { id: w, tool_call: { name: file_write, args: { path: w, content: x } } }\n",
    );
    let spec = "stages:\n  - { id: s, subagent_spec: sub/child.yml }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(error.failure().unwrap().is_refusal(), "{error}");
}

#[tokio::test]
async fn a_run_that_goes_on_sees_the_values_that_it_began_with() {
    let world = World::new();
    let spec = format!(
        "continuation: {{ inject_as: last_time, carry_forward: [{{ key: draft.written }}] }}\n{GATE}"
    )
    .replace("Yes {{ ok.feedback }}", "After {{ last_time.written }}");
    let approve = |world: &World, run: &RunId| drop(answer(world, run, "ok", true, ""));
    let first = parked(&world, &spec, json!({})).await;
    // Another run ends well in between: the one that waits does not become its successor.
    let second = parked(&world, &spec, json!({})).await;
    approve(&world, &second);
    resumed(&world, &spec, &second).await.unwrap();
    approve(&world, &first);
    resumed(&world, &spec, &first).await.unwrap();
    assert_eq!(world.read("published").as_deref(), Some("After "));
}

#[tokio::test]
async fn the_newest_run_that_did_not_end_is_found_by_spec_and_inputs() {
    let world = World::new();
    let plan = plan(&world, &world.engine, GATE).await;
    let inputs = |value: Value| value.as_object().unwrap().clone();
    let found = async |value| {
        let found = world.engine.unfinished(&plan, &inputs(value)).await;
        found.unwrap().map(|found| (found.run_id, found.done))
    };
    assert_eq!(found(json!({"n": 1})).await, None);
    let run = parked(&world, GATE, json!({"n": 1})).await;
    assert_eq!(found(json!({"n": 1})).await, Some((run.clone(), 1)));
    assert_eq!(found(json!({"n": 2})).await, None);
    answer(&world, &run, "ok", true, "");
    resumed(&world, GATE, &run).await.unwrap();
    assert_eq!(found(json!({"n": 1})).await, None);
}
