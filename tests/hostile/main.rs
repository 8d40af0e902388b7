//! Attacks. One attack is one test, and its name says what holds; `tests/README.md` lists every one.
//!
//! Each asserts the exact kind of error, that the call ended in time, that what it used is reported, and that the same
//! sandbox serves the next call ([`armature_tests::Host::attack`]). Guests are text: see [`armature_tests::Guest`].
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test prepares its own files, reads what a guest left behind, and fails where it cannot"
)]

mod cache;
mod files;
mod hostcalls;
mod http_bounds;
mod http_reach;
mod load;
mod memory;
mod output;
mod promises;
mod rights;
mod rules;
mod secrets;
mod time;
mod trees;
mod typed;
mod wasi;
