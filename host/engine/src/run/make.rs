//! Makes the state of a run: what it can reach, what it may use, where it writes.
//!
//! A child run is made from its parent's: the same log, secrets, approver and kept values, and never more rights,
//! budget or time.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};

use armature_grants::{Grants, RunLimit};
use armature_sandbox::{MemoryKv, Workspace};
use armature_store::RunId;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio_util::task::TaskTracker;

use super::{
    Run, RunError, RunRequest, Tally,
    file_state::FileState,
    past::Past,
    results::{Results, Room},
    tree::Tree,
};
use crate::{
    ask::Below,
    budget::{Budget, Caps},
    context::Board,
    engine::Shared,
    files,
    journal::Journal,
    plan::Plan,
    rules::Law,
    secrets::RunSecrets,
    stage::Scope,
    tools::KeptKv,
};

/// `sandbox.host_workspace` where nothing is written.
const HERE: &str = ".";

/// The state of a run that a stage of another run starts.
pub(super) fn make_child(
    scope: &Scope,
    plan: &Plan,
    id: RunId,
    inputs: &Map<String, Value>,
    past: Past,
) -> Result<Arc<Run>, RunError> {
    let parent = &scope.run;
    let budget = Arc::new(Budget::new(caps(plan), Some(Arc::clone(&parent.budget))));
    let halt_all = scope.stop.child_token();
    let own = scope.stage().and_then(|stage| stage.narrowing.clone());
    let narrowing: Vec<Grants> = parent.narrowing.iter().cloned().chain(own).collect();
    let (root, workspace) = child_workspace(parent, plan, &narrowing)?;
    Ok(Arc::new(Run {
        engine: Arc::clone(&parent.engine),
        plan: plan.clone(),
        children: Arc::clone(&parent.children),
        journal: parent
            .journal
            .for_child(id.clone())
            .traced(plan.document().spec.trace.enabled),
        secrets: Arc::clone(&parent.secrets),
        board: board(plan, &id, inputs),
        law: parent
            .law
            .with(Arc::clone(&plan.0.rules), Arc::clone(&budget)),
        budget,
        narrowing,
        approver: Arc::new(Below {
            stage: scope.path(),
            asks: Arc::clone(&parent.approver),
        }),
        root,
        workspace,
        // A run works where its parent does, which lists the files of both.
        file_state: None,
        tree: Arc::clone(&parent.tree),
        results: parent.results.aside(),
        kv: Arc::clone(&parent.kv),
        stop: halt_all.child_token(),
        halt_all,
        tasks: parent.tasks.clone(),
        tally: Tally::default(),
        halted: Mutex::default(),
        transcript: Mutex::default(),
        diagnoses: Mutex::default(),
        models: Mutex::default(),
        depth: parent.depth + 1,
        use_cache: parent.use_cache,
        sample: scope.sample_below(),
        past,
        memory: OnceLock::new(),
        id,
    }))
}

/// Where a child works. A spec that names no directory works in that of whoever started it; one that does may go
/// deeper, never elsewhere. Grants of a stage speak of paths in the parent's workspace, and mean nothing in another.
fn child_workspace(
    parent: &Run,
    plan: &Plan,
    narrowing: &[Grants],
) -> Result<(PathBuf, Workspace), RunError> {
    let root = files::absolute(plan.workspace());
    if plan.workspace() == Path::new(HERE) || root == parent.root {
        return Ok((parent.root.clone(), parent.workspace.clone()));
    }
    let why = if !root.starts_with(&parent.root) {
        "it is not in the workspace of the run that starts this one"
    } else if !narrowing.is_empty() {
        "a stage that starts this run has `grants:`, which speak of its own workspace; use that one"
    } else {
        return Ok((root, parent.tree.open(plan.workspace())?));
    };
    Err(RunError::Workspace {
        path: plan.workspace().display().to_string(),
        why: why.to_owned(),
    })
}

/// The secrets that a run of this plan can touch.
pub(crate) fn secrets(engine: &Shared, plan: &Plan) -> RunSecrets {
    let names = std::iter::once(plan)
        .chain(plan.0.children.values())
        .flat_map(|plan| &plan.0.secrets);
    RunSecrets::read(names.map(String::as_str), &engine.environment)
}

/// The state of a run that nobody's stage started.
pub(super) fn make(
    engine: &Arc<Shared>,
    plan: &Plan,
    id: RunId,
    inputs: &Map<String, Value>,
    request: RunRequest,
    past: Past,
) -> Result<Arc<Run>, RunError> {
    let secrets = Arc::new(secrets(engine, plan));
    let budget = Arc::new(Budget::new(caps(plan), None));
    let tree = Arc::new(Tree::new(engine, plan));
    let RunRequest {
        approver,
        observer,
        cancel,
        use_cache,
        ..
    } = request;
    let file_state = FileState::of(engine, plan, &id)?;
    // A token of the run's own: what stops here must not stop the caller's other runs.
    let halt_all = cancel.child_token();
    Ok(Arc::new(Run {
        journal: Journal::new(
            id.clone(),
            engine.store.clone(),
            observer,
            Arc::clone(&secrets),
        )
        .traced(plan.document().spec.trace.enabled),
        board: board(plan, &id, inputs),
        law: Law::new(Arc::clone(&plan.0.rules), Arc::clone(&budget)),
        root: files::absolute(match &file_state {
            Some(own) => &own.workspace,
            None => plan.workspace(),
        }),
        workspace: match &file_state {
            Some(own) => own.open(&tree)?,
            None => tree.open(plan.workspace())?,
        },
        file_state,
        results: Results::new(&Arc::new(Room::whole())),
        tree,
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
        tally: Tally::default(),
        halted: Mutex::default(),
        transcript: Mutex::default(),
        diagnoses: Mutex::default(),
        models: Mutex::default(),
        depth: 0,
        use_cache,
        sample: String::new(),
        past,
        memory: OnceLock::new(),
    }))
}

pub(super) fn width() -> usize {
    usize::try_from(RunLimit::amount_of("concurrent_stages"))
        .unwrap_or(usize::MAX)
        .min(tokio::sync::Semaphore::MAX_PERMITS)
}

/// What the contract lets a run use. A limit of nothing or less is none for stages, and lets nothing through for money.
pub(super) fn caps(plan: &Plan) -> Caps {
    let contracts = &plan.document().spec.contracts;
    Caps {
        model_stages: u64::try_from(contracts.max_llm_calls)
            .ok()
            .filter(|limit| *limit > 0),
        tokens: contracts.max_tokens_total,
        cost_usd: contracts.max_cost_usd,
    }
}

pub(super) fn board(plan: &Plan, id: &RunId, inputs: &Map<String, Value>) -> Arc<Board> {
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
