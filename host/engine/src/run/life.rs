//! How a run goes: inputs, stages, outputs, what comes after, the end.
//!
//! However it ends, everything that was started is over when this returns, and the log says how it ended. The stages
//! that run last (`post_run`) run after a success and after a failure, and are told which it was; not after somebody
//! stopped the run, and not while it waits at a gate.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use armature_grants::RunLimit;
use armature_sandbox::{Digest, MemoryKv};
use armature_store::{Event, RunId, event::RunStarted};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{Run, RunError, RunReport, RunRequest, Summary, Tally, inputs::settle};
use crate::{
    ask::BoxFuture,
    budget::Budget,
    context::Board,
    engine::CallToolError,
    engine::Shared,
    failure::Failure,
    journal::Journal,
    plan::Plan,
    rules::Law,
    schedule::{Ending, drive},
    secrets::RunSecrets,
    stage::{self, Broken, Scope},
    tools::KeptKv,
};

/// Why a run was stopped that somebody stopped.
const STOPPED: &str = "told to stop";

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
    engine.forget(&run.id).await;
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
    engine.forget(&run.id).await;
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
    let id = RunId::fresh();
    let inputs = settle(&plan.document().spec.contracts.inputs, inputs).map_err(RunError::Input)?;
    let budget = Arc::new(Budget::new(
        max_model_stages(plan),
        Some(Arc::clone(&parent.budget)),
    ));
    let halt_all = scope.stop.child_token();
    let own = scope.stage().and_then(|stage| stage.narrowing.clone());
    let run = Arc::new(Run {
        engine: Arc::clone(&parent.engine),
        plan: plan.clone(),
        children: Arc::clone(&parent.children),
        journal: parent.journal.for_child(id.clone()),
        secrets: Arc::clone(&parent.secrets),
        board: board(plan, &id, &inputs),
        law: parent
            .law
            .with(Arc::clone(&plan.0.rules), Arc::clone(&budget)),
        budget,
        narrowing: parent.narrowing.iter().cloned().chain(own).collect(),
        approver: Arc::clone(&parent.approver),
        workspace: workspace(plan)?,
        kv: Arc::clone(&parent.kv),
        stop: halt_all.child_token(),
        halt_all,
        tasks: parent.tasks.clone(),
        permits: permits(),
        tally: Tally::default(),
        halted: Mutex::default(),
        transcript: Mutex::default(),
        models: Mutex::default(),
        depth: parent.depth + 1,
        use_cache: parent.use_cache,
        id,
    });
    let result = live(&run, inputs, Some(parent)).await;
    parent
        .tally
        .refused
        .fetch_add(run.tally.refused.load(Relaxed), Relaxed);
    parent
        .tally
        .denials
        .fetch_add(run.tally.denials.load(Relaxed), Relaxed);
    run.engine.forget(&run.id).await;
    result
}

fn make(
    engine: &Arc<Shared>,
    plan: &Plan,
    id: RunId,
    inputs: &Map<String, Value>,
    request: RunRequest,
) -> Result<Arc<Run>, RunError> {
    let names = std::iter::once(plan)
        .chain(plan.0.children.values())
        .flat_map(|plan| &plan.0.secrets);
    let secrets = Arc::new(RunSecrets::read(
        names.map(String::as_str),
        &engine.environment,
    ));
    let budget = Arc::new(Budget::new(max_model_stages(plan), None));
    let RunRequest {
        approver,
        observer,
        cancel,
        use_cache,
        ..
    } = request;
    // A token of the run's own: what stops here must not stop the caller's other runs.
    let halt_all = cancel.child_token();
    Ok(Arc::new(Run {
        journal: Journal::new(
            id.clone(),
            engine.store.clone(),
            observer,
            Arc::clone(&secrets),
        ),
        board: board(plan, &id, inputs),
        law: Law::new(Arc::clone(&plan.0.rules), Arc::clone(&budget)),
        workspace: workspace(plan)?,
        kv: match &engine.store {
            Some(store) => Arc::new(KeptKv(store.clone())),
            None => Arc::new(MemoryKv::default()),
        },
        stop: halt_all.child_token(),
        halt_all,
        engine: Arc::clone(engine),
        plan: plan.clone(),
        children: Arc::clone(&plan.0.children),
        id,
        secrets,
        budget,
        narrowing: Vec::new(),
        approver,
        tasks: TaskTracker::new(),
        permits: permits(),
        tally: Tally::default(),
        halted: Mutex::default(),
        transcript: Mutex::default(),
        models: Mutex::default(),
        depth: 0,
        use_cache,
    }))
}

fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(width()))
}

fn width() -> usize {
    usize::try_from(RunLimit::amount_of("concurrent_stages"))
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS)
}

