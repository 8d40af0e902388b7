//! Amazon Bedrock's Converse, with an API key of Bedrock (`AWS_BEARER_TOKEN_BEDROCK`) or signed with an access key
//! ([`signing`](crate::signing)). Another region is another address: `https://bedrock-runtime.REGION.amazonaws.com`.
//!
//! One form for the models of all makers there. JSON is asked for in words and checked by the caller, since forcing a tool
//! is refused by many of the models.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::exchange::{Asking, Codec, Exchange};
use crate::http::Http;
use crate::names::{WireNames, plain_id};
use crate::schema::{instruction, object_of};
use crate::{Finish, LlmError, Message, ModelConfig, Output, Reply, ToolCall, Usage};

/// The wire.
pub(crate) struct Bedrock;

impl Bedrock {
    pub(crate) fn connect(
        config: &ModelConfig,
        endpoint: Endpoint,
    ) -> Result<Exchange<Self>, LlmError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.api_key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
                .map_err(|_| LlmError::bad_key(&endpoint.id))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Exchange::new(config, endpoint, headers, Self))
    }
}

impl Codec for Bedrock {
    fn path(&self, model: &str, is_streaming: bool) -> (String, Option<&'static str>) {
        let method = if is_streaming {
            "converse-stream"
        } else {
            "converse"
        };
        // Names have colons and slashes, which are not the path's: they are written as a signature takes them.
        (format!("model/{}/{method}", segment(model)), None)
    }

    fn write(&self, asking: &Asking<'_>) -> Value {
        let request = asking.request;
        let mut system: Vec<Value> = Vec::new();
        let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
        for message in &request.messages {
            let (role, blocks) = match message {
                Message::System(text) => {
                    system.extend(block(text));
                    continue;
                }
                Message::User(text) => ("user", block(text).into_iter().collect()),
                Message::Assistant { text, tool_calls } => {
                    let calls = tool_calls.iter().map(|call| {
                        json!({"toolUse": {
                            "toolUseId": plain_id(&call.id),
                            "name": asking.names.wire(&call.name),
                            "input": object_of(&call.arguments),
                        }})
                    });
                    ("assistant", block(text).into_iter().chain(calls).collect())
                }
                Message::Tool {
                    id,
                    content,
                    is_error,
                    ..
                } => {
                    let status = if *is_error { "error" } else { "success" };
                    let result = json!({"toolResult": {
                        "toolUseId": plain_id(id), "content": [{"text": content}], "status": status,
                    }});
                    ("user", vec![result])
                }
            };
            let blocks: Vec<Value> = blocks;
            match turns.last_mut() {
                Some((last, collected)) if *last == role => collected.extend(blocks),
                _ if blocks.is_empty() => {}
                _ => turns.push((role, blocks)),
            }
        }
        match &request.output {
            Output::Text => {}
            Output::Json | Output::Schema { .. } => {
                let schema = asking.schema.map(|schema| &schema.schema);
                system.push(json!({"text": instruction(schema)}));
            }
        }
        let mut body = Map::new();
        let messages = turns
            .into_iter()
            .map(|(role, content)| json!({"role": role, "content": content}));
        body.insert("messages".into(), messages.collect());
        if !system.is_empty() {
            body.insert("system".into(), system.into());
        }
        let mut inference = Map::new();
        if let Some(temperature) = request.temperature {
            inference.insert("temperature".into(), temperature.into());
        }
        if let Some(max_tokens) = request.max_tokens {
            inference.insert("maxTokens".into(), max_tokens.into());
        }
        if !inference.is_empty() {
            body.insert("inferenceConfig".into(), inference.into());
        }
        if !request.tools.is_empty() {
            let tools: Vec<Value> = request
                .tools
                .iter()
                .map(|tool| {
                    json!({"toolSpec": {
                        "name": asking.names.wire(&tool.name),
                        "description": tool.description,
                        "inputSchema": {"json": tool.input_schema},
                    }})
                })
                .collect();
            body.insert("toolConfig".into(), json!({ "tools": tools }));
        }
        Value::Object(body)
    }

