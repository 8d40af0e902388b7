//! How a run goes: inputs, stages, outputs, what comes after, the end.
//!
//! However it ends, everything that was started is over when this returns, and the log says how it ended. The stages
//! that run last (`post_run`) run after a success and after a failure, and are told which it was; not after somebody
//! stopped the run, and not while it waits at a gate. What is remembered of the run is kept after them.
//!
//! A run can begin more than once: the first time with what it is given, and again where its log ends
//! ([`resume`](super::resume)). A stage that starts a run as a subagent finds it again by the name of its attempt.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use armature_store::{Event, RunId, Seq};
use futures::{FutureExt as _, future::Either};
use serde_json::{Map, Value};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Run, RunError, RunReport, RunRequest,
    bind::{self, Given},
    ending::{
        STOPPED, diagnostics, last_event, outputs_are_there, report, summarize, summary_event,
    },
    inputs::settle,
    make::{make, make_child, secrets, width},
    past::Past,
    recollect::recollect,
    resume::{child_past, claim},
};
use crate::{
    ask::BoxFuture,
    engine::{CallToolError, Shared},
    failure::Failure,
    home::Claim,
    memory,
    plan::Plan,
    schedule::{Ending, Step, drive},
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
    let mut carried = carry_over(engine, plan).await;
    carried.extend(memory::recall(engine, plan, &inputs, &secrets(engine, plan)).await);
    let given = Given { inputs, carried };
    let claim = claim(engine, &id).await?;
    let run = make(engine, plan, id, &given.seen(), request, Past::default())?;
    run.models_are_there()?;
    drive_to_the_end(&run, Opening::First(given), claim).await
}

/// How a run, or another process's work on it, begins.
pub(super) enum Opening {
    /// For the first time.
    First(Given),
    /// After this event, and so much time at work.
    Again {
        /// The last event of the log.
        after: Seq,
        /// Time at work before.
        active: Duration,
    },
}

/// Lives through a run of nobody's stage. The claim on it is held until nothing of it is at work any more.
pub(super) async fn drive_to_the_end(
    run: &Arc<Run>,
    opening: Opening,
    claim: Option<Claim>,
) -> Result<RunReport, RunError> {
    let result = live(run, opening, None).await;
    run.tasks.close();
    run.tasks.wait().await;
    run.list_files().await;
    if result.is_ok() {
        // Any other may go on, and finds what its plugins kept.
        run.engine.forget(run).await;
    }
    drop(claim);
    result
}

/// What the last run leaves to this one.
async fn carry_over(engine: &Arc<Shared>, plan: &Plan) -> Map<String, Value> {
    let mut seen = Map::new();
    let Some(continuation) = &plan.document().spec.continuation else {
        return seen;
    };
    let (engine, workflow) = (Arc::clone(engine), plan.name().to_owned());
    let last = tokio::task::spawn_blocking(move || engine.last_result(&workflow)).await;
    // A log that cannot be read stops the run at its first event; here it is a run without a predecessor.
    if let Ok(Ok(Some(last))) = last {
        let carried = super::carry::pick(continuation, &last.results);
        seen.insert(continuation.inject_as.clone(), Value::Object(carried));
    }
    seen
}

