//! Context layers and policies: what prompts must say, what stages must never see.

use std::collections::{BTreeSet, HashSet};

use super::{Checker, contracts::PROVIDED, meant_or_known, show, templates::names_read_first};
use crate::{
    codes::Code,
    location::Step,
    model::{ContextPolicy, Stage},
    path,
    template::Template,
};

/// Headings that prompts have of their own, and what would look like them.
const RESERVED: [&str; 5] = [
    "workflow mission",
    "mission",
    "prior stages",
    "work unit",
    "run_id",
];

pub(super) fn check(checker: &mut Checker<'_>) {
    layers(checker);
    let spec = checker.spec;
    if let Some(policy) = &spec.context_policy {
        names(checker, None, policy);
    }
    for (index, stage) in spec.stages.iter().enumerate() {
        if let Some(policy) = &stage.context_policy {
            names(checker, Some(index), policy);
        }
        blocked_items(checker, index, stage);
        leaks(checker, index, stage);
    }
}

fn layers(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let mut seen = HashSet::new();
    for (index, layer) in spec.context_layers.iter().enumerate() {
        let name = layer.name.trim().to_lowercase();
        let is_stage = checker.stage_named(&layer.name).is_some();
        if name.is_empty() || name.starts_with('_') || RESERVED.contains(&name.as_str()) || is_stage
        {
            let message = format!("a context layer cannot be called {}", show(&layer.name));
            let hint = if is_stage {
                Some("a stage has this name; `never` could not tell the two apart".to_owned())
            } else {
                Some("prompts use the name for something else".to_owned())
            };
            let place = path!["context_layers", index, "name"];
            checker.section(Code::ReservedContextLayerName, place, message, hint);
        } else if !seen.insert(name) {
            let message = format!("there are two context layers {}", show(&layer.name));
            let place = path!["context_layers", index, "name"];
            let hint = Some("give each a name of its own".to_owned());
            checker.section(Code::ReservedContextLayerName, place, message, hint);
        }
        match (&layer.content, &layer.src) {
            (None, None) => {
                let message = format!(
                    "the context layer {} has neither `content` nor `src`",
                    show(&layer.name)
                );
                let hint = Some("add `content: …`, or `src: FILE`".to_owned());
                let place = path!["context_layers", index];
                checker.section(Code::EmptyContextLayer, place, message, hint);
            }
            (None, Some(src)) if leaves(src) => {
                let message = format!(
                    "`src` is {}, which is not in the spec's directory",
                    show(src)
                );
                let hint = Some("move the file beside the spec, or below it".to_owned());
                let place = path!["context_layers", index, "src"];
                checker.section(Code::SrcPathEscape, place, message, hint);
            }
            _ => {}
        }
        for (at, key) in layer.never.iter().enumerate() {
            source(
                checker,
                key,
                None,
                &[
                    Step::Key("context_layers"),
                    Step::Index(index),
                    Step::Key("never"),
                    Step::Index(at),
                ],
            );
        }
    }
}

