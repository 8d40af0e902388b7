//! From text to a tree with places: YAML 1.2 with the core schema, bounded.
//!
//! Every limit on hostile input is a named constant in [`bounds`]. What JSON cannot hold (NaN, infinities, numbers out
//! of range, mappings as keys) is refused here, so that nothing behind this module meets it.

mod bounds;
mod node;
mod parse;
mod scalar;
mod syntax;

pub(crate) use bounds::MAX_SOURCE_BYTES;
pub(crate) use node::{Entry, Node, NodeKind};
pub(crate) use parse::parse;