/// A run without stages, around a call outside a workflow: it stands in the log like every other.
pub(crate) async fn outside(
    engine: &Arc<Shared>,
    plan: &Plan,
    request: RunRequest,
    call: impl AsyncFnOnce(Arc<Run>) -> Result<Value, Failure>,
) -> Result<Value, CallToolError> {
    let began = Instant::now();
    let (id, nothing) = (RunId::fresh(), Map::new());
    let run = make(engine, plan, id, &nothing, request, Past::default());
    let run = run.map_err(CallToolError::Run)?;
    let start = bind::started(&run, &Given::default(), None);
    run.journal.note(Event::RunStarted(start));
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
    let call_id = scope.next_call();
    let before = match parent.past.take_child(&call_id) {
        Some(id) => {
            let past = child_past(&parent.engine, plan, &id, &inputs).await;
            past.map(|past| (id, past))
        }
        None => None,
    };
    let (run, opening) = match before {
        Some((id, before)) => {
            let given = Given {
                inputs,
                carried: before.carried,
            };
            let run = make_child(scope, plan, id, &given.seen(), before.past)?;
            run.budget.go_on_from(&before.used, before.model_stages);
            if before.is_complete {
                // It came to its end, and its stage did not: the stage takes what it left.
                return Ok(recall(&run));
            }
            let (after, active) = (before.after, before.active);
            (run, Opening::Again { after, active })
        }
        None => {
            let carried = memory::recall(&parent.engine, plan, &inputs, &parent.secrets).await;
            let given = Given { inputs, carried };
            let run = make_child(scope, plan, RunId::fresh(), &given.seen(), Past::default())?;
            parent.journal.note(Event::ChildStarted {
                stage: scope.id().to_owned(),
                call_id,
                run_id: run.id.clone(),
            });
            (run, Opening::First(given))
        }
    };
    let result = live(&run, opening, Some(parent)).await;
    parent.tally.add(&run.tally);
    if result.is_ok() {
        run.engine.forget(&run).await;
    }
    result
}

/// What a run left that had come to its end.
fn recall(run: &Arc<Run>) -> RunReport {
    for number in 0..run.plan.0.stages.len() {
        if let Some(value) = run.past.stage(number) {
            run.tally.resumed();
            run.board.put(number, Arc::clone(value));
        }
    }
    report(run, summarize(run, Duration::ZERO))
}

/// From the first event to the last.
async fn live(
    run: &Arc<Run>,
    opening: Opening,
    parent: Option<&Arc<Run>>,
) -> Result<RunReport, RunError> {
    let began = Instant::now();
    let log = |source| RunError::Log {
        run_id: run.id.clone(),
        source,
    };
    let active = match opening {
        Opening::First(given) => {
            let start = bind::started(run, &given, parent);
            run.journal.note(Event::RunStarted(start));
            memory::tell_of_weights(run).await;
            Duration::ZERO
        }
        Opening::Again { after, active } => {
            run.journal.take_over(after).await.map_err(log)?;
            recollect(run).await;
            active
        }
    };
    let mut result = workflow(run, active).await;
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
    if goes_on {
        memory::keep(run).await;
        if result.is_ok() {
            memory::learn(run).await;
        }
    }
    let summary = summarize(run, began.elapsed());
    run.journal.note(summary_event(run, &summary));
    let ended = run
        .journal
        .write(last_event(run, &result, began.elapsed()))
        .await;
    result?;
    ended.map_err(log)?;
    Ok(report(run, summary))
}

/// The stages of the workflow, within the time of the contract.
async fn workflow(run: &Arc<Run>, active: Duration) -> Result<(), RunError> {
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
    // Time in which nobody was at work on it is not counted.
    let left = run.plan.0.timeout.map(|limit| limit.saturating_sub(active));
    let ending = match left {
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
        Ending::Held => Err(parked(run_id, run.tally.waiting())),
        Ending::Failed(broken) => Err(failed(run, broken)),
    }
}

fn parked(run_id: RunId, waiting: Vec<String>) -> RunError {
    RunError::Parked {
        run_id,
        stage: waiting.first().cloned().unwrap_or_default(),
        waiting,
    }
}

fn failed(run: &Run, broken: Broken) -> RunError {
    let run_id = run.id.clone();
    match broken.failure {
        Failure::Log(source) => RunError::Log { run_id, source },
        Failure::Cancelled => RunError::Cancelled { run_id },
        Failure::Parked { waiting } => parked(run_id, waiting),
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
        let step = stage::start(Arc::clone(run), number).await;
        if step.map_err(|broken| failed(run, broken))? == Step::Held {
            return Err(parked(run.id.clone(), run.tally.waiting()));
        }
    }
    Ok(())
}