    fn read(&self, http: &Http, whole: &Value, names: &WireNames) -> Result<Reply, LlmError> {
        let blocks = whole
            .pointer("/output/message/content")
            .and_then(Value::as_array);
        let Some(blocks) = blocks else {
            return Err(http.bad_reply("it has no `output.message.content`"));
        };
        let mut text = String::new();
        let mut tool_calls = Vec::new();
        for block in blocks {
            text.push_str(
                block
                    .get("text")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            if let Some(call) = block.get("toolUse") {
                let field = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default();
                tool_calls.push(ToolCall {
                    id: field("toolUseId").to_owned(),
                    name: names.own(field("name")),
                    arguments: arguments(call.get("input")),
                });
            }
        }
        let reason = whole.get("stopReason").and_then(Value::as_str);
        let finish = match reason.unwrap_or_default() {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "guardrail_intervened" | "content_filtered" => Finish::Refused,
            _ if !tool_calls.is_empty() => Finish::ToolCalls,
            "end_turn" | "stop_sequence" | "" => Finish::Stop,
            _ => Finish::Other,
        };
        let count = |key: &str| {
            let usage = whole.get("usage").and_then(|usage| usage.get(key));
            usage.and_then(Value::as_u64).unwrap_or(0)
        };
        let cached = count("cacheReadInputTokens");
        Ok(Reply {
            text,
            tool_calls,
            usage: Usage {
                input_tokens: count("inputTokens")
                    .saturating_add(cached)
                    .saturating_add(count("cacheWriteInputTokens")),
                output_tokens: count("outputTokens"),
                cached_input_tokens: cached,
                reasoning_tokens: 0,
            },
            cost_usd: None,
            finish,
            model: String::new(),
        })
    }

    fn join(&self, whole: &mut Value, piece: Value) -> String {
        let of = |name: &str| piece.get(name);
        if !whole.is_object() {
            *whole = json!({"output": {"message": {"content": []}}});
        }
        let started = of("contentBlockStart");
        let changed = of("contentBlockDelta");
        if let Some(event) = started.or(changed) {
            let place = event.get("contentBlockIndex").and_then(Value::as_u64);
            let Some(block) = place.and_then(|place| block_at(whole, place)) else {
                return String::new();
            };
            if let Some(Value::Object(call)) = event.pointer("/start/toolUse") {
                let mut call = call.clone();
                call.insert("input".into(), "".into());
                block.insert("toolUse".into(), call.into());
            }
            let delta = |path: &str| event.pointer(path).and_then(Value::as_str);
            if let Some(more) = delta("/delta/toolUse/input")
                && let Some(input) = block.get_mut("toolUse").and_then(|it| it.get_mut("input"))
            {
                append(input, more);
            }
            let more = delta("/delta/text");
            if let Some(more) = more {
                append(block.entry("text").or_insert(Value::Null), more);
            }
            return more.unwrap_or_default().to_owned();
        }
        if let Some(reason) = of("messageStop").and_then(|event| event.get("stopReason")) {
            whole["stopReason"] = reason.clone();
        }
        // The last word.
        if let Some(usage) = of("metadata").and_then(|event| event.get("usage")) {
            whole["usage"] = usage.clone();
        }
        String::new()
    }

    fn is_complete(&self, whole: &Value) -> bool {
        whole.get("stopReason").is_some() && whole.get("usage").is_some()
    }
}

/// A name as one part of a path: all but letters, digits and `-._~` in percent signs (RFC 3986, unreserved characters).
fn segment(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// Most blocks of one reply: what is beyond them is no reply.
const MAX_BLOCKS: u64 = 1_000;

/// The block of this number, made if it is not there.
fn block_at(whole: &mut Value, place: u64) -> Option<&mut Map<String, Value>> {
    let place = usize::try_from(place).ok().filter(|_| place < MAX_BLOCKS)?;
    let blocks = whole
        .pointer_mut("/output/message/content")?
        .as_array_mut()?;
    if blocks.len() <= place {
        blocks.resize(place + 1, json!({}));
    }
    blocks.get_mut(place)?.as_object_mut()
}

fn append(text: &mut Value, more: &str) {
    match text {
        Value::String(text) => text.push_str(more),
        other => *other = more.into(),
    }
}

/// Arguments that came whole, or as text in pieces.
fn arguments(input: Option<&Value>) -> Result<Value, String> {
    match input {
        None => Ok(json!({})),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(json!({})),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| text.clone()),
        Some(whole) => Ok(whole.clone()),
    }
}

fn block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"text": text}))
}
