//! A model that reads its replies from a script: no network, no key, the same answer every time.
//!
//! Examples, tests and a newcomer's first run use it. A script is YAML: a list of replies, or a mapping with `replies`.
//!
//! ```yaml
//! replies:
//!   - stage: research             # when: every key given must fit; none given fits everything
//!     turn: 1                     #   the n-th call of the stage's loop, from 1
//!     item: 0                     #   the fan-out item, from 0
//!     contains: weather           #   text within the last user or tool message
//!     model: small-1              #   the tier's model, where tiers share a script
//!     times: 1                    #   fits only so often (per stage, turn and item), then the next entry gets its chance
//!     tool_calls:                 # what: one of text, json, tool_calls (with or without text), fail
//!       - name: http_get
//!         arguments: {url: "https://example.com"}   # as text: what the model literally wrote, JSON or not
//!     usage: {input_tokens: 120, output_tokens: 30} # without it: a quarter of the characters
//!     cost_usd: 0.002             # without it: from the tier's price
//!     finish: stop                # stop, tool_calls, length, refused
//!     delay_ms: 50                # waits before answering
//!   - stage: research
//!     text: It will rain.
//!   - stage: publish
//!     fail: rate_limited          # also overloaded, timeout, connect, auth, credits, bad_reply; bad_json is a reply whose JSON is cut off
//!     times: 1
//! ```
//!
//! The first entry that fits answers. Streaming hands out the text word by word. Failures go through the same retries as
//! those of a real provider. A request that nothing fits is an error naming the stage and the script, never a made-up
//! answer.

mod entry;
mod error;
mod node;
mod script;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use entry::{Answer, Call, Entry, Fail};
pub use error::{Mistake, ScriptError};

use crate::counted::estimate;
use crate::model::{BoxFuture, Model, OnToken};
use crate::request::hex;
use crate::retry::{Failure, retrying};
use crate::{Finish, LlmError, Message, Price, Reply, Request, RetryPolicy, ToolCall, files};

/// How much of the last message an error quotes.
const QUOTED_CHARS: usize = 80;

/// Where a script comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// A file, read when the model is connected.
    File(PathBuf),
    /// Text held in memory.
    Text {
        /// What errors call it.
        name: String,
        /// The YAML.
        text: String,
    },
}

impl From<&Path> for Script {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// Which entry was given how often: per entry, stage, turn and item, so that fan-out items do not race for it.
type Given = HashMap<(usize, String, u32, Option<usize>), u64>;

/// The scripted model.
pub struct Scripted {
    id: String,
    model: String,
    file: String,
    entries: Vec<Entry>,
    given: Mutex<Given>,
    price: Option<Price>,
    retry: RetryPolicy,
}

impl Scripted {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] with every mistake, when it cannot be used.
    pub fn new(
        model: impl Into<String>,
        script: &Script,
        price: Option<Price>,
        retry: RetryPolicy,
    ) -> Result<Self, ScriptError> {
        let (file, text) = match script {
            Script::File(path) => {
                let file = path.display().to_string();
                match files::read_script(path) {
                    Ok(text) => (file, text),
                    Err(reason) => return Err(ScriptError::Unreadable { file, reason }),
                }
            }
            Script::Text { name, text } => (name.clone(), text.clone()),
        };
        let entries = script::read(&text).map_err(|mistakes| ScriptError::Mistakes {
            file: file.clone(),
            mistakes,
        })?;
        let model = model.into();
        // The digest is part of the id: an edited script is another model to a cache.
        let digest: String = hex(&Sha256::digest(text.as_bytes()))
            .chars()
            .take(12)
            .collect();
        let id = format!("scripted/{model}@{digest}");
        Ok(Self {
            id,
            model,
            file,
            entries,
            given: Mutex::default(),
            price,
            retry,
        })
    }

    /// Has it a reply that names this stage? Only such a one was written for what the stage asks.
    #[must_use]
    pub fn is_written_for(&self, stage: &str) -> bool {
        let mut stages = self.entries.iter().filter_map(|entry| entry.stage.as_ref());
        stages.any(|named| named == stage)
    }

