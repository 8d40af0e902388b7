//! From the tree to the types, collecting every error.
//!
//! serde stops at the first error. So [`read`] marks the value that was wrong, leaves it out and reads again, until
//! nothing is wrong that has not been said. Reading is lax where specs always could be: `"3"` is a number where one is
//! wanted and `1.0` a text, an empty value is the same as none. Keys that no type knows are collected, with the keys
//! that were meant.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    fmt,
};

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde_json::Value;

use crate::{
    location::Location,
    suggest::did_you_mean,
    yaml::{Entry, Node, NodeKind},
};

/// Most errors that one reading reports: each costs a pass over the tree.
const MAX_ERRORS: usize = 50;

/// A key that no type knows.
#[derive(Debug, Clone)]
pub(crate) struct UnknownKey {
    pub(crate) key: String,
    pub(crate) at: Location,
    pub(crate) known: &'static [&'static str],
}

/// What was wrong, and where.
#[derive(Debug, Clone)]
pub(crate) struct ReadError {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) at: Option<Location>,
    node: Option<u32>,
    missing: Option<&'static str>,
    /// The error only follows from one that has been reported.
    follows: bool,
}

/// What reading gives: the value if nothing was wrong, what was, and the keys that nothing read.
pub(crate) struct Reading<T> {
    pub(crate) value: Option<T>,
    pub(crate) errors: Vec<ReadError>,
    pub(crate) unknown: Vec<UnknownKey>,
}

#[derive(Default)]
struct Notes {
    /// Values that were wrong and are left out.
    bad: RefCell<HashSet<u32>>,
    unknown: RefCell<Vec<UnknownKey>>,
    /// Everything in the value that is being read is taken: it is data, or skipped.
    passes: Cell<usize>,
}

/// Reads a tree into a type.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> Reading<T> {
    let notes = Notes::default();
    let mut errors: Vec<ReadError> = Vec::new();
    let value = loop {
        notes.unknown.borrow_mut().clear();
        notes.passes.set(notes.passes.get() + 1);
        let why = match T::deserialize(Reader {
            node: root,
            notes: &notes,
        }) {
            Ok(value) => break Some(value),
            Err(why) => why,
        };
        let id = why.node.unwrap_or(root.id);
        if !why.follows {
            errors.push(why);
        }
        let is_new = notes.bad.borrow_mut().insert(id);
        if id == root.id || !is_new || notes.passes.get() > MAX_ERRORS {
            break None;
        }
    };
    let value = value.filter(|_| errors.is_empty());
    Reading {
        value,
        errors,
        unknown: notes.unknown.into_inner(),
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    notes: &'a Notes,
}

impl<'a> Reader<'a> {
    /// Gives an error that has no place yet the place of this value.
    fn place<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|mut why| {
            if why.node.is_none() {
                why.node = Some(self.node.id);
                why.at = Some(self.node.at);
                why.follows = why.missing.is_some_and(|key| {
                    let bad = self.notes.bad.borrow();
                    self.node
                        .entry(key)
                        .is_some_and(|entry| bad.contains(&entry.value.id))
                });
            }
            why
        })
    }

    fn scalar(self) -> Option<(&'a Value, &'a str)> {
        match &self.node.kind {
            NodeKind::Scalar { value, text } => Some((value, text)),
            _ => None,
        }
    }

    /// What was found instead of `expected`.
    fn mismatch<T>(self, expected: &dyn de::Expected) -> Result<T, ReadError> {
        let expected = expected.to_string();
        let expected = if expected.starts_with("struct ") {
            "a mapping"
        } else {
            &expected
        };
        Err(de::Error::custom(format_args!(
            "expected {expected}, found {}",
            Found(self.node)
        )))
    }

    /// A number as text where a number is wanted.
    fn number<N: std::str::FromStr>(self) -> Option<N> {
        let (value, text) = self.scalar()?;
        if value.is_null() || value.is_boolean() {
            return None;
        }
        let text = text.trim();
        text.strip_prefix('+').unwrap_or(text).parse().ok()
    }

    fn signed(self) -> Option<i64> {
        let (value, _) = self.scalar()?;
        value
            .as_i64()
            .or_else(|| self.number())
            .or_else(|| whole(self.float()?))
    }

    fn unsigned(self) -> Option<u64> {
        let (value, _) = self.scalar()?;
        value
            .as_u64()
            .or_else(|| self.number())
            .or_else(|| u64::try_from(whole(self.float()?)?).ok())
    }

    fn float(self) -> Option<f64> {
        let (value, _) = self.scalar()?;
        value
            .as_f64()
            .or_else(|| self.number())
            .filter(|number| number.is_finite())
    }
}

