//! The syntax of every template, before anything runs.

use serde_json::Value;

use super::Checker;
use crate::{finding::Code, location::Step, path, template::Template};

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
