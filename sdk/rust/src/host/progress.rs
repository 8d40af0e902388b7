//! How far a long call has come.

use crate::bindings::tool::armature::plugin::progress as wit;

/// Says that `done` of `total` units are finished. Leave `total` out when nobody knows it.
pub fn report(done: u64, total: impl Into<Option<u64>>, message: &str) {
    wit::report(done, total.into(), message);
}
