//! Captured values: what `memory.capture` names, a few of each.
//!
//! Beyond `max_entries` the worst goes: the one of lowest quality, and of equals the oldest. The newest always stays, so
//! that a run sees what the last one left, however it was judged. The same value again is not another entry: it is the
//! newest now. A run that is captured a second time (it failed, and was gone on with) replaces what it left the first
//! time.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::Memory;
use crate::{
    RunId, StoreError,
    schema::{add_missing, columns, count},
    writer::timestamp,
};

/// Longest value that is kept, in bytes of JSON: several of each go into prompts.
pub const MAX_VALUE: usize = 256 << 10;

/// What is older is stale.
const STALE: Duration = Duration::days(30);

const COLUMNS: &[(&str, &str)] = &[("run_id", "TEXT")];

/// A value that a stage left.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// The value, scrubbed.
    pub value: Value,
    /// How good it is, from 0 to 1.
    pub quality: f64,
}

/// A value as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The stage that left it.
    pub stage: String,
    /// The key in that stage's result.
    pub key: String,
    /// The value.
    pub value: Value,
    /// How good it is, from 0 to 1.
    pub quality: f64,
    /// When: ISO-8601, UTC.
    pub timestamp: String,
    /// The run.
    pub run_id: Option<String>,
}

impl Entry {
    /// Is it so old that whoever reads it should doubt it?
    pub fn is_stale(&self) -> bool {
        let oldest = OffsetDateTime::now_utc().checked_sub(STALE);
        oldest.is_some_and(|oldest| self.timestamp < timestamp(oldest))
    }
}

pub(super) fn ensure_table(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS memories (
           id INTEGER PRIMARY KEY AUTOINCREMENT,
           workflow_name TEXT NOT NULL,
           stage_id TEXT NOT NULL,
           capture_key TEXT NOT NULL,
           value TEXT NOT NULL,
           quality REAL NOT NULL DEFAULT 0.5,
           timestamp TEXT NOT NULL);",
    )?;
    let there = columns(connection, "memories")?;
    add_missing(connection, "memories", &there, COLUMNS)?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS memories_by_key ON memories (workflow_name, stage_id, capture_key, timestamp);",
    )
}

/// Workflow, how much there is of it, when it was last changed.
pub(super) fn held(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, u64, Option<String>)>> {
    let mut statement = connection.prepare(
        "SELECT workflow_name, count(*), max(timestamp) FROM memories GROUP BY workflow_name",
    )?;
    statement
        .query_map([], |row| Ok((row.get(0)?, count(row, 1)?, row.get(2)?)))?
        .collect()
}

impl Memory {
    /// Keeps what a run left under a stage's key, the last value as the newest; of all that is kept there, `most` stay.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn capture(
        &self,
        run: &RunId,
        stage: &str,
        key: &str,
        values: &[Captured],
        most: u32,
    ) -> Result<(), StoreError> {
        let now = timestamp(OffsetDateTime::now_utc());
        let workflow = self.workflow();
        self.captures.change("keep a value", |connection| {
            let own = params![workflow, stage, key, run.as_str()];
            connection.execute(
                "DELETE FROM memories WHERE workflow_name = ? AND stage_id = ? AND capture_key = ? AND run_id = ?",
                own,
            )?;
            for captured in values {
                let value = captured.value.to_string();
                if value.len() > MAX_VALUE {
                    continue;
                }
                connection.execute(
                    "DELETE FROM memories WHERE workflow_name = ? AND stage_id = ? AND capture_key = ? AND value = ?",
                    params![workflow, stage, key, value],
                )?;
                connection.execute(
                    "INSERT INTO memories (workflow_name, stage_id, capture_key, value, quality, timestamp, run_id)
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                    params![workflow, stage, key, value, captured.quality, now, run.as_str()],
                )?;
            }
            connection.execute(
                "DELETE FROM memories WHERE id IN (
                   SELECT id FROM memories WHERE workflow_name = ?1 AND stage_id = ?2 AND capture_key = ?3
                   ORDER BY id = (SELECT id FROM memories WHERE workflow_name = ?1 AND stage_id = ?2 AND capture_key = ?3
                                  ORDER BY timestamp DESC, id DESC LIMIT 1) DESC,
                            quality DESC, timestamp DESC, id DESC
                   LIMIT -1 OFFSET ?4)",
                params![workflow, stage, key, most],
            )?;
            Ok(())
        })
    }

    /// Every value that is kept: by stage and key, the newest of each first.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        self.captures.read("read what is kept", |connection| {
            let mut statement = connection.prepare(
                "SELECT stage_id, capture_key, value, quality, timestamp, run_id FROM memories
                 WHERE workflow_name = ? ORDER BY stage_id, capture_key, timestamp DESC, id DESC",
            )?;
            let rows = statement.query_map([self.workflow()], |row| {
                let text: String = row.get(2)?;
                Ok(Entry {
                    stage: row.get(0)?,
                    key: row.get(1)?,
                    // A value that another tool wrote as plain text is that text.
                    value: serde_json::from_str(&text).unwrap_or(Value::String(text)),
                    quality: row.get(3)?,
                    timestamp: row.get(4)?,
                    run_id: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Forgets the values of a stage, or of one of its keys, or all of them; says how many there were.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn forget_values(&self, stage: Option<&str>, key: Option<&str>) -> Result<u64, StoreError> {
        self.captures.change("forget values", |connection| {
            let forgotten = connection.execute(
                "DELETE FROM memories WHERE workflow_name = ?1 AND (?2 IS NULL OR stage_id = ?2)
                   AND (?3 IS NULL OR capture_key = ?3)",
                params![self.workflow(), stage, key],
            )?;
            Ok(forgotten as u64)
        })
    }
}
