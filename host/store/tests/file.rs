//! The file: who may read it, where it may come from, what it refuses.

use std::path::Path;

use armature_store::{
    CacheBounds, CacheStats, Event, EventLog, KvQuota, KvUsage, RunId, RunStatus, Store,
    StoreError, TraceQuery, TraceRow, event::RunStarted,
};
use rusqlite::Connection;
use serde_json::json;

fn database(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("home").join("traces.db")
}

const MONTH: CacheBounds = CacheBounds {
    max_bytes: 1 << 20,
    max_age_s: 30 * 24 * 3600,
};

fn row(run: &RunId, stage: &str) -> TraceRow {
    TraceRow {
        run_id: Some(run.clone()),
        workflow_name: "w".to_owned(),
        stage_id: stage.to_owned(),
        role_type: "worker".to_owned(),
        success: true,
        output_valid: true,
        ..TraceRow::default()
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_database_and_its_journals() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    let store = Store::open(&path).unwrap();
    store
        .append(&RunId::fresh(), &Event::RunStarted(RunStarted::default()))
        .unwrap();
    store.sync().unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["traces.db", "traces.db-wal", "traces.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    drop(store);

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = Store::open(&path).unwrap();
    assert_eq!(
        mode(&path),
        0o600,
        "a file that others could read is closed to them"
    );
}

/// What the first release of the original makes: before its own later columns.
const OLD_TABLE: &str = "
CREATE TABLE traces (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, workflow_name TEXT NOT NULL,
  stage_id TEXT NOT NULL, role_type TEXT NOT NULL, model TEXT NOT NULL, input_tokens INTEGER DEFAULT 0,
  output_tokens INTEGER DEFAULT 0, latency_ms REAL DEFAULT 0.0, success INTEGER NOT NULL DEFAULT 1,
  output_valid INTEGER NOT NULL DEFAULT 1, quorum_score REAL, timestamp TEXT NOT NULL, inputs_json TEXT DEFAULT '{}',
  outputs_json TEXT DEFAULT '{}', error_type TEXT, escalation_count INTEGER DEFAULT 0, spec_version TEXT DEFAULT '');
INSERT INTO traces (run_id, workflow_name, stage_id, role_type, model, success, timestamp, inputs_json, outputs_json)
VALUES ('4f53cda1', 'old', 'plan', 'planner', 'm', 1, '2025-01-01T00:00:00.000001+00:00', '{\"topic\": \"ä\"}', '{}'),
       ('4f53cda1', 'old', 'write', 'worker', 'm', 0, '2025-01-01T00:00:01+00:00', NULL, 'no json'),
       ('../../etc', 'old', 'evil', 'worker', 'm', 1, '2025-01-02T00:00:00+00:00', '{}', '{}');";

#[test]
fn a_database_of_the_original_opens_here_and_is_still_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(OLD_TABLE)
        .unwrap();

    let store = Store::open(&path).unwrap();
    let old = RunId::new("4f53cda1").unwrap();
    let rows = store.traces(&TraceQuery::workflow("old")).unwrap();
    let stages: Vec<&str> = rows.iter().map(|row| row.stage_id.as_str()).collect();
    assert_eq!(
        stages,
        ["write", "plan"],
        "newest first, and no row whose run id is a path"
    );
    assert_eq!(rows[1].inputs["topic"], json!("ä"));
    assert!(rows[0].inputs.is_empty() && rows[0].outputs.is_empty());
    let run = store.last_run("old").unwrap().unwrap();
    assert_eq!((run.run_id, run.status), (old.clone(), RunStatus::Failed));

    store.trace(&TraceRow {
        plugin: Some("p".to_owned()),
        fuel: Some(7),
        ..row(&old, "added")
    });
    let added = store.traces(&TraceQuery::run(&old)).unwrap().pop().unwrap();
    assert_eq!(
        (added.stage_id.as_str(), added.plugin.as_deref(), added.fuel),
        ("added", Some("p"), Some(7))
    );
    assert_eq!(store.write_errors(), 0);
    drop(store);

    // The statement with which the original writes, and what it reads.
    let theirs = Connection::open(&path).unwrap();
    theirs
        .execute(
            "INSERT INTO traces (run_id, workflow_name, stage_id, role_type, model, timestamp)
             VALUES ('4f53cda1', 'old', 'again', 'worker', 'm', '2030-01-01T00:00:00+00:00')",
            [],
        )
        .unwrap();
    drop(theirs);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.traces(&TraceQuery::run(&old)).unwrap().len(), 4);
    assert_eq!(store.latest_run_id("old").unwrap(), Some(old));
}

