//! Kept replies: what is not asked again, and what is.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use armature_engine::{RunReport, RunRequest};
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse as _};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::world::World;

/// A model server that counts what it is asked.
struct Server {
    base: String,
    served: Arc<Served>,
}

#[derive(Default)]
struct Served {
    asked: AtomicUsize,
    /// Statuses to fail with first.
    fails: Mutex<Vec<u16>>,
    /// What it answers; an echo of nothing if there is none.
    says: Mutex<Option<Value>>,
    /// It answers only once this is told so often.
    gate: Option<Notify>,
}

impl Server {
    async fn start(served: Served) -> Self {
        let served = Arc::new(served);
        let router = Router::new()
            .route("/v1/chat/completions", axum::routing::post(answer))
            .with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base: format!("http://{address}/v1"),
            served,
        }
    }

    fn asked(&self) -> usize {
        self.served.asked.load(Ordering::SeqCst)
    }

    /// Waits until it was asked so often.
    async fn was_asked(&self, times: usize) {
        let waits = async {
            while self.asked() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waits)
            .await
            .expect("it was not asked");
    }

    fn tiers(&self) -> String {
        format!(
            "model_tiers: {{ small: {{ provider: local, model: m, api_base: '{}' }} }}\n",
            self.base
        )
    }
}

async fn answer(State(served): State<Arc<Served>>) -> axum::response::Response {
    let count = served.asked.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(gate) = &served.gate {
        gate.notified().await;
    }
    let fail = served.fails.lock().unwrap().pop();
    if let Some(status) = fail {
        let status = StatusCode::from_u16(status).unwrap();
        return (status, Json(json!({"error": {"message": "no"}}))).into_response();
    }
    let said = served.says.lock().unwrap().clone();
    let said = said.unwrap_or_else(|| json!(format!("answer {count}")));
    Json(json!({
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }))
    .into_response()
}

const ASK: &str =
    "  - { id: a, role: { name: r, type: worker, description: 'about {{ topic }}' } }\n";

fn content(report: &RunReport, stage: &str) -> Value {
    report.outputs[stage]["content"].clone()
}

#[tokio::test]
async fn two_identical_runs_make_one_request_and_leave_the_same_bytes() {
    let world = World::new();
    let server = Server::start(Served::default()).await;
    let spec = format!("{}stages:\n{ASK}", server.tiers());
    let first = world.run(&spec, json!({"topic": "tea"})).await.unwrap();
    let second = world.run(&spec, json!({"topic": "tea"})).await.unwrap();
    assert_eq!(server.asked(), 1);
    assert_eq!(
        second.outputs["a"].to_string(),
        first.outputs["a"].to_string()
    );
    assert_eq!(second.summary.spent.llm_calls, 0);
    assert!(world.traces(&second.run_id)[0].cached);
    world.run(&spec, json!({"topic": "rum"})).await.unwrap();
    assert_eq!(server.asked(), 2, "another question");
    let stats = world.engine.store().unwrap().cache_stats().unwrap();
    assert_eq!((stats.entries, stats.hits), (2, 1));
}

#[tokio::test]
async fn without_the_cache_a_model_is_asked_again_and_nothing_is_kept() {
    let world = World::new();
    let server = Server::start(Served::default()).await;
    let spec = format!("{}stages:\n{ASK}", server.tiers());
    for _ in 0..2 {
        let mut request = world.request(json!({"topic": "tea"}));
        request.use_cache = false;
        world.run_with(&spec, request).await.unwrap();
    }
    assert_eq!(server.asked(), 2);
    let stats = world.engine.store().unwrap().cache_stats().unwrap();
    assert_eq!(stats.entries, 0);
}

#[tokio::test]
async fn a_kept_reply_that_calls_tools_has_them_called_again() {
    let world = World::new();
    world.file(
        "m.yml",
        "- { turn: 1, tool_calls: [{ name: file_write, arguments: { path: out.txt, content: again } }] }\n- { turn: 2, text: written }\n",
    );
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: m.yml } }\nstages:\n  - { id: a, role: { name: r, type: worker, description: d, tools: [file_write] } }\n";
    let first = world.run(spec, json!({})).await.unwrap();
    std::fs::remove_file(world.dir.path().join("work/out.txt")).unwrap();
    let second = world.run(spec, json!({})).await.unwrap();
    assert_eq!(
        (
            first.summary.spent.llm_calls,
            second.summary.spent.llm_calls
        ),
        (2, 0)
    );
    assert_eq!(world.read("out.txt").as_deref(), Some("again"));
    assert_eq!(second.summary.spent.tool_calls, 1);
    assert_eq!(second.outputs["a"], first.outputs["a"]);
}

