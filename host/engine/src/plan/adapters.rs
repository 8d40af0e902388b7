//! Adapters: a plugin that the spec names, or the shell for a script.

use armature_grants::{LIMITS, LimitId, LimitRequest};
use armature_sandbox::Plugin;
use armature_spec::{self as spec, Adapter, AdapterType, Step};
use std::sync::Arc;

use super::{
    given::leaves_traces,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    stage::{AdapterStage, Kind},
    stages::{Site, Texts, env_uses},
};

/// The plugin that runs scripts.
pub(crate) const SHELL: &str = "shell";

/// The adapter of a stage, made ready to run.
pub(super) fn adapter(
    site: &Site<'_>,
    stage: &spec::Stage,
    texts: &mut Texts<'_, '_>,
    resolver: &mut Resolver<'_>,
    at: &[Step<'_>],
) -> Option<Kind> {
    let name = stage.adapter.as_deref()?;
    // An adapter that is not there has been reported by the spec's own validation.
    let adapter = site.spec.adapters.get(name)?;
    let place = [Step::Key("adapters"), Step::Key(name)];
    let plugin = plugin_of(name, adapter, texts.report, resolver, at)?;
    let is_script = adapter.adapter_type != AdapterType::Plugin;
    let given = resolver.given(&plugin);
    let grants = adapter.grants.clone().unwrap_or(given.grants);
    let ceiling = resolver.ceiling(LimitId::Timeout);
    let timeout = adapter.timeout.saturating_mul(1000).clamp(1, ceiling);
    let asked = over(given.limits.and(LimitId::Timeout, timeout), adapter);
    let limits = resolver.limits(&asked, texts.report, &place)?;
    let rights = resolver.rights(&plugin, grants);
    let args_at = [&place[..], &[Step::Key("args")]].concat();
    let env = env_uses(&adapter.args, &rights, texts.report, &args_at);
    let cmd = match &adapter.cmd {
        Some(cmd) if is_script => Some(texts.text("adapter.cmd", cmd)?),
        _ => None,
    };
    let args = texts.tree("adapter.args", &adapter.args)?;
    // An adapter has no word for being repeatable.
    let outside = leaves_traces(&rights);
    Some(Kind::Adapter(Box::new(AdapterStage {
        name: name.to_owned(),
        plugin,
        cmd,
        parse: adapter.parse,
        args,
        env,
        rights,
        limits,
        outside,
    })))
}

/// What is given, with what the adapter itself says put over it.
fn over(given: LimitRequest, adapter: &Adapter) -> LimitRequest {
    let Some(own) = &adapter.limits else {
        return given;
    };
    LIMITS
        .iter()
        .filter_map(|row| Some((row.id, own.get(row.id)?)))
        .fold(given, |limits, (id, amount)| limits.and(id, amount))
}

fn plugin_of(
    name: &str,
    adapter: &Adapter,
    report: &mut Reporter<'_>,
    resolver: &Resolver<'_>,
    at: &[Step<'_>],
) -> Option<Arc<Plugin>> {
    let place = [Step::Key("adapters"), Step::Key(name)];
    let key = [&place[..], &[Step::Key("plugin")]].concat();
    let (named, key) = match &adapter.adapter_type {
        AdapterType::Plugin => (adapter.plugin.as_ref()?.as_str(), &key[..]),
        AdapterType::Script | AdapterType::Other(_) => (SHELL, &place[..]),
        later @ (AdapterType::Python | AdapterType::Javascript) => {
            let word = later.as_str();
            let message = format!("adapter `{name}` of `type: {word}` comes with a later release");
            report.add(PlanCode::LaterRelease, at, message).hint(
                "there is no interpreter for it yet: write it in bash (`type: script`), or as a plugin (`type: plugin`)",
            );
            return None;
        }
    };
    let plugin = resolver.plugin(named, report, key)?;
    if !plugin.kinds().adapter {
        let message = format!("plugin `{}` is no adapter", plugin.name());
        report
            .add(PlanCode::NotAnAdapter, key, message)
            .hint("an adapter exports `armature:plugin/adapter-api`");
        return None;
    }
    Some(plugin)
}
