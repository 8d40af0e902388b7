//! Doing a stage again: passes of `loop`, and attempts of `on_fail.loop`.

use std::collections::HashSet;

use armature_grants::RunLimit;

use super::{Checker, contracts::PROVIDED, show};
use crate::{
    codes::Code,
    location::Step,
    model::{Iteration, Loop, Stage},
    path,
    template::Template,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    for (index, stage) in checker.spec.stages.iter().enumerate() {
        let retry = stage.on_fail.as_ref().and_then(|it| it.retry.as_ref());
        if let Some(retry) = retry {
            attempts(checker, index, stage, retry);
        }
        let Some(iteration) = &stage.iteration else {
            continue;
        };
        passes(checker, index, iteration);
        carried(checker, index, iteration);
        variable(checker, index, stage, iteration);
        if retry.is_some() {
            let message = "the stage has `loop` and `on_fail.loop`: each pass is attempted as often as the latter says";
            let hint = Some("if only one of the two is meant, remove the other".to_owned());
            checker.stage(
                Code::LoopAndOnFailLoopCoexist,
                index,
                path!["loop"],
                message,
                hint,
            );
        }
    }
}

/// `on_fail.loop`.
fn attempts(checker: &mut Checker<'_>, index: usize, stage: &Stage, retry: &Loop) {
    let place = path!["on_fail", "loop", "stage"];
    if checker.stage_named(&retry.stage).is_none() {
        let hint = checker.stage_hint(&retry.stage);
        let message = format!(
            "`on_fail.loop.stage` names {}, and there is no such stage",
            show(&retry.stage)
        );
        checker.stage(Code::UndefinedLoopStage, index, place, message, hint);
    } else if retry.stage != stage.id
        && (stage.post_run || !is_before(checker, &retry.stage, stage))
    {
        let message = format!(
            "`on_fail.loop.stage` names {}, and this stage does not depend on it: there is no way back to it",
            show(&retry.stage)
        );
        let hint = Some(format!(
            "write `stage: {}` to repeat this stage alone, or add {} to its `depends_on`",
            stage.id,
            show(&retry.stage)
        ));
        checker.stage(Code::LoopStageNotBefore, index, place, message, hint);
    }
    waits(
        checker,
        index,
        path!["on_fail", "loop"],
        retry.backoff_s,
        retry.backoff_max_s,
    );
}

/// Does a stage depend on another one, however indirectly?
fn is_before(checker: &Checker<'_>, id: &str, stage: &Stage) -> bool {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut todo: Vec<&str> = stage.depends_on.iter().map(String::as_str).collect();
    while let Some(next) = todo.pop() {
        if next == id {
            return true;
        }
        if seen.insert(next)
            && let Some(stage) = checker.stage_named(next)
        {
            todo.extend(stage.depends_on.iter().map(String::as_str));
        }
    }
    false
}

fn waits(
    checker: &mut Checker<'_>,
    index: usize,
    base: &[Step<'_>],
    first: Option<f64>,
    longest: f64,
) {
    for (key, seconds) in [("backoff_s", first), ("backoff_max_s", Some(longest))] {
        if let Some(seconds) = seconds.filter(|seconds| *seconds < 0.0) {
            let message = format!("`{key}` is {seconds}; a wait is at least 0 seconds");
            let place = [base, path![key]].concat();
            let hint = Some("leave it out for no wait".to_owned());
            checker.stage(Code::InvalidDuration, index, &place, message, hint);
        }
    }
}

/// How often, and until when.
fn passes(checker: &mut Checker<'_>, index: usize, iteration: &Iteration) {
    let place = path!["loop", "max_iterations"];
    let (wanted, most) = (
        iteration.max_iterations,
        RunLimit::amount_of("loop_iterations"),
    );
    let cap = checker.spec.contracts.max_iterations;
    if wanted < 1 || u64::try_from(wanted).is_ok_and(|wanted| wanted > most) {
        let message =
            format!("`loop.max_iterations` is {wanted}; a stage makes from 1 to {most} passes");
        checker.stage(
            Code::LoopInvalidMaxIterations,
            index,
            place,
            message,
            Some("write `max_iterations: 5`, for example".to_owned()),
        );
    } else if cap > 0 && wanted > cap {
        let message = format!(
            "`loop.max_iterations` is {wanted}, and `contracts.max_iterations` lets no stage make more than {cap} passes"
        );
        let hint = Some(format!("set `contracts.max_iterations` to {wanted}"));
        checker.stage(Code::LoopAboveContract, index, place, message, hint);
    }
    if let Some(until) = &iteration.until
        && let Err(why) = Template::compile(until)
    {
        let message = format!("the template in `loop.until` is wrong: {}", why.message);
        checker.stage(
            Code::LoopInvalidUntilExpr,
            index,
            path!["loop", "until"],
            message,
            Some(
                "write one that prints `true` when the loop is to end: '{{ score > 0.8 }}'"
                    .to_owned(),
            ),
        );
    }
    waits(
        checker,
        index,
        path!["loop"],
        iteration.backoff_s,
        iteration.backoff_max_s,
    );
}

fn carried(checker: &mut Checker<'_>, index: usize, iteration: &Iteration) {
    let paths = iteration.carry_forward.iter().flatten().enumerate();
    for (at, path) in paths {
        if path.trim().is_empty() || path.split('.').any(|step| step.trim().is_empty()) {
            let message = format!("{} is no way into a result", show(path));
            let hint =
                Some("write a key (`draft`), or keys with dots between (`meta.score`)".to_owned());
            let place = path!["loop", "carry_forward", at];
            checker.stage(Code::LoopEmptyCarryForwardPath, index, place, message, hint);
        }
    }
}

fn variable(checker: &mut Checker<'_>, index: usize, stage: &Stage, iteration: &Iteration) {
    let name = iteration.iteration_var.as_str();
    let place = path!["loop", "iteration_var"];
    let mut letters = name.chars();
    let is_name = letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|c| c.is_alphanumeric() || c == '_');
    if !is_name {
        let message = format!("{} cannot be a name in a template", show(name));
        let hint = Some("letters, digits and `_`, not beginning with a digit".to_owned());
        checker.stage(Code::LoopInvalidIterationVar, index, place, message, hint);
        return;
    }
    let spec = checker.spec;
    let inputs = &spec.contracts.inputs;
    let taken = if checker.stage_named(name).is_some() {
        "a stage"
    } else if inputs
        .iter()
        .any(|input| input.name.as_deref() == Some(name))
    {
        "an input"
    } else if stage.partition_source.is_some() && stage.item_key() == name {
        "the item of the fan-out"
    } else if PROVIDED.contains(&name) || matches!(name, "env" | "loop" | "_result") {
        "something that armature provides"
    } else {
        return;
    };
    let message = format!("{} is the name of {taken}", show(name));
    let hint = Some("leave `iteration_var` out: it is `_iteration` then".to_owned());
    checker.stage(Code::LoopReservedIterationVar, index, place, message, hint);
}
