//! What a workflow remembers from run to run.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests fail tests; one makes a directory as another tool left it"
)]

use armature_store::{
    Memory, RunId,
    memory::{
        capture::Captured,
        record::{NewRecord, RecordKind, Source},
        vectors::Near,
    },
};
use rusqlite::Connection;
use serde_json::{Value, json};

fn open(dir: &tempfile::TempDir) -> Memory {
    Memory::open(&dir.path().join("memory"), "tea", None).unwrap()
}

fn values(memory: &Memory) -> Vec<Value> {
    let entries = memory.entries().unwrap();
    entries.into_iter().map(|entry| entry.value).collect()
}

fn capture(memory: &Memory, value: Value, quality: f64, most: u32) {
    let captured = [Captured { value, quality }];
    memory
        .capture(&RunId::fresh(), "draft", "title", &captured, most)
        .unwrap();
}

fn fact(entity: &str, fact: &str, confidence: f64) -> NewRecord {
    NewRecord {
        kind: RecordKind::Fact,
        entity: entity.into(),
        fact: fact.into(),
        confidence,
        sources: vec![Source {
            run_id: "r1".into(),
            stage_id: "look".into(),
            ts: String::new(),
        }],
    }
}

#[test]
fn the_worst_goes_and_the_newest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    capture(&memory, json!("best"), 0.9, 3);
    capture(&memory, json!("middling"), 0.5, 3);
    capture(&memory, json!("worst"), 0.0, 3);
    assert_eq!(
        values(&memory),
        [json!("worst"), json!("middling"), json!("best")]
    );
    capture(&memory, json!("poor"), 0.1, 3);
    assert_eq!(
        values(&memory),
        [json!("poor"), json!("middling"), json!("best")],
        "a new entry is not dropped for being poor"
    );
    capture(&memory, json!("good"), 0.8, 3);
    assert_eq!(
        values(&memory),
        [json!("good"), json!("middling"), json!("best")]
    );
    capture(&memory, json!("last"), 0.0, 1);
    assert_eq!(values(&memory), [json!("last")]);
}

#[test]
fn the_same_again_is_no_other_entry_and_a_run_that_goes_on_replaces_what_it_left() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    capture(&memory, json!({"a": 1}), 0.5, 5);
    capture(&memory, json!("b"), 0.5, 5);
    capture(&memory, json!({"a": 1}), 0.7, 5);
    assert_eq!(values(&memory), [json!({"a": 1}), json!("b")]);
    let run = RunId::fresh();
    for value in ["first", "second"] {
        let captured = [Captured {
            value: json!(value),
            quality: 0.5,
        }];
        memory
            .capture(&run, "draft", "title", &captured, 5)
            .unwrap();
    }
    assert_eq!(
        values(&memory),
        [json!("second"), json!({"a": 1}), json!("b")]
    );
    let huge = Captured {
        value: json!("x".repeat(300 << 10)),
        quality: 0.5,
    };
    memory.capture(&run, "draft", "other", &[huge], 5).unwrap();
    assert_eq!(
        values(&memory).len(),
        3,
        "what is too large for a prompt is not kept"
    );
}

#[test]
fn what_was_left_long_ago_is_stale() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    capture(&memory, json!("x"), 0.5, 5);
    assert!(!memory.entries().unwrap()[0].is_stale());
    let connection = Connection::open(dir.path().join("memory/tea.db")).unwrap();
    let aged = "UPDATE memories SET timestamp = '2020-01-01T00:00:00.000000+00:00'";
    connection.execute(aged, []).unwrap();
    assert!(memory.entries().unwrap()[0].is_stale());
}

