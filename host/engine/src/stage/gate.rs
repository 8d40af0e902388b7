//! A stage that asks a person.
//!
//! Where nobody can be asked the gate stays open and the run parks: what does not depend on it is done first. An answer
//! that was given meanwhile is in the log. The person's words are kept as they were written.

use std::{sync::Arc, time::Instant};

use armature_store::{Event, TraceRow};
use serde_json::{Value, json};

use super::Scope;
use crate::{
    ask::{Gate, GateAnswer},
    context::Context,
    failure::Failure,
    plan::stage::GateStage,
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
    let began = Instant::now();
    let (approved, text) = match run.past.take_gate(scope.id()) {
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
            message: message.clone(),
            show: Value::Null,
        })
        .await?;
    let asked = Gate {
        run: run.id.clone(),
        stage: stage.clone(),
        message,
    };
    let (approved, text) = match run.approver.gate(asked).await {
        GateAnswer::Approved => (true, String::new()),
        GateAnswer::Rejected(text) => (false, text),
        GateAnswer::Unavailable => return Err(Failure::parked(&stage)),
    };
    let answered = Event::GateAnswered {
        stage,
        approved,
        text: text.clone(),
        by: run.approver.name().to_owned(),
    };
    run.journal.record(answered).await?;
    Ok((approved, text))
}