/// Does a path lead out of the directory that it begins in, as far as can be seen from it?
pub(super) fn leaves(path: &str) -> bool {
    let mut depth = 0i64;
    for step in path.split(['/', '\\']) {
        match step {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    let bytes = path.as_bytes();
    path.starts_with(['/', '\\', '~']) || bytes.get(1) == Some(&b':')
}

/// The names in a policy: of the workflow, or of a stage.
fn names(checker: &mut Checker<'_>, stage: Option<usize>, policy: &ContextPolicy) {
    let spec = checker.spec;
    let base: Vec<Step<'_>> = match stage {
        Some(index) => path!["stages", index, "context_policy"].to_vec(),
        None => path!["context_policy"].to_vec(),
    };
    let floor: BTreeSet<&str> = spec
        .context_layers
        .iter()
        .flat_map(|layer| layer.never.iter().map(String::as_str))
        .collect();
    for (at, name) in policy.must.iter().enumerate() {
        let place = [&base[..], path!["must", at]].concat();
        if !spec.context_layers.iter().any(|layer| layer.name == *name) {
            let known = spec.context_layers.iter().map(|layer| layer.name.as_str());
            let hint = meant_or_known(name, "context layers", known);
            let message = format!("there is no context layer {}", show(name));
            report(
                checker,
                Code::UnknownContextLayer,
                stage,
                &place,
                message,
                hint,
            );
        } else if floor.contains(name.as_str()) {
            let message = format!(
                "the layer {} must be shown, and a context layer says that it never is",
                show(name)
            );
            let hint = Some("`never` of a layer always wins: drop one of the two".to_owned());
            report(
                checker,
                Code::ContextPolicyContradictsFloor,
                stage,
                &place,
                message,
                hint,
            );
        }
    }
    for (at, name) in policy.never.iter().enumerate() {
        let place = [&base[..], path!["never", at]].concat();
        source(checker, name, stage, &place);
    }
}

/// A name that is never seen must be the name of something.
fn source(checker: &mut Checker<'_>, name: &str, stage: Option<usize>, place: &[Step<'_>]) {
    let spec = checker.spec;
    // Where no input is declared, any name may be one.
    if spec.contracts.inputs.is_empty() {
        return;
    }
    let mut known: BTreeSet<&str> = PROVIDED.into_iter().collect();
    known.extend(spec.stages.iter().map(|stage| stage.id.as_str()));
    known.extend(
        spec.contracts
            .inputs
            .iter()
            .filter_map(|input| input.name.as_deref()),
    );
    known.extend(spec.context_layers.iter().map(|layer| layer.name.as_str()));
    known.extend(spec.continuation.iter().map(|it| it.inject_as.as_str()));
    if let Some(memory) = &spec.memory {
        known.extend([
            memory.inject_as.as_str(),
            memory.inject_knowledge_as.as_str(),
        ]);
    }
    for stage in &spec.stages {
        known.extend(
            [&stage.partition_key, &stage.inject_file_as]
                .into_iter()
                .flatten()
                .map(String::as_str),
        );
    }
    if known.contains(name) || names_read_first(spec).contains(name) {
        return;
    }
    let message = format!("{} is no input, no stage and no context layer", show(name));
    let hint = crate::suggest::did_you_mean(name, known.iter().copied())
        .or_else(|| Some("a name that is misspelled here hides nothing".to_owned()));
    report(
        checker,
        Code::UnknownContextSource,
        stage,
        place,
        message,
        hint,
    );
}

fn report(
    checker: &mut Checker<'_>,
    code: Code,
    stage: Option<usize>,
    place: &[Step<'_>],
    message: String,
    hint: Option<String>,
) {
    match (stage, place) {
        (Some(index), [_, _, within @ ..]) => checker.stage(code, index, within, message, hint),
        _ => checker.section(code, place, message, hint),
    }
}

/// The names that texts of the spec ask for.
fn names_of<'a>(texts: impl IntoIterator<Item = &'a String>) -> HashSet<String> {
    let compiled = texts
        .into_iter()
        .filter_map(|text| Template::compile(text).ok());
    compiled
        .flat_map(|template| template.names().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Everything that a stage never sees.
fn never<'a>(checker: &Checker<'a>, stage: &'a Stage) -> BTreeSet<&'a str> {
    let spec = checker.spec;
    let floor = spec.context_layers.iter().flat_map(|layer| &layer.never);
    let policies = [&spec.context_policy, &stage.context_policy];
    let policies = policies
        .into_iter()
        .flatten()
        .flat_map(|policy| &policy.never);
    floor.chain(policies).map(String::as_str).collect()
}

fn blocked_items(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let Some(source) = &stage.partition_source else {
        return;
    };
    let never = never(checker, stage);
    if never.is_empty() {
        return;
    }
    if let Some(name) = names_of([source])
        .iter()
        .find(|name| never.contains(name.as_str()))
    {
        let message = format!(
            "`partition_source` reads {}, which the stage never sees: there are no items",
            show(name)
        );
        let place = path!["partition_source"];
        let hint = Some(format!(
            "take {} out of `never`, or read the items elsewhere",
            show(name)
        ));
        checker.stage(
            Code::NeverBlocksPartitionSource,
            index,
            place,
            message,
            hint,
        );
    }
}

/// A stage that must not see a value, and sees the result of one that was told it.
fn leaks(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let hidden = never(checker, stage);
    if hidden.is_empty() {
        return;
    }
    for need in &stage.depends_on {
        let Some(before) = checker.stage_named(need) else {
            continue;
        };
        let open = never(checker, before);
        let texts = [
            before.role.as_ref().map(|role| &role.description),
            before.present.as_ref(),
            before.partition_source.as_ref(),
        ];
        let named = names_of(texts.into_iter().flatten());
        let told = hidden.iter().find(|name| {
            named.contains(**name) && !open.contains(*name) && *name != &before.id.as_str()
        });
        if let Some(name) = told.filter(|_| !hidden.contains(need.as_str())) {
            let message = format!(
                "the stage never sees {}, but the result of {}, which does, may tell it",
                show(name),
                show(need)
            );
            let hint = Some(format!(
                "hide {} here too, or {} from {} as well",
                show(need),
                show(name),
                show(need)
            ));
            let place = path!["context_policy"];
            checker.stage(Code::ContextTransitLeakRisk, index, place, message, hint);
        }
    }
}
