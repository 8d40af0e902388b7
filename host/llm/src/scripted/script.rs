//! How a script is read.
//!
//! Reading goes on after a mistake, so that all of them are shown at once. Unknown keys are mistakes: in a file whose only
//! purpose is to be matched, a misspelt `stgae` would silently match everything.

use std::time::Duration;

use serde_json::Value;

use super::entry::{Answer, Call, Entry, FAILS, FINISHES, KEYS};
use super::error::Mistake;
use super::node::{At, Kind, Node, parse};
use crate::Usage;

/// Reads a whole script.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Vec<Mistake>> {
    let mut reader = Reader {
        mistakes: Vec::new(),
    };
    let entries = match parse(text) {
        Ok(root) => reader.script(&root),
        Err((at, message)) => {
            reader.mistake(at, message);
            Vec::new()
        }
    };
    if reader.mistakes.is_empty() {
        return Ok(entries);
    }
    reader
        .mistakes
        .sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(reader.mistakes)
}

struct Reader {
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn mistake(&mut self, at: At, message: impl Into<String>) {
        // A file without a single line has its mistake in the first.
        self.mistakes.push(Mistake {
            line: at.line.max(1),
            column: at.column.max(1),
            message: message.into(),
        });
    }

    fn script(&mut self, root: &Node) -> Vec<Entry> {
        let list = match &root.kind {
            Kind::List(_) => Some(root),
            Kind::Map(keys) => {
                for (key, at, _) in keys {
                    if key != "replies" {
                        self.mistake(*at, format!("unknown key `{key}`; a script has `replies`"));
                    }
                }
                keys.iter()
                    .find(|(key, ..)| key == "replies")
                    .map(|(.., node)| node)
            }
            Kind::Scalar(_) => None,
        };
        let Some(list) = list else {
            self.mistake(
                root.at,
                "a script is a list of replies, or a mapping with `replies`",
            );
            return Vec::new();
        };
        let Kind::List(items) = &list.kind else {
            self.mistake(
                list.at,
                format!("`replies` must be a list, not {}", list.describe()),
            );
            return Vec::new();
        };
        if items.is_empty() {
            self.mistake(list.at, "a script without replies answers nothing");
        }
        items.iter().filter_map(|item| self.entry(item)).collect()
    }

