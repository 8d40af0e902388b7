//! Facts: typed records with where each comes from.
//!
//! The first columns are the original's. A record that was replaced stays behind the one that replaced it, is not found
//! any more, and is the first to go when there are too many.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::Memory;
use crate::{
    StoreError,
    schema::{add_missing, columns, count},
};

/// What kind of thing a record says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// How something is.
    #[default]
    Fact,
    /// What happened.
    Event,
    /// How something is to be done.
    Instruction,
    /// What somebody prefers.
    Preference,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fact, Self::Event, Self::Instruction, Self::Preference];

    /// Its word, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Event => "event",
            Self::Instruction => "instruction",
            Self::Preference => "preference",
        }
    }

    /// The kind of this word; a word of another tool is a fact.
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        known.unwrap_or_default()
    }
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The run.
    pub run_id: String,
    /// The stage whose result said it.
    pub stage_id: String,
    /// When: ISO-8601, UTC. Left empty, it is when it is stored.
    #[serde(default)]
    pub ts: String,
}

/// A record that somebody found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// What kind of thing it says.
    pub kind: RecordKind,
    /// What it is about.
    pub entity: String,
    /// What it says.
    pub fact: String,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
    /// Where it comes from.
    pub sources: Vec<Source>,
}

/// A record as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Record {
    /// Its number.
    pub id: i64,
    /// What kind of thing it says.
    #[serde(rename = "type")]
    pub kind: RecordKind,
    /// What it is about.
    pub entity: String,
    /// What it says.
    pub fact: String,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
    /// Where it comes from, the oldest first.
    pub provenance: Vec<Source>,
    /// When it was first said: ISO-8601, UTC.
    pub timestamp: String,
    /// When it was last said or changed.
    pub updated_at: Option<String>,
    /// The record that replaced it.
    pub superseded_by: Option<i64>,
}

const COLUMNS: &[(&str, &str)] = &[
    ("record_type", "TEXT NOT NULL DEFAULT 'fact'"),
    ("provenance_json", "TEXT NOT NULL DEFAULT '[]'"),
    ("updated_at", "TEXT"),
    ("superseded_by", "INTEGER"),
    ("embedding_model", "TEXT"),
];

/// The columns that [`read`] reads, in order.
pub(super) const SELECT: &str =
    "SELECT k.id, k.record_type, k.entity, k.fact, k.confidence, k.provenance_json,
  k.timestamp, k.updated_at, k.superseded_by, k.source_run_id FROM knowledge k";

pub(super) fn ensure_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS knowledge (
           id INTEGER PRIMARY KEY AUTOINCREMENT,
           workflow_name TEXT NOT NULL,
           entity TEXT NOT NULL,
           fact TEXT NOT NULL,
           confidence REAL NOT NULL DEFAULT 0.5,
           source_run_id TEXT,
           timestamp TEXT NOT NULL,
           embedding BLOB);",
    )?;
    let there = columns(connection, "knowledge")?;
    add_missing(connection, "knowledge", &there, COLUMNS)?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS knowledge_by_workflow ON knowledge (workflow_name, superseded_by);",
    )?;
    super::search::ensure_index(connection)
}

/// Workflow, how many live records it has, when one was last changed.
pub(super) fn held(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, u64, Option<String>)>> {
    let mut statement = connection.prepare(
        "SELECT workflow_name, count(*), max(coalesce(updated_at, timestamp)) FROM knowledge
         WHERE superseded_by IS NULL GROUP BY workflow_name",
    )?;
    statement
        .query_map([], |row| Ok((row.get(0)?, count(row, 1)?, row.get(2)?)))?
        .collect()
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let (kind, provenance): (String, String) = (row.get(1)?, row.get(5)?);
    let timestamp: String = row.get(6)?;
    let mut provenance: Vec<Source> = serde_json::from_str(&provenance).unwrap_or_default();
    // The original names the run alone.
    if let (true, Some(run_id)) = (provenance.is_empty(), row.get::<_, Option<String>>(9)?) {
        provenance.push(Source {
            run_id,
            stage_id: String::new(),
            ts: timestamp.clone(),
        });
    }
    Ok(Record {
        id: row.get(0)?,
        kind: RecordKind::of(&kind),
        entity: row.get(2)?,
        fact: row.get(3)?,
        confidence: row.get(4)?,
        provenance,
        timestamp,
        updated_at: row.get(7)?,
        superseded_by: row.get(8)?,
    })
}

impl Memory {
    /// The live records, the newest first; those that were replaced, too, where they are wanted.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn records(&self, with_replaced: bool) -> Result<Vec<Record>, StoreError> {
        self.knowledge.read("read facts", |connection| {
            let sql = format!(
                "{SELECT} WHERE k.workflow_name = ?1 AND (?2 OR k.superseded_by IS NULL)
                 ORDER BY coalesce(k.updated_at, k.timestamp) DESC, k.id DESC"
            );
            let mut statement = connection.prepare(&sql)?;
            statement
                .query_map(params![self.workflow(), with_replaced], read)?
                .collect()
        })
    }

    /// The records of these numbers, in their order; those that are not there are left out.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn records_of(&self, ids: &[i64]) -> Result<Vec<Record>, StoreError> {
        self.knowledge.read("read facts", |connection| {
            let sql = format!("{SELECT} WHERE k.workflow_name = ? AND k.id = ?");
            let mut statement = connection.prepare(&sql)?;
            let mut found = Vec::new();
            for id in ids {
                found.extend(
                    statement
                        .query_row(params![self.workflow(), id], read)
                        .optional()?,
                );
            }
            Ok(found)
        })
    }

    /// Forgets one record, or all of them; says how many there were.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn forget_records(&self, id: Option<i64>) -> Result<u64, StoreError> {
        self.knowledge.change("forget facts", |connection| {
            let mut statement = connection.prepare(
                "SELECT id FROM knowledge WHERE workflow_name = ?1 AND (?2 IS NULL OR id = ?2)",
            )?;
            let ids: Vec<i64> = statement
                .query_map(params![self.workflow(), id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in &ids {
                remove(connection, *id)?;
            }
            Ok(ids.len() as u64)
        })
    }
}

pub(super) fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM knowledge WHERE id = ?", [id])?;
    super::search::unindex(connection, id)
}
