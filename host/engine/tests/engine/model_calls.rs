//! The tool calls of a model: side by side, bounded, and told of what went wrong.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use armature_engine::RunReport;
use axum::{Router, extract::State, routing::get};
use serde_json::json;
use tokio::sync::Barrier;

use crate::world::World;

/// A run of one stage that may read and write files, with the replies of its model.
async fn run(world: &World, replies: &str) -> Result<RunReport, armature_engine::RunError> {
    world.file("script.yml", &format!("replies:\n{replies}"));
    let spec = "model_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: m, role: { name: r, type: worker, description: d, tools: [file_read, file_write] } }\n";
    world.run(spec, json!({})).await
}

fn reading(path: &str) -> String {
    format!("{{ name: file_read, arguments: {{ path: '{path}' }} }}")
}

#[tokio::test]
async fn the_calls_of_one_answer_are_made_side_by_side_and_answered_in_their_order() {
    let both_are_here = Arc::new(Barrier::new(2));
    let meet = |State(both): State<Arc<Barrier>>| async move {
        both.wait().await;
        "met"
    };
    let app = Router::new()
        .route("/first", get(meet))
        .route("/second", get(meet))
        .with_state(both_are_here);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let world = World::new();
    world.file(
        "script.yml",
        &format!(
            "replies:\n  - {{ turn: 1, tool_calls: [{{ name: http_get, arguments: {{ url: 'http://127.0.0.1:{port}/first' }} }}, {{ name: file_read, arguments: {{ path: ../up }} }}, {{ name: http_get, arguments: {{ url: 'http://127.0.0.1:{port}/second' }} }}] }}\n  - {{ turn: 2, contains: met, text: done }}\n"
        ),
    );
    let spec = "tools: [{ plugin: http, grants: { http: [{ allow: 'GET http://127.0.0.1:*/**', private: true }] } }]\nmodel_tiers: { small: { provider: scripted, model: m, script: script.yml } }\nstages:\n  - { id: m, role: { name: r, type: worker, description: d, tools: [http_get, file_read] } }\n";
    let run = world.run(spec, json!({}));
    let report = tokio::time::timeout(Duration::from_secs(60), run)
        .await
        .expect("neither call waits for the other to end")
        .unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "done"}));
    let rows = world.traces(&report.run_id);
    let llm = rows.iter().find(|row| row.kind == "llm").unwrap();
    assert_eq!(llm.tools_called, ["http_get", "file_read", "http_get"]);
}

#[tokio::test]
async fn a_model_that_repeats_one_call_is_told_and_then_stopped() {
    let world = World::new();
    let again = reading("a");
    // What it says beside its calls is no answer.
    let replies = format!("  - {{ tool_calls: [{again}], text: still looking }}\n");
    run(&world, &replies).await.unwrap_err();
    assert_eq!(world.watcher.count("tool_intent"), 3);
    assert_eq!(world.watcher.count("model_intent"), 5);
    let told = format!(
        "  - {{ contains: 'was made 3 times', text: I see }}\n  - {{ tool_calls: [{again}] }}\n"
    );
    let report = run(&world, &told).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "I see"}));
    let silent = format!("  - {{ tool_calls: [{again}] }}\n");
    let error = run(&world, &silent).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the model of stage 'm' gave no answer: it goes on calling `file_read`"),
        "{error}"
    );
}

#[tokio::test]
async fn rounds_of_tool_calls_come_to_an_end_and_what_is_said_beside_calls_is_no_answer() {
    for said in ["", ", text: still looking"] {
        let mut replies = String::new();
        for turn in 1..=10 {
            let call = reading(&format!("a{turn}"));
            let _ = writeln!(
                replies,
                "  - {{ turn: {turn}, tool_calls: [{call}]{said} }}"
            );
        }
        let world = World::new();
        let error = run(&world, &replies).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("gave no answer: it still calls tools in round 10, the last it has"),
            "{error}"
        );
        assert_eq!(world.watcher.count("model_intent"), 10);
        assert_eq!(world.watcher.count("tool_intent"), 9);
    }
}

#[tokio::test]
async fn of_five_hundred_calls_in_one_answer_the_first_are_made_and_the_others_refused() {
    let world = World::new();
    let calls: Vec<String> = (0..500).map(|n| reading(&format!("f{n}"))).collect();
    let replies = format!(
        "  - {{ turn: 1, tool_calls: [{}] }}\n  - {{ turn: 2, contains: 'one answer may call 64 tools', text: fine }}\n",
        calls.join(", ")
    );
    let report = run(&world, &replies).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "fine"}));
    assert_eq!(world.watcher.count("tool_intent"), 64);
    assert_eq!(report.summary.rogue_signals, 436);
}

#[tokio::test]
async fn arguments_beyond_their_size_are_refused_and_not_sent_back_to_the_model() {
    let world = World::new();
    let large = "x".repeat(2 << 20);
    let replies = format!(
        "  - {{ turn: 1, tool_calls: [{{ name: file_write, arguments: {{ path: big, content: {large} }} }}] }}\n  - {{ turn: 2, contains: '1048576 are allowed', text: smaller then }}\n"
    );
    let report = run(&world, &replies).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "smaller then"}));
    assert_eq!(world.read("big"), None);
    assert_eq!(report.summary.rogue_signals, 1);
    assert!(
        report.summary.spent.tokens < 10_000,
        "{:?}",
        report.summary.spent
    );
}

#[tokio::test]
async fn a_long_result_is_cut_with_a_note_before_the_model_is_told() {
    let world = World::new();
    world.file("work/long.txt", &"y".repeat(150_000));
    let replies = format!(
        "  - {{ turn: 1, tool_calls: [{}] }}\n  - {{ turn: 2, contains: 'the first 100000 of', text: cut }}\n",
        reading("long.txt")
    );
    let report = run(&world, &replies).await.unwrap();
    assert_eq!(report.outputs["m"], json!({"content": "cut"}));
}

#[tokio::test]
async fn what_went_wrong_in_a_call_is_told_with_its_type() {
    for (call, kind) in [
        (
            "{ name: no_such_tool, arguments: {} }".to_owned(),
            "\"type\":\"PermissionError\"",
        ),
        (
            "{ name: file_read, arguments: { nonsense: 1 } }".to_owned(),
            "\"type\":\"ValueError\"",
        ),
        (
            "{ name: file_read, arguments: 'no json' }".to_owned(),
            "\"type\":\"ValueError\"",
        ),
    ] {
        let world = World::new();
        let replies = format!(
            "  - {{ turn: 1, tool_calls: [{call}] }}\n  - {{ turn: 2, contains: '{kind}', text: told }}\n"
        );
        let report = run(&world, &replies).await.unwrap();
        assert_eq!(report.outputs["m"], json!({"content": "told"}), "{call}");
    }
}