    /// The first entry that fits, counted as given.
    fn pick(&self, request: &Request) -> Result<&Entry, ScriptError> {
        let last = last_message(request);
        let model = self.asked(request);
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let mut near = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Some(reason) = entry.misfit(request, model, last) {
                if entry.stage.as_ref() == Some(&request.stage) {
                    near.push(format!("line {}: {reason}", entry.line));
                }
                continue;
            }
            let key = (index, request.stage.clone(), request.turn, request.item);
            let count = given.entry(key).or_default();
            if entry.times.is_some_and(|times| *count >= times) {
                near.push(format!("line {}: given {count} times already", entry.line));
                continue;
            }
            *count += 1;
            return Ok(entry);
        }
        Err(ScriptError::NoReply {
            file: self.file.clone(),
            stage: request.stage.clone(),
            turn: request.turn,
            item: request.item,
            last_message: last.chars().take(QUOTED_CHARS).collect(),
            near,
        })
    }

    /// The model a request is for: the connection's own unless it names another.
    fn asked<'a>(&'a self, request: &'a Request) -> &'a str {
        if request.model.is_empty() {
            &self.model
        } else {
            &request.model
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        on_token: Option<OnToken<'_>>,
    ) -> Result<Reply, Failure> {
        let entry = self.pick(request).map_err(LlmError::from)?;
        if !entry.delay.is_zero() {
            tokio::time::sleep(entry.delay).await;
        }
        let (text, calls) = match &entry.answer {
            Answer::Say { text, calls } => (text.as_str(), calls.as_slice()),
            Answer::Fail(Fail::BadJson) => ("{\"answer\": \"cut off in the mid", [].as_slice()),
            Answer::Fail(fail) => return Err(self.failure(*fail, entry.line).into()),
        };
        if let Some(on_token) = on_token {
            for piece in text.split_inclusive(' ') {
                on_token(piece);
            }
        }
        let usage = entry
            .usage
            .unwrap_or_else(|| estimate(request, text.chars().count()));
        let finish = entry.finish.unwrap_or(if calls.is_empty() {
            Finish::Stop
        } else {
            Finish::ToolCalls
        });
        Ok(Reply {
            text: text.to_owned(),
            tool_calls: calls
                .iter()
                .enumerate()
                .map(|(index, call)| tool_call(request, index, call))
                .collect(),
            usage,
            cost_usd: entry
                .cost_usd
                .or_else(|| self.price.map(|price| price.cost(usage))),
            finish,
            model: self.asked(request).to_owned(),
        })
    }

    fn failure(&self, fail: Fail, line: usize) -> LlmError {
        let model = self.id.clone();
        let detail = format!("simulated at {}:{line}", self.file);
        match fail {
            Fail::RateLimited => LlmError::RateLimited {
                model,
                retry_after: None,
                detail,
                tries: 1,
            },
            Fail::Overloaded => LlmError::Overloaded {
                model,
                status: 529,
                retry_after: None,
                detail,
                tries: 1,
            },
            Fail::Timeout => LlmError::Timeout {
                model,
                detail,
                tries: 1,
                is_final: false,
            },
            Fail::Connect => LlmError::Connect {
                model,
                detail,
                tries: 1,
            },
            Fail::Auth => LlmError::Auth {
                model,
                status: 401,
                detail,
            },
            Fail::Credits => LlmError::Credits { model, detail },
            Fail::BadReply | Fail::BadJson => LlmError::BadReply { model, detail },
        }
    }
}

impl Model for Scripted {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(retrying(&self.retry, move || {
            self.attempt(request, on_token)
        }))
    }

    fn id(&self) -> &str {
        &self.id
    }

    /// A script answers by stage, turn and item, so they decide the answer here.
    fn cache_key(&self, request: &Request) -> String {
        request.cache_key(&format!("{}#{}#{}", self.id, request.place(), request.turn))
    }
}

/// Without an id of its own a call gets one that no other turn of the conversation has.
fn tool_call(request: &Request, index: usize, call: &Call) -> ToolCall {
    ToolCall {
        id: call
            .id
            .clone()
            .unwrap_or_else(|| format!("call_{}_{}", request.turn, index + 1)),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
    }
}

/// The last user or tool message: what the model is answering.
fn last_message(request: &Request) -> &str {
    let said = request
        .messages
        .iter()
        .rev()
        .find_map(|message| match message {
            Message::User(text) | Message::Tool { content: text, .. } => Some(text.as_str()),
            Message::System(_) | Message::Assistant { .. } => None,
        });
    said.unwrap_or_default()
}

#[cfg(test)]
mod tests;