/// A float without a fraction, as an integer.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and below 2^53"
    )]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

macro_rules! integers {
    ($($method:ident $visit:ident $from:ident $expected:literal,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            let result = match self.$from() {
                Some(number) => visitor.$visit(number),
                None => self.mismatch(&$expected),
            };
            self.place(result)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            NodeKind::Scalar { value, .. } => match value {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(*value),
                Value::Number(number) => {
                    match (number.as_u64(), number.as_i64(), number.as_f64()) {
                        (Some(number), ..) => visitor.visit_u64(number),
                        (_, Some(number), _) => visitor.visit_i64(number),
                        (.., number) => visitor.visit_f64(number.unwrap_or_default()),
                    }
                }
                Value::String(text) => visitor.visit_str(text),
                Value::Array(_) | Value::Object(_) => self.mismatch(&visitor),
            },
            NodeKind::List(nodes) => visitor.visit_seq(List {
                nodes: nodes.iter(),
                notes: self.notes,
            }),
            NodeKind::Map(entries) => visitor.visit_map(Entries::new(entries, None, self.notes)),
        };
        self.place(result)
    }

    integers! {
        deserialize_i8 visit_i64 signed "a whole number", deserialize_i16 visit_i64 signed "a whole number",
        deserialize_i32 visit_i64 signed "a whole number", deserialize_i64 visit_i64 signed "a whole number",
        deserialize_u8 visit_u64 unsigned "a whole number, 0 or more", deserialize_u16 visit_u64 unsigned "a whole number, 0 or more",
        deserialize_u32 visit_u64 unsigned "a whole number, 0 or more", deserialize_u64 visit_u64 unsigned "a whole number, 0 or more",
        deserialize_f32 visit_f64 float "a number", deserialize_f64 visit_f64 float "a number",
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let word = self.scalar().map(|(_, text)| text.to_ascii_lowercase());
        let result = match word.as_deref() {
            Some("true" | "yes" | "on" | "y" | "t" | "1") => visitor.visit_bool(true),
            Some("false" | "no" | "off" | "n" | "f" | "0") => visitor.visit_bool(false),
            _ => self.mismatch(&"true or false"),
        };
        self.place(result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match self.scalar() {
            Some((Value::Null, _)) | None => self.mismatch(&"a text"),
            // The author's spelling, whatever else it could mean.
            Some((_, text)) => visitor.visit_str(text),
        };
        self.place(result)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            NodeKind::List(nodes) => visitor.visit_seq(List {
                nodes: nodes.iter(),
                notes: self.notes,
            }),
            _ => self.mismatch(&"a list"),
        };
        self.place(result)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            NodeKind::Map(entries) => visitor.visit_map(Entries::new(entries, None, self.notes)),
            _ => self.mismatch(&"a mapping"),
        };
        self.place(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            NodeKind::Map(entries) => {
                visitor.visit_map(Entries::new(entries, Some(fields), self.notes))
            }
            _ => self.mismatch(&"a mapping"),
        };
        self.place(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match self.scalar() {
            Some((value, text)) if !value.is_null() => visitor.visit_enum(text.into_deserializer()),
            _ => self.mismatch(&OneOf(variants).to_string().as_str()),
        };
        self.place(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = visitor.visit_newtype_struct(self);
        self.place(result)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct }
}

struct List<'a> {
    nodes: std::slice::Iter<'a, Node>,
    notes: &'a Notes,
}

