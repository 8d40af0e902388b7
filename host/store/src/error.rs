//! What can go wrong with the store. No variant carries a stored value: only names, places and the database's words.

use std::{path::PathBuf, sync::Arc};

use crate::{RunId, Seq};

/// Why the store could not do what was asked. Cheap to clone: one failed commit answers several callers.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory or file could not be made, opened or made private.
    #[error("cannot open the store {}: {source}; check that the directory exists and is yours", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: Arc<std::io::Error>,
    },
    /// SQLite refused.
    #[error("the store {} could not {doing}: {source}", path.display())]
    Database {
        /// What was being done, as a verb and an object.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// SQLite's reason.
        source: Arc<rusqlite::Error>,
    },
    /// The file was written by a newer version.
    #[error(
        "the store {} has format {found}, this armature knows {known}; use the newer armature that wrote it, or another ARMATURE_HOME",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// Somebody else has appended to the run: this writer no longer owns it and must stop before its next effect.
    #[error(
        "run {run} was taken over: event {seq} was written by another process; stop here, or resume the run once that process has ended"
    )]
    Fenced {
        /// The run.
        run: RunId,
        /// The place that was already taken.
        seq: Seq,
    },
    /// An earlier event of the run could not be written: going on would leave a hole that a resumed run would trust.
    #[error(
        "the log of run {run} is broken since an earlier event could not be written ({cause}); mend the cause, then resume the run"
    )]
    Broken {
        /// The run.
        run: RunId,
        /// What happened to the earlier event.
        cause: Box<Self>,
    },
    /// An event could not be turned into JSON.
    #[error("a `{kind}` event of run {run} cannot be written as JSON: {reason}")]
    Unwritable {
        /// The run.
        run: RunId,
        /// Kind of the event.
        kind: String,
        /// The reason.
        reason: String,
    },
    /// A stored event is no JSON at all.
    #[error(
        "event {seq} of run {run} in the store is damaged: {reason}; restore the database from a backup, or start the run anew"
    )]
    Damaged {
        /// The run.
        run: RunId,
        /// The event.
        seq: Seq,
        /// What the JSON reader said.
        reason: String,
    },
    /// A plugin's key-value space is full.
    #[error(
        "the key-value space of plugin `{plugin}` is full: {needed} {unit} needed, {allowed} allowed; delete keys or raise its limit"
    )]
    KvFull {
        /// The plugin.
        plugin: String,
        /// `entries` or `bytes`.
        unit: &'static str,
        /// What the write would have made it.
        needed: u64,
        /// The bound.
        allowed: u64,
    },
    /// The writer thread has ended.
    #[error("the store {} is closed", path.display())]
    Closed {
        /// The database.
        path: PathBuf,
    },
}

/// Gives SQLite's error its verb and its file.
pub(crate) fn database(
    doing: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Database {
        doing,
        path,
        source: Arc::new(source),
    }
}
