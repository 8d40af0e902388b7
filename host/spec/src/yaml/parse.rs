//! From the parser's events to the tree, within bounds.
//!
//! Anchors and aliases are taken, because specs use them to say a thing once; what they expand to counts against the
//! same bounds as if it had been written out, so a "billion laughs" stops at the bound. Refused: tags of one's own,
//! merge keys, duplicate keys, several documents, keys that are no plain text.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::{
    Entry, Node, NodeKind,
    bounds::{MAX_DEPTH, MAX_NODES, MAX_SCALAR_BYTES, MAX_SOURCE_BYTES, weigh},
    scalar,
    syntax::{SyntaxError, check_tag, error, not_yaml, template_hint, unknown_tag},
};
use crate::location::{ByteIndex, Location};

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the spec is {} bytes long; {MAX_SOURCE_BYTES} is the most that is read",
            text.len()
        );
        return Err(SyntaxError {
            at: Location::START,
            message,
            hint: Some(
                "split the workflow: a stage can run another spec with `subagent_spec`".to_owned(),
            ),
        });
    }
    if let Some(offset) = text.find('\0') {
        let at = Location {
            length: 1,
            ..Location::of_offset(text, offset)
        };
        return Err(SyntaxError {
            at,
            message: "the spec has a NUL character in it".to_owned(),
            hint: Some("save it as plain text, in UTF-8".to_owned()),
        });
    }
    Builder::new(text).document()
}

/// A list or mapping that is not finished.
struct Open {
    id: u32,
    at: Location,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashSet<Arc<str>>,
        key: Option<(Arc<str>, Location)>,
    },
}

