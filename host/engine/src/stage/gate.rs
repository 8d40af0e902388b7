//! A stage that asks a person.
//!
//! Where nobody can be asked the gate stays open and the run parks: what does not depend on it is done first. An answer
//! that was given meanwhile is in the log. The person's words are kept as they were written. Over the items of a fan-out
//! each item is a gate of its own, and one rejection is enough: what depends on the stage does not run.

use std::{sync::Arc, time::Instant};

use armature_store::{Event, TraceRow};
use serde_json::{Value, json};

use super::Scope;
use crate::{
    ask::{Gate, GateAnswer},
    context::Context,
    failure::Failure,
    plan::stage::{GateStage, Kind, Stage},
    tools::as_map,
};

/// What is shown when the author wrote nothing.
const DEFAULT: &str = "Review required.";

/// Asks, and waits for the answer.
pub(crate) async fn ask(
    scope: &Arc<Scope>,
    gate: &GateStage,
    context: &Context,
) -> Result<Value, Failure> {
    let run = &scope.run;
    let message = match &gate.present {
        Some(text) => text.text(context)?,
        None => DEFAULT.to_owned(),
    };
    // As the log has it.
    let shown = run.secrets.text(&message);
    let began = Instant::now();
    let (approved, text) = match run.past.take_gate(scope.id(), scope.item, &shown) {
        Some(answer) => answer,
        None => answer(scope, message).await?,
    };
    let value = json!({"approved": approved, "feedback": if text.is_empty() { Value::Null } else { Value::from(text) }});
    if run.journal.traces() {
        scope.trace(&TraceRow {
            kind: "gate".to_owned(),
            role_type: "gate".to_owned(),
            success: approved,
            latency_ms: began.elapsed().as_secs_f64() * 1000.0,
            outputs: as_map(&value),
            ..scope.row()
        });
    }
    Ok(value)
}

/// Opens the gate, and writes down what the person says.
async fn answer(scope: &Arc<Scope>, message: String) -> Result<(bool, String), Failure> {
    let run = &scope.run;
    let stage = scope.id().to_owned();
    run.journal
        .record(Event::GateOpened {
            stage: stage.clone(),
            item: scope.item,
            message: message.clone(),
            show: Value::Null,
        })
        .await?;
    let asked = Gate {
        run: run.id.clone(),
        stage: scope.path(),
        message,
    };
    let (approved, text) = match run.approver.gate(asked).await {
        GateAnswer::Approved => (true, String::new()),
        GateAnswer::Rejected(text) => (false, text),
        GateAnswer::Unavailable => return Err(Failure::parked(&stage)),
    };
    let answered = Event::GateAnswered {
        stage,
        item: scope.item,
        approved,
        text: text.clone(),
        by: run.approver.name().to_owned(),
    };
    run.journal.record(answered).await?;
    Ok((approved, text))
}

/// Is this the result of a gate that was rejected?
pub(crate) fn is_rejected(result: &Value) -> bool {
    result.get("approved") == Some(&Value::Bool(false))
}

/// What was rejected in the result of a stage, and the person's words: the gate itself, or items of it.
pub(crate) fn rejections(stage: &Stage, result: &Value) -> Vec<(String, String)> {
    if !matches!(stage.kind, Kind::Gate(_)) {
        return Vec::new();
    }
    let id = &stage.id;
    let words = |result: &Value| {
        let words = result.get("feedback").and_then(Value::as_str);
        words.unwrap_or_default().to_owned()
    };
    match result {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter(|(_, item)| is_rejected(item))
            .map(|(place, item)| (format!("{id}[{place}]"), words(item)))
            .collect(),
        one if is_rejected(one) => vec![(id.clone(), words(one))],
        _ => Vec::new(),
    }
}
