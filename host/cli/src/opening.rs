//! From flags and environment to an engine, a plan, a runtime.

use std::{
    future::Future,
    path::{Path, PathBuf},
};

use armature_engine::{Engine, EngineConfig, EngineError, Plan, PlanCode};
use armature_grants::Policy;
use armature_spec::{Finding, Findings};
use serde_json::{Map, Value};
use tokio::runtime::Builder;

use crate::{
    arguments::{Home, Places},
    builtins::BUILTINS,
    environment,
    exit::Exit,
    failure::Failure,
    files,
    render::{findings, screen::Screen},
    trust,
};

/// Name of the operator's policy in armature's home.
pub(crate) const POLICY: &str = "policy.toml";

/// Name of the database in armature's home.
pub(crate) const DATABASE: &str = "traces.db";

/// armature's home.
pub(crate) fn home(home: &Home) -> Result<PathBuf, Failure> {
    environment::home(home.home.as_deref()).ok_or_else(|| {
        Failure::failed("no home directory is known").hint(format!(
            "say where runs are kept: --home DIR, or {}=DIR",
            environment::HOME
        ))
    })
}

/// The operator's policy. Without the file nothing is taken away; a file that cannot be read stops everything.
pub(crate) fn policy(home: &Path) -> Result<Policy, Failure> {
    let path = home.join(POLICY);
    let Some(text) = files::read_if_there(&path)? else {
        return Ok(Policy::default());
    };
    toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        Failure::failed(format!(
            "the operator's policy `{}` is wrong in line {line}: {}",
            path.display(),
            error.message()
        ))
        .hint("nothing runs while the policy cannot be understood; correct the file")
    })
}

/// An engine with the plugins of these places.
pub(crate) fn engine(places: &Places, persist: bool) -> Result<Engine, Failure> {
    let home = home(&places.home)?;
    for dir in &places.plugins {
        if !dir.is_dir() {
            return Err(
                Failure::usage(format!("`{}` is no directory of plugins", dir.display()))
                    .hint("--plugins takes a directory with .wasm files, or with plugin projects"),
            );
        }
    }
    let beside = [PathBuf::from("plugins"), home.join("plugins")];
    let plugin_dirs = places.plugins.iter().cloned().chain(beside).collect();
    engine_in(home, plugin_dirs, persist)
}

/// An engine with this home, if nobody else can write there, and the plugins of these directories.
pub(crate) fn engine_in(
    home: PathBuf,
    plugin_dirs: Vec<PathBuf>,
    persist: bool,
) -> Result<Engine, Failure> {
    trust::check(&home)?;
    let config = EngineConfig {
        policy: policy(&home)?,
        plugin_dirs,
        environment: environment::by_name(),
        persist,
        builtins: BUILTINS.to_vec(),
        home,
    };
    Engine::open(config).map_err(|error| {
        let failure = Failure::failed(&error);
        match error {
            EngineError::Home { .. } | EngineError::Store(_) => failure.hint(format!(
                "choose another place with --home DIR or {}=DIR",
                environment::HOME
            )),
            _ => failure.hint("`armature doctor` says more"),
        }
    })
}

/// What a spec was found to be.
pub(crate) enum Planned {
    /// It can be run.
    Good(Box<Plan>),
    /// It cannot, and this is why.
    Bad(Findings),
}

/// Reads a spec for a run with these inputs and makes a plan of it. The engine is made only for a spec that can be read.
pub(crate) async fn plan(
    spec: &Path,
    inputs: &Map<String, Value>,
    engine: impl FnOnce() -> Result<Engine, Failure>,
) -> Result<(Planned, Option<Engine>), Failure> {
    let document = match armature_spec::load_for(spec, inputs) {
        Ok(document) => document,
        Err(found) => return Ok((Planned::Bad(found), None)),
    };
    let engine = engine()?;
    Ok(match engine.plan(document).await {
        Ok(plan) => (Planned::Good(Box::new(plan)), Some(engine)),
        Err(found) => (Planned::Bad(found), Some(engine)),
    })
}

/// Shows why a spec cannot be run.
pub(crate) fn refuse(screen: &Screen, found: &Findings) -> Exit {
    findings::show(screen, &found.0);
    refusal(found)
}

/// The exit for a spec that cannot be run: denied, where that is all that is wrong with it. A tool that is not there
/// may be one of the plugin that is denied.
pub(crate) fn refusal(found: &Findings) -> Exit {
    let denied = |error: &Finding| {
        error.code == PlanCode::DeniedPlugin || error.code == PlanCode::DeniedSandbox
    };
    let follows = |error: &Finding| denied(error) || error.code == PlanCode::UnknownTool;
    if found.errors().any(denied) && found.errors().all(follows) {
        Exit::Denied
    } else {
        Exit::Usage
    }
}

/// Runs something asynchronous to its end.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the scheduler cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // What is left is somebody else's blocking call; nobody waits for it.
    runtime.shutdown_background();
    result
}
