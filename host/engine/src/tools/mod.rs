//! Calling a tool: the one path, what it needs from the run, and what guests are given of the host.

mod caller;
pub(crate) mod env;
mod judge;
mod outside;
mod path;
mod record;
mod services;
mod target;

pub(crate) use path::{Act, Exposure, What, act};
pub(crate) use record::as_map;
pub(crate) use services::KeptKv;
