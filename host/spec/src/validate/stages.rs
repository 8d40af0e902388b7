//! Stages one by one: what each runs, how often, and with which model.

use armature_grants::RunLimit;

use super::{Checker, meant_or_known, show};
use crate::{
    codes::Code,
    model::{Bootstrap, OutputMode, Role, Stage, StageKind},
    path,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    for (index, stage) in checker.spec.stages.iter().enumerate() {
        execution(checker, index, stage);
        fan_out(checker, index, stage);
        if let Some(seconds) = stage.timeout_s.filter(|seconds| *seconds <= 0.0) {
            let message = format!("`timeout_s` is {seconds}; nothing can be done in that time");
            checker.stage(
                Code::InvalidDuration,
                index,
                path!["timeout_s"],
                message,
                Some("write the seconds that the stage may take, e.g. `60`".to_owned()),
            );
        }
        if let Some(role) = &stage.role {
            tier(checker, index, stage, role);
            skills(checker, index, role);
        }
        output_schema(checker, index, stage);
        bootstrap(checker, index, stage);
        response(checker, index, stage);
    }
    post_run(checker);
}

fn execution(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let fields = stage.execution_fields();
    let keys: Vec<String> = fields.iter().map(|(key, _)| format!("`{key}`")).collect();
    match keys.split_first() {
        None => {
            let hint = Some(
                "give it one of `role`, `agent`, `tool_call`, `adapter`, `gate`, `subagent_spec`"
                    .to_owned(),
            );
            checker.stage(
                Code::NoExecutionType,
                index,
                path!["id"],
                "the stage does not say what to run",
                hint,
            );
        }
        Some((first, ignored)) if !ignored.is_empty() => {
            let message = format!(
                "the stage has {}; {first} counts and the rest is ignored",
                keys.join(" and ")
            );
            let key = fields.get(1).map_or("id", |(key, _)| key);
            checker.stage(
                Code::SeveralExecutionTypes,
                index,
                path![key],
                message,
                Some("make two stages of it, or leave the others out".to_owned()),
            );
        }
        Some(_) => {}
    }
    if let Some(gate) = stage.gate.as_deref().filter(|gate| *gate != "human") {
        let message = format!("`gate` is {}; the one kind of gate is `human`", show(gate));
        let hint = Some("write `gate: human`".to_owned());
        checker.stage(Code::InvalidGate, index, path!["gate"], message, hint);
    }
    if let Some(adapter) = &stage.adapter
        && !checker.spec.adapters.contains_key(adapter)
    {
        let hint = meant_or_known(
            adapter,
            "adapters",
            checker.spec.adapters.keys().map(String::as_str),
        );
        let message = format!("there is no adapter {}", show(adapter));
        checker.stage(
            Code::UndefinedAdapter,
            index,
            path!["adapter"],
            message,
            hint,
        );
    }
}

fn fan_out(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    if let Some(width) = stage.fan_out {
        if width < 1 {
            let message =
                format!("`fan_out` is {width}; it says how many items run at a time, at least 1");
            let hint = Some("write `fan_out: 4`, for example".to_owned());
            checker.stage(Code::InvalidFanOut, index, path!["fan_out"], message, hint);
        }
        let most = RunLimit::amount_of("fan_out_items");
        if u64::try_from(width).is_ok_and(|width| width > most) {
            let message = format!("`fan_out` is {width}; at most {most} items are run for");
            let hint = Some(format!("write at most {most}"));
            checker.stage(Code::InvalidFanOut, index, path!["fan_out"], message, hint);
        }
        // A subagent stage may start so many children of one context.
        if stage.partition_source.is_none() && stage.kind() != StageKind::Subagent {
            let message = "`fan_out` without `partition_source`: there are no items to run for";
            let hint = Some(
                "add `partition_source: \"{{ STAGE.LIST }}\"`, or remove `fan_out`".to_owned(),
            );
            checker.stage(
                Code::FanOutMissingPartitionSource,
                index,
                path!["fan_out"],
                message,
                hint,
            );
        }
    } else if stage.partition_source.is_some() {
        let message =
            "`partition_source` without `fan_out`: it is not said how many items run at a time";
        let hint = Some("add `fan_out: 4`".to_owned());
        checker.stage(
            Code::PartitionSourceMissingFanOut,
            index,
            path!["partition_source"],
            message,
            hint,
        );
    }
    if stage.inject_file_as.is_some() && stage.partition_source.is_none() {
        let message =
            "`inject_file_as` without `partition_source`: there are no paths to read files from";
        checker.stage(
            Code::InjectFileMissingPartitionSource,
            index,
            path!["inject_file_as"],
            message,
            Some(
                "add `fan_out` and `partition_source`, a template that gives the list of paths"
                    .to_owned(),
            ),
        );
    }
}

