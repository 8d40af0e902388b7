//! Names in templates that nothing provides.
//!
//! A missing name prints nothing, so a slip of the pen goes unseen. It is reported only where it is sure: the workflow
//! declares its inputs, and the template does not itself provide for the name to be missing (`default`, `is defined`,
//! `if`, `or`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Checker, contracts::PROVIDED, inputs::is_name, show, templates};
use crate::{codes::Code, location::Step, model::Spec, suggest::did_you_mean};

/// Names that every template has.
const OF_TEMPLATES: [&str; 8] = [
    "env",
    "dict",
    "namespace",
    "range",
    "loop",
    "self",
    "cycler",
    "joiner",
];

pub(super) fn check(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    if spec.contracts.inputs.is_empty() {
        return;
    }
    let known = known(spec);
    for text in templates::all(spec) {
        // The result of the stage is seen by its keys there, and nobody knows those.
        if text.place.last() == Some(&Step::Key("until")) {
            continue;
        }
        // A pass sees everything that the one before it left, and nobody knows what that is.
        let stage = text.stage.and_then(|index| spec.stages.get(index));
        let passes = stage.and_then(|stage| stage.iteration.as_ref());
        if passes.is_some_and(|passes| passes.carry_forward.is_none()) {
            continue;
        }
        let Ok(template) = crate::Template::compile(text.text) else {
            continue;
        };
        let needs = template.needs();
        for name in &needs {
            let is_own = name.starts_with('_') || text.own.iter().any(|own| own == name);
            if is_own || known.contains(name.as_str()) || is_rest_of_id(spec, &needs, name) {
                continue;
            }
            let hint = hint(spec, &known, name);
            let message = format!(
                "nothing provides {}: it is no input, no stage, and prints nothing",
                show(name)
            );
            checker.at(
                Code::UndefinedName,
                text.stage,
                &text.place,
                message,
                Some(hint),
            );
        }
    }
}

/// Is it the `b` of a stage `a-b`, which a template takes for a difference? Then `a` is reported, and that is enough.
fn is_rest_of_id(spec: &Spec, needs: &[String], name: &str) -> bool {
    spec.stages.iter().any(|stage| {
        let mut parts = stage.id.split('-');
        let is_needed = parts
            .next()
            .is_some_and(|first| needs.iter().any(|need| need == first));
        is_needed && parts.any(|part| part == name)
    })
}

/// Everything that a template can be sure to see somewhere in the workflow.
fn known(spec: &Spec) -> BTreeSet<&str> {
    let mut known: BTreeSet<&str> = PROVIDED.into_iter().chain(OF_TEMPLATES).collect();
    known.extend(
        spec.contracts
            .inputs
            .iter()
            .filter_map(|input| input.name.as_deref()),
    );
    known.extend(spec.stages.iter().map(|stage| stage.id.as_str()));
    known.extend(spec.continuation.iter().map(|c| c.inject_as.as_str()));
    known.extend(
        spec.memory
            .iter()
            .flat_map(|memory| [&*memory.inject_as, &*memory.inject_knowledge_as]),
    );
    if !spec.triggers.is_empty() {
        known.insert("trigger_payload");
    }
    // What is said to go in is given from outside, if nothing inside makes it.
    let signatures = spec
        .stages
        .iter()
        .filter_map(|stage| stage.signature.as_ref());
    known.extend(signatures.flat_map(|signature| signature.input.keys().map(String::as_str)));
    // Names that settings of later features bring along: whatever they inject, they inject by name.
    known.extend(injected(spec));
    known
}

fn injected(spec: &Spec) -> impl Iterator<Item = &str> {
    let retries = spec
        .stages
        .iter()
        .filter_map(|stage| stage.on_fail.as_ref()?.retry.as_ref());
    let passes = spec
        .stages
        .iter()
        .filter_map(|stage| stage.iteration.as_ref());
    let carried = passes.clone().flat_map(|passes| &passes.carry_forward);
    retries
        .map(|retry| retry.context.as_str())
        .chain(passes.map(|passes| passes.iteration_var.as_str()))
        .chain(carried.flatten().flat_map(|path| path.split('.')))
}

fn hint(spec: &Spec, known: &BTreeSet<&str>, name: &str) -> String {
    let with_dash = spec.stages.iter().find(|stage| {
        let id = stage.id.as_str();
        !is_name(id)
            && id
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['-', ' ', '.']))
    });
    if let Some(stage) = with_dash {
        return format!(
            "a template cannot say `{}`; give the stage an id of letters, digits and `_`",
            stage.id.escape_debug()
        );
    }
    did_you_mean(name, known.iter().copied()).unwrap_or_else(|| {
        format!("declare it in `contracts.inputs`, or write `{{{{ {name} | default(\"\") }}}}`")
    })
}

/// Texts of a tree of arguments, each with the way to it.
pub(super) fn texts<'a>(
    value: &'a Value,
    way: &[Step<'a>],
    found: &mut Vec<(Vec<Step<'a>>, &'a str)>,
) {
    match value {
        Value::String(text) => found.push((way.to_vec(), text)),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                texts(value, &[way, &[Step::Index(index)]].concat(), found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                texts(value, &[way, &[Step::Key(key)]].concat(), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
