//! Finding the JSON in what a model wrote.
//!
//! Models wrap JSON in fences, introduce it and comment on it. Every candidate is read by the real parser, so a brace in
//! prose or in a string decides nothing. Nothing is mended: JSON that was cut off is no JSON, and the caller asks again.

use serde_json::Value;

/// What the caller can use, when a text holds several values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// An object; an array only when there is no object.
    #[default]
    Object,
    /// An array; an object only when there is no array.
    Array,
    /// Whichever comes first.
    Any,
}

impl Wanted {
    /// What a schema's top level asks for.
    #[must_use]
    pub fn of_schema(schema: &Value) -> Self {
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => Self::Array,
            Some("object") => Self::Object,
            _ if schema.get("properties").is_some() => Self::Object,
            _ => Self::Any,
        }
    }

    fn suits(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Any => true,
        }
    }
}

/// The JSON value in a reply, an object if there is one: the whole text, else a fenced block, else the first object or
/// array with whatever stands before and after it.
#[must_use]
pub fn extract_json(text: &str) -> Option<Value> {
    extract_json_as(text, Wanted::Object)
}

/// [`extract_json`] with a say in what is preferred.
#[must_use]
pub fn extract_json_as(text: &str, wanted: Wanted) -> Option<Value> {
    if let Ok(whole) = serde_json::from_str(text.trim().trim_start_matches('\u{feff}')) {
        return Some(whole);
    }
    // What a reasoning model thought aloud is not its answer; only when nothing follows is it looked at.
    if let Some((_, answer)) = text.rsplit_once("</think>")
        && let Some(found) = extract_json_as(answer, wanted)
    {
        return Some(found);
    }
    let fenced = fences(text).filter_map(|block| serde_json::from_str::<Value>(block.trim()).ok());
    best(fenced, wanted).or_else(|| best(Embedded::new(text), wanted))
}

/// The first value that suits, else the first at all.
fn best(candidates: impl Iterator<Item = Value>, wanted: Wanted) -> Option<Value> {
    let mut first = None;
    for candidate in candidates {
        if wanted.suits(&candidate) {
            return Some(candidate);
        }
        first.get_or_insert(candidate);
    }
    first
}

/// The insides of fenced blocks; one that is not closed ends with the text.
fn fences(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").skip(1).step_by(2).map(|block| {
        let end_of_info = block.find('\n').unwrap_or(0);
        let info = block.get(..end_of_info).unwrap_or_default();
        // ```{"a":1}``` has no info line.
        if info.contains(['{', '[']) {
            block
        } else {
            block.get(end_of_info..).unwrap_or_default()
        }
    })
}

/// Objects and arrays that stand anywhere in a text, outermost first, from left to right.
struct Embedded<'a> {
    rest: &'a str,
    /// Bytes that may still be parsed in vain: keeps a text full of open brackets linear.
    budget: usize,
}

/// Any honest text needs a few passes at most.
const PASSES: usize = 8;

impl<'a> Embedded<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            budget: text.len().saturating_mul(PASSES),
        }
    }
}

impl Iterator for Embedded<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        loop {
            let start = self.rest.find(['{', '['])?;
            let from = self.rest.get(start..)?;
            let mut stream = serde_json::Deserializer::from_str(from).into_iter::<Value>();
            match stream.next()? {
                Ok(value) => {
                    self.rest = from.get(stream.byte_offset()..)?;
                    return Some(value);
                }
                Err(error) => {
                    self.budget = self.budget.checked_sub(read_until(from, &error))?;
                    self.rest = from.get(1..)?;
                }
            }
        }
    }
}

/// How far the parser got before it failed.
fn read_until(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    lines
        .map(str::len)
        .sum::<usize>()
        .saturating_add(error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_found_wherever_a_model_puts_it() {
        let table = [
            (r#"{"a": 1}"#, Some(json!({"a": 1}))),
            ("  [1, 2]\n", Some(json!([1, 2]))),
            ("42", Some(json!(42))),
            ("\u{feff}{\"a\": 1}", Some(json!({"a": 1}))),
            ("```json\n{\"a\": 1}\n```", Some(json!({"a": 1}))),
            ("```\n{\"a\": 1}\n```", Some(json!({"a": 1}))),
            (
                "```JSON5\r\n{\"a\": 1}\r\n```\nDone.",
                Some(json!({"a": 1})),
            ),
            ("```{\"a\": 1}```", Some(json!({"a": 1}))),
            ("```json\n{\"a\": 1}", Some(json!({"a": 1}))),
            (
                "Like so:\n```python\nx = {}\n```\nand\n```json\n{\"a\": 1}\n```",
                Some(json!({"a": 1})),
            ),
            (
                "Sure! {\"a\": {\"b\": 1}} Anything else?",
                Some(json!({"a": {"b": 1}})),
            ),
            ("{\"a\": 1} trailing", Some(json!({"a": 1}))),
            ("t {\"a\": 1} then {\"b\": 2}", Some(json!({"a": 1}))),
            (
                "[{\"a\": 1}, {\"b\": 2}] as asked",
                Some(json!([{"a": 1}, {"b": 2}])),
            ),
            ("As shown in [1], {\"a\": 1}", Some(json!({"a": 1}))),
            (
                "the set {x, y} is {\"a\": \"} and {\"}",
                Some(json!({"a": "} and {"})),
            ),
            ("{\"a\": \"```\"} is it", Some(json!({"a": "```"}))),
            (
                "<think>maybe {\"a\": 0}</think>\n{\"a\": 1}",
                Some(json!({"a": 1})),
            ),
            (
                "<think>{\"a\": 1}</think> that is all",
                Some(json!({"a": 1})),
            ),
            ("{ not json {\"a\": 1}", Some(json!({"a": 1}))),
            ("naïve — {\"ü\": \"→\"} …", Some(json!({"ü": "→"}))),
            ("{\"a\": 1", None),
            ("no json here", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(extract_json(text), expected, "{text}");
        }
    }

    #[test]
    fn an_array_is_preferred_where_the_schema_asks_for_one() {
        let text = "From {\"n\": 2}: [1, 2]";
        assert_eq!(
            extract_json_as(text, Wanted::of_schema(&json!({"type": "array"}))),
            Some(json!([1, 2]))
        );
        assert_eq!(
            extract_json_as(text, Wanted::of_schema(&json!({"type": "object"}))),
            Some(json!({"n": 2}))
        );
        assert_eq!(extract_json_as("x [1] y", Wanted::Object), Some(json!([1])));
    }

    #[test]
    fn a_text_that_cannot_be_read_is_given_up_on_after_a_few_passes() {
        let text = "[".repeat(100) + &"1,".repeat(1000);
        let mut embedded = Embedded::new(&text);
        assert_eq!(embedded.next(), None);
        let tried = text.len() - embedded.rest.len();
        assert_eq!(
            tried, PASSES,
            "every try reads to the end, so there are only so many"
        );
    }

    #[test]
    fn brackets_nested_without_end_overflow_nothing() {
        assert_eq!(extract_json(&"[{\"a\": ".repeat(5_000)), None);
    }
}
