//! The engine with real plugins, a real store and a scripted model.

mod bench;
mod fan_out;
mod gates;
mod lifecycle;
mod models;
mod path;
mod planning;
mod recovery;
mod secrets;
mod subagents;
mod world;
