//! What is inside lists and mappings: values that were wrong are left out, keys that no type knows are noted.

use serde::de::{self, DeserializeSeed, IntoDeserializer};

use super::{Notes, ReadError, Reader, UnknownKey};
use crate::yaml::{Entry, Node};

pub(super) struct List<'a> {
    pub(super) nodes: std::slice::Iter<'a, Node>,
    pub(super) notes: &'a Notes,
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

pub(super) struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    /// The keys that the type knows; none for a mapping of any keys.
    fields: Option<&'static [&'static str]>,
    current: Option<&'a Entry>,
    notes: &'a Notes,
}

impl<'a> Entries<'a> {
    pub(super) fn new(
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
