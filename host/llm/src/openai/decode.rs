//! Reading a whole reply.

use serde_json::Value;

use crate::http::Http;
use crate::names::WireNames;
use crate::{Finish, LlmError, Reply, ToolCall, Usage};

/// Reads a reply that came in one piece.
pub(super) fn reply(http: &Http, body: &Value, names: &WireNames) -> Result<Reply, LlmError> {
    // Gateways report failures with status 200.
    if body.get("error").is_some_and(|error| !error.is_null()) {
        return Err(http.reported(200, &body.to_string()));
    }
    let Some(choice) = body.get("choices").and_then(|choices| choices.get(0)) else {
        return Err(http.bad_reply("it has no `choices`"));
    };
    let Some(message) = choice.get("message") else {
        return Err(http.bad_reply("its first choice has no `message`"));
    };
    let calls = message
        .get("tool_calls")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let tool_calls = calls.iter().map(|call| tool_call(call, names)).collect();
    let refusal = message
        .get("refusal")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let content = text(message.get("content"));
    let parts = Parts {
        text: if content.is_empty() {
            refusal.to_owned()
        } else {
            content
        },
        tool_calls,
        was_refused: !refusal.is_empty(),
        finish: choice
            .get("finish_reason")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    };
    let usage = body.get("usage");
    Ok(Reply {
        finish: parts.finish(),
        text: parts.text,
        tool_calls: parts.tool_calls,
        usage: tokens(usage),
        cost_usd: cost(usage),
        model: body
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

/// What decides why a reply ended.
pub(super) struct Parts {
    pub(super) text: String,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) was_refused: bool,
    pub(super) finish: String,
}

impl Parts {
    /// Some servers say `stop` while they want tools called: the calls count, not the word.
    pub(super) fn finish(&self) -> Finish {
        match self.finish.as_str() {
            "length" | "max_tokens" => Finish::Length,
            "content_filter" => Finish::Refused,
            _ if !self.tool_calls.is_empty() => Finish::ToolCalls,
            _ if self.was_refused => Finish::Refused,
            "stop" | "eos" | "end_turn" | "" => Finish::Stop,
            _ => Finish::Other,
        }
    }
}

/// Content is text, nothing, or a list of parts.
pub(super) fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    }
}

fn tool_call(call: &Value, names: &WireNames) -> ToolCall {
    let function = call.get("function").unwrap_or(call);
    let field = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let arguments = match function.get("arguments") {
        Some(Value::String(raw)) => arguments(raw),
        Some(Value::Null) | None => arguments(""),
        Some(value) => Ok(value.clone()),
    };
    ToolCall {
        id: field(call, "id"),
        name: names.own(&field(function, "name")),
        arguments,
    }
}

/// Arguments come as JSON in a string; a tool without arguments often gets nothing.
pub(super) fn arguments(raw: &str) -> Result<Value, String> {
    if raw.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_str(raw).map_err(|_| raw.to_owned())
}

/// Tokens used, zero where the server does not say.
pub(super) fn tokens(usage: Option<&Value>) -> Usage {
    let count = |key: &str| {
        usage
            .and_then(|usage| usage.get(key))
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    let detail = |of: &str, key: &str| {
        usage
            .and_then(|usage| usage.get(of)?.get(key)?.as_u64())
            .unwrap_or(0)
    };
    Usage {
        input_tokens: count("prompt_tokens"),
        output_tokens: count("completion_tokens"),
        cached_input_tokens: detail("prompt_tokens_details", "cached_tokens"),
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
    }
}

/// OpenRouter says what a call cost.
pub(super) fn cost(usage: Option<&Value>) -> Option<f64> {
    usage?
        .get("cost")?
        .as_f64()
        .filter(|cost| cost.is_finite() && *cost >= 0.0)
}