    fn entry(&mut self, node: &Node) -> Option<Entry> {
        let Kind::Map(fields) = &node.kind else {
            self.mistake(
                node.at,
                format!("a reply is a mapping, not {}", node.describe()),
            );
            return None;
        };
        self.known(fields, &KEYS, "reply");
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, ..)| key == name)
                .map(|(.., node)| node)
        };
        let answer = self.answer(node, fields);
        Some(Entry {
            line: node.at.line,
            stage: field("stage").and_then(|node| self.text(node, "stage")),
            turn: field("turn").and_then(|node| self.whole(node, "turn", 1)),
            item: field("item").and_then(|node| self.whole(node, "item", 0)),
            contains: field("contains").and_then(|node| self.text(node, "contains")),
            model: field("model").and_then(|node| self.text(node, "model")),
            times: field("times").and_then(|node| self.whole(node, "times", 1)),
            answer: answer?,
            usage: field("usage").and_then(|node| self.usage(node)),
            finish: field("finish").and_then(|node| self.one_of(node, "finish", &FINISHES)),
            cost_usd: field("cost_usd").and_then(|node| self.number(node, "cost_usd")),
            delay: field("delay_ms")
                .and_then(|node| self.whole(node, "delay_ms", 0))
                .map_or(Duration::ZERO, Duration::from_millis),
        })
    }

    fn answer(&mut self, node: &Node, fields: &[(String, At, Node)]) -> Option<Answer> {
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, ..)| key == name)
                .map(|(.., node)| node)
        };
        let (text, json, calls, fail) = (
            field("text"),
            field("json"),
            field("tool_calls"),
            field("fail"),
        );
        let clash = match (text, json, calls, fail) {
            (None, None, None, None) => {
                Some((node.at, "a reply needs one of text, json, tool_calls, fail"))
            }
            (Some(_), Some(json), ..) => Some((json.at, "a reply has `text` or `json`, not both")),
            (_, Some(json), Some(_), _) => {
                Some((json.at, "`json` and `tool_calls` cannot stand together"))
            }
            (text, json, calls, Some(fail)) if text.or(json).or(calls).is_some() => Some((
                fail.at,
                "a failing reply says nothing: leave out text, json and tool_calls",
            )),
            _ => None,
        };
        if let Some((at, message)) = clash {
            self.mistake(at, message);
            return None;
        }
        if let Some(fail) = fail {
            return self.one_of(fail, "fail", &FAILS).map(Answer::Fail);
        }
        let text = match (text, json) {
            (Some(text), _) => self.text(text, "text")?,
            (_, Some(json)) => json.to_value().to_string(),
            _ => String::new(),
        };
        let calls = calls.map_or(Some(Vec::new()), |calls| self.calls(calls))?;
        Some(Answer::Say { text, calls })
    }

    fn calls(&mut self, node: &Node) -> Option<Vec<Call>> {
        let Kind::List(items) = &node.kind else {
            self.mistake(
                node.at,
                format!("`tool_calls` must be a list, not {}", node.describe()),
            );
            return None;
        };
        items.iter().map(|item| self.call(item)).collect()
    }

    fn call(&mut self, node: &Node) -> Option<Call> {
        let Kind::Map(fields) = &node.kind else {
            self.mistake(
                node.at,
                "a tool call is a mapping with `name` and `arguments`",
            );
            return None;
        };
        self.known(fields, &["name", "arguments", "id"], "tool call");
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, ..)| key == name)
                .map(|(.., node)| node)
        };
        let Some(name) = field("name") else {
            self.mistake(node.at, "a tool call needs the tool's `name`");
            return None;
        };
        let arguments = match field("arguments").map(Node::to_value) {
            None | Some(Value::Null) => Ok(Value::Object(serde_json::Map::new())),
            // Text is what the model literally wrote: that is how a script shows a model writing broken JSON.
            Some(Value::String(raw)) => serde_json::from_str(&raw).map_err(|_| raw),
            Some(value) => Ok(value),
        };
        Some(Call {
            id: field("id").and_then(|node| self.text(node, "id")),
            name: self.text(name, "name")?,
            arguments,
        })
    }

    fn usage(&mut self, node: &Node) -> Option<Usage> {
        let Kind::Map(fields) = &node.kind else {
            self.mistake(
                node.at,
                "`usage` is a mapping with `input_tokens` and `output_tokens`",
            );
            return None;
        };
        let keys = [
            "input_tokens",
            "output_tokens",
            "cached_input_tokens",
            "reasoning_tokens",
        ];
        self.known(fields, &keys, "usage");
        let mut count = |name: &str| {
            let found = fields.iter().find(|(key, ..)| key == name);
            found
                .and_then(|(.., node)| self.whole(node, name, 0))
                .unwrap_or(0)
        };
        Some(Usage {
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            cached_input_tokens: count("cached_input_tokens"),
            reasoning_tokens: count("reasoning_tokens"),
        })
    }

    fn known(&mut self, fields: &[(String, At, Node)], keys: &[&str], what: &str) {
        for (key, at, _) in fields {
            if keys.contains(&key.as_str()) {
                continue;
            }
            let close = keys
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, key), *known))
                .min();
            let guess = match close {
                Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`?"),
                _ => format!("known are {}", keys.join(", ")),
            };
            self.mistake(*at, format!("unknown key `{key}` in a {what}; {guess}"));
        }
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        match &node.kind {
            Kind::Scalar(Value::String(text)) => Some(text.clone()),
            // `stage: 1` and `contains: true` mean the words.
            Kind::Scalar(value) if !value.is_null() => Some(value.to_string()),
            _ => {
                self.mistake(
                    node.at,
                    format!("`{key}` must be text, not {}", node.describe()),
                );
                None
            }
        }
    }

    fn whole(&mut self, node: &Node, key: &str, least: u64) -> Option<u64> {
        match &node.kind {
            Kind::Scalar(Value::Number(number)) if number.as_u64().is_some_and(|n| n >= least) => {
                number.as_u64()
            }
            _ => {
                self.mistake(
                    node.at,
                    format!("`{key}` must be a whole number from {least} on"),
                );
                None
            }
        }
    }

    fn number(&mut self, node: &Node, key: &str) -> Option<f64> {
        match &node.kind {
            Kind::Scalar(Value::Number(number)) if number.as_f64().is_some_and(|n| n >= 0.0) => {
                number.as_f64()
            }
            _ => {
                self.mistake(node.at, format!("`{key}` must be a number from 0 on"));
                None
            }
        }
    }

    fn one_of<T: Copy>(&mut self, node: &Node, key: &str, table: &[(&str, T)]) -> Option<T> {
        let found = match &node.kind {
            Kind::Scalar(Value::String(text)) => table.iter().find(|(name, _)| name == text),
            _ => None,
        };
        if found.is_none() {
            let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            self.mistake(
                node.at,
                format!("`{key}` must be one of {}", names.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_its_place_and_all_at_once() {
        let script = "replies:\n  - stgae: draft\n    text: hi\n  - stage: a\n    turn: 0\n    fail: tired\n  - stage: b\n    \
                      text: x\n    json: {}\n  - stage: c\n  - stage: d\n    tool_calls:\n      - arguments: {}\n  - 7\n";
        let found: Vec<_> = read(script)
            .unwrap_err()
            .into_iter()
            .map(|mistake| format!("{}:{}: {}", mistake.line, mistake.column, mistake.message))
            .collect();
        assert_eq!(
            found,
            [
                "2:5: unknown key `stgae` in a reply; did you mean `stage`?",
                "5:11: `turn` must be a whole number from 1 on",
                "6:11: `fail` must be one of rate_limited, overloaded, timeout, connect, auth, credits, bad_reply, bad_json",
                "9:11: a reply has `text` or `json`, not both",
                "10:5: a reply needs one of text, json, tool_calls, fail",
                "13:9: a tool call needs the tool's `name`",
                "14:5: a reply is a mapping, not a number",
            ]
        );
    }

    #[test]
    fn arguments_written_as_text_are_what_the_model_wrote() {
        let entries = read("- tool_calls:\n    - {name: a, arguments: '{\"x\": 1}'}\n    - {name: b, arguments: '{oops'}\n    - {name: c}").unwrap();
        let Answer::Say { calls, .. } = &entries[0].answer else {
            panic!("calls")
        };
        assert_eq!(calls[0].arguments, Ok(serde_json::json!({"x": 1})));
        assert_eq!(calls[1].arguments, Err("{oops".to_owned()));
        assert_eq!(calls[2].arguments, Ok(serde_json::json!({})));
    }
}