fn max_model_stages(plan: &Plan) -> Option<u64> {
    u64::try_from(plan.document().spec.contracts.max_llm_calls)
        .ok()
        .filter(|limit| *limit > 0)
}

fn workspace(plan: &Plan) -> Result<armature_sandbox::Workspace, RunError> {
    let path = plan.workspace();
    armature_sandbox::Workspace::open(path, plan.0.reserved.clone()).map_err(|error| {
        RunError::Workspace {
            path: path.display().to_string(),
            why: error.to_string(),
        }
    })
}

fn board(plan: &Plan, id: &RunId, inputs: &Map<String, Value>) -> Arc<Board> {
    let mut base: IndexMap<String, Arc<Value>> = inputs
        .iter()
        .map(|(key, value)| (key.clone(), Arc::new(value.clone())))
        .collect();
    base.insert("run_id".to_owned(), Arc::new(json!(id.as_str())));
    let plan = &plan.0;
    Arc::new(Board::new(
        base,
        Arc::clone(&plan.ids),
        Arc::clone(&plan.index),
        Arc::clone(&plan.ancestors),
    ))
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
    })
}

/// The stages of the workflow, within the time of the contract.
async fn workflow(run: &Arc<Run>) -> Result<(), RunError> {
    let driving = drive(&run.plan.0.graph, width(), &run.stop, |number| {
        let task = AbortOnDropHandle::new(run.tasks.spawn(stage::start(Arc::clone(run), number)));
        async move {
            let result = task.await.unwrap_or_else(|error| {
                Err(Broken {
                    stage: number,
                    failure: Failure::Internal(format!("the stage's task failed: {error}")),
                })
            });
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

/// `contracts.outputs`. What a rejected gate kept from being made is not missed.
fn outputs_are_there(run: &Run) -> Result<(), RunError> {
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

/// What the stages that run last are told about the run.
fn diagnostics(run: &Run, result: &Result<(), RunError>) -> Value {
    let summary = summarize(run, Duration::ZERO);
    json!({
        "status": if result.is_ok() { "completed" } else { "failed" },
        "error": result.as_ref().err().map(|error| json!({
            "type": error.class(),
            "message": run.secrets.text(&error.to_string()),
            "stage": match error {
                RunError::Stage { stage, .. } | RunError::Output { stage, .. } => Value::from(stage.as_str()),
                _ => Value::Null,
            },
        })),
        "stages_skipped": summary.stages_skipped,
        "stages_failed": summary.stages_failed,
        "rogue_signals": summary.rogue_signals,
        "tokens": summary.spent.tokens,
        "cost_usd": summary.spent.cost_usd,
    })
}

fn summarize(run: &Run, elapsed: Duration) -> Summary {
    let skipped = run.tally.skipped.load(Relaxed);
    let done = run.board.results().count() as u64;
    let failed = run.tally.failed.load(Relaxed);
    Summary {
        elapsed_s: (elapsed.as_secs_f64() * 100.0).round() / 100.0,
        stages_total: run.plan.0.stages.len() as u64,
        stages_ran: done.saturating_sub(skipped),
        stages_skipped: skipped,
        stages_failed: failed,
        rogue_signals: run.tally.refused.load(Relaxed),
        spent: run.budget.spent(),
    }
}

fn summary_event(run: &Run, summary: &Summary) -> Event {
    Event::RunSummary(armature_store::event::RunSummary {
        run_id: run.id.clone(),
        workflow: run.plan.name().to_owned(),
        elapsed_s: summary.elapsed_s,
        stages_total: summary.stages_total,
        stages_ran: summary.stages_ran,
        stages_skipped: summary.stages_skipped,
        stages_resumed: 0,
        stages_failed: summary.stages_failed,
        rogue_signals: summary.rogue_signals,
    })
}

fn last_event(run: &Run, result: &Result<(), RunError>, elapsed: Duration) -> Event {
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

fn report(run: &Run, summary: Summary) -> RunReport {
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
            Value::clone(result_of(number)?),
        ))
    });
    let rejected = workflow.iter().enumerate().filter_map(|(number, stage)| {
        let result = run
            .board
            .get(number)
            .filter(|_| matches!(stage.kind, crate::plan::stage::Kind::Gate(_)))?;
        let is_rejected = result.get("approved") == Some(&Value::Bool(false));
        let words = result
            .get("feedback")
            .and_then(Value::as_str)
            .unwrap_or_default();
        is_rejected.then(|| (stage.id.clone(), words.to_owned()))
    });
    RunReport {
        run_id: run.id.clone(),
        workflow: run.plan.name().to_owned(),
        outputs,
        primary,
        rejected: rejected.collect(),
        denials: run.tally.denials.load(Relaxed),
        summary,
    }
}
