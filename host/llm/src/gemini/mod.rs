//! Gemini's own `generateContent`.
//!
//! What differs from chat completions: instructions stand apart, a conversation is made of parts, a tool's answer is an
//! object matched by the tool's name, and schemas are a dialect of their own ([`schema`]). A response schema is refused
//! together with tools; the prompt asks for JSON then. Models that think sign their calls, and refuse a conversation in
//! which the signature is missing: it travels in the call's id.

mod schema;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::exchange::{Asking, Codec, Exchange};
use crate::http::Http;
use crate::names::WireNames;
use crate::schema::{instruction, object_of};
use crate::{Finish, LlmError, Message, ModelConfig, Output, Reply, ToolCall, Usage};

/// Where an id holds the signature of a call.
const SIGNED: &str = "signed:";

/// The wire.
pub(crate) struct Gemini;

impl Gemini {
    pub(crate) fn connect(
        config: &ModelConfig,
        endpoint: Endpoint,
    ) -> Result<Exchange<Self>, LlmError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.api_key {
            let mut value =
                HeaderValue::from_str(key.expose()).map_err(|_| LlmError::bad_key(&endpoint.id))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-goog-api-key"), value);
        }
        Ok(Exchange::new(config, endpoint, headers, Self))
    }
}

impl Codec for Gemini {
    fn path(&self, model: &str, is_streaming: bool) -> (String, Option<&'static str>) {
        let model = model.strip_prefix("models/").unwrap_or(model);
        if is_streaming {
            (
                format!("models/{model}:streamGenerateContent"),
                Some("alt=sse"),
            )
        } else {
            (format!("models/{model}:generateContent"), None)
        }
    }

    fn write(&self, asking: &Asking<'_>) -> Value {
        let request = asking.request;
        let mut system: Vec<&str> = Vec::new();
        let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
        for message in &request.messages {
            let (role, parts) = match message {
                Message::System(text) => {
                    system.push(text);
                    continue;
                }
                Message::User(text) => ("user", vec![json!({"text": text})]),
                Message::Assistant { text, tool_calls } => {
                    let said = (!text.is_empty()).then(|| json!({"text": text}));
                    let calls = tool_calls.iter().map(|call| wire_call(call, asking.names));
                    ("model", said.into_iter().chain(calls).collect())
                }
                Message::Tool { name, content, .. } => {
                    let part = json!({"functionResponse": {
                        "name": asking.names.wire(name), "response": response(content),
                    }});
                    ("user", vec![part])
                }
            };
            match turns.last_mut() {
                Some((last, collected)) if *last == role => collected.extend(parts),
                _ if parts.is_empty() => {}
                _ => turns.push((role, parts)),
            }
        }
        let mut config = Map::new();
        let words = form(asking, &mut config);
        let mut body = Map::new();
        let contents = turns
            .into_iter()
            .map(|(role, parts)| json!({"role": role, "parts": parts}));
        body.insert("contents".into(), contents.collect());
        let system: Vec<Value> = system
            .into_iter()
            .chain(words.as_deref())
            .map(|text| json!({"text": text}))
            .collect();
        if !system.is_empty() {
            body.insert("systemInstruction".into(), json!({"parts": system}));
        }
        if !request.tools.is_empty() {
            let tools: Vec<Value> = request
                .tools
                .iter()
                .map(|tool| {
                    let mut declared = json!({
                        "name": asking.names.wire(&tool.name), "description": tool.description,
                    });
                    // A tool without arguments has no parameters here: an object must have some.
                    if let (Value::Object(map), Some(schema)) =
                        (&mut declared, schema::adapt(&tool.input_schema))
                    {
                        map.insert("parameters".into(), schema);
                    }
                    declared
                })
                .collect();
            body.insert("tools".into(), json!([{"functionDeclarations": tools}]));
        }
        if let Some(temperature) = request.temperature {
            config.insert("temperature".into(), temperature.into());
        }
        if let Some(max_tokens) = request.max_tokens {
            config.insert("maxOutputTokens".into(), max_tokens.into());
        }
        if !config.is_empty() {
            body.insert("generationConfig".into(), config.into());
        }
        Value::Object(body)
    }

