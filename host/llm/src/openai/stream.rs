//! Reading a reply that comes in pieces.
//!
//! Text is shown as it comes; tool calls arrive as fragments of JSON, keyed by index, and are read when all is there. A
//! stream must end with a finish reason or `[DONE]`: one that just stops is a broken connection, not a short answer.

use serde_json::Value;

use super::decode::{Parts, arguments, cost, text, tokens};
use crate::http::Http;
use crate::model::OnToken;
use crate::names::WireNames;
use crate::{LlmError, Reply, ToolCall, Usage};

/// A server that numbers calls beyond this is not calling tools.
const MAX_CALLS: u64 = 1024;

/// A reply being put together.
pub(super) struct Pieces<'h> {
    http: &'h Http,
    on_token: Option<OnToken<'h>>,
    text: String,
    refusal: String,
    calls: Vec<(u64, Fragments)>,
    finish: Option<String>,
    is_done: bool,
    usage: Usage,
    cost_usd: Option<f64>,
    model: String,
    shown: bool,
}

#[derive(Default)]
struct Fragments {
    id: String,
    name: String,
    arguments: String,
}

impl<'h> Pieces<'h> {
    pub(super) fn new(http: &'h Http, on_token: Option<OnToken<'h>>) -> Self {
        Self {
            http,
            on_token,
            text: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            finish: None,
            is_done: false,
            usage: Usage::default(),
            cost_usd: None,
            model: String::new(),
            shown: false,
        }
    }

    /// Whether text was handed out.
    pub(super) fn shown(&self) -> bool {
        self.shown
    }

    /// Takes the data of one event.
    pub(super) fn take(&mut self, data: &str) -> Result<(), LlmError> {
        if data.trim() == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| {
            self.http
                .bad_reply(format!("an event of the stream is no JSON ({error})"))
        })?;
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(self.http.reported(200, data));
        }
        if let Some(model) = chunk
            .get("model")
            .and_then(Value::as_str)
            .filter(|_| self.model.is_empty())
        {
            model.clone_into(&mut self.model);
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = tokens(Some(usage));
            self.cost_usd = cost(Some(usage));
        }
        let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else {
            return Ok(());
        };
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(finish.to_owned());
        }
        let Some(delta) = choice.get("delta") else {
            return Ok(());
        };
        let piece = text(delta.get("content"));
        if !piece.is_empty() {
            self.text.push_str(&piece);
            if let Some(on_token) = self.on_token {
                self.shown = true;
                on_token(&piece);
            }
        }
        self.refusal.push_str(
            delta
                .get("refusal")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        );
        for (position, call) in delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            self.fragment(position as u64, call)?;
        }
        Ok(())
    }

    fn fragment(&mut self, position: u64, call: &Value) -> Result<(), LlmError> {
        let index = call
            .get("index")
            .and_then(Value::as_u64)
            .unwrap_or(position);
        if index >= MAX_CALLS {
            return Err(self
                .http
                .bad_reply(format!("it numbers a tool call {index}")));
        }
        let at = match self.calls.iter().position(|(known, _)| *known == index) {
            Some(at) => at,
            None => {
                self.calls.push((index, Fragments::default()));
                self.calls.len() - 1
            }
        };
        let Some((_, fragments)) = self.calls.get_mut(at) else {
            return Ok(());
        };
        let function = call.get("function");
        let field = |value: Option<&Value>, key: &str| {
            value
                .and_then(|value| value.get(key))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        if let Some(id) = field(Some(call), "id").filter(|_| fragments.id.is_empty()) {
            fragments.id = id;
        }
        // Most send the name once, whole; some repeat it with every fragment.
        if let Some(name) = field(function, "name").filter(|_| fragments.name.is_empty()) {
            fragments.name = name;
        }
        match function.and_then(|function| function.get("arguments")) {
            Some(Value::String(piece)) => fragments.arguments.push_str(piece),
            Some(Value::Null) | None => {}
            Some(whole) => fragments.arguments = whole.to_string(),
        }
        Ok(())
    }

    /// The reply, when the stream has ended as it should.
    pub(super) fn finish(mut self, names: &WireNames) -> Result<Reply, LlmError> {
        if self.finish.is_none() && !self.is_done {
            return Err(self.http.cut_off());
        }
        self.calls.sort_by_key(|(index, _)| *index);
        let tool_calls = self.calls.into_iter().map(|(_, call)| ToolCall {
            arguments: arguments(&call.arguments),
            name: names.own(&call.name),
            id: call.id,
        });
        let was_refused = !self.refusal.is_empty();
        let parts = Parts {
            tool_calls: tool_calls.collect(),
            text: if self.text.is_empty() {
                self.refusal
            } else {
                self.text
            },
            was_refused,
            finish: self.finish.unwrap_or_default(),
        };
        Ok(Reply {
            finish: parts.finish(),
            text: parts.text,
            tool_calls: parts.tool_calls,
            usage: self.usage,
            cost_usd: self.cost_usd,
            model: self.model,
        })
    }
}
