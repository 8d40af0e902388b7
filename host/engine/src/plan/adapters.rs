//! Adapters: a plugin that the spec names, the shell for a script, or the interpreter of another language.

use armature_grants::{LIMITS, LimitId, LimitRequest};
use armature_sandbox::Plugin;
use armature_spec::{self as spec, Adapter, AdapterType, Entry, Step};
use std::{path::PathBuf, sync::Arc};

use super::{
    given::leaves_traces,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    stage::{AdapterStage, Function, Kind, Program},
    stages::{Site, Texts, env_uses},
};
use crate::files;

/// The plugin that runs scripts.
pub(crate) const SHELL: &str = "shell";

/// The adapter of a stage, made ready to run.
pub(super) fn adapter(
    site: &Site<'_>,
    stage: &spec::Stage,
    texts: &mut Texts<'_, '_>,
    resolver: &mut Resolver<'_>,
) -> Option<Kind> {
    let name = stage.adapter.as_deref()?;
    // An adapter that is not there has been reported by the spec's own validation.
    let adapter = site.spec.adapters.get(name)?;
    let place = [Step::Key("adapters"), Step::Key(name)];
    let program = match adapter.adapter_type {
        AdapterType::Plugin => None,
        _ => program(site, name, adapter, texts),
    };
    let plugin = plugin_of(name, adapter, texts.report, resolver)?;
    let given = resolver.given(&plugin);
    let grants = adapter.grants.clone().unwrap_or(given.grants);
    let ceiling = resolver.ceiling(LimitId::Timeout);
    let timeout = adapter.timeout.saturating_mul(1000).clamp(1, ceiling);
    let asked = over(given.limits.and(LimitId::Timeout, timeout), adapter);
    let limits = resolver.limits(&asked, texts.report, &place)?;
    let rights = resolver.rights(&plugin, grants);
    let args_at = [&place[..], &[Step::Key("args")]].concat();
    let env = env_uses(&adapter.args, &rights, texts.report, &args_at);
    if program.is_none() && adapter.adapter_type != AdapterType::Plugin {
        return None;
    }
    let mut args = adapter.args.clone();
    // Beside `plugin`, `fn` is for the plugin to read.
    if let (AdapterType::Plugin, Some(_), Some(function)) =
        (&adapter.adapter_type, &adapter.plugin, &adapter.function)
    {
        args.insert("function".to_owned(), function.as_str().into());
    }
    let args = texts.tree("adapter.args", &args)?;
    // An adapter has no word for being repeatable.
    let outside = leaves_traces(&rights);
    Some(Kind::Adapter(Box::new(AdapterStage {
        name: name.to_owned(),
        plugin,
        program,
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
) -> Option<Arc<Plugin>> {
    let named = match &adapter.adapter_type {
        // One that names none has been reported by the spec's own validation.
        AdapterType::Plugin => adapter.plugin_name()?.as_str().to_owned(),
        AdapterType::Script | AdapterType::Other(_) => SHELL.to_owned(),
        language => language.as_str().to_owned(),
    };
    let key = match (&adapter.adapter_type, &adapter.plugin) {
        (AdapterType::Plugin, Some(_)) => "plugin",
        (AdapterType::Plugin, None) => "fn",
        _ => "type",
    };
    let place = [Step::Key("adapters"), Step::Key(name), Step::Key(key)];
    let plugin = resolver.plugin(&named, report, &place)?;
    if !plugin.kinds().adapter {
        let message = format!("plugin `{}` is no adapter", plugin.name());
        report
            .add(PlanCode::NotAnAdapter, &place, message)
            .hint("an adapter exports `armature:plugin/adapter-api`");
        return None;
    }
    Some(plugin)
}

/// What the interpreter of an adapter is given to run.
fn program(
    site: &Site<'_>,
    name: &str,
    adapter: &Adapter,
    texts: &mut Texts<'_, '_>,
) -> Option<Program> {
    match (&adapter.cmd, adapter.entry()) {
        (Some(cmd), _) => {
            let text = texts.text("adapter.cmd", cmd)?;
            Some(match adapter.adapter_type.language() {
                Some(_) => Program::Code(text),
                None => Program::Command(text),
            })
        }
        (None, Some(Ok(entry))) => function(site, name, entry, texts).map(Program::Function),
        // One that has nothing to run has been reported by the spec's own validation.
        (None, _) => None,
    }
}

/// The function of an adapter, read from its file. It is data for the interpreter; whether it is code is found when it
/// runs, but a name that the file does not even mention is found now.
fn function(
    site: &Site<'_>,
    name: &str,
    entry: Entry,
    texts: &mut Texts<'_, '_>,
) -> Option<Function> {
    let Entry { file, function } = entry;
    let place = [Step::Key("adapters"), Step::Key(name), Step::Key("fn")];
    let mut refuse = |message: String, hint: &str| {
        texts
            .report
            .add(PlanCode::UnreadableScript, &place, message)
            .hint(hint);
        texts.failed = true;
        None
    };
    let text = match files::of_spec(site.spec_name, &file).and_then(|path| files::text(&path)) {
        Ok(text) => text,
        Err(error) => {
            return refuse(
                format!("adapter `{name}`: {error}"),
                "put the file beside the spec or below it, and write its path from there: `scripts/clean.py:clean`",
            );
        }
    };
    if function != "default" && !text.contains(&function) {
        return refuse(
            format!("adapter `{name}`: there is no function `{function}` in `{file}`"),
            "name a function that the file defines",
        );
    }
    Some(Function {
        text,
        file,
        name: function,
    })
}

/// The files that adapters are read from.
pub(super) fn files_of(spec: &spec::Spec, spec_name: &str) -> Vec<PathBuf> {
    let entries = spec.adapters.values().filter_map(Adapter::entry);
    entries
        .flatten()
        .map(|entry| files::beside(spec_name, &entry.file))
        .collect()
}