    fn read(&self, http: &Http, whole: &Value, names: &WireNames) -> Result<Reply, LlmError> {
        if whole.get("error").is_some_and(|error| !error.is_null()) {
            return Err(http.reported(200, &whole.to_string()));
        }
        let candidate = whole.pointer("/candidates/0");
        if let (None, Some(reason)) = (
            candidate,
            whole
                .pointer("/promptFeedback/blockReason")
                .and_then(Value::as_str),
        ) {
            return Err(http.filtered(format!("the prompt was blocked: {reason}")));
        }
        let Some(candidate) = candidate.filter(|it| it.is_object()) else {
            return Err(http.bad_reply("it has no `candidates`"));
        };
        let mut text = String::new();
        let mut tool_calls = Vec::new();
        let parts = candidate
            .pointer("/content/parts")
            .and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            // Thoughts are not part of the answer.
            if part.get("thought") != Some(&Value::Bool(true)) {
                text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default());
            }
            if let Some(call) = part.get("functionCall") {
                let field = |of: &Value, key: &str| {
                    let text = of.get(key).and_then(Value::as_str);
                    text.unwrap_or_default().to_owned()
                };
                let signature = field(part, "thoughtSignature");
                tool_calls.push(ToolCall {
                    id: if signature.is_empty() {
                        field(call, "id")
                    } else {
                        format!("{SIGNED}{signature}")
                    },
                    name: names.own(&field(call, "name")),
                    arguments: Ok(call.get("args").cloned().unwrap_or_else(|| json!({}))),
                });
            }
        }
        let reason = candidate.get("finishReason").and_then(Value::as_str);
        let finish = match reason.unwrap_or_default() {
            "MAX_TOKENS" => Finish::Length,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" => {
                Finish::Refused
            }
            _ if !tool_calls.is_empty() => Finish::ToolCalls,
            "STOP" | "" => Finish::Stop,
            _ => Finish::Other,
        };
        let count = |key: &str| {
            let usage = whole.get("usageMetadata").and_then(|usage| usage.get(key));
            usage.and_then(Value::as_u64).unwrap_or(0)
        };
        let thoughts = count("thoughtsTokenCount");
        Ok(Reply {
            text,
            tool_calls,
            usage: Usage {
                input_tokens: count("promptTokenCount"),
                output_tokens: count("candidatesTokenCount").saturating_add(thoughts),
                cached_input_tokens: count("cachedContentTokenCount"),
                reasoning_tokens: thoughts,
            },
            cost_usd: None,
            finish,
            model: whole
                .get("modelVersion")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        })
    }

    fn join(&self, whole: &mut Value, piece: Value) -> String {
        let parts = |of: &Value| {
            let parts = of
                .pointer("/candidates/0/content/parts")
                .and_then(Value::as_array);
            parts.cloned().unwrap_or_default()
        };
        let new = parts(&piece);
        let text = new
            .iter()
            .filter(|part| part.get("thought") != Some(&Value::Bool(true)))
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect();
        let mut all = parts(whole);
        all.extend(new);
        let reason = |of: &Value| of.pointer("/candidates/0/finishReason").cloned();
        let reason = reason(&piece).or_else(|| reason(whole));
        let mut kept = match std::mem::take(whole) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        // Counts are totals; the last piece has the whole of them.
        if let Value::Object(new) = piece {
            kept.extend(new);
        }
        if kept.contains_key("candidates") {
            let mut candidate = json!({"content": {"parts": all}});
            if let (Value::Object(map), Some(reason)) = (&mut candidate, reason) {
                map.insert("finishReason".into(), reason);
            }
            kept.insert("candidates".into(), json!([candidate]));
        }
        *whole = Value::Object(kept);
        text
    }

    fn is_complete(&self, whole: &Value) -> bool {
        whole.pointer("/candidates/0/finishReason").is_some()
            || whole.pointer("/promptFeedback/blockReason").is_some()
    }
}

/// Holds the model to the form asked for; gives the words that ask for it where it cannot be held to it.
fn form(asking: &Asking<'_>, config: &mut Map<String, Value>) -> Option<String> {
    let request = asking.request;
    let schema = asking.schema.map(|schema| &schema.schema);
    if request.output == Output::Text {
        return None;
    }
    if request.tools.is_empty() {
        config.insert("responseMimeType".into(), "application/json".into());
        if let Some(adapted) = schema.and_then(schema::adapt) {
            config.insert("responseSchema".into(), adapted);
            return None;
        }
    }
    Some(instruction(schema))
}

fn wire_call(call: &ToolCall, names: &WireNames) -> Value {
    let mut part = json!({"functionCall": {
        "name": names.wire(&call.name), "args": object_of(&call.arguments),
    }});
    if let (Value::Object(map), Some(signature)) = (&mut part, call.id.strip_prefix(SIGNED)) {
        map.insert("thoughtSignature".into(), signature.into());
    }
    part
}

/// A tool's answer must be an object here.
fn response(content: &str) -> Value {
    match serde_json::from_str(content) {
        Ok(Value::Object(map)) => Value::Object(map),
        Ok(other) => json!({ "result": other }),
        Err(_) => json!({ "result": content }),
    }
}
