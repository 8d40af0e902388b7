//! YAML as a tree that remembers where everything stood.
//!
//! A script is small and written by hand, so its mistakes must be shown where they are. The tree keeps line and column of
//! every key and value; aliases, tags and several documents are refused rather than half supported. Depth and number
//! of nodes are bounded by [`MAX_DEPTH`] and by the size of the file.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// Deeper than any reply that a person writes, shallow enough for the stack.
const MAX_DEPTH: usize = 64;

/// A place in the file: both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl From<Span> for At {
    fn from(span: Span) -> Self {
        Self {
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, At, Node)>),
}

impl Node {
    /// What kind of thing it is, for "expected … but found …".
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(Value::Null) => "nothing",
            Kind::Scalar(Value::Bool(_)) => "true or false",
            Kind::Scalar(Value::Number(_)) => "a number",
            Kind::Scalar(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The value without places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => {
                let map: Map<_, _> = entries
                    .iter()
                    .map(|(key, _, node)| (key.clone(), node.to_value()))
                    .collect();
                Value::Object(map)
            }
        }
    }
}

/// Reads one document.
pub(super) fn parse(text: &str) -> Result<Node, (At, String)> {
    let mut events = Events {
        parser: Parser::new_from_str(text),
    };
    let root = loop {
        match events.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err((span.into(), "the script is empty".into()));
            }
            (event, span) => break events.node(event, span, 0)?,
        }
    };
    loop {
        match events.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::DocumentStart(_), span) => {
                return Err((
                    span.into(),
                    "a script is one document; a second one starts here".into(),
                ));
            }
            _ => {}
        }
    }
}

struct Events<'input> {
    parser: Parser<'input, saphyr_parser::StrInput<'input>>,
}

impl<'input> Events<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), (At, String)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = At {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                };
                Err((at, error.info().to_owned()))
            }
            None => Err((At::default(), "the script ends too early".into())),
        }
    }

    fn node(
        &mut self,
        event: Event<'input>,
        span: Span,
        depth: usize,
    ) -> Result<Node, (At, String)> {
        let at = At::from(span);
        if depth > MAX_DEPTH {
            return Err((at, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let kind = match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err((
                    at,
                    "tags (`!…`) mean nothing in a script; leave it out".into(),
                ));
            }
            Event::Alias(_) => {
                return Err((
                    at,
                    "aliases (`*…`) are not read in a script; write the value out".into(),
                ));
            }
            Event::Scalar(text, style, ..) => Kind::Scalar(scalar(&text, style)),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Kind::List(items),
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<(String, At, Node)> = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    let key_at = At::from(span);
                    let key = match event {
                        Event::MappingEnd => break Kind::Map(entries),
                        Event::Scalar(text, ..) => text.into_owned(),
                        _ => return Err((key_at, "a key must be plain text".into())),
                    };
                    if entries.iter().any(|(known, ..)| *known == key) {
                        return Err((key_at, format!("`{key}` is written twice")));
                    }
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    entries.push((key, key_at, value));
                }
            }
            _ => return Err((at, "this cannot stand here".into())),
        };
        Ok(Node { at, kind })
    }
}

/// YAML 1.2's core schema: quoted is text; plain may be null, a boolean or a number. `no` and `on` are text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    let looks_numeric = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    match text.parse::<f64>() {
        Ok(number) if looks_numeric => {
            Number::from_f64(number).map_or_else(|| Value::from(text), Value::Number)
        }
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_keeps_values_order_and_places() {
        let node = parse("b: [1, 2.5, no, \"3\"]\na:\n  c: ~\n  d: |\n    x\n    y\n").unwrap();
        assert_eq!(
            node.to_value(),
            json!({"b": [1, 2.5, "no", "3"], "a": {"c": null, "d": "x\ny\n"}})
        );
        let Kind::Map(entries) = node.kind else {
            panic!("a mapping")
        };
        assert_eq!(entries[1].1, At { line: 2, column: 1 });
        let Kind::Map(inner) = &entries[1].2.kind else {
            panic!("a mapping")
        };
        assert_eq!(inner[1].1, At { line: 4, column: 3 });
    }

    #[test]
    fn what_a_script_cannot_say_is_refused_where_it_stands() {
        for (text, line, words) in [
            ("a: 1\na: 2", 2, "written twice"),
            ("a: &x 1\nb: *x", 2, "aliases"),
            ("a: !int 1", 1, "tags"),
            // Where the text ends is where the bracket is missed.
            ("a: [1", 2, "flow sequence"),
            ("a: 1\n---\nb: 2", 2, "one document"),
            ("", 1, "empty"),
        ] {
            let (at, message) = parse(text).unwrap_err();
            assert_eq!(at.line, line, "{text:?}: {message}");
            assert!(message.contains(words), "{text:?}: {message}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
