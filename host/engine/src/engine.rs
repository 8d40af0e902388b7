//! The engine: plugins, policy, store and sandbox, and what can be done with them.
//!
//! One engine serves many plans and runs at the same time. It reads no environment and knows no terminal: what it
//! needs of the world is in [`EngineConfig`], and who answers questions is in each request.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use armature_embed::{EmbedError, Embedder};
use armature_grants::{Grants, LimitRequest, Limits, Policy};
use armature_llm::{LlmError, Model};
use armature_sandbox::{Caller, Digest, LoadError, Sandbox};
use armature_spec::{Document, Findings};
use armature_store::{Event, EventLog, RunId, RunQuery, RunStatus, Store, StoreError};
use serde_json::{Map, Value};

use crate::{
    ask::BoxFuture,
    failure::Failure,
    files, home,
    plan::{Credentials, Plan, Tier, build, single_call, stage::Written},
    plugins::{Builtin, PluginSet},
    role::Flights,
    run::{
        Run, RunError, RunReport, RunRequest, Unfinished, begin, outside, resume, secrets,
        unfinished,
    },
    secrets::Environment,
    stage::Scope,
    tools::{Act, Exposure, What, act},
};

/// Name of the database in the home directory.
const DATABASE: &str = "traces.db";

/// Name of the directory for compiled components.
const CACHE: &str = "cache";

/// What an engine is made from.
#[derive(Clone)]
pub struct EngineConfig {
    /// armature's own directory, `~/.armature`.
    pub home: PathBuf,
    /// Where plugins are looked for, in order.
    pub plugin_dirs: Vec<PathBuf>,
    /// What the operator allows.
    pub policy: Policy,
    /// Reads an environment variable: values of secrets, keys of models.
    pub environment: Environment,
    /// Whether runs are kept. Without, nothing is written but the cache of compiled components.
    pub persist: bool,
    /// Plugins that are part of the program.
    pub builtins: Vec<Builtin>,
}

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The home directory cannot be made.
    #[error("cannot make `{}`: {why}", path.display())]
    Home {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sandbox cannot be made, or a built-in plugin is broken.
    #[error(transparent)]
    Sandbox(#[from] LoadError),
}

/// What all runs of an engine share.
pub(crate) struct Shared {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) plugins: PluginSet,
    pub(crate) policy: Policy,
    pub(crate) environment: Environment,
    pub(crate) store: Option<Store>,
    pub(crate) plugin_dirs: Vec<PathBuf>,
    pub(crate) home: PathBuf,
    /// Goes into every digest of a call, so that nobody finds out a short secret by digesting guesses.
    pub(crate) seal: [u8; 32],
    models: Mutex<HashMap<Digest, Arc<dyn Model>>>,
    /// What makes vectors of texts, and why it does not; see [`memory`](crate::memory).
    pub(crate) embedder: OnceLock<Result<Option<Box<dyn Embedder>>, EmbedError>>,
    /// Requests to models that are being made.
    pub(crate) flights: Flights,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// The model of a tier. Runs share it, and with it its connections; a scripted one counts what it said and
    /// belongs to one run.
    pub(crate) fn model(
        &self,
        tier: &Tier,
        with: Credentials,
        longest: Option<Duration>,
    ) -> Result<Arc<dyn Model>, LlmError> {
        if tier.is_scripted() {
            return tier.connect(with, longest);
        }
        let (own, longest_text) = (tier.identity(), format!("{longest:?}"));
        let [key, id, secret, session] = with.identity();
        let parts = [&*own, &*longest_text, key, id, secret, session];
        let name = Digest::of(&parts.map(str::as_bytes));
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = models.get(&name) {
            return Ok(Arc::clone(model));
        }
        let model = tier.connect(with, longest)?;
        models.insert(name, Arc::clone(&model));
        Ok(model)
    }

    /// Forgets what plugins kept for one run.
    pub(crate) async fn forget(&self, run: &Run) {
        let Some(store) = self.store.clone().filter(|_| run.plan.0.keeps_values()) else {
            return;
        };
        let scope = format!("run:{}", run.id);
        // Left-overs cost room, nothing else; the next `gc` finds them.
        let _ = tokio::task::spawn_blocking(move || store.kv_clear(&scope)).await;
    }
}

impl Shared {
    /// See [`Engine::last_result`].
    pub(crate) fn last_result(&self, workflow: &str) -> Result<Option<LastResult>, StoreError> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let query = RunQuery {
            workflow: Some(workflow.to_owned()),
            status: Some(RunStatus::Completed),
            // A spec may be run as a part of another one too: that is not its own last run.
            top: true,
            limit: Some(1),
            ..RunQuery::default()
        };
        let Some(record) = store.runs(&query)?.pop() else {
            return Ok(None);
        };
        let mut results = Map::new();
        for recorded in store.events(&record.run_id)? {
            if let Event::StageCompleted {
                stage,
                item: None,
                result,
                ..
            } = recorded.event
            {
                results.insert(stage, result);
            }
        }
        Ok(Some(LastResult {
            run_id: record.run_id,
            results,
        }))
    }
}

/// What the last run of a workflow that ended well left.
#[derive(Debug, Clone)]
pub struct LastResult {
    /// The run.
    pub run_id: RunId,
    /// The results of its stages.
    pub results: Map<String, Value>,
}

/// Plans and runs specs.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// A single call of a tool outside a workflow.
#[derive(Debug, Clone)]
pub struct CallRequest {
    /// The plugin.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// What the plugin may do; `None` for what it may do in a spec that does not mention it.
    pub grants: Option<Grants>,
    /// How much it may use.
    pub limits: LimitRequest,
    /// Who approves and who watches.
    pub run: RunRequest,
}

