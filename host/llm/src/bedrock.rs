//! Amazon Bedrock's Converse, with an API key of Bedrock (`AWS_BEARER_TOKEN_BEDROCK`).
//!
//! One form for the models of all makers there. Signed requests (an access key and its secret) are not spoken, and
//! neither is the binary framing of its streams: a reply is shown when it is whole. JSON is asked for in words and
//! checked by the caller, since forcing a tool is refused by many of the models.

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
    fn path(&self, model: &str, _: bool) -> (String, Option<&'static str>) {
        // The name of an inference profile has slashes, which are not the path's.
        (
            format!("model/{}/converse", model.replace('/', "%2F")),
            None,
        )
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
                    arguments: Ok(call.get("input").cloned().unwrap_or_else(|| json!({}))),
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
        *whole = piece;
        String::new()
    }

    fn is_complete(&self, whole: &Value) -> bool {
        whole.get("output").is_some()
    }
}

fn block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"text": text}))
}
