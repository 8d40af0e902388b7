//! What people see: rendering, apart from doing.
//!
//! Commands hand values here and get text or nothing back; nothing in this folder decides anything. Two promises hold
//! for all of it: text that came from a model, a plugin or a file never drives the terminal ([`text::visible`]), and
//! what was asked for goes to standard output while everything about it goes to standard error.

pub(crate) mod account;
pub(crate) mod diagram;
pub(crate) mod findings;
pub(crate) mod outcome;
pub(crate) mod plugin;
pub(crate) mod progress;
pub(crate) mod screen;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod waiting;