#[tokio::test]
async fn failures_empty_answers_and_answers_in_another_form_are_not_kept() {
    let world = World::new();
    for (served, stage) in [
        (
            Served {
                fails: Mutex::new(vec![400]),
                ..Served::default()
            },
            "  - { id: a, fail_as_value: true, role: { name: r, type: worker, description: d1 } }\n",
        ),
        (
            Served {
                says: Mutex::new(Some(json!("  "))),
                ..Served::default()
            },
            "  - { id: a, role: { name: r, type: worker, description: d2 } }\n",
        ),
        (
            Served {
                says: Mutex::new(Some(json!("no json"))),
                ..Served::default()
            },
            "  - { id: a, output_mode: json, role: { name: r, type: worker, description: d3 } }\n",
        ),
    ] {
        let server = Server::start(served).await;
        let spec = format!("{}stages:\n{stage}", server.tiers());
        world.run(&spec, json!({})).await.unwrap();
        let before = server.asked();
        world.run(&spec, json!({})).await.unwrap();
        assert!(server.asked() > before, "{stage}");
    }
}

/// Two stages that ask the same at one time.
const BOTH: &str = "  - { id: a, role: { name: r, type: worker, description: same } }\n  - { id: b, role: { name: r, type: worker, description: same } }\n";

#[tokio::test(flavor = "multi_thread")]
async fn two_stages_that_ask_the_same_at_one_time_make_one_request() {
    let world = World::new();
    let server = Server::start(Served {
        gate: Some(Notify::new()),
        ..Served::default()
    })
    .await;
    let spec = format!("{}stages:\n{BOTH}", server.tiers());
    let run = world.run(&spec, json!({}));
    let opens = async {
        server.was_asked(1).await;
        server.served.gate.as_ref().unwrap().notify_one();
    };
    let (report, ()) = tokio::join!(run, opens);
    let report = report.unwrap();
    assert_eq!(server.asked(), 1);
    assert_eq!(content(&report, "a"), content(&report, "b"));
    assert_eq!(report.summary.spent.llm_calls, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_shared_whoever_waits_asks_for_itself() {
    let world = World::new();
    let server = Server::start(Served {
        fails: Mutex::new(vec![400]),
        ..Served::default()
    })
    .await;
    let both = BOTH.replace("id:", "fail_as_value: true, id:");
    let spec = format!("{}stages:\n{both}", server.tiers());
    let report = world.run(&spec, json!({})).await.unwrap();
    let good = ["a", "b"]
        .iter()
        .filter(|stage| report.outputs[**stage]["content"] == "answer 2")
        .count();
    assert_eq!((server.asked(), good), (2, 1), "{:?}", report.outputs);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_stops_nobody_else_who_asks_the_same() {
    let world = World::new();
    let server = Server::start(Served {
        gate: Some(Notify::new()),
        ..Served::default()
    })
    .await;
    let spec = format!("{}stages:\n{ASK}", server.tiers());
    let plan = world.plan(&spec).await.unwrap();
    let request = || {
        let inputs: Map<String, Value> = json!({"topic": "tea"}).as_object().unwrap().clone();
        RunRequest::new(inputs)
    };
    let (first, second) = (request(), request());
    let cancel = first.cancel.clone();
    let gives_up = world.engine.run(&plan, first);
    let waits = async {
        // It begins once the other one has asked.
        server.was_asked(1).await;
        let both = world.engine.run(&plan, second);
        let stops = async {
            cancel.cancel();
            server.was_asked(2).await;
            let gate = server.served.gate.as_ref().unwrap();
            gate.notify_waiters();
            gate.notify_one();
        };
        tokio::join!(both, stops).0
    };
    let (stopped, report) = tokio::join!(gives_up, waits);
    assert!(stopped.is_err());
    assert_eq!(content(&report.unwrap(), "a"), "answer 2");
}

#[tokio::test]
async fn what_is_asked_again_on_purpose_is_asked_again_and_kept_apart() {
    let world = World::new();
    let server = Server::start(Served::default()).await;
    // The signature keeps attempts and passes out of the question: it is the same each time.
    let stages = "  - { id: a, signature: { input: { topic: text } }, on_fail: { loop: { max: 3, until: '{{ content == \"answer 2\" }}' } }, role: { name: r, type: worker, description: tried } }\n  - { id: b, depends_on: [a], signature: { input: { topic: text } }, loop: { max_iterations: 2 }, role: { name: r, type: worker, description: looped } }\n";
    let spec = format!(
        "contracts: {{ inputs: [{{ name: topic }}] }}\n{}stages:\n{stages}",
        server.tiers()
    );
    let first = world.run(&spec, json!({"topic": "tea"})).await.unwrap();
    assert_eq!(content(&first, "a"), "answer 2");
    assert_eq!(server.asked(), 4);
    let second = world.run(&spec, json!({"topic": "tea"})).await.unwrap();
    assert_eq!(server.asked(), 4, "each of them is found again");
    assert_eq!(second.outputs["b"], first.outputs["b"]);
}

#[tokio::test]
async fn the_operator_says_how_much_is_kept() {
    let world = World::with("[home]\ncache = 10\n", &[]);
    let server = Server::start(Served::default()).await;
    let spec = format!("{}stages:\n{ASK}", server.tiers());
    for _ in 0..2 {
        world.run(&spec, json!({"topic": "tea"})).await.unwrap();
    }
    assert_eq!(server.asked(), 2);
}
