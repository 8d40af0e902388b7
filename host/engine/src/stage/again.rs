//! `on_fail.loop.stage`: after a failure, begin again at an earlier stage.
//!
//! The stage named and everything between it and the one that failed run again, each when what it needs of the others is
//! done, and are told what went wrong. Their new results take the place of the old ones. What else depends on them and
//! has run already keeps what it saw: a result that was used is not taken back.

use std::sync::Arc;

use armature_store::Event;
use serde_json::Value;

use super::{
    Place,
    recovery::{Outcome, execute_in, judge, rest, told, whole},
    rejections,
};
use crate::{
    ask::BoxFuture,
    context::Context,
    failure::Failure,
    plan::stage::{Retry, Stage},
    run::Run,
    schedule::{Ending, Graph, Step, drive},
};

/// A stage, and the way back that its failures take. Boxed, as the passes of a loop are: what most stages do not have
/// costs them no room.
pub(super) fn with_way_back<'a>(
    run: &'a Arc<Run>,
    place: Place,
    stage: &'a Stage,
    (retry, from): (&'a Retry, &'a str),
    context: &'a Context,
) -> BoxFuture<'a, Result<Value, Failure>> {
    Box::pin(attempts(run, place, stage, (retry, from), context))
}

async fn attempts(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    (retry, from): (&Retry, &str),
    context: &Context,
) -> Result<Value, Failure> {
    let stop = run.stop_of(place.number);
    let way = way_back(run, from, place.number);
    let mut seen = context.clone();
    let mut attempt = 0u32;
    loop {
        let round = place.round.saturating_add(attempt);
        attempt += 1;
        let result = whole(run, Place { round, ..place }, stage, &seen).await;
        let mut reason = match judge(run, stage, retry, &seen, &result) {
            Outcome::Done => return result,
            Outcome::Again(reason) => reason,
        };
        let mut result = result;
        // What lies between may fail in its turn: that is an attempt too.
        loop {
            if attempt > retry.max {
                return result;
            }
            run.journal.note(Event::RetryAttempt {
                stage: stage.id.clone(),
                attempt,
                max: retry.max,
                reason: reason.clone(),
            });
            rest(retry.pause(attempt - 1), stop).await?;
            seen = told(retry, context.clone(), attempt, result, &reason);
            let told_to = seen.clone();
            let again = repeat(
                run,
                &way,
                place.round.saturating_add(attempt),
                retry,
                &told_to,
            );
            match again.await {
                Ok(()) => break,
                Err(failure) if failure.ends_run() || failure.is_refusal() => return Err(failure),
                Err(failure) => {
                    reason = run.secrets.text(&failure.to_string());
                    result = Err(failure);
                    attempt += 1;
                }
            }
        }
    }
}

/// The stages from `from` on that lead to a stage, dependencies first.
fn way_back(run: &Run, from: &str, to: usize) -> Vec<usize> {
    let plan = &run.plan.0;
    let Some(from) = plan.index.get(from).copied() else {
        return Vec::new();
    };
    let between = |stage: &usize| {
        plan.ancestors.has(to, *stage) && (*stage == from || plan.ancestors.has(*stage, from))
    };
    plan.graph.order().iter().copied().filter(between).collect()
}

/// Runs the stages of a way again.
async fn repeat(
    run: &Arc<Run>,
    way: &[usize],
    round: u32,
    retry: &Retry,
    told: &Context,
) -> Result<(), Failure> {
    let plan = &run.plan.0;
    let needs = way.iter().map(|stage| {
        let needs = plan.graph.needs(*stage).iter();
        needs
            .filter_map(|need| way.iter().position(|other| other == need))
            .collect()
    });
    let Ok(graph) = Graph::new(needs.collect()) else {
        return Err(Failure::Internal("a way back is a circle".to_owned()));
    };
    let stop = run.stop.child_token();
    let ending = drive(&graph, graph.len(), &stop, |place, _| async move {
        let result = match way.get(place) {
            Some(number) => one(run, *number, round, retry, told).await,
            None => Ok(Step::Done),
        };
        (place, result)
    })
    .await;
    match ending {
        Ending::Complete => Ok(()),
        Ending::Failed(failure) => Err(failure),
        Ending::Held | Ending::Cancelled => Err(Failure::Cancelled),
    }
}

/// Boxed, because a stage that is repeated may go back itself.
fn one<'a>(
    run: &'a Arc<Run>,
    number: usize,
    round: u32,
    retry: &'a Retry,
    told: &'a Context,
) -> BoxFuture<'a, Result<Step, Failure>> {
    Box::pin(one_of(run, number, round, retry, told))
}

async fn one_of(
    run: &Arc<Run>,
    number: usize,
    round: u32,
    retry: &Retry,
    told: &Context,
) -> Result<Step, Failure> {
    let Some(stage) = run.plan.0.stages.get(number) else {
        return Ok(Step::Done);
    };
    let mut context = run.sight_of(number, stage);
    for name in ["_retry_attempt", "_last_error", "_last_result"] {
        if let Some(value) = told.get(name) {
            context = context.with(name, Arc::clone(value));
        }
    }
    if let Some(value) = told
        .get(&retry.context)
        .filter(|_| context.get(&retry.context).is_none())
    {
        context = context.with_quiet(retry.context.clone(), Arc::clone(value));
    }
    let value = execute_in(run, Place::of(number, round), stage, context).await?;
    let was_rejected = !rejections(stage, &value).is_empty();
    run.board.replace(number, value);
    if was_rejected {
        // It was open before, or nothing behind it would have run.
        return Err(Failure::Value(format!("gate `{}` was rejected", stage.id)));
    }
    Ok(Step::Done)
}
