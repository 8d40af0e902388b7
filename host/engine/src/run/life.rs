//! How a run goes: inputs, stages, outputs, what comes after, the end.
//!
//! However it ends, everything that was started is over when this returns, and the log says how it ended. The stages
//! that run last (`post_run`) run after a success and after a failure, and are told which it was; not after somebody
//! stopped the run, and not while it waits at a gate.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError},
    time::Instant,
};

use armature_sandbox::Digest;
use armature_store::{Event, RunId, event::RunStarted};
use futures::{FutureExt as _, future::Either};
use serde_json::{Map, Value};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Run, RunError, RunReport, RunRequest,
    ending::{
        STOPPED, diagnostics, last_event, outputs_are_there, report, summarize, summary_event,
    },
    inputs::settle,
    make::{make, make_child, width},
};
use crate::{
    ask::BoxFuture,
    engine::{CallToolError, Shared},
    failure::Failure,
    plan::Plan,
    schedule::{Ending, drive},
    stage::{self, Broken, Scope},
};

/// Runs a plan.
pub(crate) async fn begin(
    engine: &Arc<Shared>,
    plan: &Plan,
    request: RunRequest,
) -> Result<RunReport, RunError> {
    let id = RunId::fresh();
    let inputs = settle(
        &plan.document().spec.contracts.inputs,
        request.inputs.clone(),
    )
    .map_err(RunError::Input)?;
    let mut seen = inputs.clone();
    carry_over(engine, plan, &mut seen).await;
    let run = make(engine, plan, id, &seen, request)?;
    let result = live(&run, inputs, None).await;
    run.tasks.close();
    run.tasks.wait().await;
    engine.forget(&run).await;
    result
}

/// Adds what the last run leaves to this one.
async fn carry_over(engine: &Arc<Shared>, plan: &Plan, seen: &mut Map<String, Value>) {
    let Some(continuation) = &plan.document().spec.continuation else {
        return;
    };
    let (engine, workflow) = (Arc::clone(engine), plan.name().to_owned());
    let last = tokio::task::spawn_blocking(move || engine.last_result(&workflow)).await;
    // A log that cannot be read stops the run at its first event; here it is a run without a predecessor.
    if let Ok(Ok(Some(last))) = last {
        let carried = super::carry::pick(continuation, &last.results);
        seen.insert(continuation.inject_as.clone(), Value::Object(carried));
    }
}

/// A run without stages, around a call outside a workflow: it stands in the log like every other.
pub(crate) async fn outside(
    engine: &Arc<Shared>,
    plan: &Plan,
    request: RunRequest,
    call: impl AsyncFnOnce(Arc<Run>) -> Result<Value, Failure>,
) -> Result<Value, CallToolError> {
    let began = Instant::now();
    let run =
        make(engine, plan, RunId::fresh(), &Map::new(), request).map_err(CallToolError::Run)?;
    run.journal.note(started(&run, Map::new(), None));
    let result = tokio::select! {
        biased;
        () = run.halt_all.cancelled() => Err(Failure::Cancelled),
        result = call(Arc::clone(&run)) => result,
    };
    run.tasks.close();
    run.tasks.wait().await;
    let last = match &result {
        Ok(_) => Event::RunCompleted {
            run_id: run.id.clone(),
            elapsed_s: began.elapsed().as_secs_f64(),
        },
        Err(Failure::Cancelled) => Event::RunCancelled {
            reason: STOPPED.to_owned(),
        },
        Err(failure) => Event::RunFailed {
            failure: failure.class().to_owned(),
            reason: run.secrets.text(&failure.to_string()),
            stage: None,
        },
    };
    let ended = run.journal.write(last).await;
    engine.forget(&run).await;
    let value = result.map_err(CallToolError::Call)?;
    ended.map_err(|source| {
        CallToolError::Run(RunError::Log {
            run_id: run.id.clone(),
            source,
        })
    })?;
    Ok(value)
}

/// Runs a plan as a subagent of a stage. Boxed, because a run contains stages and a stage may contain a run.
pub(crate) fn child<'a>(
    scope: &'a Arc<Scope>,
    plan: &'a Plan,
    inputs: Map<String, Value>,
) -> BoxFuture<'a, Result<RunReport, RunError>> {
    Box::pin(child_run(scope, plan, inputs))
}

async fn child_run(
    scope: &Arc<Scope>,
    plan: &Plan,
    inputs: Map<String, Value>,
) -> Result<RunReport, RunError> {
    let parent = &scope.run;
    let inputs = settle(&plan.document().spec.contracts.inputs, inputs).map_err(RunError::Input)?;
    let run = make_child(scope, plan, RunId::fresh(), &inputs)?;
    let result = live(&run, inputs, Some(parent)).await;
    parent.tally.add(&run.tally);
    run.engine.forget(&run).await;
    result
}

