//! The event log of every run, and what is derived from it, in SQLite.
//!
//! A run *is* its event log: whatever resumes, replays, reports or watches a run reads it from [`EventLog`], and
//! [`Store`] is the implementation that needs no server. The trait is what the rest is written against, so that a
//! log kept by another machine is another implementation and no other change.
//!
//! The store keeps what it is given. Whoever appends scrubs secrets first; nothing here prints, formats into an error
//! or sends to a diagnostic any value that was stored.
//!
//! Beside the log, [`memory`] keeps what a workflow remembers from run to run, in files of its own.
//!
//! Reading order: [`id`] → [`event`] → [`kind`] → [`log`] → [`state`] → `waiting` → [`store`] → `append` → `queue` → `writer`.

mod append;
mod cache;
mod cell;
mod error;
pub mod event;
mod files;
pub mod id;
pub mod kind;
mod kv;
pub mod log;
pub mod memory;
mod name;
mod payload;
mod queue;
mod runs;
mod schema;
pub mod state;
pub mod store;
mod trace;
mod waiting;
mod writer;

pub use cache::{CacheBounds, CacheStats, Pruned};
pub use error::StoreError;
pub use event::Event;
pub use id::{RunId, Seq};
pub use kind::{Durability, KINDS, Kind};
pub use kv::{KvQuota, KvUsage};
pub use log::{BoxFuture, EventLog, Recorded};
pub use memory::Memory;
pub use name::file_stem;
pub use runs::{RunQuery, RunRecord, RunStatus};
pub use state::{RunState, again};
pub use store::Store;
pub use trace::{TraceQuery, TraceRow};
pub use waiting::{Waiting, without_items};
