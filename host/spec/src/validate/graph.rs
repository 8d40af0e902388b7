//! Stages as a graph: ids, dependencies, circles.

use std::collections::VecDeque;

use super::{Checker, contracts::PROVIDED, show};
use crate::{codes::Code, path};

pub(super) fn check(checker: &mut Checker<'_>) {
    ids(checker);
    dependencies(checker);
    circle(checker);
}

fn ids(checker: &mut Checker<'_>) {
    for (index, stage) in checker.spec.stages.iter().enumerate() {
        if stage.id.trim().is_empty() {
            checker.stage(
                Code::InvalidStageId,
                index,
                path!["id"],
                "the id is empty",
                Some("give the stage a name; others see its result under it".to_owned()),
            );
            continue;
        }
        let first = checker
            .places
            .get(stage.id.as_str())
            .copied()
            .unwrap_or(index);
        if first != index {
            let line = checker.source.locate(path!["stages", first, "id"]).line;
            let message = format!(
                "the id {} is taken by the stage in line {line}",
                show(&stage.id)
            );
            let hint = Some("give one of the two another id".to_owned());
            checker.stage(Code::DuplicateStageId, index, path!["id"], message, hint);
        }
        let is_input = checker
            .spec
            .contracts
            .inputs
            .iter()
            .any(|input| input.name.as_deref() == Some(stage.id.as_str()));
        if is_input {
            let message = format!(
                "{} is also an input; from this stage on its result takes the input's place",
                show(&stage.id)
            );
            let hint = Some("give the stage another id if later stages need the input".to_owned());
            checker.stage(Code::StageShadowsInput, index, path!["id"], message, hint);
        }
        built_in(checker, index, &stage.id);
    }
}

/// A name that a template has without any stage. Whichever of the two a template sees, its author may mean the other.
fn built_in(checker: &mut Checker<'_>, index: usize, id: &str) {
    let means = match id {
        "env" => "`env` is the secrets that a template may name",
        id if PROVIDED.contains(&id) => "the run itself has a value of that name",
        _ => return,
    };
    let message = format!("a stage is called {}: {means}", show(id));
    let hint = Some("give the stage another id".to_owned());
    checker.stage(Code::StageShadowsBuiltIn, index, path!["id"], message, hint);
}

fn dependencies(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    for (index, stage) in spec.stages.iter().enumerate() {
        for (place, dependency) in stage.depends_on.iter().enumerate() {
            if checker.stage_named(dependency).is_none() {
                let hint = checker.stage_hint(dependency);
                let message = format!(
                    "`depends_on` names {}, and there is no such stage",
                    show(dependency)
                );
                checker.stage(
                    Code::UndefinedDependency,
                    index,
                    path!["depends_on", place],
                    message,
                    hint,
                );
            } else if !stage.post_run
                && checker
                    .stage_named(dependency)
                    .is_some_and(|other| other.post_run)
            {
                let message = format!(
                    "`depends_on` names {}, which runs after all others: nothing waits for it",
                    show(dependency)
                );
                let hint = Some(format!(
                    "leave it out of `depends_on`, or take `post_run` off {}",
                    show(dependency)
                ));
                let place = path!["depends_on", place];
                checker.stage(Code::DependsOnPostRun, index, place, message, hint);
            }
        }
        if stage.post_run && !stage.depends_on.is_empty() {
            let message = "`depends_on` has no effect on a post_run stage: those run last, in the order of the spec";
            checker.stage(
                Code::PostRunDependsOn,
                index,
                path!["depends_on"],
                message,
                Some("leave `depends_on` out".to_owned()),
            );
        }
    }
}

/// Takes away every stage whose dependencies are gone; what is left waits for itself.
fn circle(checker: &mut Checker<'_>) {
    let stages = &checker.spec.stages;
    let needs: Vec<Vec<usize>> = stages
        .iter()
        .map(|stage| {
            stage
                .depends_on
                .iter()
                .filter_map(|id| checker.places.get(id.as_str()).copied())
                .collect()
        })
        .collect();
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); stages.len()];
    for (index, needs) in needs.iter().enumerate() {
        for need in needs {
            if let Some(list) = wanted_by.get_mut(*need) {
                list.push(index);
            }
        }
    }
    let mut ready: VecDeque<usize> = waiting
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 0)
        .map(|(index, _)| index)
        .collect();
    while let Some(done) = ready.pop_front() {
        for next in wanted_by.get(done).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*next) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(*next);
                }
            }
        }
    }
    let stuck = |index: usize| waiting.get(index).is_some_and(|count| *count > 0);
    let Some(start) = (0..stages.len()).find(|index| stuck(*index)) else {
        return;
    };
    // Every stuck stage needs a stuck one, so following needs must come back to a stage already seen.
    let mut way: Vec<usize> = Vec::new();
    let mut at = start;
    while !way.contains(&at) {
        way.push(at);
        let Some(next) = needs
            .get(at)
            .into_iter()
            .flatten()
            .copied()
            .find(|index| stuck(*index))
        else {
            return;
        };
        at = next;
    }
    let ring = way.iter().skip_while(|index| **index != at).chain([&at]);
    let names: Vec<String> = ring
        .filter_map(|index| stages.get(*index))
        .map(|stage| show(&stage.id))
        .collect();
    let message = format!(
        "stages wait for each other and none can start: {}",
        names.join(" needs ")
    );
    let hint = Some("remove one of these from `depends_on`".to_owned());
    checker.section(
        Code::CircularDependency,
        path!["stages", at, "depends_on"],
        message,
        hint,
    );
}
