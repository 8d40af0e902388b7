//! The key-value space of plugins: small values, by scope (a run or a workflow) and plugin.
//!
//! One plugin never sees another's keys: its name is part of every query. The quota is checked in the transaction that
//! writes, so two calls at once cannot both take the last byte.

use rusqlite::{Connection, OptionalExtension as _, params};
use time::OffsetDateTime;

use crate::{Store, StoreError, writer::timestamp};

/// How much a plugin may keep in one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvQuota {
    /// Keys.
    pub entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// How much a plugin keeps in one scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvUsage {
    /// Keys.
    pub entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl Store {
    /// The value of a key.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_get(
        &self,
        scope: &str,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read("read a key", |connection| {
            connection
                .prepare_cached("SELECT value FROM kv WHERE scope = ? AND plugin = ? AND key = ?")?
                .query_row(params![scope, plugin, key], |row| row.get(0))
                .optional()
        })
    }

    /// Sets a key, unless that would exceed the quota.
    ///
    /// # Errors
    /// [`StoreError::KvFull`], or SQLite's reason.
    pub fn kv_set(
        &self,
        scope: &str,
        plugin: &str,
        key: &str,
        value: &[u8],
        quota: KvQuota,
    ) -> Result<(), StoreError> {
        self.kv_set_while(scope, plugin, key, value, quota, || true)
    }

    /// [`Store::kv_set`], unless `is_wanted` says at the moment of writing that nobody waits for it any longer: what is
    /// queued for a call that was stopped must not land after its end.
    ///
    /// # Errors
    /// Those of [`Store::kv_set`].
    pub fn kv_set_while(
        &self,
        scope: &str,
        plugin: &str,
        key: &str,
        value: &[u8],
        quota: KvQuota,
        is_wanted: impl Fn() -> bool + Send + 'static,
    ) -> Result<(), StoreError> {
        let (scope, name, key, value) = (
            scope.to_owned(),
            plugin.to_owned(),
            key.to_owned(),
            value.to_owned(),
        );
        let refused = self.change(move |connection| {
            if !is_wanted() {
                return Ok(None);
            }
            let others = usage_but(connection, &scope, &name, Some(&key))?;
            let entries = others.entries.saturating_add(1);
            let bytes = others.bytes.saturating_add((key.len() as u64).saturating_add(value.len() as u64));
            if entries > quota.entries {
                return Ok(Some(("entries", entries, quota.entries)));
            }
            if bytes > quota.bytes {
                return Ok(Some(("bytes", bytes, quota.bytes)));
            }
            let now = timestamp(OffsetDateTime::now_utc());
            connection
                .prepare_cached("INSERT OR REPLACE INTO kv (scope, plugin, key, value, updated_at) VALUES (?, ?, ?, ?, ?)")?
                .execute(params![scope, name, key, value, now])?;
            Ok(None)
        })?;
        refused.map_or(Ok(()), |(unit, needed, allowed)| {
            Err(StoreError::KvFull {
                plugin: plugin.to_owned(),
                unit,
                needed,
                allowed,
            })
        })
    }

    /// Forgets a key; forgetting what is not there is fine.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_delete(&self, scope: &str, plugin: &str, key: &str) -> Result<(), StoreError> {
        self.kv_delete_while(scope, plugin, key, || true)
    }

    /// [`Store::kv_delete`], unless nobody waits for it any longer: see [`Store::kv_set_while`].
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_delete_while(
        &self,
        scope: &str,
        plugin: &str,
        key: &str,
        is_wanted: impl Fn() -> bool + Send + 'static,
    ) -> Result<(), StoreError> {
        let (scope, plugin, key) = (scope.to_owned(), plugin.to_owned(), key.to_owned());
        self.change(move |connection| {
            if !is_wanted() {
                return Ok(());
            }
            connection
                .prepare_cached("DELETE FROM kv WHERE scope = ? AND plugin = ? AND key = ?")?
                .execute(params![scope, plugin, key])
                .map(drop)
        })
    }

    /// The keys that start with `prefix`, sorted by their bytes.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_keys(
        &self,
        scope: &str,
        plugin: &str,
        prefix: &str,
    ) -> Result<Vec<String>, StoreError> {
        self.read("list keys", |connection| {
            connection
                .prepare_cached(
                    "SELECT key FROM kv WHERE scope = ?1 AND plugin = ?2 AND key >= ?3
                       AND substr(key, 1, length(?3)) = ?3 ORDER BY key",
                )?
                .query_map(params![scope, plugin, prefix], |row| row.get(0))?
                .collect()
        })
    }

    /// How much a plugin keeps in a scope.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_usage(&self, scope: &str, plugin: &str) -> Result<KvUsage, StoreError> {
        self.read("count keys", |connection| {
            usage_but(connection, scope, plugin, None)
        })
    }

    /// Forgets all keys of a scope, of every plugin: a run's scope when the run has ended.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn kv_clear(&self, scope: &str) -> Result<(), StoreError> {
        let scope = scope.to_owned();
        self.change(move |connection| {
            connection
                .execute("DELETE FROM kv WHERE scope = ?", [scope])
                .map(drop)
        })
    }
}

/// What a plugin keeps in a scope, without the key that is about to be replaced.
fn usage_but(
    connection: &Connection,
    scope: &str,
    plugin: &str,
    but: Option<&str>,
) -> rusqlite::Result<KvUsage> {
    connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0)
             FROM kv WHERE scope = ?1 AND plugin = ?2 AND (?3 IS NULL OR key <> ?3)",
        )?
        .query_row(params![scope, plugin, but], |row| {
            let (entries, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(KvUsage {
                entries: u64::try_from(entries).unwrap_or(0),
                bytes: u64::try_from(bytes).unwrap_or(0),
            })
        })
}