/// Why a single call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallToolError {
    /// There is no such plugin or tool.
    #[error("{0}")]
    Plan(Findings),
    /// The call could not begin.
    #[error("{0}")]
    Run(RunError),
    /// The call failed or was not made.
    #[error("{0}")]
    Call(Failure),
}

impl Engine {
    /// Makes an engine: reads the plugins, opens the database. Compiles nothing.
    ///
    /// # Errors
    /// [`EngineError`] when home directory, database or sandbox cannot be made.
    pub fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let EngineConfig {
            home,
            plugin_dirs,
            policy,
            environment,
            persist,
            builtins,
        } = config;
        let made = files::make_home(&home).map_err(|error| EngineError::Home {
            path: home.clone(),
            why: error.to_string(),
        });
        // Who keeps nothing can do without: a compiled component is then compiled again.
        if persist {
            made?;
        }
        let sandbox = Sandbox::new(Some(home.join(CACHE)), Limits::of_loading(policy.limits()))?;
        let plugins = PluginSet::read(&sandbox, &builtins, &plugin_dirs)?;
        let store = persist
            .then(|| Store::open(&home.join(DATABASE)))
            .transpose()?;
        // A call is bound to it; only where runs are kept does anybody come back to one.
        let seal = if persist {
            home::seal(&home).map_err(|error| EngineError::Home {
                path: home.clone(),
                why: error.to_string(),
            })?
        } else {
            rand::random()
        };
        let engine = Shared {
            sandbox,
            plugins,
            policy,
            environment,
            store,
            plugin_dirs,
            home,
            seal,
            models: Mutex::default(),
            embedder: OnceLock::new(),
            flights: Flights::default(),
        };
        if let Some(store) = &engine.store {
            store.cache_prune_later(engine.cache_bounds());
        }
        Ok(Self(Arc::new(engine)))
    }

    /// Every plugin that a spec can name.
    pub fn plugins(&self) -> &PluginSet {
        &self.0.plugins
    }

    /// The sandbox that plugins run in: for `inspect`, which looks at a plugin without calling it.
    pub fn sandbox(&self) -> &Arc<Sandbox> {
        &self.0.sandbox
    }

    /// Where runs are kept, if they are.
    pub fn store(&self) -> Option<&Store> {
        self.0.store.as_ref()
    }

    /// Makes a plan of a document: everything that can be known to be wrong is known afterwards.
    ///
    /// # Errors
    /// [`Findings`], all of them, errors among them.
    pub async fn plan(&self, document: Document) -> Result<Plan, Findings> {
        build(&self.0, document).await
    }

    /// Runs a plan. When this returns nothing that it started is still at work.
    ///
    /// # Errors
    /// [`RunError`], with a hint.
    pub async fn run(&self, plan: &Plan, request: RunRequest) -> Result<RunReport, RunError> {
        // Boxed here, so that whoever spawns it need not look through all that a run consists of.
        let run: BoxFuture<'_, _> = Box::pin(begin(&self.0, plan, request));
        run.await
    }

    /// Goes on with a run of this plan: the stages that were done are not run again. Inputs are those it was begun
    /// with: those of the request are looked at only where the log could not keep them, because they held the value of
    /// a secret. As with [`Engine::run`], nothing is left at work.
    ///
    /// # Errors
    /// [`RunError::Resume`] when it cannot go on, and why; otherwise as [`Engine::run`].
    pub async fn resume(
        &self,
        plan: &Plan,
        run: RunId,
        request: RunRequest,
    ) -> Result<RunReport, RunError> {
        let run: BoxFuture<'_, _> = Box::pin(resume(&self.0, plan, run, request));
        run.await
    }

    /// The newest run of this spec with these inputs, if it did not come to its end: what `checkpoint: true` goes on
    /// with.
    ///
    /// # Errors
    /// [`RunError::Input`], and what the store says.
    pub async fn unfinished(
        &self,
        plan: &Plan,
        inputs: &Map<String, Value>,
    ) -> Result<Option<Unfinished>, RunError> {
        unfinished(&self.0, plan, inputs).await
    }

    /// Inputs as people may see them: without the values of the secrets that a run of this plan knows.
    pub fn shown(&self, plan: &Plan, inputs: &Map<String, Value>) -> Map<String, Value> {
        match secrets(&self.0, plan).clean(Value::Object(inputs.clone())) {
            Value::Object(inputs) => inputs,
            _ => Map::new(),
        }
    }

    /// Calls one tool outside a workflow, by the same path as every other call.
    ///
    /// # Errors
    /// [`CallToolError`], with a hint.
    pub async fn call_tool(&self, request: CallRequest) -> Result<Value, CallToolError> {
        let CallRequest {
            plugin,
            tool,
            args,
            grants,
            limits,
            run,
        } = request;
        let plan = single_call(&self.0, &plugin, &tool, Written { grants, limits })
            .await
            .map_err(CallToolError::Plan)?;
        outside(&self.0, &plan, run, async |run: Arc<Run>| {
            act(Act {
                what: What::Tool {
                    name: &tool,
                    exposure: Exposure::Written,
                },
                caller: Caller::Operator,
                scope: &Arc::new(Scope::outside(&run)),
                args,
                placeholders: Vec::new(),
                sources: Map::new(),
            })
            .await
        })
        .await
    }

    /// The results of the last run of a workflow that ended well, as its log has them.
    ///
    /// # Errors
    /// What the store says.
    pub fn last_result(&self, workflow: &str) -> Result<Option<LastResult>, StoreError> {
        self.0.last_result(workflow)
    }
}

impl CallToolError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(problems) => problems
                .errors()
                .next()
                .and_then(|problem| problem.hint.clone()),
            Self::Run(error) => error.hint(),
            Self::Call(failure) => failure.hint(),
        }
    }
}