impl<'de> de::SeqAccess<'de> for List<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        for node in self.nodes.by_ref() {
            if !self.notes.bad.borrow().contains(&node.id) {
                return seed
                    .deserialize(Reader {
                        node,
                        notes: self.notes,
                    })
                    .map(Some);
            }
        }
        Ok(None)
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    /// The keys that the type knows; none for a mapping of any keys.
    fields: Option<&'static [&'static str]>,
    current: Option<&'a Entry>,
    notes: &'a Notes,
}

impl<'a> Entries<'a> {
    fn new(
        entries: &'a [Entry],
        fields: Option<&'static [&'static str]>,
        notes: &'a Notes,
    ) -> Self {
        Self {
            entries: entries.iter(),
            fields,
            current: None,
            notes,
        }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        for entry in self.entries.by_ref() {
            if self.notes.bad.borrow().contains(&entry.value.id) {
                continue;
            }
            // `tools:` with nothing behind it is the same as no `tools`.
            if self.fields.is_some() && entry.value.is_null() {
                continue;
            }
            self.current = Some(entry);
            let key: de::value::StrDeserializer<'_, ReadError> = (&*entry.key).into_deserializer();
            return seed.deserialize(key).map(Some).map_err(|mut why| {
                why.node = why.node.or(Some(entry.value.id));
                why.at = why.at.or(Some(entry.key_at));
                why
            });
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        if let Some(known) = self.fields.filter(|fields| !fields.contains(&&*entry.key)) {
            let unknown = UnknownKey {
                key: entry.key.to_string(),
                at: entry.key_at,
                known,
            };
            self.notes.unknown.borrow_mut().push(unknown);
        }
        seed.deserialize(Reader {
            node: &entry.value,
            notes: self.notes,
        })
    }
}

/// What a value is, for people.
struct Found<'a>(&'a Node);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Characters of a text that are shown.
        const SHOWN: usize = 40;
        match &self.0.kind {
            NodeKind::List(_) => f.write_str("a list"),
            NodeKind::Map(_) => f.write_str("a mapping"),
            NodeKind::Scalar {
                value: Value::Null, ..
            } => f.write_str("nothing"),
            NodeKind::Scalar { value, text } => {
                let kind = match value {
                    Value::String(_) => "the text",
                    Value::Number(_) => "the number",
                    _ => "the value",
                };
                let shown: String = text
                    .chars()
                    .take(SHOWN)
                    .flat_map(char::escape_debug)
                    .collect();
                let more = if text.chars().nth(SHOWN).is_some() {
                    "…"
                } else {
                    ""
                };
                write!(f, "{kind} `{shown}{more}`")
            }
        }
    }
}

/// The words that are allowed.
struct OneOf(&'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }
}

impl ReadError {
    fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
            at: None,
            node: None,
            missing: None,
            follows: false,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let shown: String = variant
            .chars()
            .take(60)
            .flat_map(char::escape_debug)
            .collect();
        let mut why = Self::new(format!(
            "`{shown}` is not allowed here; {}",
            OneOf(expected)
        ));
        why.hint = did_you_mean(variant, expected.iter().copied());
        why
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let shown: String = field
            .chars()
            .take(60)
            .flat_map(char::escape_debug)
            .collect();
        let mut why = Self::new(format!(
            "there is no key `{shown}` here; {}",
            OneOf(expected)
        ));
        why.hint = did_you_mean(field, expected.iter().copied());
        why
    }

    fn missing_field(field: &'static str) -> Self {
        let mut why = Self::new(format!("the key `{field}` is missing"));
        why.missing = Some(field);
        why
    }
}