#[test]
fn workflows_in_one_database_do_not_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    let tea = Memory::open(&place, "tea", Some("drinks")).unwrap();
    let rum = Memory::open(&place, "rum", Some("../drinks.db")).unwrap();
    capture(&tea, json!("green"), 0.5, 5);
    tea.learn(&[fact("tea", "It is green", 0.9)], true, 100)
        .unwrap();
    assert!(values(&rum).is_empty() && rum.search("green tea", None, 5).unwrap().is_empty());
    assert_eq!(rum.forget_records(None).unwrap(), 0);
    let held = Memory::list(&place).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        (
            held[0].db.as_str(),
            held[0].workflow.as_str(),
            held[0].values,
            held[0].records
        ),
        ("drinks", "tea", 1, 1)
    );
    assert_eq!(tea.forget_values(Some("draft"), None).unwrap(), 1);
    assert_eq!(tea.forget_records(None).unwrap(), 1);
    assert!(Memory::list(&place).unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_what_is_remembered() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    capture(&memory, json!("x"), 0.5, 5);
    let mode = |name: &str| {
        let path = dir.path().join(name);
        path.metadata().unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("memory"), 0o700);
    for file in [
        "memory/tea.db",
        "memory/tea_knowledge.db",
        "memory/tea.db-wal",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn facts_are_found_by_their_words_and_the_same_question_has_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    let facts = [
        fact("green tea", "It is steamed in Japan", 0.9),
        fact("oolong", "It is partly oxidised", 0.9),
        fact("rum", "It is made from cane", 0.9),
    ];
    memory.learn(&facts, true, 100).unwrap();
    let found = |question: &str| -> Vec<String> {
        let found = memory.search(question, None, 10).unwrap();
        found.into_iter().map(|record| record.entity).collect()
    };
    assert_eq!(
        found("Which teas are steaming?"),
        ["green tea"],
        "by the stems of words"
    );
    assert_eq!(
        found("oolong OR (rum) NOT \"tea\" *"),
        found("oolong rum tea"),
        "nothing in a question is an operator"
    );
    assert_eq!(found("oolong rum tea").len(), 3);
    assert!(found("What is it, and why is it so?").is_empty());
    assert!(found("").is_empty());
    assert_eq!(
        memory.search("tea", Some(RecordKind::Event), 10).unwrap(),
        []
    );
    assert_eq!(memory.search("oolong rum tea", None, 1).unwrap().len(), 1);
}

#[test]
fn facts_are_reconciled_when_they_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    let learn = |new: NewRecord| memory.learn(&[new], true, 100).unwrap();
    assert_eq!(
        learn(fact("Tea", "A cup holds 30 mg of caffeine", 0.8)).stored,
        1
    );
    let mut again = fact("tea", "a cup holds 30 mg of caffeine.", 0.8);
    again.sources[0].run_id = "r2".into();
    assert_eq!(learn(again).skipped, 1);
    let records = memory.records(false).unwrap();
    assert_eq!(records.len(), 1);
    let runs: Vec<&str> = records[0]
        .provenance
        .iter()
        .map(|source| source.run_id.as_str())
        .collect();
    assert_eq!(runs, ["r1", "r2"], "that it was said again is noted");

    assert_eq!(
        learn(fact("tea", "A cup holds 35 mg of caffeine", 0.8)).superseded,
        1
    );
    assert_eq!(memory.records(false).unwrap().len(), 1);
    let all = memory.records(true).unwrap();
    let old = all
        .iter()
        .find(|record| record.superseded_by.is_some())
        .unwrap();
    assert_eq!(old.fact, "A cup holds 30 mg of caffeine");
    let found = memory.search("caffeine", None, 10).unwrap();
    assert_eq!(found.len(), 1, "what was replaced is not found");

    assert_eq!(
        learn(fact(
            "tea",
            "A cup holds 35 mg of caffeine, more in black tea",
            0.9
        ))
        .merged,
        1
    );
    assert_eq!(
        memory.search("black", None, 10).unwrap().len(),
        1,
        "found by its new words"
    );
    assert_eq!(
        learn(fact(
            "tea",
            "A cup holds 35 mg of caffeine, more in black tea",
            0.99
        ))
        .updated,
        1
    );

    let learned = memory
        .learn(&[fact("tea", "a cup holds 35 mg", 0.9)], false, 100)
        .unwrap();
    assert_eq!(
        learned.stored, 1,
        "without reconciling all but the very same is stored"
    );
    let learned = memory
        .learn(&[fact("tea", "a cup holds 35 mg", 0.9)], false, 100)
        .unwrap();
    assert_eq!(learned.skipped, 1);
}

#[test]
fn of_too_many_facts_the_replaced_and_the_least_sure_go() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    let facts = [
        fact("a", "It holds 30 mg of caffeine", 0.8),
        fact("a", "It holds 35 mg of caffeine", 0.8),
        fact("b", "Unsure", 0.1),
        fact("c", "Sure", 0.9),
    ];
    memory.learn(&facts, true, 2).unwrap();
    let left: Vec<String> = memory
        .records(true)
        .unwrap()
        .into_iter()
        .map(|record| record.entity)
        .collect();
    assert_eq!(left, ["c", "a"]);
}

