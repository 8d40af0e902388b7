//! Adapters, plugins and the sandbox.

use super::{Checker, show};
use crate::{codes::Code, model::AdapterType, path};

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
        match (&adapter.adapter_type, &adapter.plugin, &adapter.cmd) {
            (AdapterType::Plugin, None, _) => {
                let message = format!(
                    "the adapter {} is of type plugin and names none",
                    show(name)
                );
                checker.section(
                    Code::InvalidAdapter,
                    place,
                    message,
                    Some("add `plugin: NAME`".to_owned()),
                );
            }
            (AdapterType::Plugin, Some(_), _) => {}
            (kind, Some(_), _) => {
                let message = format!(
                    "the adapter {} names a plugin, but its type is {}",
                    show(name),
                    show(kind.as_str())
                );
                checker.section(
                    Code::InvalidAdapter,
                    place,
                    message,
                    Some("write `type: plugin`".to_owned()),
                );
            }
            (_, None, None) => {
                let message = format!(
                    "the adapter {} has no `cmd`: there is no script to run",
                    show(name)
                );
                let hint = adapter.function.as_ref().map_or_else(
                    || "put the script into `cmd`".to_owned(),
                    |_| {
                        "`fn` never ran anything; put the script into `cmd`, or make it a plugin"
                            .to_owned()
                    },
                );
                checker.section(Code::InvalidAdapter, place, message, Some(hint));
            }
            (_, None, Some(_)) => {}
        }
        if let AdapterType::Other(word) = &adapter.adapter_type {
            let message = format!(
                "{} is no type of adapter; {} runs as a script",
                show(word),
                show(name)
            );
            let hint = Some("write `script`, `python`, `javascript` or `plugin`".to_owned());
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
