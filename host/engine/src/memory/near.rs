//! Finding facts by what they mean, where armature's home has weights that make vectors of texts.
//!
//! Without weights, or with ones that are of no use, facts are found by their words: no run stops for that, and the log
//! says why. Vectors are made when somebody looks and when facts are kept, so many at a time, so that a memory that was
//! filled before there were weights has all of them after a few runs. It works for milliseconds a text, where waiting is
//! allowed.

use std::sync::Arc;

use armature_embed::{EmbedError, Embedder};
use armature_store::{
    Memory, StoreError,
    memory::{
        record::{Record, RecordKind},
        vectors::Near,
    },
};

use super::settings;
use crate::{engine::Shared, run::Run};

/// Vectors that are made at one time, at most.
const AT_A_TIME: usize = 64;

/// The records that have to do with a question: by its words, and by what it means where that can be found out.
pub(super) fn search(
    engine: &Shared,
    memory: &Memory,
    question: &str,
    kind: Option<RecordKind>,
    most: usize,
) -> Result<Vec<Record>, StoreError> {
    let near = engine.embedder().ok().flatten().and_then(|embedder| {
        fill(embedder, memory).ok()?;
        Some(Near {
            model: embedder.model().to_owned(),
            vector: embedder.embed(question).ok()?,
        })
    });
    match near {
        Some(near) => memory.search_near(question, &near, kind, most),
        None => memory.search(question, kind, most),
    }
}

/// Gives vectors to facts that were just kept.
pub(super) fn after_learning(engine: &Shared, memory: &Memory) -> Result<(), StoreError> {
    match engine.embedder() {
        Ok(Some(embedder)) => fill(embedder, memory),
        _ => Ok(()),
    }
}

/// Makes vectors of the newest facts that have none of this model.
fn fill(embedder: &dyn Embedder, memory: &Memory) -> Result<(), StoreError> {
    let missing = memory.without_vector(embedder.model(), AT_A_TIME)?;
    let vectors: Vec<(i64, Vec<f32>)> = missing
        .into_iter()
        .filter_map(|(id, text)| Some((id, embedder.embed(&text).ok()?)))
        .collect();
    if vectors.is_empty() {
        return Ok(());
    }
    memory.keep_vectors(embedder.model(), &vectors)
}

/// Says in the log that there are weights and no vectors.
pub(crate) async fn tell_of_weights(run: &Arc<Run>) {
    if settings(&run.plan).is_none_or(|settings| settings.fresh) {
        return;
    }
    let engine = Arc::clone(&run.engine);
    let opened = tokio::task::spawn_blocking(move || engine.embedder().err().cloned()).await;
    if let Ok(Some(error)) = opened {
        run.tell_of_memory("warn", &format!("{error}; {}", error.hint()));
    }
}

impl Shared {
    /// What makes vectors, read when it is first needed; none without weights. It waits for the disk.
    pub(crate) fn embedder(&self) -> Result<Option<&dyn Embedder>, &EmbedError> {
        let opened = self
            .embedder
            .get_or_init(|| armature_embed::open(&self.home));
        opened.as_ref().map(Option::as_deref)
    }
}
