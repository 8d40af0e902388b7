//! Taking facts in: each in the light of what is known by then.
//!
//! What is decided is [`reconcile`](super::reconcile)'s; here it is done, all of it or nothing. A record that was replaced
//! stays behind the one that replaced it, and is the first to go when there are too many.

use rusqlite::{Connection, OptionalExtension as _, params};
use time::OffsetDateTime;

use super::{
    Memory,
    reconcile::{Decision, decide},
    record::{NewRecord, Record, SELECT, Source, read, remove},
};
use crate::{StoreError, writer::timestamp};

/// Sources of one record that are kept, the newest.
const MAX_SOURCES: usize = 20;

/// What became of new records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a word of `Decision`")]
pub struct Learned {
    pub stored: u64,
    pub skipped: u64,
    pub updated: u64,
    pub superseded: u64,
    pub merged: u64,
}

impl Memory {
    /// Takes records in, in their order, each in the light of what is known by then (or, with `reconcile` off, unless
    /// exactly the same is known). At most `most` records of the workflow stay.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn learn(
        &self,
        new: &[NewRecord],
        reconcile: bool,
        most: u64,
    ) -> Result<Learned, StoreError> {
        let now = timestamp(OffsetDateTime::now_utc());
        self.knowledge.change("keep facts", |connection| {
            let mut learned = Learned::default();
            for record in new {
                let known = about(connection, self.workflow(), &record.entity)?;
                let decision = if reconcile {
                    decide(record, &known)
                } else {
                    exactly(record, &known)
                };
                self.apply(connection, record, decision, &now, &mut learned)?;
            }
            self.evict(connection, most)?;
            Ok(learned)
        })
    }

    fn apply(
        &self,
        connection: &Connection,
        new: &NewRecord,
        decision: Decision,
        now: &str,
        learned: &mut Learned,
    ) -> rusqlite::Result<()> {
        match decision {
            Decision::Store => {
                learned.stored += 1;
                self.insert(connection, new, now).map(drop)
            }
            Decision::Skip(id) => {
                learned.skipped += 1;
                said_again(connection, id, new, now, None)
            }
            Decision::Update(id) => {
                learned.updated += 1;
                said_again(connection, id, new, now, None)?;
                connection
                    .execute(
                        "UPDATE knowledge SET confidence = ? WHERE id = ?",
                        params![new.confidence, id],
                    )
                    .map(drop)
            }
            Decision::Merge(id) => {
                learned.merged += 1;
                said_again(connection, id, new, now, Some(&new.fact))
            }
            Decision::Supersede(id) => {
                learned.superseded += 1;
                let by = self.insert(connection, new, now)?;
                connection
                    .execute(
                        "UPDATE knowledge SET superseded_by = ?, updated_at = ? WHERE id = ?",
                        params![by, now, id],
                    )
                    .map(drop)
            }
        }
    }

    fn insert(&self, connection: &Connection, new: &NewRecord, now: &str) -> rusqlite::Result<i64> {
        let sources = merged(Vec::new(), &new.sources, now);
        connection.execute(
            "INSERT INTO knowledge (workflow_name, entity, fact, confidence, source_run_id, timestamp, record_type,
               provenance_json, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6)",
            params![
                self.workflow(),
                new.entity,
                new.fact,
                new.confidence,
                sources.first().map(|source| source.run_id.as_str()),
                now,
                new.kind.as_str(),
                serde_json::to_string(&sources).unwrap_or_default(),
            ],
        )?;
        let id = connection.last_insert_rowid();
        super::search::index(connection, id, &new.entity, &new.fact)?;
        Ok(id)
    }

    fn evict(&self, connection: &Connection, most: u64) -> rusqlite::Result<()> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = connection.prepare_cached(
            "SELECT id FROM knowledge WHERE workflow_name = ?1
             ORDER BY superseded_by IS NULL DESC, confidence DESC, coalesce(updated_at, timestamp) DESC, id DESC
             LIMIT -1 OFFSET ?2",
        )?;
        let ids: Vec<i64> = statement
            .query_map(params![self.workflow(), most], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in ids {
            remove(connection, id)?;
        }
        Ok(())
    }
}

/// The live records about this entity, however it is spelled.
fn about(connection: &Connection, workflow: &str, entity: &str) -> rusqlite::Result<Vec<Record>> {
    let sql = format!(
        "{SELECT} WHERE k.workflow_name = ? AND k.superseded_by IS NULL AND lower(trim(k.entity)) = lower(trim(?))
         ORDER BY k.id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement
        .query_map(params![workflow, entity], read)?
        .collect()
}

/// The decision of whoever does not reconcile.
fn exactly(new: &NewRecord, known: &[Record]) -> Decision {
    let same = known
        .iter()
        .find(|record| record.kind == new.kind && record.fact == new.fact);
    same.map_or(Decision::Store, |record| Decision::Skip(record.id))
}

/// Notes that a record was said again, perhaps with more words.
fn said_again(
    connection: &Connection,
    id: i64,
    new: &NewRecord,
    now: &str,
    fact: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = format!("{SELECT} WHERE k.id = ?");
    let Some(record) = connection
        .prepare_cached(&sql)?
        .query_row([id], read)
        .optional()?
    else {
        return Ok(());
    };
    let sources = merged(record.provenance, &new.sources, now);
    let fact = fact.unwrap_or(&record.fact);
    connection.execute(
        "UPDATE knowledge SET embedding = CASE WHEN fact = ?1 THEN embedding END, fact = ?1, provenance_json = ?2,
           updated_at = ?3, confidence = max(confidence, ?4) WHERE id = ?5",
        params![
            fact,
            serde_json::to_string(&sources).unwrap_or_default(),
            now,
            // Saying more is not being less sure; saying the same is not being surer.
            if fact == record.fact { record.confidence } else { new.confidence },
            id
        ],
    )?;
    super::search::unindex(connection, id)?;
    super::search::index(connection, id, &record.entity, fact)
}

fn merged(mut sources: Vec<Source>, more: &[Source], now: &str) -> Vec<Source> {
    for source in more {
        let is_same =
            |other: &Source| other.run_id == source.run_id && other.stage_id == source.stage_id;
        if !sources.iter().any(is_same) {
            let ts = if source.ts.is_empty() {
                now
            } else {
                &source.ts
            };
            sources.push(Source {
                ts: ts.to_owned(),
                ..source.clone()
            });
        }
    }
    let surplus = sources.len().saturating_sub(MAX_SOURCES);
    sources.drain(..surplus);
    sources
}
