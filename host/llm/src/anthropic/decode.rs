//! Reading a message, whole or put together from a stream.

use serde_json::Value;

use crate::http::Http;
use crate::names::WireNames;
use crate::{Finish, LlmError, Reply, ToolCall, Usage};

/// Reads a message.
pub(super) fn reply(http: &Http, message: &Value, names: &WireNames) -> Result<Reply, LlmError> {
    if message.get("type").and_then(Value::as_str) == Some("error") {
        return Err(http.reported(200, &message.to_string()));
    }
    let Some(blocks) = message.get("content").and_then(Value::as_array) else {
        return Err(http.bad_reply("it has no `content`"));
    };
    let mut text = String::new();
    let mut tool_calls = Vec::new();
    for block in blocks {
        let field = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
        match field("type") {
            "text" => text.push_str(field("text")),
            "tool_use" => tool_calls.push(ToolCall {
                id: field("id").to_owned(),
                name: names.own(field("name")),
                arguments: arguments(block),
            }),
            // Thinking and blocks of later versions are not part of the answer.
            _ => {}
        }
    }
    let reason = message
        .get("stop_reason")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let finish = match reason {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Refused,
        _ if !tool_calls.is_empty() => Finish::ToolCalls,
        "end_turn" | "stop_sequence" | "" => Finish::Stop,
        _ => Finish::Other,
    };
    let model = message
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Ok(Reply {
        text,
        tool_calls,
        usage: tokens(message.get("usage")),
        cost_usd: None,
        finish,
        model,
    })
}

/// The input of a call; the stream's collector leaves it under `raw_input` when it was no JSON.
fn arguments(block: &Value) -> Result<Value, String> {
    match block.get(RAW_INPUT).and_then(Value::as_str) {
        Some(raw) => Err(raw.to_owned()),
        None => Ok(block
            .get("input")
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new()))),
    }
}

/// Where the collector puts an input that is no JSON.
pub(super) const RAW_INPUT: &str = "raw_input";

/// Tokens read come in three counts: plain, written to the cache, read from it.
fn tokens(usage: Option<&Value>) -> Usage {
    let count = |key: &str| {
        usage
            .and_then(|usage| usage.get(key))
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    let input = [
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ];
    Usage {
        input_tokens: input.into_iter().map(count).fold(0, u64::saturating_add),
        output_tokens: count("output_tokens"),
        cached_input_tokens: count("cache_read_input_tokens"),
        reasoning_tokens: 0,
    }
}
