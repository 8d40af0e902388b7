//! From the tree to the types, collecting every error.
//!
//! serde stops at the first error. So [`read`] marks the value that was wrong, leaves it out and reads again, until
//! nothing is wrong that has not been said. Reading is lax where specs always could be: `"3"` is a number where one is
//! wanted and `1.0` a text, an empty value is the same as none. Keys that no type knows are collected, with the keys
//! that were meant.

mod children;
mod error;

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
};

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde_json::Value;

use crate::{
    location::Location,
    yaml::{Node, NodeKind},
};
use children::{Entries, List};
pub(crate) use error::ReadError;
use error::{Found, OneOf, how_to_write};

/// Most errors that one reading reports: each costs a pass over the tree.
const MAX_ERRORS: usize = 50;

/// A key that no type knows.
#[derive(Debug, Clone)]
pub(crate) struct UnknownKey {
    pub(crate) key: String,
    pub(crate) at: Location,
    pub(crate) known: &'static [&'static str],
}

/// What reading gives.
pub(crate) struct Reading<T> {
    /// The value, without what was wrong in it; none when nothing is left.
    pub(crate) value: Option<T>,
    pub(crate) errors: Vec<ReadError>,
    /// The keys that nothing read.
    pub(crate) unknown: Vec<UnknownKey>,
    /// The values that were wrong, by their numbers.
    pub(crate) left_out: HashSet<u32>,
}

#[derive(Default)]
struct Notes {
    /// Values that were wrong and are left out.
    bad: RefCell<HashSet<u32>>,
    unknown: RefCell<Vec<UnknownKey>>,
    /// How often the tree was read.
    passes: Cell<usize>,
}

/// Reads a tree into a type.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> Reading<T> {
    let notes = Notes::default();
    let mut errors: Vec<ReadError> = Vec::new();
    let value = loop {
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
    // Each pass meets them again, and none meets those within what is left out later.
    let mut unknown = notes.unknown.into_inner();
    unknown.sort_by_key(|unknown| unknown.at.offset);
    unknown.dedup_by_key(|unknown| unknown.at.offset);
    Reading {
        value,
        errors,
        unknown,
        left_out: notes.bad.into_inner(),
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
                let bad = self.notes.bad.borrow();
                why.follows = match why.missing {
                    Some(key) => self
                        .node
                        .entry(key)
                        .is_some_and(|entry| bad.contains(&entry.value.id)),
                    // Said of a whole of which a part was left out: it may be for that part.
                    None => self.node.has_any(&bad),
                };
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
        let mut why: ReadError = de::Error::custom(format_args!(
            "expected {expected}, found {}",
            Found(self.node)
        ));
        why.hint = Some(how_to_write(expected).to_owned());
        Err(why)
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
