//! Keeping values: what `memory.capture` names, from the results that stand when the run is over.
//!
//! That is after a failure, too: what a stage left is as good as it was. A stage that was left out, or failed, or did
//! not answer in the form that it was asked for, left nothing. Of a fan-out each item's value is kept.

use std::sync::Arc;

use armature_spec::RoleType;
use armature_store::memory::capture::Captured;
use serde_json::Value;

use super::settings;
use crate::{plan::stage::Kind, role::score, run::Run};

/// Marks of a result that is none.
const NO_RESULT: [&str; 4] = ["_skipped", "_failed", "_parse_error", "_fan_out_error"];

/// The quality of what nobody judged.
const UNJUDGED: f64 = 0.5;

/// Keeps what the run left.
pub(crate) async fn keep(run: &Arc<Run>) {
    let Some(settings) = settings(&run.plan).filter(|settings| !settings.capture.is_empty()) else {
        return;
    };
    let mut found: Vec<(String, String, u32, Vec<Captured>)> = Vec::new();
    for capture in &settings.capture {
        let Some(number) = run.plan.0.index.get(&capture.stage).copied() else {
            continue;
        };
        let Some(result) = run.board.get(number) else {
            continue;
        };
        let results = match &**result {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        let good = results.into_iter().filter(|result| is_result(result));
        let values: Vec<Captured> = good
            .filter_map(|result| {
                let value = result.get(&capture.key).filter(|value| !value.is_null())?;
                Some(Captured {
                    value: run.secrets.clean(value.clone()),
                    quality: own_score(run, number, result)
                        .or_else(|| quality(run, number))
                        .unwrap_or(UNJUDGED),
                })
            })
            .collect();
        if !values.is_empty() {
            let (stage, key) = (capture.stage.clone(), capture.key.clone());
            found.push((stage, key, capture.max_entries, values));
        }
    }
    let Some(memory) = run.memory().await.filter(|_| !found.is_empty()) else {
        return;
    };
    let id = run.id.clone();
    let kept = tokio::task::spawn_blocking(move || {
        found.iter().try_for_each(|(stage, key, most, values)| {
            memory.capture(&id, stage, key, values, *most)
        })
    });
    if let Ok(Err(error)) = kept.await {
        run.tell_of_memory("warn", &error.to_string());
    }
}

fn is_result(result: &Value) -> bool {
    let is_marked = |mark: &str| !matches!(result.get(mark), None | Some(Value::Bool(false)));
    !NO_RESULT.into_iter().any(is_marked)
}

fn own_score(run: &Run, number: usize, result: &Value) -> Option<f64> {
    is_judge(run, number).then(|| score(result)).flatten()
}

fn is_judge(run: &Run, number: usize) -> bool {
    let stage = run.plan.0.stages.get(number);
    stage.is_some_and(|stage| match &stage.kind {
        Kind::Role(role) => role.role_type == RoleType::Judge.as_str(),
        _ => false,
    })
}

/// The judges whose word about a stage counts: itself, if it is one, else those that depend on it.
pub(crate) fn judges(run: &Run, number: usize) -> Vec<usize> {
    if is_judge(run, number) {
        return vec![number];
    }
    if number >= run.plan.0.graph.len() {
        return Vec::new();
    }
    let dependents = run.plan.0.graph.dependents(number).iter().copied();
    dependents.filter(|judge| is_judge(run, *judge)).collect()
}

/// What the judges of a stage say about it: the mean of their scores.
fn quality(run: &Run, number: usize) -> Option<f64> {
    let scores: Vec<f64> = judges(run, number)
        .into_iter()
        .filter_map(|judge| score(run.board.get(judge)?))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "there are a few judges")]
    let count = scores.len() as f64;
    (count > 0.0).then(|| scores.iter().sum::<f64>() / count)
}
