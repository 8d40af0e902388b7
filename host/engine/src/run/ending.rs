//! The end of a run: what was promised, what is counted, what is left.

use std::{
    sync::{PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use armature_store::Event;
use serde_json::{Map, Value};

use super::{Run, RunError, RunReport, Summary};
use crate::{diagnose, stage::rejections};

/// Why a run was stopped that somebody stopped.
pub(super) const STOPPED: &str = "told to stop";

/// `contracts.outputs`. What a rejected gate kept from being made is not missed.
pub(super) fn outputs_are_there(run: &Run) -> Result<(), RunError> {
    for output in run
        .plan
        .document()
        .spec
        .contracts
        .outputs
        .iter()
        .filter(|output| output.required)
    {
        let (Some(stage), Some(key)) = (&output.stage, &output.key) else {
            continue;
        };
        let Some(number) = run.plan.0.index.get(stage).copied() else {
            continue;
        };
        if number >= run.plan.0.graph.len() || run.is_halted(number) {
            continue;
        }
        let value = run.board.get(number).and_then(|result| result.get(key));
        if value.is_none_or(Value::is_null) {
            return Err(RunError::Output {
                run_id: run.id.clone(),
                stage: stage.clone(),
                key: key.clone(),
            });
        }
    }
    Ok(())
}

/// What the stages that run last are told about the run: all that went wrong, and why it ended if no stage says so.
pub(super) fn diagnostics(run: &Run, result: &Result<(), RunError>) -> Value {
    let mut found = run
        .diagnoses
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Err(error) = result {
        let stage = match error {
            RunError::Stage { stage, .. } => stage.as_str(),
            _ => "",
        };
        let is_told = |entry: &Value| {
            !stage.is_empty()
                && entry.get("stage_id").and_then(Value::as_str) == Some(stage)
                && entry.get("code").and_then(Value::as_str) != Some("output_invalid")
        };
        if !found.iter().any(is_told) {
            found.push(diagnose::failure(stage, error.class()));
        }
    }
    Value::from(found)
}

pub(super) fn summarize(run: &Run, elapsed: Duration) -> Summary {
    let skipped = run.tally.skipped.load(Relaxed);
    let done = run.board.results().count() as u64;
    let failed = run.tally.failed.load(Relaxed);
    let resumed = run.tally.resumed.load(Relaxed);
    Summary {
        elapsed_s: (elapsed.as_secs_f64() * 100.0).round() / 100.0,
        stages_total: run.plan.0.stages.len() as u64,
        stages_ran: done.saturating_sub(skipped).saturating_sub(resumed),
        stages_skipped: skipped,
        stages_resumed: resumed,
        stages_failed: failed,
        rogue_signals: run.tally.refused.load(Relaxed),
        spent: run.budget.spent(),
    }
}

pub(super) fn summary_event(run: &Run, summary: &Summary) -> Event {
    Event::RunSummary(armature_store::event::RunSummary {
        run_id: run.id.clone(),
        workflow: run.plan.name().to_owned(),
        elapsed_s: summary.elapsed_s,
        stages_total: summary.stages_total,
        stages_ran: summary.stages_ran,
        stages_skipped: summary.stages_skipped,
        stages_resumed: summary.stages_resumed,
        stages_failed: summary.stages_failed,
        rogue_signals: summary.rogue_signals,
    })
}

pub(super) fn last_event(run: &Run, result: &Result<(), RunError>, elapsed: Duration) -> Event {
    match result {
        Ok(()) => Event::RunCompleted {
            run_id: run.id.clone(),
            elapsed_s: elapsed.as_secs_f64(),
        },
        Err(RunError::Cancelled { .. }) => Event::RunCancelled {
            reason: STOPPED.to_owned(),
        },
        Err(error @ RunError::Parked { waiting, .. }) => Event::RunParked {
            waiting: waiting.clone(),
            reason: error.to_string(),
        },
        Err(error) => Event::RunFailed {
            failure: error.class().to_owned(),
            reason: run.secrets.text(&error.to_string()),
            stage: match error {
                RunError::Stage { stage, .. } => Some(stage.clone()),
                _ => None,
            },
        },
    }
}

pub(super) fn report(run: &Run, summary: Summary) -> RunReport {
    let mut outputs: Map<String, Value> = run
        .board
        .base()
        .iter()
        .map(|(key, value)| (key.clone(), Value::clone(value)))
        .collect();
    outputs.extend(
        run.board
            .results()
            .map(|(id, value)| (id.to_owned(), Value::clone(value))),
    );
    let plan = &run.plan.0;
    let workflow = plan.stages.get(..plan.graph.len()).unwrap_or_default();
    let was_skipped = |value: &Value| value.get("_skipped") == Some(&Value::Bool(true));
    let result_of = |number: usize| run.board.get(number).filter(|value| !was_skipped(value));
    let response = workflow
        .iter()
        .position(|stage| stage.response_stage)
        .filter(|n| result_of(*n).is_some());
    let last = plan
        .graph
        .order()
        .iter()
        .rev()
        .copied()
        .find(|number| result_of(*number).is_some());
    let primary = response.or(last).and_then(|number| {
        Some((
            plan.ids.get(number)?.clone(),
            run.secrets.clean(Value::clone(result_of(number)?)),
        ))
    });
    let rejected = workflow.iter().enumerate().flat_map(|(number, stage)| {
        let result = run.board.get(number);
        let mut rejected = result.map_or(Vec::new(), |result| rejections(stage, result));
        rejected.retain(|_| stopped_something(run, number, &stage.id));
        rejected
    });
    RunReport {
        run_id: run.id.clone(),
        workflow: run.plan.name().to_owned(),
        // They are kept, and printed: what is a secret is neither.
        outputs: match run.secrets.clean(Value::Object(outputs)) {
            Value::Object(outputs) => outputs,
            _ => Map::new(),
        },
        primary,
        rejected: rejected.collect(),
        denials: run.tally.denials.load(Relaxed),
        closure: super::closing::closure(run),
        manifest: run.file_state.as_ref().map(|own| own.manifest().to_owned()),
        summary,
    }
}

/// Did the rejection of this gate end a way through the workflow? Not where all that depends on it branches on it.
fn stopped_something(run: &Run, gate: usize, id: &str) -> bool {
    let graph = &run.plan.0.graph;
    let has_dependents = graph
        .order()
        .iter()
        .any(|n| graph.needs(*n).contains(&gate));
    let halted = run.halted.lock().unwrap_or_else(PoisonError::into_inner);
    let has_halted = halted.iter().any(|(n, by)| *n != gate && by == id);
    has_halted || !has_dependents
}
