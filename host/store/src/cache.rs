//! The cache of model replies: one row a request, found by the digest of the request.
//!
//! What may be cached (no failed reply, none that was no good) is the engine's decision. Here the cache is bounded: an
//! entry that is too old is not returned, and beyond the size those that were not used for longest go first. Who keeps
//! a reply says what the bounds are: they are the operator's.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::{
    Store, StoreError,
    schema::{add_missing, columns, count},
    writer::timestamp,
};

/// How large and how old the cache may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes of all replies.
    pub max_bytes: u64,
    /// Age of an entry in seconds.
    pub max_age_s: u64,
}

impl CacheBounds {
    fn oldest(self) -> String {
        let age = Duration::seconds(i64::try_from(self.max_age_s).unwrap_or(i64::MAX));
        let oldest = OffsetDateTime::now_utc()
            .checked_sub(age)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        timestamp(oldest)
    }
}

/// What pruning removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries that were too old.
    pub aged: u64,
    /// Entries that were too many.
    pub evicted: u64,
}

/// What the cache holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CacheStats {
    /// Replies.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often one of them answered in a model's place.
    pub hits: u64,
    /// When the oldest was kept: ISO-8601, UTC.
    pub oldest: Option<String>,
    /// When one was last kept or used.
    pub last_used: Option<String>,
}

/// Beside the original's columns.
const COLUMNS: &[(&str, &str)] = &[
    ("used_at", "TEXT"),
    ("bytes", "INTEGER"),
    ("hits", "INTEGER NOT NULL DEFAULT 0"),
];

/// Makes the table, or gives one made elsewhere the columns it lacks.
pub(crate) fn ensure_table(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS llm_cache (
           cache_key TEXT PRIMARY KEY, response_json TEXT NOT NULL, created_at TEXT NOT NULL);",
    )?;
    let there = columns(connection, "llm_cache")?;
    add_missing(connection, "llm_cache", &there, COLUMNS)?;
    connection.execute_batch(
        "UPDATE llm_cache SET used_at = created_at, bytes = octet_length(response_json) WHERE bytes IS NULL;
         CREATE INDEX IF NOT EXISTS llm_cache_by_age ON llm_cache (created_at);
         CREATE INDEX IF NOT EXISTS llm_cache_by_use ON llm_cache (used_at, bytes);",
    )
}

impl Store {
    /// The reply to a request, if it was kept and is young enough. It counts as used now.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_get(&self, key: &str, bounds: CacheBounds) -> Result<Option<String>, StoreError> {
        let oldest = bounds.oldest();
        let found = self.read("read the response cache", |connection| {
            connection
                .prepare_cached(
                    "SELECT response_json FROM llm_cache WHERE cache_key = ? AND created_at >= ?",
                )?
                .query_row(params![key, oldest], |row| row.get(0))
                .optional()
        })?;
        if found.is_some() {
            let (key, now) = (key.to_owned(), timestamp(OffsetDateTime::now_utc()));
            self.change_later(move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE llm_cache SET used_at = ?, hits = hits + 1 WHERE cache_key = ?",
                    )?
                    .execute(params![now, key])
                    .map(drop)
            });
        }
        Ok(found)
    }

    /// Keeps a reply, within the bounds. Does not wait, and never fails a stage: a lost entry is counted in
    /// [`Store::write_errors`].
    pub fn cache_put(&self, key: &str, response_json: &str, bounds: CacheBounds) {
        let bytes = i64::try_from(response_json.len()).unwrap_or(i64::MAX);
        if bytes > most(bounds) {
            // It would drive out everything else, and then itself.
            return;
        }
        let (key, response, now) = (
            key.to_owned(),
            response_json.to_owned(),
            timestamp(OffsetDateTime::now_utc()),
        );
        self.change_later(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO llm_cache (cache_key, response_json, created_at, used_at, bytes)
                     VALUES (?1, ?2, ?3, ?3, ?4)",
                )?
                .execute(params![key, response, now, bytes])?;
            evict(connection, bounds).map(drop)
        });
    }

    /// Brings the cache within its bounds, when the writer gets to it. Nobody waits for it, and what goes wrong is
    /// counted in [`Store::write_errors`].
    pub fn cache_prune_later(&self, bounds: CacheBounds) {
        self.change_later(move |connection| prune(connection, bounds).map(drop));
    }

    /// Brings the cache within its bounds.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_prune(&self, bounds: CacheBounds) -> Result<Pruned, StoreError> {
        self.change(move |connection| prune(connection, bounds))
    }

    /// What the cache holds.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_stats(&self) -> Result<CacheStats, StoreError> {
        self.read("read the response cache", |connection| {
            connection.query_row(
                "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(hits), 0), min(created_at), max(used_at)
                 FROM llm_cache",
                [],
                |row| {
                    Ok(CacheStats {
                        entries: count(row, 0)?,
                        bytes: count(row, 1)?,
                        hits: count(row, 2)?,
                        oldest: row.get(3)?,
                        last_used: row.get(4)?,
                    })
                },
            )
        })
    }

    /// Forgets every reply; says how many there were.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_clear(&self) -> Result<u64, StoreError> {
        self.change(|connection| Ok(connection.execute("DELETE FROM llm_cache", [])? as u64))
    }
}

fn most(bounds: CacheBounds) -> i64 {
    i64::try_from(bounds.max_bytes).unwrap_or(i64::MAX)
}

fn prune(connection: &Connection, bounds: CacheBounds) -> rusqlite::Result<Pruned> {
    let aged = connection.execute(
        "DELETE FROM llm_cache WHERE created_at < ?",
        [bounds.oldest()],
    )?;
    Ok(Pruned {
        aged: aged as u64,
        evicted: evict(connection, bounds)?,
    })
}

fn evict(connection: &Connection, bounds: CacheBounds) -> rusqlite::Result<u64> {
    let total: i64 = connection
        .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM llm_cache")?
        .query_row([], |row| row.get(0))?;
    if total <= most(bounds) {
        return Ok(0);
    }
    let evicted = connection.execute(
        "DELETE FROM llm_cache WHERE cache_key IN (
           SELECT cache_key FROM (
             SELECT cache_key, sum(bytes) OVER (ORDER BY used_at DESC, cache_key) AS total FROM llm_cache)
           WHERE total > ?)",
        [most(bounds)],
    )?;
    Ok(evicted as u64)
}
