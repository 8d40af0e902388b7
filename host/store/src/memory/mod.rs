//! What a workflow remembers from run to run: captured values, and facts about the world.
//!
//! Two files of SQLite in `memory/` in armature's home, readable by their owner alone, as the original has them:
//! `NAME.db` holds the values that `memory.capture` names ([`capture`]), `NAME_knowledge.db` the facts that a model
//! gathered ([`record`]), which are reconciled with what is known when they are stored ([`learn`], [`reconcile`]) and
//! found again by their words (`search`) and, where somebody gives them vectors, by what they mean ([`vectors`]). Several workflows may share a file; each sees what is under the name it asks for.
//!
//! The files may come from the original: a table that lacks columns is given them. What is stored here was scrubbed of
//! secrets by whoever stores it, and is data to whoever reads it.
//!
//! These calls wait for the disk. They are few (at the beginning and the end of a run), and made where waiting is
//! allowed.

pub mod capture;
pub mod learn;
pub mod reconcile;
pub mod record;
mod search;
pub mod vectors;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

pub use search::telling_words;

use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use crate::{StoreError, error::database, files, name::file_stem, schema, store::lock};

/// Directory of the memories in armature's home.
pub const DIRECTORY: &str = "memory";

/// Ending of both files.
const ENDING: &str = ".db";

/// What the name of the file with facts has more than that of the file with values.
const KNOWLEDGE: &str = "_knowledge";

/// The memory of one workflow.
#[derive(Debug)]
pub struct Memory {
    workflow: String,
    captures: Base,
    knowledge: Base,
}

/// One file.
#[derive(Debug)]
struct Base {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// What a memory holds for one workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The name of the database, without its ending.
    pub db: String,
    /// The workflow.
    pub workflow: String,
    /// Captured values.
    pub values: u64,
    /// Facts, those that were replaced left out.
    pub records: u64,
    /// When something was last stored: ISO-8601, UTC.
    pub updated: Option<String>,
}

impl Memory {
    /// Opens the memory of this workflow in this directory, making its files if they are not there. `db` names the
    /// files where they are not the workflow's own; whatever it is, it names files of this directory.
    ///
    /// # Errors
    /// [`StoreError::File`], or SQLite's reason.
    pub fn open(dir: &Path, workflow: &str, db: Option<&str>) -> Result<Self, StoreError> {
        Self::of_stem(dir, workflow, &stem(workflow, db))
    }

    fn of_stem(dir: &Path, workflow: &str, stem: &str) -> Result<Self, StoreError> {
        let captures = dir.join(format!("{stem}{ENDING}"));
        let knowledge = dir.join(format!("{stem}{KNOWLEDGE}{ENDING}"));
        Ok(Self {
            workflow: workflow.to_owned(),
            captures: Base::open(captures, capture::ensure_table)?,
            knowledge: Base::open(knowledge, record::ensure_tables)?,
        })
    }

    /// Are there files of this memory? Asking makes none.
    pub fn is_there(dir: &Path, workflow: &str, db: Option<&str>) -> bool {
        let stem = stem(workflow, db);
        dir.join(format!("{stem}{ENDING}")).is_file()
            || dir.join(format!("{stem}{KNOWLEDGE}{ENDING}")).is_file()
    }

    /// The workflow whose memory it is.
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// What every memory in this directory holds, by database and workflow.
    ///
    /// # Errors
    /// [`StoreError::File`], or SQLite's reason.
    pub fn list(dir: &Path) -> Result<Vec<Held>, StoreError> {
        let mut all: BTreeMap<(String, String), Held> = BTreeMap::new();
        for name in files::names(dir)? {
            let Some(stem) = name.strip_suffix(ENDING) else {
                continue;
            };
            let path = dir.join(&name);
            let is_knowledge = stem.ends_with(KNOWLEDGE);
            let stem = stem.strip_suffix(KNOWLEDGE).unwrap_or(stem);
            let found = if is_knowledge {
                Base::open(path, record::ensure_tables)?.read("list memories", record::held)
            } else {
                Base::open(path, capture::ensure_table)?.read("list memories", capture::held)
            };
            for (workflow, count, updated) in found? {
                let held = all
                    .entry((stem.to_owned(), workflow.clone()))
                    .or_insert_with(|| Held {
                        db: stem.to_owned(),
                        workflow,
                        ..Held::default()
                    });
                if is_knowledge {
                    held.records = count;
                } else {
                    held.values = count;
                }
                held.updated = held.updated.take().max(updated);
            }
        }
        Ok(all.into_values().collect())
    }
}

/// The name of a memory's files: that of the workflow, or what `db` says as far as it is a name. A directory that it
/// names is not gone to.
fn stem(workflow: &str, db: Option<&str>) -> String {
    let named = db.map(|db| {
        let name = db.rsplit(['/', '\\']).next().unwrap_or_default();
        name.strip_suffix(ENDING).unwrap_or(name)
    });
    file_stem(named.filter(|name| !name.is_empty()).unwrap_or(workflow))
}

impl Base {
    fn open(
        path: PathBuf,
        ensure: fn(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, StoreError> {
        files::make_private(&path)?;
        let mut connection = schema::connect(&path, false)?;
        schema::write_ahead(&connection)
            .map_err(database("switch to write-ahead logging", &path))?;
        let prepared = (|| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            ensure(&transaction)?;
            transaction.commit()
        })();
        prepared.map_err(database("bring its tables up to date", &path))?;
        Ok(Self {
            path,
            connection: Mutex::new(connection),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        read(&self.lock()).map_err(database(doing, &self.path))
    }

    /// All of it, or nothing.
    fn change<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let changed = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        changed().map_err(database(doing, &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_a_name_and_no_place() {
        for (db, expected) in [
            (Some("shared"), "shared"),
            (Some("shared.db"), "shared"),
            (Some("/etc/shared.db"), "shared"),
            (Some("..\\..\\shared"), "shared"),
            (Some(""), "w"),
            (Some("x/"), "w"),
            (None, "w"),
        ] {
            assert_eq!(stem("w", db), expected, "{db:?}");
        }
        assert!(!stem("w", Some("..")).starts_with('.'));
    }
}
