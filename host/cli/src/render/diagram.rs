//! A plan before it runs: the few lines above a run, and everything that `--dry-run` tells.

use std::collections::BTreeMap;

use armature_engine::{Engine, Plan};
use armature_grants::{Grants, RUN_LIMITS};
use armature_sandbox::Plugin;
use armature_spec::{SafetyMode, SafetyRule, Spec, Stage, StageKind};

use super::{
    style::{self, faint},
    text,
};

/// Characters of a description above a run.
const MAX_DESCRIPTION: usize = 200;

/// What a stage does, in a word.
fn word(stage: &Stage) -> &'static str {
    match stage.kind() {
        StageKind::Gate => "gate",
        StageKind::Subagent => "subagent",
        StageKind::ToolCall => "tool_call",
        StageKind::Adapter => "script",
        StageKind::Role => "llm",
    }
}

/// The lines above a run: what it is and what it is made of.
pub(crate) fn header(plan: &Plan) -> Vec<String> {
    let spec = &plan.document().spec;
    let mut lines = vec![title(spec)];
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for stage in &spec.stages {
        *kinds.entry(word(stage)).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let mut about = text::length(spec.stages.len(), "stage");
    if !kinds.is_empty() {
        about.push_str(&format!(": {}", kinds.join(", ")));
    }
    let models = models(spec);
    if !models.is_empty() {
        about.push_str(&format!(" · {}", models.join(", ")));
    }
    if !spec.safety_rules.is_empty() {
        about.push_str(&format!(
            " · {}",
            text::length(spec.safety_rules.len(), "safety rule")
        ));
    }
    lines.push(faint(&about));
    lines
}

fn title(spec: &Spec) -> String {
    let name = style::name(&text::line(&spec.name, 120));
    let description = text::line(&spec.description, MAX_DESCRIPTION);
    let description = if description.is_empty() {
        String::new()
    } else {
        format!(" — {description}")
    };
    format!("{name} {}{description}", text::line(&spec.version, 40))
}

fn models(spec: &Spec) -> Vec<String> {
    let tiers = spec.model_tiers.iter();
    tiers
        .map(|(name, tier)| text::line(&format!("{name}: {}/{}", tier.provider, tier.model), 80))
        .collect()
}

/// Everything that is known before a run.
pub(crate) fn plan(engine: &Engine, plan: &Plan) -> Vec<String> {
    let spec = &plan.document().spec;
    let mut lines = vec![title(spec), String::new()];
    lines.push(heading(
        "Stages",
        "each starts as soon as those it waits for are done",
    ));
    lines.extend(stages(plan, spec));
    let inputs = inputs(spec);
    if !inputs.is_empty() {
        lines.push(heading("Inputs", "given with -i NAME=VALUE"));
        lines.extend(inputs);
        lines.push(String::new());
    }
    lines.push(heading(
        "Plugins",
        "what each asks for, and what it is given",
    ));
    lines.extend(
        plan.plugins()
            .flat_map(|plugin| rights(engine, spec, plugin)),
    );
    if !spec.safety_rules.is_empty() || spec.safety_mode == SafetyMode::Strict {
        lines.push(heading(
            "Safety rules",
            "asked before and after every call, in this order",
        ));
        lines.extend(
            spec.safety_rules
                .iter()
                .enumerate()
                .map(|(place, rule)| format!("  {}. {}", place + 1, say_rule(rule))),
        );
        if spec.safety_mode == SafetyMode::Strict {
            lines.push("  what no rule allows is blocked (safety_mode: strict)".to_owned());
        }
    }
    if lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
    lines.push(heading("Bounds", "a run never uses more"));
    lines.extend(bounds(plan, spec));
    lines.push(String::new());
    lines.push("Nothing was run.".to_owned());
    lines
}

fn inputs(spec: &Spec) -> Vec<String> {
    let line = |input: &armature_spec::InputContract| {
        let name = text::line(input.name.as_deref()?, 80);
        let must = match &input.default {
            Some(default) => format!("default {}", text::line(&default.to_string(), 80)),
            None if input.required => "required".to_owned(),
            None => "may be left out".to_owned(),
        };
        let about = input.description.as_deref();
        let about = about.map(|about| format!("  {}", text::line(about, MAX_DESCRIPTION)));
        let must = faint(&format!("({must})"));
        Some(format!("  {name} {must}{}", about.unwrap_or_default()))
    };
    spec.contracts.inputs.iter().filter_map(line).collect()
}

fn heading(name: &str, about: &str) -> String {
    format!("{} {}", style::name(name), faint(&format!("({about})")))
}

fn stages(plan: &Plan, spec: &Spec) -> Vec<String> {
    let ids = plan.stage_ids();
    let width = ids
        .iter()
        .map(|id| id.chars().count())
        .max()
        .unwrap_or_default()
        .min(32);
    let tools: BTreeMap<&str, &str> = plan
        .tools()
        .map(|(tool, plugin)| (tool, plugin.name().as_str()))
        .collect();
    let line = |id: &String| {
        let (_, stage) = spec.stage(id)?;
        let mut about = vec![what(stage, spec, &tools)];
        let needs = plan.needs(id);
        if !needs.is_empty() {
            about.push(format!("after {}", needs.join(", ")));
        }
        if let Some(width) = stage.fan_out {
            about.push(format!("for each item, {width} at a time"));
        }
        for (key, condition) in [("if", &stage.condition), ("unless", &stage.skip_if)] {
            about.extend(
                condition
                    .as_ref()
                    .map(|text| format!("{key} {}", text::line(text, 60))),
            );
        }
        if stage.post_run {
            about.push("after the run, also when it failed".to_owned());
        }
        Some(format!(
            "  {:<width$}  {:<9}  {}",
            text::line(id, 32),
            word(stage),
            about.join(" · ")
        ))
    };
    ids.iter().filter_map(line).chain([String::new()]).collect()
}

fn what(stage: &Stage, spec: &Spec, tools: &BTreeMap<&str, &str>) -> String {
    let of = |tool: &str| match tools.get(tool) {
        Some(plugin) => format!("{tool} of {plugin}"),
        None => tool.to_owned(),
    };
    match stage.kind() {
        StageKind::Gate => "asks a person".to_owned(),
        StageKind::Subagent => format!(
            "runs {}",
            text::line(stage.subagent_spec.as_deref().unwrap_or_default(), 80)
        ),
        StageKind::ToolCall => stage
            .tool_call
            .as_ref()
            .map_or_else(String::new, |call| of(&call.name)),
        StageKind::Adapter => {
            let name = stage.adapter.as_deref().unwrap_or_default();
            let plugin = spec
                .adapters
                .get(name)
                .and_then(|adapter| adapter.plugin.as_ref());
            plugin.map_or_else(
                || name.to_owned(),
                |plugin| format!("{name}, adapter of {plugin}"),
            )
        }
        StageKind::Role => {
            let Some(role) = &stage.role else {
                return String::new();
            };
            let mut said = format!(
                "{} ({}) on tier {}",
                text::line(&role.name, 60),
                role.role_type.as_str(),
                spec.tier_of(role)
            );
            if !role.tools.is_empty() {
                let tools: Vec<String> = role.tools.iter().map(|tool| of(tool)).collect();
                said.push_str(&format!(" with {}", tools.join(", ")));
            }
            said
        }
    }
}

fn rights(engine: &Engine, spec: &Spec, plugin: &Plugin) -> Vec<String> {
    let is_builtin = engine.plugins().is_builtin(plugin.name());
    let origin = if is_builtin {
        "built in"
    } else {
        "third party"
    };
    let version = text::line(plugin.version(), 40);
    let mut lines = vec![format!(
        "  {} {version} {}",
        plugin.name(),
        faint(&format!("({origin}, {})", plugin.digest().short()))
    )];
    let requests = &plugin.manifest().requests;
    if requests.is_empty() {
        lines.push(format!(
            "    {}",
            faint("asks for nothing: it computes, and reaches nothing")
        ));
        lines.push(String::new());
        return lines;
    }
    let listed = spec
        .tools
        .iter()
        .filter(|entry| entry.plugin_name().is_ok_and(|name| name == *plugin.name()));
    let adapters = spec
        .adapters
        .values()
        .filter(|adapter| adapter.plugin.as_ref() == Some(plugin.name()));
    let given: Vec<&Grants> = listed
        .filter_map(|entry| entry.grants.as_ref())
        .chain(adapters.filter_map(|adapter| adapter.grants.as_ref()))
        .filter(|grants| !grants.is_empty())
        .collect();
    lines.extend(
        requests
            .lines()
            .into_iter()
            .map(|line| format!("    asks for  {}", text::line(&line, 200))),
    );
    if given.is_empty() && is_builtin {
        lines.push("    is given  what it asks for (built in)".to_owned());
    } else if given.is_empty() {
        lines.push(format!(
            "    {}",
            style::doubtful("is given  nothing: add `grants:` where the spec lists it")
        ));
    }
    for grants in given {
        lines.extend(
            grants
                .lines()
                .into_iter()
                .map(|line| format!("    is given  {}", text::line(&line, 200))),
        );
    }
    lines.push(String::new());
    lines
}

fn say_rule(rule: &SafetyRule) -> String {
    match rule {
        SafetyRule::Component(rule) => {
            format!("plugin {} decides about {}", rule.plugin, every(&rule.tool))
        }
        SafetyRule::Dsl(rule) => {
            let action = format!("{:?}", rule.action)
                .to_lowercase()
                .replace("requireapproval", "require_approval");
            let when = rule
                .condition
                .as_ref()
                .map_or_else(String::new, |condition| {
                    let op = format!("{:?}", condition.op);
                    format!(
                        " when {} {} {:?}",
                        text::line(&condition.field, 60),
                        snake(&op),
                        condition.value
                    )
                });
            format!("{action} {}{when}", every(&rule.tool))
        }
    }
}

fn every(tool: &str) -> String {
    if tool == "*" {
        "every tool".to_owned()
    } else {
        text::line(tool, 80)
    }
}

fn snake(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

fn bounds(plan: &Plan, spec: &Spec) -> Vec<String> {
    let contract = &spec.contracts;
    let calls = match contract.max_llm_calls {
        limit if limit > 0 => format!(
            "{} (contracts.max_llm_calls)",
            text::count(u64::try_from(limit).unwrap_or_default(), "model stage")
        ),
        _ => "no limit on model stages (contracts.max_llm_calls is 0)".to_owned(),
    };
    let mut lines = vec![
        format!("  {calls}"),
        format!(
            "  {} hours (contracts.timeout_hours)",
            contract.timeout_hours
        ),
        format!("  files below {}", plan.workspace().display()),
    ];
    lines.extend(
        models(spec)
            .into_iter()
            .map(|model| format!("  model {model}")),
    );
    lines.extend(
        RUN_LIMITS
            .iter()
            .map(|row| format!("  {:<17} {:>7}  {}", row.name, row.amount, faint(row.why))),
    );
    lines
}
