//! Attacks. One attack is one test, and its name says what holds; `tests/README.md` lists every one.
//!
//! Each asserts the exact kind of error, that the call ended in time, that what it used is reported, and that the same
//! sandbox serves the next call ([`armature_tests::Host::attack`]). Guests are text: see [`armature_tests::Guest`].
#![expect(
    clippy::disallowed_methods,
    reason = "a test prepares its own files and reads what a guest left behind"
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
mod rules;
mod rights;
mod secrets;
mod time;
mod typed;
mod wasi;
