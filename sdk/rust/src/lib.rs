#![doc = include_str!("../README.md")]

// The bindings and the macros name this crate by its own name, inside it too.
extern crate self as armature_plugin;

mod adapter;
#[doc(hidden)]
pub mod bindings;
mod error;
mod rule;
mod schema;
mod tool;

mod host {
    //! The host's interfaces, one file each.
    pub mod fs;
    pub mod http;
    pub mod kv;
    pub mod log;
    pub mod progress;
    pub mod secrets;
    pub mod tools;
}

pub use adapter::AdapterError;
pub use armature_plugin_macros::{data, tool};
pub use error::ToolError;
pub use host::{fs, http, kv, log, progress, secrets, tools};
pub use rule::{Caller, Event, Phase, Spending, Verdict};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Map, Value, json};
pub use tool::{Context, Definition, Effect, Reversibility, Tool};

pub use {schemars, serde, serde_json};

/// What most plugins need: `use armature_plugin::prelude::*;`
pub mod prelude {
    pub use crate::{
        AdapterError, Context, Event, Map, ToolError, Value, Verdict, data, export_adapter,
        export_rule, export_tools, fs, http, json, kv, log, progress, secrets, tool, tools,
    };
}

/// What the macros expand to. Not for use by hand, and not kept stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::adapter::run as run_adapter;
    pub use crate::bindings;
    pub use crate::rule::check as check_rule;
    pub use crate::schema::of as schema_of;
    pub use crate::tool::{call, encode, list, parse, report_panics};
    pub use wit_bindgen;
}
