//! Finding records by their words: SQLite's full-text index, the best by BM25 first.
//!
//! A question is any text: its words are looked for, each by itself, and nothing in it is an operator. Words that are
//! in every text find nothing.

use rusqlite::{Connection, params};

use super::{
    Memory,
    record::{Record, RecordKind, SELECT, read},
};
use crate::StoreError;

/// Most words of a question that are looked for: the first that differ.
const MAX_WORDS: usize = 64;

/// Shortest word that is looked for, in characters.
const MIN_WORD: usize = 2;

/// Words that are in every English text, and would find everything.
const EVERYWHERE: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "do", "does", "each", "for", "from", "had", "has", "have", "how", "if",
    "in", "into", "is", "it", "its", "make", "me", "my", "not", "of", "on", "one", "or", "our",
    "out", "so", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "to", "up", "use", "was", "we", "were", "what", "when", "which", "who", "why", "will",
    "with", "write", "you", "your",
];

pub(super) fn ensure_index(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS records_fts USING fts5(entity, fact, tokenize = 'porter unicode61');
         INSERT INTO records_fts (rowid, entity, fact)
           SELECT id, entity, fact FROM knowledge WHERE id NOT IN (SELECT rowid FROM records_fts);
         DELETE FROM records_fts WHERE rowid NOT IN (SELECT id FROM knowledge);",
    )
}

pub(super) fn index(
    connection: &Connection,
    id: i64,
    entity: &str,
    fact: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO records_fts (rowid, entity, fact) VALUES (?, ?, ?)")?
        .execute(params![id, entity, fact])
        .map(drop)
}

pub(super) fn unindex(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM records_fts WHERE rowid = ?")?
        .execute([id])
        .map(drop)
}

/// The words of a text that tell something, each once, in their order.
pub fn telling_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let word = word.to_lowercase();
        if word.chars().count() >= MIN_WORD
            && !EVERYWHERE.contains(&word.as_str())
            && !words.contains(&word)
        {
            words.push(word);
            if words.len() == MAX_WORDS {
                break;
            }
        }
    }
    words
}

impl Memory {
    /// The live records that say something about these words, the most relevant first, at most `most`; of one kind
    /// where one is named. The same question to the same memory has the same answer.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn search(
        &self,
        question: &str,
        kind: Option<RecordKind>,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let words = telling_words(question);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        // Letters and digits in quotes: no word is an operator.
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        self.knowledge.read("look for facts", |connection| {
            let sql = format!(
                "{SELECT} JOIN records_fts ON records_fts.rowid = k.id
                 WHERE records_fts MATCH ?1 AND k.workflow_name = ?2 AND k.superseded_by IS NULL
                   AND (?3 IS NULL OR k.record_type = ?3)
                 ORDER BY bm25(records_fts, 2.0, 1.0), k.id LIMIT ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let kind = kind.map(RecordKind::as_str);
            let rows = statement.query_map(
                params![quoted.join(" OR "), self.workflow(), kind, most],
                read,
            )?;
            rows.collect()
        })
    }
}
