//! What is the same for every kind of stage: when it is left out, how often it is tried, how long it may take, what
//! becomes of a failure, how large its result may be.
//!
//! In this order: `skip_if`, `condition`, then the attempts under `timeout_s`, or one such series for each item of a
//! fan-out. The end of a timeout ends the work: the attempt's future is dropped, and with it whatever it waited for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use armature_store::Event;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Scope, fan_out, work};
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::{Retry, Stage},
    run::Run,
    truncate::truncate,
};

/// Runs a stage until it has a result, or stops with the run.
pub(crate) async fn execute(
    run: &Arc<Run>,
    number: usize,
    stage: &Stage,
) -> Result<Arc<Value>, Failure> {
    let stop = run.stop_of(number);
    let context = run.context_of(number);
    let began = Instant::now();
    let deciding = decide(run, number, stage, &context);
    let result = if stage.kind.ends_itself() {
        deciding.await
    } else {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::Cancelled),
            result = deciding => result,
        }
    };
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
            as_value(run, &failure)
        }
    };
    let value = truncate(value, stage.max_chars);
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
    number: usize,
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
    match &stage.fan_out {
        Some(fan_out) => fan_out::run(run, number, stage, fan_out, context)
            .await
            .map(Some),
        None => {
            run.tree.start(1)?;
            let _turn = run.tree.turn(&stage.kind, run.depth).await;
            attempts(run, number, stage, None, context).await.map(Some)
        }
    }
}

/// All attempts at a stage, or at one item of it, within its time.
pub(crate) async fn attempts(
    run: &Arc<Run>,
    number: usize,
    stage: &Stage,
    item: Option<usize>,
    context: &Context,
) -> Result<Value, Failure> {
    let stop = run.stop_of(number).child_token();
    let tries = try_until(run, number, stage, item, context, &stop);
    let Some(limit) = stage.timeout else {
        return tries.await;
    };
    let mut tries = std::pin::pin!(tries);
    if let Ok(result) = tokio::time::timeout(limit, &mut tries).await {
        return result;
    }
    stop.cancel();
    if stage.kind.ends_itself() {
        let _ = tries.await;
    }
    let failure = Failure::Timeout {
        stage: stage.id.clone(),
        seconds: limit.as_secs_f64(),
    };
    Scope::new(run, number, item, 1, stop.clone()).trace_failure(&failure, limit);
    Err(failure)
}

async fn try_until(
    run: &Arc<Run>,
    number: usize,
    stage: &Stage,
    item: Option<usize>,
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
            item,
        });
        let began = Instant::now();
        let scope = Arc::new(Scope::new(run, number, item, attempt, stop.clone()));
        let result = work(&scope, stage, &context).await;
        if let Err(failure) = &result
            && !failure.ends_run()
        {
            scope.trace_failure(failure, began.elapsed());
        }
        let Some(retry) = &stage.retry else {
            return result;
        };
        let last = attempt > retry.max;
        let reason = match &result {
            Ok(value) => match met(retry, &context, value) {
                Ok(true) => return result,
                Ok(false) => "until condition not satisfied".to_owned(),
                Err(failure) if last => return Err(failure),
                Err(failure) => failure.to_string(),
            },
            Err(failure)
                if failure.ends_run() || failure.is_refusal() || !failure.is_retryable() =>
            {
                return result;
            }
            Err(failure) => run.secrets.text(&failure.to_string()),
        };
        if last {
            return result;
        }
        run.journal.note(Event::RetryAttempt {
            stage: stage.id.clone(),
            attempt,
            max: retry.max,
            reason: reason.clone(),
        });
        context = context.with("_retry_attempt", json!(attempt));
        context = match result {
            Ok(value) => context.with("_last_result", value),
            Err(_) => context.with("_last_error", json!(reason)),
        };
        let pause = retry.pause(attempt - 1);
        if !pause.is_zero() {
            tokio::select! {
                () = stop.cancelled() => return Err(Failure::Cancelled),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Is the result what the author waits for?
fn met(retry: &Retry, context: &Context, value: &Value) -> Result<bool, Failure> {
    let Some(until) = &retry.until else {
        return Ok(true);
    };
    let mut context = context.clone();
    match value {
        Value::Object(map) => {
            for (key, item) in map.iter().filter(|(key, _)| until.names().contains(key)) {
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
