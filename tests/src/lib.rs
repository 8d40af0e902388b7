//! What the tests and benches share: guests written as text, a host to attack, servers to talk to.
//!
//! A guest here is core WebAssembly text around the one thing it does wrong; [`Guest`] adds the memory, the allocator
//! and the exports of the contract and makes a component of it, so nothing is needed but this crate: no wasm target, no
//! committed binary that nobody can read. [`Host`] is a sandbox with the services of a run behind it. [`Server`] is a
//! real HTTP server on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test that cannot prepare itself has failed"
)]

mod fetch;
mod guest;
mod host;
mod server;
mod wit;

pub use fetch::Fetch;
pub use guest::Guest;
pub use host::{Host, NAME, Recorder, TestSecrets, grants, tool_error};
pub use server::{Server, free_port};

/// The component of a built-in plugin, as it is committed.
///
/// # Panics
/// When it is not there.
pub fn compiled(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/../plugins/compiled/{name}.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}
