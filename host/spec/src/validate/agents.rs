//! Agents, and the stage that closes the workflow.

use serde_json::Value;

use super::{Checker, layers::leaves, meant_or_known, show};
use crate::{
    codes::Code,
    model::{Closure, OutputMode, Stage},
    path,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    for (name, agent) in &spec.agent_library {
        if agent.path.trim().is_empty() || leaves(&agent.path) {
            let message = format!(
                "the agent {} is kept in {}, which is not in the spec's directory",
                show(name),
                show(&agent.path)
            );
            let hint = Some("move the file beside the spec, or below it".to_owned());
            let place = path!["agent_library", name, "path"];
            checker.section(Code::AgentPathEscape, place, message, hint);
        }
    }
    for (index, stage) in spec.stages.iter().enumerate() {
        if let Some(name) = &stage.agent
            && !spec.agent_library.contains_key(name)
        {
            let known = spec.agent_library.keys().map(String::as_str);
            let hint = meant_or_known(name, "agents", known);
            let message = format!("`agent_library` has no agent {}", show(name));
            checker.stage(Code::UndefinedAgent, index, path!["agent"], message, hint);
        }
    }
    if let Some(closure) = &spec.closure {
        closing(checker, closure);
    }
}

fn closing(checker: &mut Checker<'_>, closure: &Closure) {
    let place = path!["closure", "stage"];
    let Some(stage) = checker.stage_named(&closure.stage) else {
        let hint = checker.stage_hint(&closure.stage);
        let message = format!(
            "`closure` names {}, and there is no such stage",
            show(&closure.stage)
        );
        checker.section(Code::ClosureStageUndefined, place, message, hint);
        return;
    };
    if stage.output_mode != OutputMode::GuidedJson {
        let message = format!(
            "{} closes the workflow and must answer in a form that can be checked",
            show(&stage.id)
        );
        let hint = Some("give it `output_mode: guided_json` and an `output_schema`".to_owned());
        checker.section(Code::ClosureStageNotGuidedJson, place, message, hint);
        return;
    }
    if let Err(why) = schema_says_reason(stage) {
        let message = format!(
            "the `output_schema` of {}, which closes the workflow, {why}",
            show(&stage.id)
        );
        let hint = Some(format!(
            "output_schema:\n  type: object\n  required: [reason]\n  properties: {{ reason: {{ enum: [{}] }}, notes: {{ type: string }}, follow_on: {{ type: array }} }}",
            Closure::REASONS.join(", ")
        ));
        checker.section(Code::ClosureSchemaInvalid, place, message, hint);
    }
}

fn schema_says_reason(stage: &Stage) -> Result<(), &'static str> {
    let schema = stage.output_schema.as_ref().ok_or("is missing")?;
    let required = schema.get("required").and_then(Value::as_array);
    if !required.is_some_and(|keys| keys.iter().any(|key| key == "reason")) {
        return Err("does not require `reason`");
    }
    let reason = schema.get("properties").and_then(|all| all.get("reason"));
    let words: Vec<&str> = match reason {
        Some(reason) => match (reason.get("enum"), reason.get("const")) {
            (Some(Value::Array(words)), _) => words.iter().filter_map(Value::as_str).collect(),
            (_, Some(Value::String(word))) => vec![word],
            _ => return Err("does not say which words `reason` can be"),
        },
        None => return Err("does not describe `reason`"),
    };
    if words.is_empty() || words.iter().any(|word| !Closure::REASONS.contains(word)) {
        return Err("allows a `reason` that means nothing");
    }
    let is_list = |key: &str| {
        schema
            .get("properties")
            .and_then(|all| all.get(key))
            .is_none_or(|it| it.get("type").is_none_or(|kind| kind == "array"))
    };
    if is_list("follow_on") {
        Ok(())
    } else {
        Err("has a `follow_on` that is no list")
    }
}
