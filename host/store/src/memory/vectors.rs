//! Finding records by what they mean: a vector for each, kept beside it, and the nearest to that of a question.
//!
//! Vectors are made elsewhere, by a model that has a name: only those of one model say anything about each other, and a
//! record that has none, or one of another model, is found by its words as before. They are kept as the original keeps
//! them, 32-bit floats in the column `embedding`, with the model's name beside.
//!
//! What is found by words and what is found by meaning are put together by reciprocal rank fusion: each list gives a
//! record 1 / (60 + its place), and the sum decides (G. V. Cormack, C. L. A. Clarke, S. Büttcher: Reciprocal Rank Fusion
//! outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009). Where both are alike the older record is first.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{
    Memory,
    record::{Record, RecordKind},
};
use crate::StoreError;

/// How alike two vectors must be for one to say something about the other, as the cosine of their angle. Sentences that
/// have nothing to do with each other are at about 0 to 0.2.
const MIN_LIKENESS: f64 = 0.3;

/// What a place is added to before it is turned over.
const RANK: f64 = 60.0;

/// So many of each list are put together.
const MOST: usize = 50;

/// A question as a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The model that made it.
    pub model: String,
    /// The vector; its length is of no matter.
    pub vector: Vec<f32>,
}

impl Memory {
    /// Live records that have no vector of this model, the newest first, at most `most`: number, and the text that is
    /// to be made one.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn without_vector(
        &self,
        model: &str,
        most: usize,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.knowledge.read("look for facts", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, entity, fact FROM knowledge WHERE workflow_name = ?1 AND superseded_by IS NULL
                   AND (embedding IS NULL OR embedding_model IS NOT ?2)
                 ORDER BY coalesce(updated_at, timestamp) DESC, id DESC LIMIT ?3",
            )?;
            let rows = statement.query_map(params![self.workflow(), model, most], |row| {
                let (entity, fact): (String, String) = (row.get(1)?, row.get(2)?);
                Ok((row.get(0)?, format!("{entity}: {fact}")))
            })?;
            rows.collect()
        })
    }

    /// Keeps vectors, each beside the record of its number.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn keep_vectors(&self, model: &str, vectors: &[(i64, Vec<f32>)]) -> Result<(), StoreError> {
        self.knowledge
            .change("keep vectors of facts", |connection| {
                let mut statement = connection.prepare(
                    "UPDATE knowledge SET embedding = ?, embedding_model = ? WHERE id = ?",
                )?;
                for (id, vector) in vectors {
                    statement.execute(params![bytes(vector), model, id])?;
                }
                Ok(())
            })
    }

    /// [`Memory::search`], by meaning too: the live records that have to do with a question by their words or by their
    /// vectors, the most relevant first, at most `most`. The same question to the same memory has the same answer.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn search_near(
        &self,
        question: &str,
        near: &Near,
        kind: Option<RecordKind>,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let by_words = self.search(question, kind, MOST)?;
        let by_meaning = self.nearest(near, kind)?;
        let by_words: Vec<i64> = by_words.iter().map(|record| record.id).collect();
        let mut ids = fused(&[by_words, by_meaning]);
        ids.truncate(most);
        self.records_of(&ids)
    }

    /// The numbers of the records whose vectors are nearest, the nearest first.
    fn nearest(&self, near: &Near, kind: Option<RecordKind>) -> Result<Vec<i64>, StoreError> {
        let all: Vec<(i64, Vec<u8>)> = self.knowledge.read("look for facts", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, embedding FROM knowledge WHERE workflow_name = ?1 AND superseded_by IS NULL
                   AND embedding IS NOT NULL AND embedding_model = ?2 AND (?3 IS NULL OR record_type = ?3)
                 ORDER BY id",
            )?;
            let kind = kind.map(RecordKind::as_str);
            let rows = statement.query_map(params![self.workflow(), near.model, kind], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            rows.collect()
        })?;
        let mut alike: Vec<(i64, f64)> = all
            .into_iter()
            .filter_map(|(id, bytes)| Some((id, likeness(&near.vector, &bytes)?)))
            .filter(|(_, likeness)| *likeness >= MIN_LIKENESS)
            .collect();
        alike.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        alike.truncate(MOST);
        Ok(alike.into_iter().map(|(id, _)| id).collect())
    }
}

/// A vector as it is kept.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|part| part.to_le_bytes()).collect()
}

/// The cosine of the angle between a vector and one as it is kept, to four places: what is beyond them differs from
/// machine to machine. None where they are no two of a kind.
fn likeness(one: &[f32], other: &[u8]) -> Option<f64> {
    let (parts, rest) = other.as_chunks::<4>();
    if !rest.is_empty() || parts.len() != one.len() {
        return None;
    }
    let (mut product, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(parts) {
        let (a, b) = (f64::from(*a), f64::from(f32::from_le_bytes(*b)));
        product += a * b;
        first += a * a;
        second += b * b;
    }
    let cosine = product / (f64::sqrt(first) * f64::sqrt(second));
    cosine.is_finite().then(|| (cosine * 1e4).round() / 1e4)
}

/// Numbers of several lists in one, by the sum of what their places are worth.
fn fused(lists: &[Vec<i64>]) -> Vec<i64> {
    let mut worth: BTreeMap<i64, f64> = BTreeMap::new();
    for list in lists {
        let mut place = RANK;
        for id in list {
            place += 1.0;
            *worth.entry(*id).or_default() += 1.0 / place;
        }
    }
    let mut ids: Vec<(i64, f64)> = worth.into_iter().collect();
    ids.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    ids.into_iter().map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_have_goes_before_what_one_has_and_the_order_of_each_is_kept() {
        assert_eq!(fused(&[vec![5, 2, 9], vec![9, 7]]), [9, 5, 2, 7]);
        assert_eq!(fused(&[vec![], vec![3, 1]]), [3, 1]);
        assert_eq!(fused(&[vec![3], vec![1]]), [1, 3]);
    }

    #[test]
    fn likeness_is_the_cosine_and_none_between_vectors_of_different_models() {
        let same = bytes(&[3.0, 4.0]);
        assert_eq!(likeness(&[6.0, 8.0], &same), Some(1.0));
        assert_eq!(likeness(&[4.0, -3.0], &same), Some(0.0));
        assert_eq!(likeness(&[1.0, 0.0], &same), Some(0.6));
        for (odd, why) in [
            (bytes(&[1.0]), "another length"),
            (vec![0, 0, 0], "no floats"),
            (bytes(&[0.0, 0.0]), "nothing"),
            (bytes(&[f32::NAN, 1.0]), "no number"),
        ] {
            assert_eq!(likeness(&[1.0, 0.0], &odd), None, "{why}");
        }
    }
}
