//! One run of a plan: its state, and the words about it.
//!
//! What is shared by all stages of a run lies here, immutable or behind a lock of its own. How a run goes is
//! [`life`].

mod bind;
mod carry;
mod closing;
mod consent;
mod ending;
mod error;
mod file_state;
mod inputs;
mod life;
mod make;
mod past;
mod recollect;
mod report;
mod results;
mod resume;
mod tree;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use armature_grants::Grants;
use armature_llm::{LlmError, Model};
use armature_sandbox::{KvStore, Workspace};
use armature_spec::FanIn;
use armature_store::{Memory, RunId};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ask::Approver,
    budget::Budget,
    context::{Board, Context},
    engine::Shared,
    journal::Journal,
    plan::{
        Plan,
        stage::{Kind, Stage},
    },
    rules::Law,
    secrets::RunSecrets,
};

pub(crate) use consent::Asking;
pub use error::{InputError, Missing, RunError};
pub(crate) use inputs::fits;
pub(crate) use life::{begin, child, outside};
pub(crate) use make::secrets;
use past::Past;
pub use report::{RunReport, RunRequest, Summary};
pub(crate) use results::Results;
pub use resume::{ResumeProblem, Unfinished};
pub(crate) use resume::{resume, unfinished};
use tree::Tree;
pub(crate) use tree::Turn;

/// The state of a run.
pub(crate) struct Run {
    pub(crate) engine: Arc<Shared>,
    pub(crate) plan: Plan,
    /// The plans of all specs that this run or one below it can start.
    pub(crate) children: Arc<BTreeMap<PathBuf, Plan>>,
    /// What it shares with all of them.
    pub(crate) tree: Arc<Tree>,
    /// What the results of its stages hold.
    pub(crate) results: Results,
    pub(crate) id: RunId,
    pub(crate) journal: Journal,
    pub(crate) secrets: Arc<RunSecrets>,
    pub(crate) board: Arc<Board>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) law: Law,
    /// Rights of the stages that started this run as a subagent.
    pub(crate) narrowing: Vec<Grants>,
    pub(crate) approver: Arc<dyn Approver>,
    /// Where the workspace is, spelled out.
    pub(crate) root: PathBuf,
    pub(crate) workspace: Workspace,
    /// The workspace of the run's own, if the spec wants one.
    file_state: Option<file_state::FileState>,
    pub(crate) kv: Arc<dyn KvStore>,
    /// Stops the stages of the workflow.
    pub(crate) stop: CancellationToken,
    /// Stops everything: whoever started the run has had enough.
    pub(crate) halt_all: CancellationToken,
    /// Everything that was spawned, so that the end of the run can wait for it.
    pub(crate) tasks: TaskTracker,
    pub(crate) tally: Tally,
    /// Stages that do not run because of a gate, and that gate itself: the gate's id.
    halted: Mutex<HashMap<usize, String>>,
    pub(crate) transcript: Mutex<Vec<Value>>,
    /// What went wrong so far.
    pub(crate) diagnoses: Mutex<Vec<Value>>,
    models: Mutex<HashMap<usize, Arc<dyn Model>>>,
    pub(crate) depth: u64,
    pub(crate) use_cache: bool,
    /// What tells questions of this run from those of another copy of it; see [`Scope::sample`](crate::stage::Scope::sample).
    pub(crate) sample: String,
    /// What it did before it was interrupted.
    pub(crate) past: Past,
    /// What its workflow remembers, once it was needed; see [`Run::memory`].
    pub(crate) memory: OnceLock<Option<Arc<Memory>>>,
}

impl Run {
    /// What tells a stage to stop.
    pub(crate) fn stop_of(&self, number: usize) -> &CancellationToken {
        if self.is_workflow(number) {
            &self.stop
        } else {
            &self.halt_all
        }
    }

    /// What a stage sees.
    pub(crate) fn context_of(&self, number: usize) -> Context {
        if self.is_workflow(number) {
            Context::for_stage(&self.board, number)
        } else {
            Context::of_everything(&self.board)
        }
    }

    /// [`Run::context_of`] without what the stage must not see: neither by its name, nor within what earlier runs left.
    pub(crate) fn sight_of(&self, number: usize, stage: &Stage) -> Context {
        let context = self.context_of(number).without(stage.closed.clone());
        let Some(closed) = &stage.closed else {
            return context;
        };
        let spec = &self.plan.0.document.spec;
        let carried = spec.continuation.as_ref();
        // A carried value has its own name beside that of its stage.
        let bare = carried.iter().flat_map(|it| &it.carry_forward);
        let bare: Vec<&str> = bare
            .filter_map(|entry| entry.key.split_once('.'))
            .filter(|(stage, _)| closed.contains(stage))
            .map(|(_, key)| key)
            .collect();
        let remembered = spec.memory.as_ref().map(|it| it.inject_as.as_str());
        let carried = carried.map(|it| it.inject_as.as_str());
        let mut seen = context;
        for name in remembered.into_iter().chain(carried) {
            let is_hidden =
                |key: &str| closed.contains(key) || (carried == Some(name) && bare.contains(&key));
            let left = match seen.get(name).map(|value| &**value) {
                Some(Value::Object(map)) if map.keys().any(|key| is_hidden(key)) => {
                    let mut left = map.clone();
                    left.retain(|key, _| !is_hidden(key));
                    left
                }
                _ => continue,
            };
            seen = seen.with(name, Value::Object(left));
        }
        seen
    }

