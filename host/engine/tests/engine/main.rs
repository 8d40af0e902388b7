//! The engine with real plugins, a real store and a scripted model.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may stop at the first surprise, and its helpers are nobody's interface"
)]

mod fan_out;
mod gates;
mod lifecycle;
mod models;
mod path;
mod planning;
mod recovery;
mod reserved;
mod secrets;
mod subagents;
mod world;
