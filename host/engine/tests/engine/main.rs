//! The engine with real plugins, a real store and a scripted model.

// Futures within futures: what a spawned run is made of is deeper than the compiler looks by itself.
#![recursion_limit = "256"]
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

mod agents;
mod bootstrap;
mod cache;
mod codes_of_plans;
mod continuation;
mod fan_out;
mod file_state;
mod gates;
mod items;
mod layers;
mod lifecycle;
mod loops;
mod memory;
mod model_calls;
mod models;
mod path;
mod planning;
mod prompts;
mod recovery;
mod reserved;
mod resume;
mod rules;
mod scripts;
mod secrets;
mod subagents;
mod telling;
#[path = "../../../../tests/warm.rs"]
mod warm;
mod way_back;
mod world;
