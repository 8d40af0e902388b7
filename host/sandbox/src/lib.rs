//! Runs components that nobody trusts.
//!
//! [`Sandbox`] owns the engine; [`Plugin`] is a component with its manifest and digest; [`Call`] says what one call may
//! do and use; [`Outcome`] says what came of it. Every call is a fresh instance under every limit. What a guest may
//! ask of the host is `capability/`, one file each; what the host asks of the rest of the program is [`Services`].
//!
//! Commands that are not to run in a component go [`Outside`]: into a container, or the host's shell.
//!
//! Reading order: `call`, `state`, `capability`, then `plugin`, `preflight`, `cache`.

mod address;
mod bindings;
mod cache;
mod call;
mod capability;
mod definition;
mod digest;
mod egress;
mod engine;
mod error;
mod files;
mod manifest;
mod outside;
mod packed;
mod plugin;
mod preflight;
mod rule;
mod sandbox;
mod scrub;
mod services;
mod state;
mod typed;
mod usage;
mod wasi;
mod workspace;

pub use call::Outcome;
pub use definition::{Effect, Reversibility, ToolDefinition};
pub use digest::Digest;
pub use engine::EPOCH_TICK;
pub use error::{CallError, LoadError, ToolError};
pub use manifest::{Manifest, SECTION};
pub use outside::{
    Command, Container, ContainerSettings, Host, Outside, OutsideCall, Ran, SettingsError,
    check_image,
};
pub use packed::About;
pub use plugin::{Kinds, Origin, Plugin, discover};
pub use preflight::CONTRACT;
pub use rule::{Caller, Phase, RuleEvent, Spending, Verdict};
pub use sandbox::Sandbox;
pub use scrub::{ScrubStream, Scrubber};
pub use services::{
    KvError, KvRoom, KvSpace, KvStore, LogLevel, MemoryKv, Placeholder, Secrets, Services, Sink,
    ToolCaller,
};
pub use state::{Call, CallContext};
pub use usage::Usage;
pub use workspace::{Entry, EntryKind, FileError, Workspace};
