//! Ollama's own chat.
//!
//! What differs from chat completions: arguments are objects, the sampling options stand apart, a schema is the `format`
//! itself, and a stream is one JSON value a line. With tools the format is left out, since it would leave no room for a
//! call; the prompt asks for it then.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::exchange::{Asking, Codec, Exchange};
use crate::http::Http;
use crate::names::WireNames;
use crate::schema::instruction;
use crate::{Finish, LlmError, Message, ModelConfig, Output, Reply, ToolCall, Usage};

/// The wire.
pub(crate) struct Ollama;

impl Ollama {
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

impl Codec for Ollama {
    fn path(&self, _: &str, _: bool) -> (String, Option<&'static str>) {
        ("api/chat".to_owned(), None)
    }

    fn write(&self, asking: &Asking<'_>) -> Value {
        let request = asking.request;
        let mut messages: Vec<Value> = request
            .messages
            .iter()
            .map(|message| wire_message(message, asking.names))
            .collect();
        let schema = asking.schema.map(|schema| &schema.schema);
        let format = match (&request.output, schema) {
            (Output::Text, _) => None,
            (_, Some(schema)) => Some(schema.clone()),
            (_, None) => Some("json".into()),
        };
        let mut body = Map::new();
        if format.is_some() {
            // Said in words too: the format only holds the model to the letters, it does not see it.
            crate::schema::instruct(&mut messages, &request.messages, &instruction(schema));
        }
        if let Some(format) = format.filter(|_| request.tools.is_empty()) {
            body.insert("format".into(), format);
        }
        if !request.tools.is_empty() {
            let tools = request.tools.iter().map(|tool| {
                json!({"type": "function", "function": {
                    "name": asking.names.wire(&tool.name),
                    "description": tool.description,
                    "parameters": tool.input_schema,
                }})
            });
            body.insert("tools".into(), tools.collect());
        }
        let mut options = Map::new();
        if let Some(temperature) = request.temperature {
            options.insert("temperature".into(), temperature.into());
        }
        if let Some(max_tokens) = request.max_tokens {
            options.insert("num_predict".into(), max_tokens.into());
        }
        if !options.is_empty() {
            body.insert("options".into(), options.into());
        }
        body.insert("model".into(), asking.model.into());
        body.insert("messages".into(), messages.into());
        // Left out it would stream.
        body.insert("stream".into(), asking.is_streaming.into());
        Value::Object(body)
    }

    fn read(&self, http: &Http, whole: &Value, names: &WireNames) -> Result<Reply, LlmError> {
        if whole.get("error").is_some_and(|error| !error.is_null()) {
            return Err(http.reported(200, &whole.to_string()));
        }
        let Some(message) = whole.get("message").filter(|it| it.is_object()) else {
            return Err(http.bad_reply("it has no `message`"));
        };
        let text = |of: &Value, key: &str| {
            let text = of.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let count = |key: &str| whole.get(key).and_then(Value::as_u64).unwrap_or(0);
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let tool_calls: Vec<ToolCall> = calls
            .into_iter()
            .flatten()
            .map(|call| {
                let function = call.get("function").unwrap_or(call);
                ToolCall {
                    id: text(call, "id"),
                    name: names.own(&text(function, "name")),
                    arguments: match function.get("arguments") {
                        Some(Value::String(raw)) => {
                            serde_json::from_str(raw).map_err(|_| raw.clone())
                        }
                        Some(Value::Null) | None => Ok(json!({})),
                        Some(value) => Ok(value.clone()),
                    },
                }
            })
            .collect();
        let finish = match text(whole, "done_reason").as_str() {
            "length" => Finish::Length,
            _ if !tool_calls.is_empty() => Finish::ToolCalls,
            "stop" | "" => Finish::Stop,
            _ => Finish::Other,
        };
        Ok(Reply {
            text: text(message, "content"),
            tool_calls,
            usage: Usage {
                input_tokens: count("prompt_eval_count"),
                output_tokens: count("eval_count"),
                ..Usage::default()
            },
            cost_usd: None,
            finish,
            model: text(whole, "model"),
        })
    }

    fn join(&self, whole: &mut Value, piece: Value) -> String {
        let message = |of: &Value, key: &str| of.get("message").and_then(|it| it.get(key)).cloned();
        let text = |of: Option<Value>| match of {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let new = text(message(&piece, "content"));
        let list = |of: Option<Value>| match of {
            Some(Value::Array(calls)) => calls,
            _ => Vec::new(),
        };
        let content = text(message(whole, "content")) + &new;
        let mut calls = list(message(whole, "tool_calls"));
        calls.extend(list(message(&piece, "tool_calls")));
        // The last piece has the counts.
        *whole = piece;
        if let Value::Object(map) = whole {
            map.insert(
                "message".into(),
                json!({"content": content, "tool_calls": calls}),
            );
        }
        new
    }

    fn is_complete(&self, whole: &Value) -> bool {
        whole.get("done") == Some(&Value::Bool(true))
    }
}

fn wire_message(message: &Message, names: &WireNames) -> Value {
    match message {
        Message::System(text) => json!({"role": "system", "content": text}),
        Message::User(text) => json!({"role": "user", "content": text}),
        Message::Assistant { text, tool_calls } if tool_calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::Assistant { text, tool_calls } => {
            let calls: Vec<Value> = tool_calls
                .iter()
                .map(|call| {
                    let arguments = crate::schema::object_of(&call.arguments);
                    json!({"function": {"name": names.wire(&call.name), "arguments": arguments}})
                })
                .collect();
            json!({"role": "assistant", "content": text, "tool_calls": calls})
        }
        Message::Tool { name, content, .. } => {
            json!({"role": "tool", "tool_name": names.wire(name), "content": content})
        }
    }
}