#[test]
fn databases_of_the_original_are_opened_and_stay_readable_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    std::fs::create_dir_all(&place).unwrap();
    let old = Connection::open(place.join("tea.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE memories (id INTEGER PRIMARY KEY, workflow_name TEXT, stage_id TEXT, capture_key TEXT, value TEXT,
           quality REAL NOT NULL DEFAULT 0.5, timestamp TEXT);
         INSERT INTO memories VALUES (1, 'tea', 'draft', 'title', '\"Tea\"', 0.5, '2025-01-01T00:00:00+00:00');
         INSERT INTO memories VALUES (2, 'tea', 'draft', 'title', 'no json', 0.5, '2025-01-01T00:00:01+00:00');",
    )
    .unwrap();
    let old = Connection::open(place.join("tea_knowledge.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE knowledge (id INTEGER PRIMARY KEY, workflow_name TEXT, entity TEXT, fact TEXT, confidence REAL,
           source_run_id TEXT, timestamp TEXT, embedding BLOB);
         CREATE VIRTUAL TABLE knowledge_fts USING fts5(fact, content=knowledge, content_rowid=id);
         INSERT INTO knowledge VALUES (1, 'tea', 'tea', 'It is steamed', 0.7, 'abc', '2025-01-01T00:00:00+00:00', NULL);",
    )
    .unwrap();
    let memory = open(&dir);
    assert_eq!(values(&memory), [json!("no json"), json!("Tea")]);
    let found = memory.search("steamed", None, 5).unwrap();
    assert_eq!(
        (found[0].kind, found[0].provenance[0].run_id.as_str()),
        (RecordKind::Fact, "abc")
    );
    memory
        .learn(&[fact("tea", "It grows in hills", 0.9)], true, 100)
        .unwrap();
    let read: i64 = old
        .query_row(
            "SELECT count(*) FROM knowledge WHERE fact LIKE '%hills%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(read, 1);
}

#[test]
fn facts_are_found_by_their_vectors_too_and_only_by_those_of_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    let memory = open(&dir);
    let facts = [
        fact("cars", "The estate is the cheapest", 0.9),
        fact("tea", "It is best at 70 degrees", 0.9),
        fact("automobile clubs", "They are dear", 0.9),
    ];
    memory.learn(&facts, true, 100).unwrap();
    let near = |model: &str| Near {
        model: model.into(),
        vector: vec![1.0, 0.1],
    };
    let found = |model: &str| -> Vec<String> {
        let question = "Which automobile?";
        let found = memory
            .search_near(question, &near(model), None, 10)
            .unwrap();
        found.into_iter().map(|record| record.entity).collect()
    };
    assert_eq!(
        found("m"),
        ["automobile clubs"],
        "without vectors: by words"
    );
    let missing = memory.without_vector("m", 2).unwrap();
    let texts: Vec<&str> = missing.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "automobile clubs: They are dear",
            "tea: It is best at 70 degrees"
        ],
        "the newest first, so many as are asked for"
    );
    let vectors = |model| -> Vec<(i64, Vec<f32>)> {
        let all = memory.without_vector(model, 10).unwrap();
        let vector = |text: &str| match text {
            _ if text.starts_with("tea") => vec![0.0, 1.0],
            _ if text.starts_with("cars") => vec![1.0, 0.0],
            _ => vec![0.8, 0.6],
        };
        all.into_iter()
            .map(|(id, text)| (id, vector(&text)))
            .collect()
    };
    memory.keep_vectors("m", &vectors("m")).unwrap();
    assert_eq!(memory.without_vector("m", 10).unwrap(), []);
    assert_eq!(
        found("m"),
        ["automobile clubs", "cars"],
        "both lists have the one, and tea is not near"
    );
    assert_eq!(found("other"), ["automobile clubs"]);
    assert_eq!(memory.without_vector("other", 10).unwrap().len(), 3);
    // What says something else now has no vector any more, and what is said again keeps it.
    memory.learn(&facts, true, 100).unwrap();
    assert_eq!(memory.without_vector("m", 10).unwrap(), []);
    let more = fact("cars", "The estate is the cheapest and the slowest", 0.9);
    assert_eq!(memory.learn(&[more], true, 100).unwrap().merged, 1);
    assert_eq!(memory.without_vector("m", 10).unwrap().len(), 1);
}
