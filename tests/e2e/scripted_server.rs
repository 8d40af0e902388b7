//! The scripted model as a server that speaks OpenAI's wire format: what a spec's `*.model.yml` says, over HTTP.
//!
//! The wire does not say which stage asks, so the server knows the spec: the stage is the one most of whose own words
//! stand in the system message. Everything else (which reply fits, failures, how often) is the scripted provider itself.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use armature_llm::{Message, Model as _, Request, RetryPolicy, Script, Scripted, ToolCall};
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse as _};
use serde_json::{Value, json};

/// Shortest piece of a description that tells anything.
const TELLING: usize = 12;

/// A server, gone with the test's process.
pub(crate) struct ScriptedServer {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

struct Served {
    /// The pieces of each stage's description that are no templates, the stage, and the models of its spec.
    stages: Vec<(Vec<String>, String, Arc<Scripted>)>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ScriptedServer {
    /// Serves the models of these specs, each with the script beside it.
    pub(crate) fn start(specs: &[PathBuf]) -> Self {
        let asked = Arc::default();
        let served = Arc::new(Served {
            stages: specs.iter().flat_map(|spec| stages(spec)).collect(),
            asked: Arc::clone(&asked),
        });
        let router = Router::new()
            .route(
                "/v1/chat/completions",
                axum::routing::post(
                    |State(served): State<Arc<Served>>, Json(asked): Json<Value>| async move {
                        served.answer(&asked).await
                    },
                ),
            )
            .with_state(served);
        Self {
            base: format!("http://{}/v1", crate::wire::listen(router)),
            asked,
        }
    }

    /// How often each stage asked.
    pub(crate) fn asked(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for stage in self.asked.lock().unwrap().iter() {
            *counts.entry(stage.clone()).or_default() += 1;
        }
        counts
    }
}

fn stages(spec: &Path) -> Vec<(Vec<String>, String, Arc<Scripted>)> {
    let text = std::fs::read_to_string(spec).unwrap();
    let read = armature_spec::parse_data(&spec.display().to_string(), &text).unwrap();
    let script = Script::File(spec.with_extension("model.yml"));
    let model = Scripted::new("scripted", &script, None, RetryPolicy::none()).unwrap();
    let model = Arc::new(model);
    let mut known = Vec::new();
    for stage in read["stages"].as_array().unwrap() {
        let role = match &stage["role"] {
            Value::String(name) => &read["roles"][name],
            role => role,
        };
        let Some(description) = role["description"].as_str() else {
            continue;
        };
        let words = own_words(description);
        assert!(!words.is_empty(), "{}: {description}", stage["id"]);
        known.push((
            words,
            stage["id"].as_str().unwrap().to_owned(),
            Arc::clone(&model),
        ));
    }
    known
}

/// The lines, or parts of lines, that are no templates.
fn own_words(description: &str) -> Vec<String> {
    let opened = description.replace("{{", "\n\0").replace("{%", "\n\0");
    let closed = opened.replace("}}", "\n").replace("%}", "\n");
    let pieces = closed.lines().filter(|piece| !piece.starts_with('\0'));
    let pieces = pieces.map(|piece| piece.trim().to_owned());
    pieces.filter(|piece| piece.len() >= TELLING).collect()
}

impl Served {
    async fn answer(&self, asked: &Value) -> axum::response::Response {
        let messages = asked["messages"].as_array().unwrap();
        let system: String = messages
            .iter()
            .filter(|message| message["role"] == "system")
            .filter_map(|message| message["content"].as_str())
            .collect();
        let said = |words: &[String]| -> usize {
            let said = words.iter().filter(|words| system.contains(*words));
            said.map(String::len).sum()
        };
        let known = self.stages.iter().filter(|(words, ..)| said(words) > 0);
        let Some((_, stage, model)) = known.max_by_key(|(words, ..)| said(words)) else {
            let why = format!("no stage says this:\n{system}");
            return (StatusCode::BAD_REQUEST, why).into_response();
        };
        self.asked.lock().unwrap().push(stage.clone());
        let mut request = Request::new(stage, messages.iter().map(message).collect());
        let answered = messages
            .iter()
            .filter(|message| message["role"] == "assistant");
        request.turn = u32::try_from(answered.count() + 1).unwrap();
        let Ok(reply) = model.complete(&request, None).await else {
            return (StatusCode::OK, "this is no reply").into_response();
        };
        let calls: Vec<Value> = reply.tool_calls.iter().map(call).collect();
        let mut message = json!({"role": "assistant", "content": reply.text});
        if !calls.is_empty() {
            message["tool_calls"] = Value::from(calls);
        }
        let usage = json!({"prompt_tokens": reply.usage.input_tokens, "completion_tokens": reply.usage.output_tokens});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        Json(json!({"id": "x", "object": "chat.completion", "created": 0, "model": asked["model"], "usage": usage, "choices": [choice]}))
            .into_response()
    }
}

fn message(written: &Value) -> Message {
    let content = written["content"].as_str().unwrap_or_default().to_owned();
    match written["role"].as_str() {
        Some("system") => Message::System(content),
        Some("assistant") => Message::Assistant {
            text: content,
            tool_calls: Vec::new(),
        },
        Some("tool") => Message::Tool {
            id: String::new(),
            name: String::new(),
            content,
            is_error: false,
        },
        _ => Message::User(content),
    }
}

fn call(call: &ToolCall) -> Value {
    let arguments = call
        .arguments
        .as_ref()
        .map_or_else(Clone::clone, Value::to_string);
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
}