#[test]
fn the_first_columns_of_a_new_database_are_the_originals() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let mut names = connection
        .prepare("SELECT name FROM pragma_table_info('traces')")
        .unwrap();
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let original = "id run_id workflow_name stage_id role_type model input_tokens output_tokens latency_ms success \
        output_valid quorum_score timestamp inputs_json outputs_json error_type escalation_count spec_version \
        inputs_hash policy_version inputs_provenance_json tools_declared_json tools_called_json sandbox_image_digest";
    assert_eq!(
        names[..24].join(" "),
        original.split_whitespace().collect::<Vec<_>>().join(" ")
    );
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 999_999)
        .unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 999_999, .. }),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_database_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    #[expect(
        clippy::disallowed_methods,
        reason = "the test wants a file that no store made"
    )]
    std::fs::write(
        &path,
        "not a database, but long enough to be taken for one at first sight".repeat(40),
    )
    .unwrap();
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("traces.db") && error.contains("not a database"),
        "{error}"
    );
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
}

#[test]
fn every_column_of_a_trace_row_comes_back() {
    let store = Store::memory().unwrap();
    let run = RunId::fresh();
    let full = TraceRow {
        model: "m".to_owned(),
        input_tokens: 3,
        output_tokens: u64::MAX,
        latency_ms: 1.5,
        quorum_score: Some(0.25),
        timestamp: "2026-01-01T00:00:00.000000+00:00".to_owned(),
        inputs: json!({ "b": [1, "ä"], "a": null })
            .as_object()
            .unwrap()
            .clone(),
        tools_called: vec!["file_read".to_owned()],
        error_type: Some("E".to_owned()),
        item: Some(4),
        cost_usd: Some(0.001),
        cached: true,
        ..row(&run, "a")
    };
    store.trace(&full);
    let read = store.traces(&TraceQuery::run(&run)).unwrap();
    // SQLite counts to 2^63: a count beyond that is the largest there is.
    let wanted = TraceRow {
        output_tokens: i64::MAX as u64,
        ..full
    };
    assert_eq!(read, [wanted]);
    store.trace(&TraceRow {
        latency_ms: f64::NAN,
        ..row(&run, "b")
    });
    let later = store
        .traces(&TraceQuery {
            stage: Some("b".to_owned()),
            ..TraceQuery::workflow("w")
        })
        .unwrap();
    assert_eq!((later.len(), later[0].latency_ms), (1, 0.0));
    assert!(
        later[0].timestamp.ends_with("+00:00"),
        "{}",
        later[0].timestamp
    );
}

#[test]
fn a_trace_row_that_cannot_be_written_is_counted_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    let store = Store::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("DROP TABLE traces").unwrap();
    let run = RunId::fresh();
    store.trace(&row(&run, "a"));
    store.trace(&row(&run, "b"));
    store
        .append(
            &run,
            &Event::RunCompleted {
                run_id: run.clone(),
                elapsed_s: 0.0,
            },
        )
        .unwrap();
    assert_eq!(store.write_errors(), 2);
    assert_eq!(store.events(&run).unwrap().len(), 1);
}

#[test]
fn a_run_whose_event_was_lost_goes_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    let store = Store::open(&path).unwrap();
    let run = RunId::fresh();
    let progress = Event::Progress {
        stage: "a".to_owned(),
        plugin: "p".to_owned(),
        message: String::new(),
        fraction: None,
    };
    store.append(&run, &progress).unwrap();
    store.flush().unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("ALTER TABLE events RENAME TO hidden")
        .unwrap();
    store.append(&run, &progress).unwrap();
    store.flush().unwrap();
    other
        .execute_batch("ALTER TABLE hidden RENAME TO events")
        .unwrap();
    let error = store.append(&run, &progress).unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    assert_eq!(store.write_errors(), 1);
    assert_eq!(store.events(&run).unwrap().len(), 1);
    store.append(&RunId::fresh(), &progress).unwrap();
    store.flush().unwrap();
    assert_eq!(store.write_errors(), 1);
}

