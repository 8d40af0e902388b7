//! What the stages that run last are told of stages that ran before the run was interrupted.
//!
//! `_diagnostics` and `_transcript` are gathered while stages run; those that are kept do not run again. What they left
//! in the trace says the same, but for the system prompts, which are not kept there. A run without a trace tells
//! nothing of them.

use std::sync::PoisonError;

use armature_store::{TraceQuery, TraceRow};
use serde_json::{Value, json};

use super::Run;
use crate::{diagnose, plan::stage::Kind};

/// Rows of calls within a stage: not the stage's own.
const WITHIN: &str = "tool";

/// Reads it from the trace, where any stage is told of it.
pub(super) async fn recollect(run: &Run) {
    if run.plan.0.stages.len() == run.plan.0.graph.len() || !run.journal.traces() {
        return;
    }
    let Some(store) = run.engine.store.clone() else {
        return;
    };
    let query = TraceQuery::run(&run.id);
    let rows = store.read_async(move |store| store.traces(&query)).await;
    // What is told is for people to read; a trace that cannot be read has nothing to tell.
    for row in rows.unwrap_or_default() {
        let number = run.plan.0.index.get(&row.stage_id).copied();
        let Some(number) = number.filter(|number| run.past.stage(*number).is_some()) else {
            continue;
        };
        if row.kind == WITHIN {
            continue;
        }
        run.diagnoses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(diagnose::of(&row));
        if let Some(said) = said(run, number, &row) {
            run.transcript
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(said);
        }
    }
}

/// What a model said, as it is written down while it speaks.
fn said(run: &Run, number: usize, row: &TraceRow) -> Option<Value> {
    let Kind::Role(role) = &run.plan.0.stages.get(number)?.kind else {
        return None;
    };
    if !row.success {
        return None;
    }
    let response = match row.outputs.get("content") {
        Some(Value::String(text)) if row.outputs.len() == 1 => text.clone(),
        _ => Value::from(row.outputs.clone()).to_string(),
    };
    Some(json!({
        "stage_id": row.stage_id,
        "role_name": role.name,
        "role_type": role.role_type,
        "model": row.model,
        "system_prompt": Value::Null,
        "response": response,
    }))
}
