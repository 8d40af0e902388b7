//! Compiling what is large before a run begins: once, with a word about it, and not within a stage whose time runs.
//!
//! Most plugins compile in a moment and are compiled when they are first needed. The packed ones take seconds, which
//! would otherwise be taken for a stage that hangs, or be cut off by its `timeout_s`.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use armature_engine::{Engine, Plan};
use armature_sandbox::Plugin;

use crate::{
    failure::Failure,
    render::{screen::Screen, style::faint},
};

/// Compiles what a plan and the plans below it call and is not in the cache. `tells` says whether to speak of it.
pub(crate) async fn compile(
    screen: &Screen,
    engine: &Engine,
    plan: &Plan,
    tells: bool,
) -> Result<(), Failure> {
    let mut large: BTreeMap<&str, &Arc<Plugin>> = BTreeMap::new();
    for plan in std::iter::once(plan).chain(plan.children().map(|(_, child)| child)) {
        // What runs its commands elsewhere never calls the component that would.
        let packed = plan
            .plugins()
            .filter(|plugin| plugin.is_packed() && !plan.runs_elsewhere(plugin));
        large.extend(packed.map(|plugin| (plugin.name().as_str(), plugin)));
    }
    for plugin in large.into_values() {
        one(screen, engine, plugin, tells).await?;
    }
    let tell = |text: &str| {
        if tells {
            screen.say(&faint(text));
        }
    };
    let prepared = plan.prepare_commands(tell).await;
    prepared.map_err(|error| Failure {
        hint: error.hint(),
        ..Failure::failed(&error)
    })
}

/// Compiles one plugin, if it is large and not in the cache.
pub(crate) async fn one(
    screen: &Screen,
    engine: &Engine,
    plugin: &Plugin,
    tells: bool,
) -> Result<(), Failure> {
    let (sandbox, name) = (engine.sandbox(), plugin.name());
    if !plugin.is_packed() || !sandbox.is_to_be_compiled(plugin) {
        return Ok(());
    }
    let begun = Instant::now();
    if tells {
        screen.say(&faint(&format!(
            "compiling `{name}`; this is done once, and takes some seconds"
        )));
    }
    let prepared = sandbox.prepare(plugin).await;
    prepared.map_err(|error| Failure::failed(error.to_string()))?;
    if tells {
        let took = begun.elapsed().as_secs_f64();
        screen.say(&faint(&format!("compiled `{name}` in {took:.1} s")));
    }
    Ok(())
}