#[test]
fn the_response_cache_is_bounded_by_age_and_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    let store = Store::open(&path).unwrap();
    let bounds = MONTH;
    assert_eq!(store.cache_get("k1", bounds).unwrap(), None);
    for n in 1..=4 {
        store.cache_put(&format!("k{n}"), &"x".repeat(100), bounds);
    }
    assert_eq!(
        store.cache_get("k1", bounds).unwrap(),
        Some("x".repeat(100))
    );
    let aged = "UPDATE llm_cache SET created_at = '2020-01-01T00:00:00.000000+00:00' WHERE cache_key = 'k2'";
    assert_eq!(
        Connection::open(&path).unwrap().execute(aged, []).unwrap(),
        1
    );
    assert_eq!(
        store.cache_get("k2", bounds).unwrap(),
        None,
        "an old entry is not returned"
    );

    let pruned = store
        .cache_prune(CacheBounds {
            max_bytes: 250,
            ..bounds
        })
        .unwrap();
    assert_eq!((pruned.aged, pruned.evicted), (1, 1));
    let left: Vec<bool> = (1..=4)
        .map(|n| store.cache_get(&format!("k{n}"), bounds).unwrap().is_some())
        .collect();
    assert_eq!(
        left,
        [true, false, false, true],
        "those that were not used for longest go first"
    );
    let stats = store.cache_stats().unwrap();
    assert_eq!((stats.entries, stats.bytes, stats.hits), (2, 200, 3));

    let small = CacheBounds {
        max_bytes: 250,
        ..bounds
    };
    store.cache_put("k5", &"x".repeat(100), small);
    store.cache_put("large", &"x".repeat(251), small);
    assert_eq!(
        store.cache_stats().unwrap().bytes,
        200,
        "every reply that is kept is within the bounds"
    );
    assert_eq!(store.cache_get("large", small).unwrap(), None);
    assert!(store.cache_get("k5", small).unwrap().is_some());
    assert_eq!(store.cache_clear().unwrap(), 2);
    assert_eq!(store.cache_stats().unwrap(), CacheStats::default());
}

#[test]
fn a_cache_of_an_earlier_format_is_given_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE llm_cache (cache_key TEXT PRIMARY KEY, response_json TEXT NOT NULL, created_at TEXT NOT NULL);
         INSERT INTO llm_cache VALUES ('k', 'äb', '2999-01-01T00:00:00.000000+00:00');
         PRAGMA user_version = 1000;",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.cache_stats().unwrap().bytes, 3);
    assert_eq!(store.cache_get("k", MONTH).unwrap().as_deref(), Some("äb"));
}

#[test]
fn cached_replies_that_are_too_old_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(&dir);
    let store = Store::open(&path).unwrap();
    store.cache_put("old", "x", MONTH);
    store.cache_put("new", "x", MONTH);
    store.flush().unwrap();
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let aged = "UPDATE llm_cache SET created_at = '2020-01-01T00:00:00.000000+00:00' WHERE cache_key = 'old'";
    assert_eq!(connection.execute(aged, []).unwrap(), 1);

    let store = Store::open(&path).unwrap();
    store.cache_prune_later(MONTH);
    store.flush().unwrap();
    assert_eq!(store.write_errors(), 0);
    let left: String = connection
        .query_row("SELECT group_concat(cache_key) FROM llm_cache", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, "new");
}

#[test]
fn a_plugin_keeps_its_own_keys_within_its_quota() {
    let store = Store::memory().unwrap();
    let quota = KvQuota {
        entries: 3,
        bytes: 20,
    };
    store.kv_set("w", "p", "a", b"1234", quota).unwrap();
    store.kv_set("w", "p", "ab", b"12", quota).unwrap();
    store.kv_set("w", "q", "a", b"other", quota).unwrap();
    assert_eq!(
        store.kv_get("w", "p", "a").unwrap().as_deref(),
        Some(b"1234".as_slice())
    );
    assert_eq!(store.kv_get("v", "p", "a").unwrap(), None);
    assert_eq!(
        store.kv_usage("w", "p").unwrap(),
        KvUsage {
            entries: 2,
            bytes: 9
        }
    );

    let error = store.kv_set("w", "p", "c", &[0; 11], quota).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::KvFull {
                unit: "bytes",
                needed: 21,
                allowed: 20,
                ..
            }
        ),
        "{error}"
    );
    store
        .kv_set("w", "p", "a", &[0; 14], quota)
        .expect("what a key replaces does not count");
    store.kv_set("w", "p", "z", b"", quota).unwrap();
    let error = store.kv_set("w", "p", "y", b"", quota).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::KvFull {
                unit: "entries",
                ..
            }
        ),
        "{error}"
    );

    assert_eq!(store.kv_keys("w", "p", "a").unwrap(), ["a", "ab"]);
    assert_eq!(store.kv_keys("w", "p", "%").unwrap(), [""; 0]);
    store.kv_delete("w", "p", "a").unwrap();
    store.kv_delete("w", "p", "a").unwrap();
    assert_eq!(store.kv_keys("w", "p", "").unwrap(), ["ab", "z"]);
    store.kv_clear("w").unwrap();
    assert_eq!(store.kv_usage("w", "q").unwrap(), KvUsage::default());
}

#[test]
fn a_write_that_nobody_waits_for_any_longer_does_not_land() {
    let store = Store::memory().unwrap();
    let quota = KvQuota {
        entries: 10,
        bytes: 1000,
    };
    store.kv_set("w", "p", "a", b"1", quota).unwrap();
    store
        .kv_set_while("w", "p", "a", b"2", quota, || false)
        .unwrap();
    store.kv_delete_while("w", "p", "a", || false).unwrap();
    assert_eq!(store.kv_get("w", "p", "a").unwrap().unwrap(), b"1");
}
