//! Tools for models that know none: described in the prompt, called by replying with JSON.
//!
//! A tier with `tool_calling: false` gets this in front of its provider. The conversation is rewritten so that nothing of
//! native tool calling reaches the wire; a reply that is an object with `tool_calls` becomes calls, any other is the
//! answer. Nothing is shown while it streams: whether a text is a call is known at its end.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::json::extract_json;
use crate::model::{BoxFuture, Model, OnToken};
use crate::names::fill_ids;
use crate::schema::instruction;
use crate::{Finish, LlmError, Message, Output, Reply, Request, ToolCall, ToolSpec};

/// A model whose tools are told in the prompt.
pub(crate) struct Prompted {
    inner: Arc<dyn Model>,
}

impl Prompted {
    pub(crate) fn new(inner: Arc<dyn Model>) -> Self {
        Self { inner }
    }
}

impl Model for Prompted {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let Some(told) = tell(request) else {
                return self.inner.complete(request, on_token).await;
            };
            let mut reply = self.inner.complete(&told, None).await?;
            if let Some(mut calls) = read_calls(&reply.text).filter(|_| !request.tools.is_empty()) {
                fill_ids(request.turn, &mut calls);
                reply.tool_calls = calls;
                reply.text.clear();
                reply.finish = Finish::ToolCalls;
            } else if let Some(on_token) = on_token.filter(|_| !reply.text.is_empty()) {
                on_token(&reply.text);
            }
            Ok(reply)
        })
    }

    fn id(&self) -> &str {
        self.inner.id()
    }

    fn cache_key(&self, request: &Request) -> String {
        match tell(request) {
            Some(told) => self.inner.cache_key(&told),
            None => self.inner.cache_key(request),
        }
    }
}

/// The request without native tools, or `None` when it has nothing of them.
fn tell(request: &Request) -> Option<Request> {
    let is_of_tools = |message: &Message| match message {
        Message::Tool { .. } => true,
        Message::Assistant { tool_calls, .. } => !tool_calls.is_empty(),
        Message::System(_) | Message::User(_) => false,
    };
    if request.tools.is_empty() && !request.messages.iter().any(is_of_tools) {
        return None;
    }
    let mut messages: Vec<Message> = request.messages.iter().map(tell_message).collect();
    let mut told = Request {
        tools: Vec::new(),
        ..request.clone()
    };
    if !request.tools.is_empty() {
        // A form that the wire enforces would leave no room for a call.
        told.output = Output::Text;
        let at = messages
            .iter()
            .take_while(|message| matches!(message, Message::System(_)))
            .count();
        messages.insert(at, Message::System(manual(&request.tools, &request.output)));
    }
    told.messages = messages;
    Some(told)
}

fn tell_message(message: &Message) -> Message {
    match message {
        Message::Assistant { text, tool_calls } if !tool_calls.is_empty() => {
            let calls: Vec<Value> = tool_calls
                .iter()
                .map(|call| {
                    let arguments = call.arguments.clone().unwrap_or_else(Value::String);
                    json!({"name": call.name, "arguments": arguments})
                })
                .collect();
            let calls = json!({ "tool_calls": calls }).to_string();
            let text = if text.is_empty() {
                calls
            } else {
                format!("{text}\n{calls}")
            };
            Message::Assistant {
                text,
                tool_calls: Vec::new(),
            }
        }
        Message::Tool {
            name,
            content,
            is_error,
            ..
        } => {
            let how = if *is_error { "failed" } else { "answered" };
            Message::User(format!("The tool `{name}` {how}:\n{content}"))
        }
        other => other.clone(),
    }
}

/// What the model is told about its tools and about the form of its answer.
fn manual(tools: &[ToolSpec], output: &Output) -> String {
    let listed: Vec<String> = tools
        .iter()
        .map(|tool| {
            format!(
                "- `{}`: {}\n  arguments: {}",
                tool.name, tool.description, tool.input_schema
            )
        })
        .collect();
    let answer = match output {
        Output::Text => "When you need no tool, reply with your answer.".to_owned(),
        Output::Json => format!("When you need no tool, answer. {}", instruction(None)),
        Output::Schema { schema, .. } => format!(
            "When you need no tool, answer. {}",
            instruction(Some(schema))
        ),
    };
    format!(
        "You have these tools:\n{}\nTo use them, reply with this JSON and nothing else:\n\
         {{\"tool_calls\": [{{\"name\": \"NAME\", \"arguments\": {{}}}}]}}\n{answer}",
        listed.join("\n")
    )
}

/// The calls in a text. One entry that is no call makes the whole an answer.
fn read_calls(text: &str) -> Option<Vec<ToolCall>> {
    let found = extract_json(text)?;
    let entries = found
        .get("tool_calls")?
        .as_array()
        .filter(|entries| !entries.is_empty())?;
    let call = |entry: &Value| {
        let name = entry.get("name")?.as_str()?.to_owned();
        let arguments = match entry.get("arguments") {
            None | Some(Value::Null) => Ok(Value::Object(Map::new())),
            Some(Value::String(raw)) => serde_json::from_str(raw).map_err(|_| raw.clone()),
            Some(value) => Ok(value.clone()),
        };
        Some(ToolCall {
            id: String::new(),
            name,
            arguments,
        })
    };
    entries.iter().map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_only_from_what_is_wholly_a_call() {
        let calls = read_calls("Let me see. {\"tool_calls\": [{\"name\": \"a\", \"arguments\": {\"x\": 1}}, {\"name\": \"b\"}]}").unwrap();
        assert_eq!(calls[0].arguments, Ok(json!({"x": 1})));
        assert_eq!(calls[1].arguments, Ok(json!({})));
        for text in [
            "no",
            "{\"tool_calls\": []}",
            "{\"tool_calls\": [{\"name\": 1}]}",
            "{\"tool_calls\": \"a\"}",
            "{\"a\": 1}",
        ] {
            assert!(read_calls(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_conversation_without_tools_is_left_alone() {
        assert_eq!(
            tell(&Request::new("s", vec![Message::User("hi".into())])),
            None
        );
    }
}
