//! Going on with a run: from its log, by whoever claims it first.
//!
//! A run is its log, so going on is reading it ([`Past`]) and running the same plan once more with what it says. That
//! is refused where the log is another's (a process is at work), cannot be read, has come to its end, or belongs to
//! something else than what is here now ([`bind`](super::bind)).

use std::sync::Arc;

use armature_store::{
    EventLog as _, RunId, RunQuery, RunState, RunStatus, Seq, Store, StoreError, event::RunStarted,
    state::Used,
};
use serde_json::{Map, Value};

use super::{
    RunError, RunReport, RunRequest,
    bind::{self, Given, changed, digest_of},
    inputs::settle,
    life::{Opening, drive_to_the_end},
    past::Past,
};
use crate::{
    engine::Shared,
    home::{Claim, ClaimError},
    plan::Plan,
    run::make::make,
};

/// How deep runs within runs are counted; deeper ones cannot be started.
const MAX_DEPTH: usize = 64;

/// Why a run cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeProblem {
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// It has ended well.
    #[error("run {0} has come to its end: there is nothing to go on with")]
    Complete(RunId),
    /// A process is at work on it.
    #[error("run {run} is at work in {}", process(*.pid))]
    AtWork {
        /// The run.
        run: RunId,
        /// The process's number, where it is known.
        pid: Option<u32>,
    },
    /// It was made from something else.
    #[error("run {run} cannot go on: {} changed since it began", .what.join(", "))]
    Changed {
        /// The run.
        run: RunId,
        /// What is not as it was.
        what: Vec<String>,
    },
    /// Its inputs held a secret's value, which is not kept.
    #[error("run {0} cannot go on: its inputs held the value of a secret, which is not kept")]
    SecretInputs(RunId),
    /// Its log has events of another version.
    #[error("run {0} cannot go on: its log has events that this version does not know")]
    Unreadable(RunId),
    /// Runs are not kept here.
    #[error("no runs are kept here")]
    NotKept,
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl ResumeProblem {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(_) => "`armature runs` lists the runs there are".to_owned(),
            Self::Complete(_) => "start another: armature run SPEC".to_owned(),
            Self::AtWork { .. } => {
                "wait for it, answer it where it runs, or stop that process and go on here"
                    .to_owned()
            }
            Self::Changed { .. } => {
                "put back what it was, or start over: armature run SPEC --force".to_owned()
            }
            Self::SecretInputs(_) => {
                "start over with the inputs: armature run SPEC -i NAME=…".to_owned()
            }
            Self::Unreadable(_) => "use the newer armature that began it".to_owned(),
            Self::NotKept => "use the home in which it was begun: --home DIR".to_owned(),
        }
    }
}

/// A run that did not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// The run.
    pub run_id: RunId,
    /// When it began: ISO-8601, UTC.
    pub started: String,
    /// How far it is.
    pub status: RunStatus,
    /// Stages of it that are done.
    pub done: usize,
}

/// The newest run of the same spec and inputs, if it did not come to its end.
pub(crate) async fn unfinished(
    engine: &Arc<Shared>,
    plan: &Plan,
    inputs: &Map<String, Value>,
) -> Result<Option<Unfinished>, RunError> {
    let inputs =
        settle(&plan.document().spec.contracts.inputs, inputs.clone()).map_err(RunError::Input)?;
    let Some(store) = engine.store.clone() else {
        return Ok(None);
    };
    let query = RunQuery {
        workflow: Some(plan.name().to_owned()),
        digests: Some((plan.digest().to_string(), digest_of(engine, &inputs))),
        top: true,
        limit: Some(1),
        ..RunQuery::default()
    };
    let found = store
        .read_async(move |store| {
            let newest = store.runs(&query)?.pop();
            let Some(run) = newest.filter(|run| run.status != RunStatus::Completed) else {
                return Ok(None);
            };
            let state = RunState::fold(store.events(&run.run_id)?);
            Ok(Some(Unfinished {
                run_id: run.run_id,
                started: run.started,
                status: run.status,
                done: state.done.len(),
            }))
        })
        .await;
    found.map_err(|source| RunError::Store { source })
}

/// Goes on with a run.
pub(crate) async fn resume(
    engine: &Arc<Shared>,
    plan: &Plan,
    id: RunId,
    request: RunRequest,
) -> Result<RunReport, RunError> {
    let store = engine
        .store
        .clone()
        .ok_or(RunError::Resume(ResumeProblem::NotKept))?;
    let claim = claim(engine, &id).await?;
    let read = read(&store, &id).await;
    let (state, used, model_stages) = read.map_err(|source| RunError::Store { source })?;
    let start = resumable(&id, &state)?;
    let given = Given {
        inputs: inputs(engine, plan, &id, &start, &request.inputs)?,
        carried: start.carried.clone(),
    };
    let now = RunStarted {
        files: bind::files_of(plan),
        ..bind::expected(engine, plan, &given.inputs)
    };
    let what = changed(&start, &now);
    if !what.is_empty() {
        return Err(RunError::Resume(ResumeProblem::Changed { run: id, what }));
    }
    let opening = Opening::Again {
        after: state.last,
        active: state.used.active,
    };
    let past = Past::of(plan, state);
    let run = make(engine, plan, id, &given.seen(), request, past)?;
    run.budget.go_on_from(&used, model_stages);
    drive_to_the_end(&run, opening, claim).await
}

