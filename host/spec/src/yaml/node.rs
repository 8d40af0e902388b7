//! The tree: values that know where they were written.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value};

use crate::location::{Location, Step};

/// A value and its place. Scalars keep the author's spelling beside their meaning: `1.10` can be a version.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Number of the node; what an alias copies keeps its number.
    pub(crate) id: u32,
    pub(crate) at: Location,
    pub(crate) kind: NodeKind,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    /// `value` is never a list or an object.
    Scalar {
        value: Value,
        text: Arc<str>,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) key_at: Location,
    pub(crate) value: Node,
}

impl Node {
    /// The value without its places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { value, .. } => value.clone(),
            NodeKind::List(nodes) => Value::Array(nodes.iter().map(Self::to_value).collect()),
            NodeKind::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries {
                    map.insert(entry.key.to_string(), entry.value.to_value());
                }
                Value::Object(map)
            }
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            NodeKind::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    fn step(&self, step: Step<'_>) -> Option<&Self> {
        match (step, &self.kind) {
            (Step::Key(key), _) => self.entry(key).map(|entry| &entry.value),
            (Step::Index(index), NodeKind::List(nodes)) => nodes.get(index),
            (Step::Index(_), _) => None,
        }
    }

    /// Was what `path` names written, and is it more than nothing?
    pub(crate) fn has(&self, path: &[Step<'_>]) -> bool {
        path.iter()
            .try_fold(self, |node, step| node.step(*step))
            .is_some_and(|node| !node.is_null())
    }

    /// Is it one of these values, or is one of them in it?
    pub(crate) fn has_any(&self, ids: &HashSet<u32>) -> bool {
        if ids.is_empty() {
            return false;
        }
        ids.contains(&self.id)
            || match &self.kind {
                NodeKind::Scalar { .. } => false,
                NodeKind::List(nodes) => nodes.iter().any(|node| node.has_any(ids)),
                NodeKind::Map(entries) => entries.iter().any(|entry| entry.value.has_any(ids)),
            }
    }

    /// The tree without these values.
    pub(crate) fn without(&self, left_out: &HashSet<u32>) -> Self {
        let stays = |node: &&Self| !left_out.contains(&node.id);
        let kind = match &self.kind {
            scalar @ NodeKind::Scalar { .. } => scalar.clone(),
            NodeKind::List(nodes) => NodeKind::List(
                nodes
                    .iter()
                    .filter(stays)
                    .map(|node| node.without(left_out))
                    .collect(),
            ),
            NodeKind::Map(entries) => NodeKind::Map(
                entries
                    .iter()
                    .filter(|entry| stays(&&entry.value))
                    .map(|entry| Entry {
                        key: Arc::clone(&entry.key),
                        key_at: entry.key_at,
                        value: entry.value.without(left_out),
                    })
                    .collect(),
            ),
        };
        Self {
            id: self.id,
            at: self.at,
            kind,
        }
    }

    /// The place of what `path` names, or of the nearest thing around it that was written.
    pub(crate) fn locate(&self, path: &[Step<'_>]) -> Location {
        let mut node = self;
        for step in path {
            match node.step(*step) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.at
    }
}
