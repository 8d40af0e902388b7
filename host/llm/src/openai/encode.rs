//! Writing a request.

use serde_json::{Map, Value, json};

use crate::names::WireNames;
use crate::providers::{JsonFormat, Provider};
use crate::schema::{ObjectSchema, instruct, instruction, may_be_strict, strict_form};
use crate::{Message, Output, Request, ToolCall, ToolSpec};

/// What a body is made of.
pub(super) struct Parts<'a> {
    pub(super) request: &'a Request,
    pub(super) model: &'a str,
    pub(super) names: &'a WireNames,
    pub(super) schema: Option<&'a ObjectSchema>,
}

/// The body of a request.
pub(super) fn body(provider: &Provider, parts: &Parts<'_>, is_streaming: bool) -> Value {
    let Parts {
        request,
        model,
        names,
        schema,
    } = *parts;
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    let (format, words) = response_format(provider, request, schema);
    let mut messages: Vec<Value> = request
        .messages
        .iter()
        .map(|message| wire_message(message, names))
        .collect();
    if let Some(words) = words {
        instruct(&mut messages, &request.messages, &words);
    }
    body.insert("messages".into(), messages.into());
    if !request.tools.is_empty() {
        body.insert(
            "tools".into(),
            request
                .tools
                .iter()
                .map(|tool| wire_tool(tool, names))
                .collect(),
        );
        body.insert("tool_choice".into(), "auto".into());
    }
    if let Some(format) = format {
        body.insert("response_format".into(), format);
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if let Some(max_tokens) = request.max_tokens {
        let field = if provider.completion_tokens {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        body.insert(field.into(), max_tokens.into());
    }
    if is_streaming {
        body.insert("stream".into(), true.into());
        if provider.stream_usage {
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
    }
    Value::Object(body)
}

/// The field that holds the provider to JSON, and the words that ask for it where the field is missing or, as with
/// `json_object`, is refused unless the prompt speaks of JSON.
fn response_format(
    provider: &Provider,
    request: &Request,
    schema: Option<&ObjectSchema>,
) -> (Option<Value>, Option<String>) {
    let may_send = provider.json_with_tools || request.tools.is_empty();
    let object = || may_send.then(|| json!({"type": "json_object"}));
    match (&request.output, schema) {
        (Output::Text, _) => (None, None),
        (Output::Schema { name, .. }, Some(schema))
            if may_send && provider.json == JsonFormat::Schema =>
        {
            let strict = if provider.strict {
                strict_form(&schema.schema)
            } else {
                may_be_strict(&schema.schema).then(|| schema.schema.clone())
            };
            let format = json!({
                "name": crate::names::plain_id(name),
                "strict": strict.is_some(),
                "schema": strict.as_ref().unwrap_or(&schema.schema),
            });
            (
                Some(json!({"type": "json_schema", "json_schema": format})),
                None,
            )
        }
        (_, schema) => (
            object(),
            Some(instruction(schema.map(|schema| &schema.schema))),
        ),
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
            let calls: Vec<_> = tool_calls
                .iter()
                .map(|call| wire_call(call, names))
                .collect();
            // Beside calls an empty text is `null` here, and refused as "".
            let content = if text.is_empty() {
                Value::Null
            } else {
                text.as_str().into()
            };
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
        // The protocol has no mark for a failed call; the content says it.
        Message::Tool { id, content, .. } => {
            json!({"role": "tool", "tool_call_id": id, "content": content})
        }
    }
}

fn wire_call(call: &ToolCall, names: &WireNames) -> Value {
    let arguments = match &call.arguments {
        Ok(value) => value.to_string(),
        Err(raw) => raw.clone(),
    };
    json!({"id": call.id, "type": "function", "function": {"name": names.wire(&call.name), "arguments": arguments}})
}

fn wire_tool(tool: &ToolSpec, names: &WireNames) -> Value {
    json!({"type": "function", "function": {
        "name": names.wire(&tool.name),
        "description": tool.description,
        "parameters": tool.input_schema,
    }})
}