/// The inputs that a run began with. The log has them, unless a secret's value was cut out of them; then they must be
/// given again, and be the same.
fn inputs(
    engine: &Shared,
    plan: &Plan,
    id: &RunId,
    start: &RunStarted,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, RunError> {
    if digest_of(engine, &start.inputs) == start.inputs_digest {
        return Ok(start.inputs.clone());
    }
    let again = settle(&plan.document().spec.contracts.inputs, given.clone());
    again
        .ok()
        .filter(|again| digest_of(engine, again) == start.inputs_digest)
        .ok_or_else(|| RunError::Resume(ResumeProblem::SecretInputs(id.clone())))
}

/// Can it be gone on with, by what its log says? Gives how it began.
pub(super) fn resumable(id: &RunId, state: &RunState) -> Result<RunStarted, RunError> {
    let problem = match (&state.start, state.status) {
        (Some(_), _) if !state.unreadable.is_empty() => ResumeProblem::Unreadable(id.clone()),
        (Some(_), Some(RunStatus::Completed)) => ResumeProblem::Complete(id.clone()),
        (Some(start), _) => return Ok(start.clone()),
        (None, _) => ResumeProblem::Unknown(id.clone()),
    };
    Err(RunError::Resume(problem))
}

/// Claims a run for this process.
pub(super) async fn claim(engine: &Arc<Shared>, id: &RunId) -> Result<Option<Claim>, RunError> {
    if engine.store.is_none() {
        return Ok(None);
    }
    let (home, run) = (engine.home.clone(), id.clone());
    let taken = tokio::task::spawn_blocking(move || Claim::take(&home, &run)).await;
    match taken {
        Ok(Ok(claim)) => Ok(Some(claim)),
        Ok(Err(ClaimError::Taken { pid })) => Err(RunError::Resume(ResumeProblem::AtWork {
            run: id.clone(),
            pid,
        })),
        Ok(Err(ClaimError::File(error))) => Err(RunError::Claim {
            run_id: id.clone(),
            why: error.to_string(),
        }),
        Err(error) => Err(RunError::Claim {
            run_id: id.clone(),
            why: error.to_string(),
        }),
    }
}

/// What a run's log says, and what the run and all below it have used: model stages are counted apart.
async fn read(store: &Store, id: &RunId) -> Result<(RunState, Used, u64), StoreError> {
    let id = id.clone();
    let read = move |store: &Store| {
        let state = RunState::fold(store.events(&id)?);
        let (mut used, mut stages) = (state.used, model_stages(&state));
        add_below(store, &state.descendants, MAX_DEPTH, &mut used, &mut stages)?;
        Ok((state, used, stages))
    };
    store.read_async(read).await
}

/// How many executions of model stages count: those that are not made again.
fn model_stages(state: &RunState) -> u64 {
    let counts = state.model_starts.iter().filter(|((stage, item), _)| {
        let of_item = item.is_some_and(|item| {
            let items = state.items.get(stage);
            items.is_some_and(|items| items.contains_key(&item))
        });
        state.done.contains_key(stage) || of_item
    });
    counts.map(|(_, count)| count).sum()
}

/// Adds what the runs below a run have used.
fn add_below(
    store: &Store,
    children: &[RunId],
    depth: usize,
    used: &mut Used,
    stages: &mut u64,
) -> Result<(), StoreError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(());
    };
    for child in children {
        let state = RunState::fold(store.events(child)?);
        used.add(&state.used);
        *stages += model_stages(&state);
        add_below(store, &state.descendants, depth, used, stages)?;
    }
    Ok(())
}

/// What a child's log says, if it can be gone on with and is the child that would be started now.
pub(super) async fn child_past(
    engine: &Arc<Shared>,
    plan: &Plan,
    id: &RunId,
    inputs: &Map<String, Value>,
) -> Option<ChildPast> {
    let store = engine.store.clone()?;
    // A log that cannot be read is that of another run: a new one is started, and its first event says if it cannot.
    let (state, used, model_stages) = read(&store, id).await.ok()?;
    let start = state.start.clone()?;
    let now = bind::expected(engine, plan, inputs);
    let same = changed(
        &start,
        &RunStarted {
            files: start.files.clone(),
            ..now
        },
    )
    .is_empty();
    if !same || !state.unreadable.is_empty() {
        return None;
    }
    Some(ChildPast {
        carried: start.carried,
        is_complete: state.status == Some(RunStatus::Completed),
        after: state.last,
        active: state.used.active,
        used,
        model_stages,
        past: Past::of(plan, state),
    })
}

/// What is known of a child that was started before.
pub(super) struct ChildPast {
    pub(super) carried: Map<String, Value>,
    pub(super) is_complete: bool,
    pub(super) after: Seq,
    pub(super) active: std::time::Duration,
    pub(super) used: Used,
    pub(super) model_stages: u64,
    pub(super) past: Past,
}
