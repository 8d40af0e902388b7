//! Writing a request.

use serde_json::{Map, Value, json};

use super::Answer;
use crate::names::{WireNames, plain_id};
use crate::schema::{ObjectSchema, instruction};
use crate::{Message, Output, Request, ToolCall};

/// The longest reply where the spec names none: what every current model can give.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// What a body is made of.
pub(super) struct Parts<'a> {
    pub(super) request: &'a Request,
    pub(super) model: &'a str,
    pub(super) names: &'a WireNames,
    pub(super) answer: Option<&'a Answer>,
}

/// The body of a request.
pub(super) fn body(parts: &Parts<'_>, is_streaming: bool) -> Value {
    let Parts {
        request,
        model,
        names,
        answer,
    } = *parts;
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert(
        "max_tokens".into(),
        request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS).into(),
    );
    let system = system(request);
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    body.insert("messages".into(), turns(&request.messages, names).into());
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            // The schema's top level must be an object; a tool's always is, it may only not say so.
            let schema = ObjectSchema::new(&tool.input_schema);
            let schema = if schema.is_wrapped() { json!({"type": "object"}) } else { schema.schema };
            json!({"name": names.wire(&tool.name), "description": tool.description, "input_schema": schema})
        })
        .collect();
    if let Some(answer) = answer {
        let choice = if tools.is_empty() {
            json!({"type": "tool", "name": answer.tool})
        } else {
            json!({"type": "any"})
        };
        tools.push(json!({
            "name": answer.tool,
            "description": "Gives the final answer. Call it once, when the answer is complete.",
            "input_schema": answer.schema.schema,
        }));
        body.insert("tool_choice".into(), choice);
    }
    if !tools.is_empty() {
        body.insert("tools".into(), tools.into());
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    if is_streaming {
        body.insert("stream".into(), true.into());
    }
    Value::Object(body)
}

fn system(request: &Request) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for message in &request.messages {
        if let Message::System(text) = message
            && !text.is_empty()
        {
            texts.push(text);
        }
    }
    let words = instruction(None);
    if request.output == Output::Json {
        texts.push(&words);
    }
    texts.join("\n\n")
}

/// The conversation as alternating turns of content blocks. Neighbours of one role are one turn; empty texts, which are
/// refused, are left out.
fn turns(messages: &[Message], names: &WireNames) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System(_) => continue,
            Message::User(text) => ("user", text_block(text).into_iter().collect::<Vec<_>>()),
            Message::Assistant { text, tool_calls } => {
                let calls = tool_calls.iter().map(|call| tool_use(call, names));
                (
                    "assistant",
                    text_block(text).into_iter().chain(calls).collect(),
                )
            }
            Message::Tool {
                id,
                content,
                is_error,
                ..
            } => ("user", vec![tool_result(id, content, *is_error)]),
        };
        match turns.last_mut() {
            Some((last, collected)) if *last == role => collected.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks)),
        }
    }
    // There must be a first turn, and it is the user's.
    if turns.first().is_none_or(|(role, _)| *role != "user") {
        turns.insert(
            0,
            ("user", vec![json!({"type": "text", "text": "Proceed."})]),
        );
    }
    turns
        .into_iter()
        .map(|(role, content)| json!({"role": role, "content": content}))
        .collect()
}

fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn tool_use(call: &ToolCall, names: &WireNames) -> Value {
    // An input must be an object; what the model wrote instead is shown back to it as one.
    let input = match &call.arguments {
        Ok(Value::Object(map)) => Value::Object(map.clone()),
        Ok(other) => json!({"unreadable_arguments": other.to_string()}),
        Err(raw) => json!({"unreadable_arguments": raw}),
    };
    json!({"type": "tool_use", "id": plain_id(&call.id), "name": names.wire(&call.name), "input": input})
}

fn tool_result(id: &str, content: &str, is_error: bool) -> Value {
    let mut block = json!({"type": "tool_result", "tool_use_id": plain_id(id), "content": content});
    if let (true, Value::Object(map)) = (is_error, &mut block) {
        map.insert("is_error".into(), true.into());
    }
    block
}
