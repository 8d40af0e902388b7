//! What is the same for every kind of stage: when it is left out, how often it is tried, how long it may take, what
//! becomes of a failure, how large its result may be.
//!
//! In this order: `skip_if`, `condition`, then the attempts under `timeout_s`, or one such series for each item of a
//! fan-out. A stage with a `loop` does that once for each pass ([`passes`](super::passes)), all under one `timeout_s`;
//! one whose failures go back to an earlier stage does it once for each way back ([`again`](super::again)). The end of a
//! timeout ends the work: the attempt's future is dropped, and with it whatever it waited for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use armature_store::Event;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Place, Scope, again, fan_out, passes, work};
use crate::{
    context::{Context, Origin},
    failure::Failure,
    plan::{
        stage::{Retry, Stage},
        text::Text,
    },
    run::Run,
    truncate::truncate,
};

/// Runs a stage until it has a result, or stops with the run.
pub(crate) async fn execute(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
) -> Result<Arc<Value>, Failure> {
    let context = run.sight_of(place.number, stage);
    execute_in(run, place, stage, context).await
}

/// [`execute`], for a stage that is repeated and told why.
pub(super) async fn execute_in(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: Context,
) -> Result<Arc<Value>, Failure> {
    let stop = run.stop_of(place.number);
    let began = Instant::now();
    // Boxed, and the fan-out within it too: a stage of a run within runs has the room of all of them on one stack.
    let deciding = Box::pin(decide(run, place, stage, &context));
    let result = if stage.kind.ends_itself() {
        deciding.await
    } else {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::Cancelled),
            result = deciding => result,
        }
    };
    let result = result.and_then(|value| {
        let value = value.map(|value| truncate(value, stage.max_chars));
        if let Some(value) = &value {
            run.results.hold(&stage.id, value)?;
        }
        Ok(value)
    });
    let value = match result {
        Ok(Some(value)) => value,
        Ok(None) => return Ok(Arc::new(json!({"_skipped": true}))),
        Err(failure) if failure.ends_run() => return Err(failure),
        Err(failure) => {
            run.tally.failed();
            run.journal.note(failed(run, stage, &failure, None));
            if !stage.fail_as_value {
                return Err(failure);
            }
            truncate(as_value(run, &failure), stage.max_chars)
        }
    };
    run.journal.note(Event::StageCompleted {
        stage: stage.id.clone(),
        elapsed_s: tenths(began.elapsed()),
        item: None,
        result: if run.journal.is_heard() {
            value.clone()
        } else {
            Value::Null
        },
    });
    Ok(Arc::new(value))
}

/// `None`: the stage is left out.
async fn decide(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: &Context,
) -> Result<Option<Value>, Failure> {
    let mut reason = None;
    if let Some(skip_if) = &stage.skip_if
        && skip_if.is_true(context)?
    {
        reason = Some("skip_if");
    } else if let Some(condition) = &stage.condition
        && !condition.is_true(context)?
    {
        reason = Some("condition");
    }
    if let Some(reason) = reason {
        run.tally.skipped();
        run.journal.note(Event::StageSkipped {
            stage: stage.id.clone(),
            reason: reason.to_owned(),
        });
        return Ok(None);
    }
    match stage.way_back() {
        Some(way) => again::with_way_back(run, place, stage, way, context).await,
        None => whole(run, place, stage, context).await,
    }
    .map(Some)
}

/// The work of a stage: its one pass, or all passes of its loop.
pub(super) async fn whole(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: &Context,
) -> Result<Value, Failure> {
    match (&stage.iteration, &stage.fan_out) {
        (None, Some(fan_out)) => Box::pin(fan_out::run(run, place, stage, fan_out, context)).await,
        (None, None) => {
            run.tree.start(1)?;
            let _turn = run.tree.turn(&stage.kind, run.depth).await;
            attempts(run, place, stage, context).await
        }
        // Each item has its time, in each pass.
        (Some(iteration), Some(_)) => {
            let stop = run.stop_of(place.number);
            passes::all(run, place, stage, iteration, context, stop).await
        }
        (Some(iteration), None) => {
            let _turn = run.tree.turn(&stage.kind, run.depth).await;
            let stop = run.stop_of(place.number).child_token();
            let all = passes::all(run, place, stage, iteration, context, &stop);
            in_time(run, place, stage, &stop, all).await
        }
    }
}

/// One pass of a loop.
pub(super) async fn pass(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: &Context,
    stop: &CancellationToken,
) -> Result<Value, Failure> {
    match &stage.fan_out {
        Some(fan_out) => Box::pin(fan_out::run(run, place, stage, fan_out, context)).await,
        None => {
            run.tree.start(1)?;
            try_until(run, place, stage, context, stop).await
        }
    }
}

/// All attempts at a stage, or at one item of it, within its time.
pub(crate) async fn attempts(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: &Context,
) -> Result<Value, Failure> {
    let stop = run.stop_of(place.number).child_token();
    let tries = try_until(run, place, stage, context, &stop);
    in_time(run, place, stage, &stop, tries).await
}