fn tier(checker: &mut Checker<'_>, index: usize, stage: &Stage, role: &Role) {
    let spec = checker.spec;
    let tiers = &spec.model_tiers;
    let name = spec.tier_of(role);
    if role.model_tier.is_some() {
        if tiers.get(name).is_none() {
            let hint = meant_or_known(name, "model tiers", tiers.iter().map(|(name, _)| name));
            let message = format!("there is no model tier {}", show(name));
            checker.stage(
                Code::UndefinedModelTier,
                index,
                path!["role", "model_tier"],
                message,
                hint,
            );
        }
    } else if !tiers.is_empty() && tiers.get(name).is_none() {
        let kind = role.role_type.as_str();
        let message = format!(
            "a {kind} is given the model tier {} by default, and it is not set",
            show(name)
        );
        let hint = Some(format!(
            "set `model_tiers.{name}`, or `role_type_defaults.{kind}`, or this role's `model_tier`"
        ));
        checker.stage(
            Code::DefaultTierNotConfigured,
            index,
            path!["role"],
            message,
            hint,
        );
    }
    let is_low = matches!(name, "tiny" | "small") && tiers.get(name).is_some();
    if stage.output_mode == OutputMode::GuidedJson && is_low {
        let message = format!(
            "`guided_json` is asked of the tier {}, which may not keep to a schema",
            show(name)
        );
        let hint = Some(
            "give the role a larger `model_tier`; larger tiers are asked anyway when it fails"
                .to_owned(),
        );
        checker.stage(
            Code::GuidedJsonLowTierRisk,
            index,
            path!["output_mode"],
            message,
            hint,
        );
    }
}

fn skills(checker: &mut Checker<'_>, index: usize, role: &Role) {
    for (place, skill) in role.skills.iter().enumerate() {
        let library = &checker.spec.skill_library;
        if !library.contains_key(skill) {
            let hint = meant_or_known(skill, "skills", library.keys().map(String::as_str));
            let message = format!("`skill_library` has no skill {}", show(skill));
            checker.stage(
                Code::UnknownSkill,
                index,
                path!["role", "skills", place],
                message,
                hint,
            );
        }
    }
}

fn output_schema(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let Some(schema) = &stage.output_schema else {
        if stage.output_mode == OutputMode::GuidedJson && stage.kind() == StageKind::Role {
            let message = "`guided_json` without `output_schema`: any JSON object is taken";
            checker.stage(
                Code::MissingOutputSchema,
                index,
                path!["output_mode"],
                message,
                Some("add `output_schema`, or write `output_mode: json`".to_owned()),
            );
        }
        return;
    };
    let schema = serde_json::Value::Object(schema.clone());
    // Nothing is fetched, and nothing is built that would take for ever to check an answer against.
    let built = armature_grants::check_schema(&schema)
        .map_err(|why| why.to_string())
        .and_then(|()| match jsonschema::options().offline().build(&schema) {
            Ok(_) => Ok(()),
            Err(why) => Err(why.to_string()),
        });
    if let Err(why) = built {
        let why: String = why.chars().take(300).collect();
        let message = format!("`output_schema` cannot be used: {why}");
        checker.stage(
            Code::InvalidOutputSchema,
            index,
            path!["output_schema"],
            message,
            Some("write a JSON Schema: `{type: object, required: [title], properties: {title: {type: string}}}`".to_owned()),
        );
    }
}

/// Examples must be some, and a score a score.
fn bootstrap(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let Some(bootstrap) = &stage.bootstrap else {
        return;
    };
    let most = Bootstrap::MOST;
    let mut wrong = |key: &'static str, message: String, hint: &str| {
        let place = path!["bootstrap", key];
        checker.stage(
            Code::InvalidBootstrap,
            index,
            place,
            message,
            Some(hint.to_owned()),
        );
    };
    if !(1..=most).contains(&bootstrap.examples) {
        let message = format!(
            "{} examples; a prompt has 1 to {most} of them",
            bootstrap.examples
        );
        wrong(
            "examples",
            message,
            "write a number within these, or leave `bootstrap` out",
        );
    }
    if !(0.0..=1.0).contains(&bootstrap.min_score) {
        let message = format!(
            "no score is {}: they lie between 0 and 1",
            bootstrap.min_score
        );
        wrong("min_score", message, "write e.g. `0.85`");
    }
}

/// What is streamed to a person should be text.
fn response(checker: &mut Checker<'_>, index: usize, stage: &Stage) {
    let is_text = stage.output_mode == OutputMode::Text && stage.fan_out.is_none();
    if !stage.response_stage || (is_text && stage.kind() == StageKind::Role) {
        return;
    }
    let message = match (stage.kind(), stage.fan_out) {
        (StageKind::Role, None) => {
            "`response_stage` streams an answer to a person, and this one is JSON"
        }
        (StageKind::Role, Some(_)) => "`response_stage` streams one answer, and a fan-out has many",
        _ => "`response_stage` streams a model's answer, and this stage asks no model",
    };
    let hint = Some(
        "put `response_stage` on a stage with a `role`, `output_mode: text` and no `fan_out`"
            .to_owned(),
    );
    let place = path!["response_stage"];
    checker.stage(Code::ResponseStageNotText, index, place, message, hint);
}

fn post_run(checker: &mut Checker<'_>) {
    let stages = &checker.spec.stages;
    let Some(wide) = stages
        .iter()
        .find(|stage| !stage.post_run && stage.fan_out.is_some())
    else {
        return;
    };
    for (index, stage) in stages.iter().enumerate() {
        let is_bounded = stage
            .signature
            .as_ref()
            .is_some_and(|signature| !signature.input.is_empty());
        if stage.post_run && !is_bounded {
            let message = format!(
                "this post_run stage is shown the whole transcript, with every item of {}; it may not fit the model",
                show(&wide.id)
            );
            let hint =
                Some("name what it needs in `signature.input`, e.g. `_diagnostics`".to_owned());
            checker.stage(
                Code::PostRunTranscriptOverflowRisk,
                index,
                path!["id"],
                message,
                hint,
            );
        }
    }
}
