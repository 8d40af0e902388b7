//! The cache of model replies: one row a request, found by the digest of the request.
//!
//! What may be cached (no failed reply, none that called a tool) is the engine's decision. Here the cache is bounded: an
//! entry that is too old is not returned, and beyond the size the oldest go first.

use rusqlite::{Connection, OptionalExtension as _, params};
use time::{Duration, OffsetDateTime};

use crate::{Store, StoreError, writer::timestamp};

/// How large and how old the cache may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes of all replies.
    pub max_bytes: u64,
    /// Age of an entry in seconds.
    pub max_age_s: u64,
}

impl CacheBounds {
    /// 256 MiB holds some ten thousand replies; after 30 days a model behind the same name has often changed.
    pub const STANDARD: Self = Self {
        max_bytes: 256 << 20,
        max_age_s: 30 * 24 * 3600,
    };

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

impl Store {
    /// The reply to a request, if it was kept and is young enough.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_get(&self, key: &str, bounds: CacheBounds) -> Result<Option<String>, StoreError> {
        let oldest = bounds.oldest();
        self.read("read the response cache", |connection| {
            connection
                .prepare_cached(
                    "SELECT response_json FROM llm_cache WHERE cache_key = ? AND created_at >= ?",
                )?
                .query_row(params![key, oldest], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps a reply. Does not wait, and never fails a stage: a lost entry is counted in [`Store::write_errors`].
    pub fn cache_put(&self, key: &str, response_json: &str) {
        let (key, response, now) = (
            key.to_owned(),
            response_json.to_owned(),
            timestamp(OffsetDateTime::now_utc()),
        );
        self.change_later(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO llm_cache (cache_key, response_json, created_at) VALUES (?, ?, ?)")?
                .execute(params![key, response, now])
                .map(drop)
        });
    }

    /// Brings the cache within its usual bounds, when the writer gets to it. Nobody waits for it, and what goes wrong is
    /// counted in [`Store::write_errors`].
    pub(crate) fn cache_prune_later(&self) {
        self.change_later(|connection| prune(connection, CacheBounds::STANDARD).map(drop));
    }

    /// Brings the cache within its bounds.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn cache_prune(&self, bounds: CacheBounds) -> Result<Pruned, StoreError> {
        self.change(move |connection| prune(connection, bounds))
    }
}

fn prune(connection: &Connection, bounds: CacheBounds) -> rusqlite::Result<Pruned> {
    let aged = connection.execute(
        "DELETE FROM llm_cache WHERE created_at < ?",
        [bounds.oldest()],
    )?;
    let evicted = connection.execute(
        "DELETE FROM llm_cache WHERE cache_key IN (
           SELECT cache_key FROM (
             SELECT cache_key, sum(octet_length(response_json)) OVER (ORDER BY created_at DESC, cache_key) AS total
             FROM llm_cache)
           WHERE total > ?)",
        [i64::try_from(bounds.max_bytes).unwrap_or(i64::MAX)],
    )?;
    Ok(Pruned {
        aged: aged as u64,
        evicted: evicted as u64,
    })
}
