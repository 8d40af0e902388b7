//! How large a spec may be.

use super::{Node, NodeKind};

/// Longest source, in bytes: some ten thousand stages.
pub(crate) const MAX_SOURCE_BYTES: usize = 8 << 20;
/// Deepest nesting. No spec needs a tenth of it, and everything that walks the tree does so on the stack.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most values, those that aliases stand for counted each time.
pub(crate) const MAX_NODES: usize = 400_000;
/// Most bytes in scalars, those that aliases stand for counted each time.
pub(crate) const MAX_SCALAR_BYTES: usize = 16 << 20;

/// Values, bytes of scalars and levels in a tree that is within the bounds.
pub(super) fn weigh(node: &Node) -> (usize, usize, usize) {
    let children: Vec<&Node> = match &node.kind {
        NodeKind::Scalar { text, .. } => return (1, text.len(), 0),
        NodeKind::List(nodes) => nodes.iter().collect(),
        NodeKind::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
    };
    let keys: usize = match &node.kind {
        NodeKind::Map(entries) => entries.iter().map(|entry| entry.key.len()).sum(),
        _ => 0,
    };
    children
        .into_iter()
        .map(weigh)
        .fold((1, keys, 1), |(nodes, bytes, depth), (n, b, d)| {
            (nodes + n, bytes + b, depth.max(d + 1))
        })
}
