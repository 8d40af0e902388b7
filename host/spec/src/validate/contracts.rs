//! Contracts between a run and its caller, between stages, and between one run and the next.

use std::collections::HashSet;

use super::{Checker, show, templates::names_read_first};
use crate::{
    codes::Code,
    model::{Signature, Stage},
    path,
};

/// Names that the engine provides to stages by itself.
pub(super) const PROVIDED: [&str; 4] = [
    "run_id",
    "_transcript",
    "_diagnostics",
    "_stale_memory_keys",
];

pub(super) fn check(checker: &mut Checker<'_>) {
    inputs_and_outputs(checker);
    signatures(checker);
    earlier_runs(checker);
}

fn inputs_and_outputs(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let hours = spec.contracts.timeout_hours;
    if hours <= 0.0 {
        let message = format!("`timeout_hours` is {hours}; nothing can be done in that time");
        checker.section(
            Code::InvalidDuration,
            path!["contracts", "timeout_hours"],
            message,
            Some("write the hours that a run may take, e.g. `8`".to_owned()),
        );
    }
    // Nothing of a negative amount is ever left: it is a slip, not a way to forbid models.
    if let Some(most) = spec.contracts.max_cost_usd.filter(|most| *most < 0.0) {
        checker.section(
            Code::InvalidValue,
            path!["contracts", "max_cost_usd"],
            format!("`max_cost_usd` is {most}; no run can cost less than nothing"),
            Some("write the dollars that a run may cost, or leave it out".to_owned()),
        );
    }
    for (index, output) in spec.contracts.outputs.iter().enumerate() {
        let place = path!["contracts", "outputs", index];
        match output.stage.as_deref() {
            None | Some("") => {
                let message = "the output does not say which `stage` delivers it";
                let hint = Some("add `stage: ID`".to_owned());
                checker.section(Code::ContractOutputMissingStage, place, message, hint);
            }
            Some(stage) if checker.stage_named(stage).is_none() => {
                let hint = checker.stage_hint(stage);
                let message = format!(
                    "the output is to come from {}, and there is no such stage",
                    show(stage)
                );
                let place = path!["contracts", "outputs", index, "stage"];
                checker.section(Code::ContractOutputUndefinedStage, place, message, hint);
            }
            Some(_) => {}
        }
        if output.key.as_deref().is_none_or(str::is_empty) {
            let message = "the output does not say which `key` of the stage's result it is";
            let hint = Some("add `key: …`; the text of a model's answer is `content`".to_owned());
            checker.section(Code::ContractOutputMissingKey, place, message, hint);
        }
    }
}

fn signatures(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let mut given: HashSet<&str> = PROVIDED.into_iter().collect();
    given.extend(
        spec.contracts
            .inputs
            .iter()
            .filter_map(|input| input.name.as_deref()),
    );
    given.extend(
        spec.continuation
            .iter()
            .map(|continuation| continuation.inject_as.as_str()),
    );
    if let Some(memory) = &spec.memory {
        given.extend([
            memory.inject_as.as_str(),
            memory.inject_knowledge_as.as_str(),
        ]);
    }
    // Only where it could matter: it compiles templates.
    let read_first = if spec.stages.iter().any(|stage| stage.signature.is_some()) {
        names_read_first(spec)
    } else {
        HashSet::new()
    };
    for (index, stage) in spec.stages.iter().enumerate() {
        let Some(signature) = &stage.signature else {
            continue;
        };
        let before: Vec<(&Stage, &Signature)> = stage
            .depends_on
            .iter()
            .filter_map(|id| checker.stage_named(id))
            .filter_map(|stage| Some((stage, stage.signature.as_ref()?)))
            .collect();
        for (name, wanted) in &signature.input {
            for (source, made) in &before {
                if let Some(made) = made.output.get(name).filter(|made| *made != wanted) {
                    let message = format!(
                        "{} is {} here and {} where the stage {} makes it",
                        show(name),
                        show(wanted),
                        show(made),
                        show(&source.id)
                    );
                    let place = path!["signature", "input", name];
                    let hint = Some("write the same words in both places".to_owned());
                    checker.stage(Code::SignatureTypeMismatch, index, place, message, hint);
                }
            }
            let is_made = before
                .iter()
                .any(|(_, made)| made.output.contains_key(name));
            let is_known = is_made
                || checker.places.contains_key(name.as_str())
                || given.contains(name.as_str())
                || read_first.contains(name.as_str());
            if !is_known && !stage.depends_on.is_empty() && stage.fan_out.is_none() {
                let message = format!("nothing provides {}", show(name));
                let hint = Some(
                    "it must be an input, a stage, or in `signature.output` of a stage in `depends_on`".to_owned(),
                );
                checker.stage(
                    Code::UndefinedSignatureInput,
                    index,
                    path!["signature", "input", name],
                    message,
                    hint,
                );
            }
        }
    }
}

fn earlier_runs(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let captures = spec
        .memory
        .iter()
        .flat_map(|memory| memory.capture.iter().enumerate());
    for (index, capture) in captures {
        if checker.stage_named(&capture.stage).is_none() {
            let hint = checker.stage_hint(&capture.stage);
            let message = format!(
                "`memory.capture` names {}, and there is no such stage",
                show(&capture.stage)
            );
            let place = path!["memory", "capture", index, "stage"];
            checker.section(Code::UnknownMemoryStage, place, message, hint);
        }
    }
    memory(checker);
    let carried = spec
        .continuation
        .iter()
        .flat_map(|continuation| continuation.carry_forward.iter().enumerate());
    for (index, carry) in carried {
        let stage = carry.key.split('.').next().unwrap_or_default();
        if checker.stage_named(stage).is_none() {
            let hint = Some("write `STAGE.KEY`".to_owned());
            let message = format!("{} names no stage of this spec", show(&carry.key));
            let place = path!["continuation", "carry_forward", index, "key"];
            checker.section(Code::UnknownMemoryStage, place, message, hint);
        }
    }
}

/// Settings of `memory` that do nothing by themselves, and a database elsewhere.
fn memory(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let Some(memory) = &spec.memory else { return };
    if memory.navigation_tools && !memory.enabled {
        checker.section(
            Code::MemoryWithoutUse,
            path!["memory", "navigation_tools"],
            "`navigation_tools` offers what `enabled: false` switches off",
            Some("leave one of the two out".to_owned()),
        );
    }
    let place = memory.db.as_deref().unwrap_or_default();
    if place.contains(['/', '\\']) {
        let name = place.rsplit(['/', '\\']).next().unwrap_or_default();
        checker.section(
            Code::MemoryDbPlace,
            path!["memory", "db"],
            format!(
                "{} names a place; the database {} in `memory/` in armature's home is used",
                show(place),
                show(name)
            ),
            Some("write its name alone".to_owned()),
        );
    }
}