/// Work within `timeout_s`. Work that ends by itself is told to stop and awaited; any other is dropped.
pub(super) async fn in_time(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    stop: &CancellationToken,
    work: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let Some(limit) = stage.timeout else {
        return work.await;
    };
    let mut work = std::pin::pin!(work);
    if let Ok(result) = tokio::time::timeout(limit, &mut work).await {
        return result;
    }
    stop.cancel();
    if stage.kind.ends_itself() {
        let _ = work.await;
    }
    let failure = Failure::Timeout {
        stage: stage.id.clone(),
        seconds: limit.as_secs_f64(),
    };
    Scope::new(run, place, 1, stop.clone()).trace_failure(&failure, limit);
    Err(failure)
}

async fn try_until(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    context: &Context,
    stop: &CancellationToken,
) -> Result<Value, Failure> {
    let mut context = context.clone();
    let mut attempt = 0;
    loop {
        attempt += 1;
        run.journal.note(Event::StageStarted {
            stage: stage.id.clone(),
            kind: stage.kind.word().to_owned(),
            role: stage.kind.role(),
            item: place.item,
        });
        let began = Instant::now();
        let scope = Arc::new(Scope::new(run, place, attempt, stop.clone()));
        let result = work(&scope, stage, &context).await;
        if let Err(failure) = &result
            && !failure.ends_run()
        {
            scope.trace_failure(failure, began.elapsed());
        }
        // One that goes back to an earlier stage is repeated from there.
        let Some(retry) = stage.retry.as_ref().filter(|retry| retry.from.is_none()) else {
            return result;
        };
        let reason = match judge(run, stage, retry, &context, &result) {
            Outcome::Done => return result,
            Outcome::Again(reason) => reason,
        };
        if attempt > retry.max {
            return result;
        }
        run.journal.note(Event::RetryAttempt {
            stage: stage.id.clone(),
            attempt,
            max: retry.max,
            reason: reason.clone(),
        });
        context = told(retry, context, attempt, result, &reason);
        rest(retry.pause(attempt - 1), stop).await?;
    }
}

/// What is to be done after an attempt.
pub(super) enum Outcome {
    /// Nothing: the result counts, or trying again cannot help.
    Done,
    /// Another attempt, for this reason.
    Again(String),
}

/// Does the result count?
pub(super) fn judge(
    run: &Run,
    stage: &Stage,
    retry: &Retry,
    context: &Context,
    result: &Result<Value, Failure>,
) -> Outcome {
    match result {
        Ok(value) => match met(stage, retry.until.as_ref(), context, value) {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Again("until condition not satisfied".to_owned()),
            Err(failure) => Outcome::Again(run.secrets.text(&failure.to_string())),
        },
        Err(failure) if failure.ends_run() || failure.is_refusal() || !failure.is_retryable() => {
            Outcome::Done
        }
        Err(failure) => Outcome::Again(run.secrets.text(&failure.to_string())),
    }
}

/// The context of the next attempt: the same, with what went wrong.
pub(super) fn told(
    retry: &Retry,
    context: Context,
    attempt: u32,
    result: Result<Value, Failure>,
    reason: &str,
) -> Context {
    let is_free = |name: &str| {
        let own = matches!(context.origin(name), Origin::Own);
        own || context.get(name).is_none()
    };
    let mut about = json!({"attempt": attempt, "error": null, "result": null});
    let key = if result.is_ok() { "result" } else { "error" };
    let what = result.unwrap_or_else(|_| json!(reason));
    if let Some(slot) = about.get_mut(key) {
        slot.clone_from(&what);
    }
    let named = if is_free(&retry.context) {
        context.with_quiet(retry.context.clone(), about)
    } else {
        context
    };
    let name = if key == "result" {
        "_last_result"
    } else {
        "_last_error"
    };
    named
        .with("_retry_attempt", json!(attempt))
        .with(name, what)
}

/// Waits, unless the stage is told to stop.
pub(super) async fn rest(pause: Duration, stop: &CancellationToken) -> Result<(), Failure> {
    if pause.is_zero() {
        return Ok(());
    }
    tokio::select! {
        () = stop.cancelled() => Err(Failure::Cancelled),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

/// Is the result what the author waits for? The condition sees its keys, and the whole of it under the stage's id.
pub(super) fn met(
    stage: &Stage,
    until: Option<&Text>,
    context: &Context,
    value: &Value,
) -> Result<bool, Failure> {
    let Some(until) = until else {
        return Ok(true);
    };
    let names = until.names();
    let mut context = context.clone();
    if names.contains(&stage.id) {
        context = context.with(stage.id.clone(), value.clone());
    }
    match value {
        Value::Object(map) => {
            for (key, item) in map.iter().filter(|(key, _)| names.contains(key)) {
                context = context.with(key.clone(), item.clone());
            }
        }
        other => context = context.with("_result", other.clone()),
    }
    until.is_true(&context)
}

/// The event of a failure.
pub(crate) fn failed(run: &Run, stage: &Stage, failure: &Failure, item: Option<usize>) -> Event {
    Event::StageFailed {
        stage: stage.id.clone(),
        failure: failure.class().to_owned(),
        reason: run.secrets.text(&failure.to_string()),
        item,
    }
}

/// A failure as a result.
pub(crate) fn as_value(run: &Run, failure: &Failure) -> Value {
    json!({
        "_failed": true,
        "_failed_reason": run.secrets.text(&failure.to_string()),
        "_failed_type": failure.class(),
    })
}

/// Seconds with one decimal, as the original writes them.
pub(crate) fn tenths(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 10.0).round() / 10.0
}
