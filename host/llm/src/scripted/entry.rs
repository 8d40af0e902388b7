//! A script's entries: what a reply may say, and when it fits.
//!
//! The tables of words here are what the reader accepts and what its messages list.

use std::time::Duration;

use serde_json::Value;

use crate::{Finish, Request, Usage};

/// Keys of a reply, in the order they are documented.
pub(super) const KEYS: [&str; 14] = [
    "stage",
    "turn",
    "item",
    "contains",
    "model",
    "times",
    "text",
    "json",
    "tool_calls",
    "fail",
    "usage",
    "finish",
    "cost_usd",
    "delay_ms",
];

/// One reply and when it is given.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) stage: Option<String>,
    pub(super) turn: Option<u64>,
    pub(super) item: Option<u64>,
    pub(super) contains: Option<String>,
    pub(super) model: Option<String>,
    pub(super) times: Option<u64>,
    pub(super) answer: Answer,
    pub(super) usage: Option<Usage>,
    pub(super) finish: Option<Finish>,
    pub(super) cost_usd: Option<f64>,
    pub(super) delay: Duration,
}

/// What a reply says.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Say { text: String, calls: Vec<Call> },
    Fail(Fail),
}

/// A tool call as written.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Result<Value, String>,
}

/// A simulated failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fail {
    RateLimited,
    Overloaded,
    Timeout,
    Connect,
    Auth,
    Credits,
    BadReply,
    /// Not an error of the call: a reply whose JSON is cut off.
    BadJson,
}

/// The names of the failures.
pub(super) const FAILS: [(&str, Fail); 8] = [
    ("rate_limited", Fail::RateLimited),
    ("overloaded", Fail::Overloaded),
    ("timeout", Fail::Timeout),
    ("connect", Fail::Connect),
    ("auth", Fail::Auth),
    ("credits", Fail::Credits),
    ("bad_reply", Fail::BadReply),
    ("bad_json", Fail::BadJson),
];

/// The words for why a reply ended.
pub(super) const FINISHES: [(&str, Finish); 4] = [
    ("stop", Finish::Stop),
    ("tool_calls", Finish::ToolCalls),
    ("length", Finish::Length),
    ("refused", Finish::Refused),
];

impl Entry {
    /// Why the entry does not fit a request, if so. `last` is the message that `contains` looks into.
    pub(super) fn misfit(&self, request: &Request, model: &str, last: &str) -> Option<String> {
        if self
            .stage
            .as_ref()
            .is_some_and(|stage| *stage != request.stage)
        {
            return Some("is for another stage".into());
        }
        if let Some(turn) = self.turn.filter(|turn| *turn != u64::from(request.turn)) {
            return Some(format!("is for turn {turn}"));
        }
        if let Some(item) = self
            .item
            .filter(|item| request.item.map(|i| i as u64) != Some(*item))
        {
            return Some(format!("is for item {item}"));
        }
        if let Some(wanted) = self.model.as_ref().filter(|wanted| *wanted != model) {
            return Some(format!("is for the model `{wanted}`"));
        }
        let missing = self
            .contains
            .as_ref()
            .filter(|words| !last.contains(words.as_str()));
        missing.map(|words| format!("the last message does not contain `{words}`"))
    }
}
