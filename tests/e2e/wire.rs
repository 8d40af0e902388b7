//! The same spec against a server that speaks OpenAI's wire format, and one that speaks Anthropic's.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};

use crate::project::Project;

const SPEC: &str = r#"
name: wire
model_tiers:
  small: { provider: PROVIDER, model: test-1, api_base: "BASE", api_key_env: TEST_KEY }
stages:
  - id: write
    role: { name: Writer, type: worker, description: "Write {{ topic }} into a file and say so.", tools: [file_write] }
  - id: rate
    depends_on: [write]
    role: { name: Reader, type: judge, model_tier: small, description: "Rate this: {{ write.content }}" }
    output_mode: guided_json
    output_schema: { type: object, required: [score], properties: { score: { type: number } } }
"#;

/// What the server was asked.
type Seen = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// Serves on a thread of its own until the test ends.
fn serve(path: &'static str, reply: fn(&Value) -> Value) -> (String, Seen) {
    let seen = Seen::default();
    let answer = move |State(seen): State<Seen>, headers: HeaderMap, Json(asked): Json<Value>| async move {
        let answer = reply(&asked);
        seen.lock().unwrap().push((headers, asked));
        Json(answer)
    };
    let router = Router::new()
        .route(path, post(answer))
        .with_state(seen.clone());
    (format!("http://{}", listen(router)), seen)
}

/// Serves on loopback for as long as the test lives.
pub(crate) fn listen(router: Router) -> std::net::SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    told.recv().unwrap()
}

fn run(provider: &str, base: &str) -> (Project, Value) {
    let project = Project::new();
    project.write(
        "spec.yml",
        &SPEC.replace("PROVIDER", provider).replace("BASE", base),
    );
    let said = project.run_with(
        &["run", "spec.yml", "-q", "-i", "topic=tea"],
        &[("TEST_KEY", "sk-test-do-not-show")],
    );
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!said.all().contains("sk-test-do-not-show"));
    let result = said.json();
    assert_eq!(result["write"]["content"], "I wrote it.");
    assert_eq!(result["rate"]["score"], 0.5);
    assert_eq!(project.read("tea.txt").unwrap(), "green");
    (project, result)
}

#[test]
fn a_spec_runs_against_a_server_that_speaks_openais_wire_format() {
    let (base, seen) = serve("/v1/chat/completions", |asked| {
        let messages = asked["messages"].as_array().unwrap();
        let message = if asked.get("response_format").is_some() {
            json!({"role": "assistant", "content": "{\"score\": 0.5}"})
        } else if messages.iter().any(|message| message["role"] == "tool") {
            json!({"role": "assistant", "content": "I wrote it."})
        } else {
            let call = json!({"name": "file_write", "arguments": "{\"path\": \"tea.txt\", \"content\": \"green\"}"});
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": call}]})
        };
        let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
        json!({"id": "x", "object": "chat.completion", "created": 0, "model": "test-1", "usage": usage,
               "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    });
    run("openai", &format!("{base}/v1"));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].0["authorization"], "Bearer sk-test-do-not-show");
    assert_eq!(seen[0].1["tools"][0]["function"]["name"], "file_write");
    let told = seen[1].1["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&told["role"], &told["tool_call_id"]),
        (&json!("tool"), &json!("c1"))
    );
    assert!(told["content"].as_str().unwrap().contains("tea.txt"));
}

#[test]
fn a_spec_runs_against_a_server_that_speaks_anthropics_wire_format() {
    let (base, seen) = serve("/v1/messages", |asked| {
        let messages = asked["messages"].as_array().unwrap();
        let tools: Vec<&str> = asked["tools"]
            .as_array()
            .map(|tools| tools.iter().filter_map(|t| t["name"].as_str()).collect())
            .unwrap_or_default();
        let answered = messages
            .iter()
            .any(|m| m["content"].to_string().contains("tool_result"));
        let content = if answered {
            json!([{"type": "text", "text": "I wrote it."}])
        } else if tools.contains(&"file_write") {
            json!([{"type": "tool_use", "id": "c1", "name": "file_write", "input": {"path": "tea.txt", "content": "green"}}])
        } else if let Some(tool) = tools.first() {
            json!([{"type": "tool_use", "id": "c2", "name": tool, "input": {"score": 0.5}}])
        } else {
            json!([{"type": "text", "text": "{\"score\": 0.5}"}])
        };
        json!({"id": "m", "type": "message", "role": "assistant", "model": "test-1", "content": content,
               "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 5}})
    });
    run("anthropic", &base);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].0["x-api-key"], "sk-test-do-not-show");
    assert!(seen[0].1["system"].is_string() || seen[0].1["system"].is_array());
    assert_eq!(seen[0].1["tools"][0]["name"], "file_write");
}

#[test]
fn a_key_never_reaches_the_event_log_or_the_traces() {
    let (base, _seen) = serve(
        "/v1/chat/completions",
        |_| json!({"error": {"message": "invalid key sk-test-do-not-show"}}),
    );
    let project = Project::new();
    project.write(
        "spec.yml",
        &SPEC
            .replace("PROVIDER", "openai")
            .replace("BASE", &format!("{base}/v1")),
    );
    let said = project.run_with(&["run", "spec.yml"], &[("TEST_KEY", "sk-test-do-not-show")]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        !said.all().contains("sk-test-do-not-show"),
        "{}",
        said.all()
    );
    let database = std::fs::read(project.path("home/traces.db")).unwrap();
    let needle = b"sk-test-do-not-show";
    assert!(
        !database
            .windows(needle.len())
            .any(|window| window == needle)
    );
}
