//! Reading a message that comes in pieces.
//!
//! The events are put together to the message that would have come in one piece, so that there is one reader for both. A
//! stream that ends before `message_stop` is a broken connection, not a short answer.

use serde_json::{Map, Value, json};

use super::decode::RAW_INPUT;
use crate::LlmError;
use crate::http::Http;
use crate::model::OnToken;

/// A message has a handful of blocks; a server that numbers beyond this is not writing one.
const MAX_BLOCKS: u64 = 1024;

/// A message being put together.
pub(super) struct Pieces<'h> {
    http: &'h Http,
    on_token: Option<OnToken<'h>>,
    message: Map<String, Value>,
    blocks: Vec<(u64, Block)>,
    is_done: bool,
    shown: bool,
}

/// One content block: what it began as, and the pieces that followed.
struct Block {
    start: Value,
    text: String,
    input: String,
}

impl<'h> Pieces<'h> {
    pub(super) fn new(http: &'h Http, on_token: Option<OnToken<'h>>) -> Self {
        Self {
            http,
            on_token,
            message: Map::new(),
            blocks: Vec::new(),
            is_done: false,
            shown: false,
        }
    }

    /// Whether text was handed out.
    pub(super) fn shown(&self) -> bool {
        self.shown
    }

    /// Takes the data of one event; its name is also its `type`.
    pub(super) fn take(&mut self, data: &str) -> Result<(), LlmError> {
        let event: Value = serde_json::from_str(data).map_err(|error| {
            self.http
                .bad_reply(format!("an event of the stream is no JSON ({error})"))
        })?;
        match event
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "message_start" => {
                if let Some(Value::Object(message)) = event.get("message") {
                    self.message.clone_from(message);
                }
            }
            "content_block_start" => self.start(&event)?,
            "content_block_delta" => self.delta(&event),
            "message_delta" => self.message_delta(&event),
            "message_stop" => self.is_done = true,
            "error" => return Err(self.http.reported(200, data)),
            // Pings, ends of blocks, and events of later versions.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, event: &Value) -> Result<(), LlmError> {
        let index = event
            .get("index")
            .and_then(Value::as_u64)
            .unwrap_or(self.blocks.len() as u64);
        if index >= MAX_BLOCKS {
            return Err(self
                .http
                .bad_reply(format!("it numbers a content block {index}")));
        }
        let start = event.get("content_block").cloned().unwrap_or_default();
        let text = start
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.show(&text);
        self.blocks.push((
            index,
            Block {
                start,
                text,
                input: String::new(),
            },
        ));
        Ok(())
    }

    fn delta(&mut self, event: &Value) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let piece = |key: &str| {
            event
                .get("delta")
                .and_then(|delta| delta.get(key))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (text, input) = (piece("text"), piece("partial_json"));
        if let Some((_, block)) = self.blocks.iter_mut().find(|(known, _)| *known == index) {
            block.text.push_str(text);
            block.input.push_str(input);
            self.show(text);
        }
    }

    fn message_delta(&mut self, event: &Value) {
        if let Some(reason) = event
            .get("delta")
            .and_then(|delta| delta.get("stop_reason"))
            .filter(|reason| !reason.is_null())
        {
            self.message.insert("stop_reason".into(), reason.clone());
        }
        // The counts here are totals, and only those that changed.
        if let Some(Value::Object(counts)) = event.get("usage") {
            let usage = self.message.entry("usage").or_insert_with(|| json!({}));
            if let Value::Object(usage) = usage {
                usage.extend(
                    counts
                        .iter()
                        .filter(|(_, count)| !count.is_null())
                        .map(|(key, count)| (key.clone(), count.clone())),
                );
            }
        }
    }

    fn show(&mut self, text: &str) {
        if let Some(on_token) = self.on_token.filter(|_| !text.is_empty()) {
            self.shown = true;
            on_token(text);
        }
    }

    /// The message, when the stream has ended as it should.
    pub(super) fn finish(mut self) -> Result<Value, LlmError> {
        if !self.is_done {
            return Err(self.http.cut_off());
        }
        self.blocks.sort_by_key(|(index, _)| *index);
        let blocks = self
            .blocks
            .into_iter()
            .map(|(_, block)| block.close())
            .collect();
        self.message.insert("content".into(), blocks);
        Ok(Value::Object(self.message))
    }
}

impl Block {
    fn close(self) -> Value {
        let Value::Object(mut block) = self.start else {
            return Value::Null;
        };
        if block.get("type").and_then(Value::as_str) == Some("tool_use") {
            // Without any piece the input is what the block began with: an empty object.
            if !self.input.trim().is_empty() {
                match serde_json::from_str(&self.input) {
                    Ok(input) => block.insert("input".into(), input),
                    Err(_) => block.insert(RAW_INPUT.into(), self.input.into()),
                };
            }
        } else if block.contains_key("text") {
            block.insert("text".into(), self.text.into());
        }
        Value::Object(block)
    }
}