/// From the first event to the last.
async fn live(
    run: &Arc<Run>,
    inputs: Map<String, Value>,
    parent: Option<&Arc<Run>>,
) -> Result<RunReport, RunError> {
    let began = Instant::now();
    run.journal.note(started(run, inputs, parent));
    let mut result = workflow(run).await;
    if result.as_ref().is_ok() {
        result = outputs_are_there(run);
    }
    let goes_on = !matches!(
        &result,
        Err(RunError::Cancelled { .. } | RunError::Parked { .. } | RunError::Log { .. })
    );
    if goes_on && let Err(after) = post_run(run, &result).await {
        // The first failure is the reason; what came after it is told in the log.
        result = result.and(Err(after));
    }
    let summary = summarize(run, began.elapsed());
    run.journal.note(summary_event(run, &summary));
    let ended = run
        .journal
        .write(last_event(run, &result, began.elapsed()))
        .await;
    result?;
    ended.map_err(|source| RunError::Log {
        run_id: run.id.clone(),
        source,
    })?;
    Ok(report(run, summary))
}

fn started(run: &Run, inputs: Map<String, Value>, parent: Option<&Arc<Run>>) -> Event {
    let plan = &run.plan;
    let text = serde_json::to_string(&inputs).unwrap_or_default();
    Event::RunStarted(RunStarted {
        workflow: plan.name().to_owned(),
        spec_digest: plan.digest().to_string(),
        inputs_digest: Digest::of(&[text.as_bytes()]).to_string(),
        plugins: plan
            .plugins()
            .map(|plugin| (plugin.name().to_string(), plugin.digest().to_string()))
            .collect(),
        policy_version: plan.0.policy_version.clone(),
        spec_path: Some(plan.document().source.name.clone()),
        inputs,
        parent: parent.map(|parent| parent.id.clone()),
        ..RunStarted::default()
    })
}

/// The stages of the workflow, within the time of the contract.
async fn workflow(run: &Arc<Run>) -> Result<(), RunError> {
    let broken = |stage: usize, why: &str| {
        let failure = Failure::Internal(format!("the stage's task failed: {why}"));
        Err(Broken { stage, failure })
    };
    let driving = drive(&run.plan.0.graph, width(), &run.stop, |number, alone| {
        let stage = stage::start(Arc::clone(run), number);
        // Nobody runs beside it: handing it to another thread and back would cost more than many a stage does.
        let task = if alone {
            Either::Left(AssertUnwindSafe(Box::pin(stage)).catch_unwind())
        } else {
            Either::Right(AbortOnDropHandle::new(run.tasks.spawn(stage)))
        };
        async move {
            let result = match task {
                Either::Left(here) => here.await.unwrap_or_else(|_| broken(number, "it panicked")),
                Either::Right(task) => task
                    .await
                    .unwrap_or_else(|error| broken(number, &error.to_string())),
            };
            (number, result)
        }
    });
    let mut driving = std::pin::pin!(driving);
    let mut timed_out = false;
    let ending = match run.plan.0.timeout {
        None => driving.await,
        Some(limit) => match tokio::time::timeout(limit, &mut driving).await {
            Ok(ending) => ending,
            Err(_) => {
                timed_out = true;
                run.stop.cancel();
                driving.await
            }
        },
    };
    let run_id = run.id.clone();
    match ending {
        Ending::Complete => Ok(()),
        _ if timed_out => Err(RunError::Timeout {
            run_id,
            workflow: run.plan.name().to_owned(),
            hours: run.plan.document().spec.contracts.timeout_hours,
        }),
        Ending::Cancelled => Err(RunError::Cancelled { run_id }),
        Ending::Held => {
            let waiting = run.tally.waiting();
            Err(RunError::Parked {
                run_id,
                stage: waiting.first().cloned().unwrap_or_default(),
                waiting,
            })
        }
        Ending::Failed(broken) => Err(failed(run, broken)),
    }
}

fn failed(run: &Run, broken: Broken) -> RunError {
    let run_id = run.id.clone();
    match broken.failure {
        Failure::Log(source) => RunError::Log { run_id, source },
        Failure::Cancelled => RunError::Cancelled { run_id },
        failure => RunError::Stage {
            run_id,
            stage: run
                .plan
                .0
                .ids
                .get(broken.stage)
                .cloned()
                .unwrap_or_default(),
            failure: Box::new(failure),
        },
    }
}

/// The stages that run last, one after the other.
async fn post_run(run: &Arc<Run>, result: &Result<(), RunError>) -> Result<(), RunError> {
    let (first, all) = (run.plan.0.graph.len(), run.plan.0.stages.len());
    if first == all {
        return Ok(());
    }
    let transcript = run
        .transcript
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    run.board.add_late(vec![
        ("_transcript".to_owned(), Arc::new(Value::from(transcript))),
        (
            "_diagnostics".to_owned(),
            Arc::new(diagnostics(run, result)),
        ),
    ]);
    for number in first..all {
        stage::start(Arc::clone(run), number)
            .await
            .map_err(|broken| failed(run, broken))?;
    }
    Ok(())
}
