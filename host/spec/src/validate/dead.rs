//! Settings that have no effect where they stand: not an error, and not what their author thinks.

use super::{Checker, show};
use crate::{
    codes::Code,
    location::Step,
    model::{OutputMode, SandboxMode, Stage, StageKind},
    path,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    sections(checker);
    for (index, stage) in checker.spec.stages.iter().enumerate() {
        of_stage(checker, index, stage);
    }
    let adapters = &checker.spec.adapters;
    for (name, adapter) in adapters {
        if adapter.function.is_some()
            && adapter.adapter_type.runs_in_a_shell()
            && adapter.cmd.is_some()
        {
            let place = path!["adapters", name, "fn"];
            dead(
                checker,
                None,
                place,
                "`fn` has no effect on a script",
                "leave it out; `cmd` is the script, and `fn` goes with `type: python` or `javascript`",
            );
        }
    }
}

fn dead(
    checker: &mut Checker<'_>,
    stage: Option<usize>,
    place: &[Step<'_>],
    what: &str,
    hint: &str,
) {
    checker.at(Code::DeadSetting, stage, place, what, Some(hint.to_owned()));
}

fn sections(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    if !spec.failures.is_empty() {
        dead(
            checker,
            None,
            path!["failures"],
            "`failures` has no effect",
            "say what to do where it happens: `on_fail` or `fail_as_value` of a stage",
        );
    }
    if spec.contracts.completion.is_some() {
        dead(
            checker,
            None,
            path!["contracts", "completion"],
            "`contracts.completion` has no effect: a run is complete when its stages are done",
            "say what must be there at the end in `contracts.outputs`",
        );
    }
    for (key, what, hint) in [
        (
            "metrics",
            "`trace.metrics` has no effect: everything is measured",
            "leave it out",
        ),
        (
            "filesystem",
            "`trace.filesystem` has no effect: traces lie in armature's home",
            "leave it out; ARMATURE_HOME says where that is",
        ),
    ] {
        if checker.source.has(path!["trace", key]) {
            dead(checker, None, path!["trace", key], what, hint);
        }
    }
    if spec.sandbox.mode == SandboxMode::Docker {
        return;
    }
    for key in [
        "image",
        "allow_network",
        "workspace",
        "env",
        "cpu_limit",
        "memory_limit",
        "runtime",
        "platform",
    ] {
        let place = path!["sandbox", key];
        let works = key == "env" && spec.sandbox.mode == SandboxMode::None;
        if checker.source.has(place) && !works {
            let what =
                format!("`sandbox.{key}` is for containers, and `sandbox.mode` is not docker");
            let hint = match key {
                "allow_network" => {
                    "a plugin that needs the network is granted it: `grants: {http: [\"GET https://HOST/**\"]}`"
                }
                "cpu_limit" | "memory_limit" => "a plugin's own bounds are under its `limits:`",
                _ => "leave it out, or write `mode: docker`",
            };
            dead(checker, None, place, &what, hint);
        }
    }
}

/// A key, whether it has an effect on a stage like this one, and why not.
type Row = (&'static str, fn(&Stage) -> bool, &'static str, &'static str);

const ROWS: [Row; 10] = [
    (
        "fan_in",
        |stage| stage.fan_out.is_some(),
        "`fan_in` without `fan_out`: there is one result",
        "add `fan_out`, or leave it out",
    ),
    (
        "partition_key",
        |stage| stage.fan_out.is_some(),
        "`partition_key` without `fan_out`: there are no items",
        "add `fan_out` and `partition_source`, or leave it out",
    ),
    (
        "present",
        |stage| stage.kind() == StageKind::Gate,
        "`present` is shown by a gate, and this stage is none",
        "write `gate: human`, or leave it out",
    ),
    (
        "isolated",
        |stage| stage.kind() == StageKind::Subagent,
        "`isolated` is about subagents, and this stage is none",
        "say what the stage is shown in `signature.input`",
    ),
    (
        "output_mode",
        |stage| stage.kind() == StageKind::Role,
        "`output_mode` is about a model's answer, and this stage asks no model",
        "leave it out",
    ),
    (
        "output_schema",
        |stage| stage.kind() == StageKind::Role,
        "`output_schema` is about a model's answer, and this stage asks no model",
        "leave it out",
    ),
    (
        "output_schema",
        |stage| stage.kind() != StageKind::Role || stage.output_mode != OutputMode::Text,
        "`output_schema` is checked of JSON, and `output_mode` is text",
        "write `output_mode: guided_json`",
    ),
    (
        "bootstrap",
        |stage| stage.kind() == StageKind::Role,
        "`bootstrap` shows examples to a model, and this stage asks none",
        "leave it out",
    ),
    (
        "bootstrap",
        |stage| stage.fan_out.is_none() || stage.kind() != StageKind::Role,
        "`bootstrap` takes examples of whole results, and a fan-out has one for each item",
        "leave it out, or do the work in a stage of its own",
    ),
    (
        "grants",
        |stage| !matches!(stage.kind(), StageKind::Gate),
        "`grants` of a stage narrow what it calls, and a gate calls nothing",
        "leave it out",
    ),
];

fn of_stage(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    // A stage that does not say what it is has an error of its own.
    if stage.execution_fields().is_empty() {
        return;
    }
    for (key, works, what, hint) in ROWS {
        let place = path!["stages", index, key];
        if checker.source.has(place) && !works(stage) {
            dead(checker, Some(index), place, what, hint);
        }
    }
    if stage.sandbox_image.is_some() && checker.spec.sandbox.mode != SandboxMode::Docker {
        let what = format!(
            "`sandbox_image` of {} is for containers, and `sandbox.mode` is not docker",
            show(&stage.id)
        );
        let place = path!["stages", index, "sandbox_image"];
        dead(
            checker,
            Some(index),
            place,
            &what,
            "leave it out, or write `mode: docker`",
        );
    }
}
