//! A stage that asks a model, made ready: tools, skills, tiers, schema.

use armature_grants::RunLimit;
use armature_spec::{self as spec, OnParseError, SkillText, Step};
use serde_json::Value;

use super::{
    problem::PlanCode,
    resolve::Resolver,
    stage::{Kind, RoleStage, Schema},
    stages::{Site, Texts},
    tiers,
};
use crate::files;

pub(super) async fn role(
    site: &Site<'_>,
    stage: &spec::Stage,
    texts: &mut Texts<'_, '_>,
    resolver: &mut Resolver<'_>,
    at: &[Step<'_>],
) -> Option<Kind> {
    let role = stage.role.as_ref()?;
    let description = texts.text("role.description", &role.description);
    let mut tools = Vec::new();
    for (number, name) in role.tools.iter().enumerate() {
        let at = [at, &[Step::Key("tools"), Step::Index(number)]].concat();
        match resolver.tool(name, texts.report, &at).await {
            Some(tool) => tools.push(tool.definition.name.to_string()),
            None => texts.failed = true,
        }
    }
    let skills = role
        .skills
        .iter()
        .filter_map(|name| skill(site, name, texts, at))
        .collect();
    let tiers = tiers::order(site.tiers, site.spec.tier_of(role));
    if tiers.is_empty() {
        texts
            .report
            .add(PlanCode::NoModel, at, "the stage asks a model, and no model tier is set")
            .hint("model_tiers:\n  small: { provider: openai, model: …, api_key_env: OPENAI_API_KEY }");
    }
    let schema = stage.output_schema.as_ref().and_then(|schema| {
        let value = Value::Object(schema.clone());
        // A schema that is none has been reported by the spec's own validation.
        jsonschema::validator_for(&value)
            .ok()
            .map(|validator| Schema { value, validator })
    });
    let only = stage
        .signature
        .as_ref()
        .filter(|s| !s.input.is_empty())
        .map(|s| s.input.keys().cloned().collect());
    Some(Kind::Role(Box::new(RoleStage {
        name: role.name.clone(),
        role_type: role.role_type.as_str(),
        description: description?,
        tools,
        skills,
        tiers,
        temperature: role.temperature,
        max_tokens: role.max_tokens,
        output: stage.output_mode,
        schema,
        must_fit: stage.on_parse_error == OnParseError::Fail,
        only,
        layers: site.layers.shown(stage),
        rounds: rounds(site.spec),
        bootstrap: stage.bootstrap,
    })))
}

/// Rounds of tool calls: as many as any stage may have, or fewer where the contract says so.
fn rounds(spec: &spec::Spec) -> u64 {
    let most = RunLimit::amount_of("model_turns");
    match u64::try_from(spec.contracts.max_iterations) {
        Ok(asked) if asked > 0 => asked.min(most),
        _ => most,
    }
}

fn skill(
    site: &Site<'_>,
    name: &str,
    texts: &mut Texts<'_, '_>,
    at: &[Step<'_>],
) -> Option<(String, String)> {
    // A skill that is not there has been reported by the spec's own validation.
    let skill = site.spec.skill_library.get(name)?;
    let text = match &skill.text {
        SkillText::Content(text) => text.clone(),
        SkillText::Path(path) => {
            match files::of_spec(site.spec_name, path).and_then(|file| files::text(&file)) {
                Ok(text) => text,
                Err(error) => {
                    let at = [at, &[Step::Key("skills")]].concat();
                    texts
                    .report
                    .add(
                        PlanCode::UnreadableSkill,
                        &at,
                        format!("skill `{name}`: {error}"),
                    )
                    .hint("put the file beside the spec or below it and write its path from there, or write the text itself as `content`");
                    texts.failed = true;
                    return None;
                }
            }
        }
    };
    Some((skill.description.clone(), text))
}
