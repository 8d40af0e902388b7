//! The syntax of every template, before anything runs.

use std::collections::HashSet;

use serde_json::Value;

use super::Checker;
use crate::{
    codes::Code,
    location::Step,
    model::Spec,
    path,
    template::{Template, ValueTemplate},
};

pub(super) fn check(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    for (index, stage) in spec.stages.iter().enumerate() {
        let until = stage
            .on_fail
            .as_ref()
            .and_then(|on_fail| on_fail.retry.as_ref()?.until.as_ref());
        let texts: [(&[Step<'_>], Option<&String>); 6] = [
            (
                path!["role", "description"],
                stage.role.as_ref().map(|role| &role.description),
            ),
            (path!["present"], stage.present.as_ref()),
            (path!["condition"], stage.condition.as_ref()),
            (path!["skip_if"], stage.skip_if.as_ref()),
            (path!["partition_source"], stage.partition_source.as_ref()),
            (path!["on_fail", "loop", "until"], until),
        ];
        let base = path!["stages", index];
        for (place, text) in texts {
            if let Some(text) = text {
                template(checker, Some(&stage.id), &[base, place].concat(), text);
            }
        }
        for (key, value) in stage.tool_call.iter().flat_map(|call| &call.args) {
            let place = [base, path!["tool_call", "args", key]].concat();
            tree(checker, Some(&stage.id), &place, value);
        }
    }
    for (name, adapter) in &spec.adapters {
        let base = path!["adapters", name];
        if let Some(cmd) = &adapter.cmd {
            template(checker, None, &[base, path!["cmd"]].concat(), cmd);
        }
        for (key, value) in &adapter.args {
            tree(checker, None, &[base, path!["args", key]].concat(), value);
        }
    }
}

/// The names that stages without dependencies read. Nothing has run before those, so each must be an input, whether
/// `contracts.inputs` lists it or not.
pub(super) fn names_read_first(spec: &Spec) -> HashSet<String> {
    let mut names = HashSet::new();
    for stage in spec
        .stages
        .iter()
        .filter(|stage| stage.depends_on.is_empty() && !stage.post_run)
    {
        let adapter = stage
            .adapter
            .as_ref()
            .and_then(|name| spec.adapters.get(name));
        let mut values: Vec<Value> = Vec::new();
        let texts = [
            stage.role.as_ref().map(|role| &role.description),
            stage.present.as_ref(),
            stage.condition.as_ref(),
            stage.skip_if.as_ref(),
            stage.partition_source.as_ref(),
            adapter.and_then(|adapter| adapter.cmd.as_ref()),
        ];
        values.extend(
            texts
                .into_iter()
                .flatten()
                .map(|text| Value::from(text.as_str())),
        );
        values.extend(
            stage
                .tool_call
                .iter()
                .map(|call| Value::Object(call.args.clone())),
        );
        values.extend(adapter.map(|adapter| Value::Object(adapter.args.clone())));
        let templates = values
            .iter()
            .filter_map(|value| ValueTemplate::compile(value).ok());
        for template in templates {
            let read = template
                .names()
                .into_iter()
                .filter(|name| *name != stage.item_key());
            names.extend(read.map(str::to_owned));
        }
    }
    names
}

fn tree(checker: &mut Checker<'_>, stage: Option<&str>, place: &[Step<'_>], value: &Value) {
    match value {
        Value::String(text) => template(checker, stage, place, text),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                tree(checker, stage, &[place, path![index]].concat(), value);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                tree(checker, stage, &[place, path![key]].concat(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn template(checker: &mut Checker<'_>, stage: Option<&str>, place: &[Step<'_>], text: &str) {
    let Err(why) = Template::compile(text) else {
        return;
    };
    let line = match why.line {
        Some(line) if line > 1 => format!(" (line {line} of the text)"),
        _ => String::new(),
    };
    let key = place.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(*key),
        Step::Index(_) => None,
    });
    let message = format!(
        "the template in `{}` is wrong: {}{line}",
        key.unwrap_or_default(),
        why.message
    );
    checker.section(Code::InvalidTemplate, place, message, None);
    if let Some(finding) = checker.findings.last_mut() {
        finding.stage = stage.map(str::to_owned);
    }
}
