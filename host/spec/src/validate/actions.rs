//! Adapters, plugins and the sandbox.

use super::{Checker, show};
use crate::{
    codes::Code,
    model::{Adapter, AdapterType},
    path,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    adapters(checker);
    tools(checker);
    let seconds = checker.spec.sandbox.timeout_s;
    if seconds <= 0.0 {
        let message = format!("`timeout_s` is {seconds}; nothing can be done in that time");
        checker.section(
            Code::InvalidDuration,
            path!["sandbox", "timeout_s"],
            message,
            Some("write the seconds that one call may take, e.g. `300`".to_owned()),
        );
    }
}

fn adapters(checker: &mut Checker<'_>) {
    for (name, adapter) in &checker.spec.adapters {
        let place = path!["adapters", name];
        if let Some((message, hint)) = wrong(name, adapter) {
            checker.section(Code::InvalidAdapter, place, message, Some(hint));
        }
        if let AdapterType::Other(word) = &adapter.adapter_type {
            let message = format!(
                "{} is no type of adapter; {} runs as a script",
                show(word),
                show(name)
            );
            let hint = Some("write `script`, `python`, `javascript` or `wasm`".to_owned());
            checker.section(
                Code::UnknownAdapterType,
                path!["adapters", name, "type"],
                message,
                hint,
            );
        }
        if adapter.timeout == 0 {
            let message = "`timeout` is 0; nothing can be done in that time";
            checker.section(
                Code::InvalidDuration,
                path!["adapters", name, "timeout"],
                message,
                Some("write the seconds that it may take, e.g. `60`".to_owned()),
            );
        }
    }
}

/// What is wrong with what an adapter runs, and what to write instead.
fn wrong(name: &str, adapter: &Adapter) -> Option<(String, String)> {
    let kind = &adapter.adapter_type;
    let name = show(name);
    if *kind == AdapterType::Plugin {
        return adapter.plugin_name().is_none().then(|| {
            let message = format!("the adapter {name} names no plugin");
            (message, "add `plugin: NAME`".to_owned())
        });
    }
    if adapter.plugin.is_some() {
        let message = format!(
            "the adapter {name} names a plugin, but its type is {}",
            show(kind.as_str())
        );
        return Some((message, "write `type: wasm`".to_owned()));
    }
    match (kind.language(), &adapter.cmd, adapter.entry()) {
        (Some(_), Some(_), Some(_)) => {
            let message =
                format!("the adapter {name} has `fn` and `cmd`: which of them is to run?");
            Some((message, "keep one of the two".to_owned()))
        }
        (Some(ending), None, Some(Err(why))) => {
            let written = adapter.function.as_deref().unwrap_or_default();
            let message = format!(
                "the adapter {name} has the `fn` {}, and {why}",
                show(written)
            );
            Some((
                message,
                format!("write the file and the function: `scripts/clean.{ending}:clean`"),
            ))
        }
        (Some(ending), None, None) => {
            let message =
                format!("the adapter {name} has neither `fn` nor `cmd`: there is nothing to run");
            Some((
                message,
                format!("add `fn: scripts/clean.{ending}:clean`, or put the code into `cmd`"),
            ))
        }
        (None, None, _) => {
            let message = format!("the adapter {name} has no `cmd`: there is no script to run");
            let hint = match adapter.function {
                Some(_) => {
                    "`fn` goes with `type: python` or `javascript`; a script stands in `cmd`"
                }
                None => "put the script into `cmd`",
            };
            Some((message, hint.to_owned()))
        }
        _ => None,
    }
}

fn tools(checker: &mut Checker<'_>) {
    for (index, entry) in checker.spec.tools.iter().enumerate() {
        let place = path!["tools", index];
        match (&entry.plugin, &entry.module) {
            (None, None) => {
                let message = "the entry names no plugin";
                checker.section(
                    Code::InvalidToolEntry,
                    place,
                    message,
                    Some("add `plugin: NAME`".to_owned()),
                );
            }
            (Some(plugin), Some(module)) => {
                let message = format!(
                    "the entry names the plugin {} and the module {}",
                    show(plugin.as_str()),
                    show(module)
                );
                checker.section(
                    Code::InvalidToolEntry,
                    place,
                    message,
                    Some("keep one of the two".to_owned()),
                );
            }
            (None, Some(module)) => {
                if let Err(why) = entry.plugin_name() {
                    let message = format!("the module {} means no plugin: {why}", show(module));
                    checker.section(
                        Code::InvalidToolEntry,
                        path!["tools", index, "module"],
                        message,
                        Some("name the plugin itself: `plugin: NAME`".to_owned()),
                    );
                }
            }
            (Some(_), None) => {}
        }
    }
}
