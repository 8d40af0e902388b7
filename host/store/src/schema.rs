//! Opening a database: settings of a connection, the tables, and how an older or foreign file gets them.
//!
//! The `traces` table begins with the original's columns in its order, so its files open here and its tools read ours;
//! a table that lacks columns is given them. Format numbers are kept in `user_version` and start at 1000, so that a
//! number the original may come to write is never taken for ours; a file from a newer armature is refused, not guessed at.
//! The file may come from a stranger: nothing in its schema is trusted to run code.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, config::DbConfig};

use crate::{StoreError, error::database};

/// Format of the first release. See [`migrate`].
const FIRST_FORMAT: i64 = 1000;

/// Format this version writes: 1001 knows when a kept reply was last used, and the form of an answer.
const FORMAT: i64 = 1001;

/// How long one statement waits for another process. Longer than any commit, shorter than a person's patience.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Switching a fresh file to WAL is refused at once, without waiting, while another process does the same.
const WAL_ATTEMPTS: u32 = 200;

/// Pause between those attempts.
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// Pages kept in memory by a connection, in KiB (the minus sign is SQLite's way to say KiB).
const CACHE_KIB: i64 = -4096;

const EVENTS: &str = "
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  timestamp TEXT NOT NULL,
  type TEXT NOT NULL,
  stage TEXT,
  event TEXT NOT NULL,
  UNIQUE (run_id, seq)
);
CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY,
  workflow TEXT NOT NULL,
  status TEXT NOT NULL,
  started TEXT NOT NULL,
  ended TEXT,
  spec_digest TEXT NOT NULL DEFAULT '',
  inputs_digest TEXT NOT NULL DEFAULT '',
  parent TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_workflow ON runs (workflow, started);
";

const SIDE_TABLES: &str = "
CREATE TABLE IF NOT EXISTS kv (
  scope TEXT NOT NULL,
  plugin TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (scope, plugin, key)
) WITHOUT ROWID;
";

/// A connection with this crate's settings. `memory` names a database that lives as long as its connections.
pub(crate) fn connect(path: &Path, memory: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if memory {
        flags |= OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_CREATE;
    }
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(database("open the database", path))
}

/// Brings the file to this version's format.
pub(crate) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    write_ahead(connection).map_err(database("switch to write-ahead logging", path))?;
    let found = format(connection).map_err(database("read its format", path))?;
    if found > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        });
    }
    if found < FORMAT {
        migrate(connection).map_err(database("bring its tables up to date", path))?;
    }
    Ok(())
}

fn format(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Switches to write-ahead logging.
pub(crate) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut attempt = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && attempt < WAL_ATTEMPTS =>
            {
                attempt += 1;
                thread::sleep(WAL_PAUSE);
            }
            done => return done,
        }
    }
}

/// One transaction, so that two processes that open a fresh file at once do it one after the other. Every step asks
/// what is there first: the file may be the original's, or half way from another tool.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found = format(&transaction)?;
    if found < FORMAT {
        transaction.execute_batch(EVENTS)?;
        transaction.execute_batch(SIDE_TABLES)?;
        crate::trace::ensure_table(&transaction)?;
        crate::cache::ensure_table(&transaction)?;
        if found < FIRST_FORMAT {
            crate::runs::adopt_traces(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// A count in a row: never less than nothing.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// The columns of a table.
pub(crate) fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut there = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    there.query_map([table], |row| row.get(0))?.collect()
}

/// Gives a table the columns that it lacks, each with its declaration.
pub(crate) fn add_missing(
    connection: &Connection,
    table: &str,
    there: &[String],
    wanted: &[(&str, &str)],
) -> rusqlite::Result<()> {
    for (name, declared) in wanted {
        if !there.iter().any(|column| column.eq_ignore_ascii_case(name)) {
            connection.execute_batch(&format!(
                "ALTER TABLE {table} ADD COLUMN {name} {declared};"
            ))?;
        }
    }
    Ok(())
}