    /// Is it a stage of the workflow, and not one that runs after it?
    fn is_workflow(&self, number: usize) -> bool {
        number < self.plan.0.graph.len()
    }

    /// The rejected gate that keeps a stage from running, unless the stage decides about that itself.
    pub(crate) fn gate_in_the_way(&self, number: usize, stage: &Stage) -> Option<String> {
        let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        if halted.is_empty() {
            return None;
        }
        let needs = self.plan.0.graph.needs(number);
        needs
            .iter()
            .filter_map(|need| halted.get(need))
            .find(|gate| !stage.branches_on(gate))
            .cloned()
    }

    /// What depends on this stage does not run, because of this gate.
    pub(crate) fn halt(&self, number: usize, gate: String) {
        self.halted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, gate);
    }

    /// Is this stage kept from running by a gate, or such a gate itself?
    pub(crate) fn is_halted(&self, number: usize) -> bool {
        self.halted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&number)
    }

    /// Can every stage ask the model that it asks first, here and in the specs that this one runs? A key that is missing is
    /// told before anything runs; a larger tier may never be needed, and is not asked for its key before it is.
    pub(crate) fn models_are_there(&self) -> Result<(), RunError> {
        let failed = |stage: &str, spec: Option<&Plan>, source| RunError::Model {
            stage: stage.to_owned(),
            spec: spec.map(|plan| plan.document().source.name.clone()),
            source: Box::new(source),
        };
        for (tier, stage) in asked_first(&self.plan) {
            let model = self.model(tier);
            model.map_err(|source| failed(stage, None, source))?;
        }
        // A run below this one makes its own; here it is only seen that it can.
        for plan in self.children.values() {
            for (tier, stage) in asked_first(plan) {
                self.connect(plan, tier)
                    .map_err(|source| failed(stage, Some(plan), source))?;
            }
        }
        Ok(())
    }

    /// The model of a tier, connected when it is first asked.
    pub(crate) fn model(&self, tier: usize) -> Result<Arc<dyn Model>, LlmError> {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = models.get(&tier) {
            return Ok(Arc::clone(model));
        }
        let model = self.connect(&self.plan, tier)?;
        models.insert(tier, Arc::clone(&model));
        Ok(model)
    }

    fn connect(&self, plan: &Plan, tier: usize) -> Result<Arc<dyn Model>, LlmError> {
        let Some(config) = plan.0.tiers.get(tier) else {
            return Err(LlmError::Config {
                what: "no such tier".to_owned(),
                hint: String::new(),
            });
        };
        let with = config.credentials(|name| self.secrets.value(name));
        if let (None, Some(name)) = (&with.key, &config.config.api_key_env)
            && !config.is_scripted()
        {
            return Err(LlmError::Config {
                what: format!("tier `{}`: no API key", config.name),
                hint: format!(
                    "set `{name}` in the environment: `api_key_env` names it; or leave `api_key_env` out"
                ),
            });
        }
        let longest = plan.0.stages.iter().filter_map(|stage| stage.timeout).max();
        self.engine.model(config, with, longest)
    }
}

/// The tiers that stages of a plan ask first, each once, with the first stage that does.
fn asked_first(plan: &Plan) -> Vec<(usize, &str)> {
    let mut asked: Vec<(usize, &str)> = Vec::new();
    for stage in &plan.0.stages {
        let own = match &stage.kind {
            Kind::Role(role) => role.tiers.first().copied(),
            _ => None,
        };
        let fan_out = stage.fan_out.as_ref();
        let asks_judge = fan_out.is_some_and(|it| it.fan_in == FanIn::Consensus);
        let judge = plan.0.judge_tier.filter(|_| asks_judge);
        for tier in own.into_iter().chain(judge) {
            if !asked.iter().any(|(known, _)| *known == tier) {
                asked.push((tier, &stage.id));
            }
        }
    }
    asked
}

/// Counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    skipped: AtomicU64,
    resumed: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    denials: AtomicU64,
    held: Mutex<Vec<String>>,
}

impl Tally {
    /// A stage was left out.
    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Relaxed);
    }

    /// A stage had run before.
    pub(crate) fn resumed(&self) {
        self.resumed.fetch_add(1, Relaxed);
    }

    /// A stage failed.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// A call was stopped by a rule, a person or a missing right.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// A guest asked for a right that it does not have.
    pub(crate) fn denied(&self) {
        self.denials.fetch_add(1, Relaxed);
    }

    /// What happened in a child happened here.
    fn add(&self, child: &Self) {
        self.refused.fetch_add(child.refused.load(Relaxed), Relaxed);
        self.denials.fetch_add(child.denials.load(Relaxed), Relaxed);
    }

    /// Stages wait for a person.
    pub(crate) fn held(&self, stages: Vec<String>) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(stages);
    }

    /// The stages that wait.
    pub(crate) fn waiting(&self) -> Vec<String> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