struct Builder<'a> {
    text: &'a str,
    bytes: ByteIndex<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    next_id: u32,
    nodes: usize,
    scalar_bytes: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: ByteIndex::new(text),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            next_id: 0,
            nodes: 0,
            scalar_bytes: 0,
        }
    }

    fn document(mut self) -> Result<Node, SyntaxError> {
        let mut documents = 0;
        for event in Parser::new_from_str(self.text) {
            let (event, span) = event.map_err(|why| not_yaml(self.text, &self.bytes, &why))?;
            let at = self.location(span);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(error(
                            at,
                            "the file holds several YAML documents; a spec is one",
                        ));
                    }
                }
                Event::SequenceStart(anchor, tag) => {
                    check_tag(tag.as_deref(), "seq", at)?;
                    self.begin(at, anchor, Content::List(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    check_tag(tag.as_deref(), "map", at)?;
                    let content = Content::Map {
                        entries: Vec::new(),
                        seen: HashSet::new(),
                        key: None,
                    };
                    self.begin(at, anchor, content)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(at)?,
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(&text, style, anchor, tag.as_deref(), at)?;
                }
                Event::Alias(anchor) => self.alias(anchor, at)?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        self.root.ok_or_else(|| {
            let message = "the file is empty; a spec needs at least `name` and `stages`";
            SyntaxError {
                hint: Some("`armature new` writes one to begin with".to_owned()),
                ..error(Location::START, message)
            }
        })
    }

    fn location(&self, span: Span) -> Location {
        let offset = self.bytes.byte(span.start.index());
        let end = self.bytes.byte(span.end.index());
        let raw = self.text.get(offset..end).unwrap_or_default();
        // A block scalar's span runs on to the next token.
        let length = raw.trim_end().len();
        Location {
            line: span.start.line(),
            column: span.start.col() + 1,
            offset,
            length,
        }
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn count(&mut self, nodes: usize, bytes: usize, at: Location) -> Result<(), SyntaxError> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.scalar_bytes = self.scalar_bytes.saturating_add(bytes);
        if self.nodes > MAX_NODES {
            return Err(error(
                at,
                format!("the spec has more than {MAX_NODES} values, aliases written out"),
            ));
        }
        if self.scalar_bytes > MAX_SCALAR_BYTES {
            return Err(error(
                at,
                format!(
                    "the spec has more than {MAX_SCALAR_BYTES} bytes of text, aliases written out"
                ),
            ));
        }
        Ok(())
    }

    fn begin(&mut self, at: Location, anchor: usize, content: Content) -> Result<(), SyntaxError> {
        self.count(1, 0, at)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(error(
                at,
                format!("the spec is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        if self.key_is_due() {
            let hint = template_hint(self.text, at.offset).unwrap_or_else(|| {
                "a key is a word; put quotes around values that start with `{` or `[`".to_owned()
            });
            return Err(SyntaxError {
                at,
                message: "a mapping or a list cannot be a key".to_owned(),
                hint: Some(hint),
            });
        }
        // A block begins at its first key or dash and has no mark of its own: show the line.
        let line = self
            .text
            .get(at.offset..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        let length = if at.length == 0 {
            line.trim_end().len().max(1)
        } else {
            at.length
        };
        let at = Location { length, ..at };
        let id = self.take_id();
        self.open.push(Open {
            id,
            at,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self, at: Location) -> Result<(), SyntaxError> {
        let Some(open) = self.open.pop() else {
            return Err(error(
                at,
                "this is not YAML: something ends here that never began",
            ));
        };
        let kind = match open.content {
            Content::List(nodes) => NodeKind::List(nodes),
            Content::Map { entries, .. } => NodeKind::Map(entries),
        };
        self.place(
            Node {
                id: open.id,
                at: open.at,
                kind,
            },
            open.anchor,
        )
    }

    fn key_is_due(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Map { key: None, .. },
                ..
            })
        )
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Location,
    ) -> Result<(), SyntaxError> {
        self.count(1, text.len(), at)?;
        if self.key_is_due() {
            return self.key(text, style, at);
        }
        let plain = matches!(style, ScalarStyle::Plain);
        let value = match tag.map(|tag| (tag.is_yaml_core_schema(), tag.suffix.as_str())) {
            Some((true, "str")) => Value::String(text.to_owned()),
            None if !plain => Value::String(text.to_owned()),
            None => scalar::plain(text).map_err(|why| error(at, why))?,
            Some(_) => return Err(unknown_tag(tag, at)),
        };
        let id = self.take_id();
        self.place(
            Node {
                id,
                at,
                kind: NodeKind::Scalar {
                    value,
                    text: text.into(),
                },
            },
            anchor,
        )
    }

    fn key(&mut self, text: &str, style: ScalarStyle, at: Location) -> Result<(), SyntaxError> {
        let plain = matches!(style, ScalarStyle::Plain);
        if plain && text == "<<" {
            return Err(SyntaxError {
                at,
                message: "merge keys (`<<`) are not taken: YAML 1.2 has none".to_owned(),
                hint: Some(
                    "write the keys out, or give the whole value an anchor and use an alias for it"
                        .to_owned(),
                ),
            });
        }
        let Some(Open {
            content: Content::Map { seen, key, .. },
            ..
        }) = self.open.last_mut()
        else {
            return Ok(());
        };
        let text: Arc<str> = text.into();
        if !seen.insert(Arc::clone(&text)) {
            return Err(SyntaxError {
                at,
                message: format!(
                    "the key `{}` is there twice in one mapping",
                    text.escape_debug()
                ),
                hint: Some("remove one of the two; nothing says which would count".to_owned()),
            });
        }
        *key = Some((text, at));
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Location) -> Result<(), SyntaxError> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(error(at, "an alias stands inside the value that it names"));
        };
        if self.key_is_due() {
            let NodeKind::Scalar { text, .. } = node.kind else {
                return Err(error(at, "a mapping or a list cannot be a key"));
            };
            self.count(1, text.len(), at)?;
            return self.key(&text, ScalarStyle::DoubleQuoted, at);
        }
        let (nodes, bytes, depth) = weigh(&node);
        self.count(nodes, bytes, at)?;
        if self.open.len() + depth > MAX_DEPTH {
            return Err(error(
                at,
                format!("the spec is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        self.place(node, 0)
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        if anchor > 0 {
            // The copy that is kept counts too: an anchor on everything must not double the memory unseen.
            let (nodes, bytes, _) = weigh(&node);
            self.count(nodes, bytes, node.at)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open {
                content: Content::List(nodes),
                ..
            }) => nodes.push(node),
            Some(Open {
                content: Content::Map { entries, key, .. },
                ..
            }) => {
                if let Some((key, key_at)) = key.take() {
                    entries.push(Entry {
                        key,
                        key_at,
                        value: node,
                    });
                }
            }
        }
        Ok(())
    }
}
