//! Makes a plan of a document.
//!
//! Everything is looked at even when something was wrong, so that one look at the output shows all that is to do.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use armature_grants::RunLimit;
use armature_sandbox::Digest;
use armature_spec::{Document, FanIn, Findings, SelfImprovement, Spec, Step, path};
use serde_json::Value;

use super::{
    Plan, Planned,
    agents::Agents,
    gather::{made_of, plugins, policy_version, refuse_home, resolve_granted_tools, secrets},
    layers::Layers,
    order::{order, report_cycle},
    outside::commands,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    rule_names,
    stage::Written,
    stages::{Site, prepare},
    tiers::{Tier, check_models},
};
use crate::{engine::Shared, role::SMALLEST, rules::RuleSet, run::fits};

/// Makes the plan of one document.
///
/// `has_cost_limit` says that a spec above this one has `max_cost_usd`, which holds below it as well.
pub(super) async fn one(
    engine: &Shared,
    mut document: Document,
    has_cost_limit: bool,
) -> Result<Planned, Findings> {
    let mut agents = Agents::resolve(&mut document);
    let mut report = Reporter::new(&document);
    agents.report(&mut report);
    let layers = Layers::read(&document, &mut report);
    let spec = &document.spec;
    warn_of_what_is_not_yet(spec, &mut report);
    check_defaults(spec, &mut report);
    refuse_home(engine, spec, &mut report);
    if u64::try_from(spec.stages.len()).is_ok_and(|count| count > RunLimit::amount_of("stages")) {
        let most = RunLimit::amount_of("stages");
        let message = format!(
            "the spec has {} stages; {most} are taken",
            spec.stages.len()
        );
        report
            .add(PlanCode::TooManyStages, path!["stages"], message)
            .hint("let one stage fan out over a list, or move stages into specs of their own: `subagent_spec`");
        return Err(Findings::sorted(report.found));
    }
    let mut resolver = Resolver::new(engine, spec, &mut report);
    let tiers = Tier::all(&spec.model_tiers, &document.source.name);
    let site = Site {
        spec,
        spec_name: &document.source.name,
        tiers: &tiers,
        layers: &layers,
        agents: &agents,
    };

    // First the workflow, then what runs after it.
    let mut places: Vec<usize> = (0..spec.stages.len()).collect();
    places.sort_by_key(|place| spec.stages.get(*place).is_some_and(|stage| stage.post_run));
    let workflow = places
        .iter()
        .filter(|p| spec.stages.get(**p).is_some_and(|stage| !stage.post_run))
        .count();
    let (mut stages, mut mentions) = (Vec::new(), Vec::new());
    for place in &places {
        let Some(stage) = spec.stages.get(*place) else {
            continue;
        };
        if let Some((stage, names)) =
            prepare(&site, *place, stage, &mut resolver, &mut report).await
        {
            stages.push(stage);
            mentions.push(names);
        }
    }
    resolve_granted_tools(&stages, &mut resolver, &mut report).await;
    rule_names::check(spec, &mut resolver, &mut report).await;
    let rules = Arc::new(RuleSet::compile(
        spec,
        &agents.rules,
        &resolver,
        &mut report,
    ));
    let commands = commands(engine, spec, &stages, &resolver, &mut report);
    let judge_tier = judge(spec, &tiers, &places, &mut report);
    check_models(
        &stages,
        &tiers,
        judge_tier,
        // Facts are gathered by the smallest tier, also where no stage asks it.
        spec.memory
            .as_ref()
            .filter(|memory| memory.enabled && memory.extract_knowledge)
            .map(|_| SMALLEST),
        has_cost_limit || spec.contracts.max_cost_usd.is_some(),
        &mut report,
    );
    if report.has_errors() || stages.len() != places.len() {
        return Err(Findings::sorted(report.found));
    }

    let ids: Arc<[String]> = stages.iter().map(|stage| stage.id.clone()).collect();
    let index: HashMap<String, usize> = ids.iter().cloned().zip(0..).collect();
    let needs = written_needs(spec, &places, &index, workflow);
    mentions.truncate(workflow);
    let (graph, ancestors) = match order(&ids, &index, needs, &mentions, &places, &mut report) {
        Ok(ordered) => ordered,
        Err(cycle) => {
            report_cycle(&ids, &cycle, &mut report);
            return Err(Findings::sorted(report.found));
        }
    };
    if report.has_errors() {
        return Err(Findings::sorted(report.found));
    }
    let plugins = plugins(&stages, &rules, &resolver);
    let secrets = secrets(&stages, &tiers, &resolver);
    let warnings = Findings::sorted(std::mem::take(&mut report.found)).0;
    Ok(Planned {
        digest: digest(&document, &agents, &layers),
        policy_version: policy_version(spec, &agents.rules),
        timeout: Duration::try_from_secs_f64(spec.contracts.timeout_hours * 3600.0).ok(),
        made_of: made_of(&document, &tiers)
            .into_iter()
            .chain(agents.files)
            .chain(layers.files)
            .collect(),
        workspace: PathBuf::from(&spec.sandbox.host_workspace),
        commands,
        stages,
        ids,
        index: Arc::new(index),
        graph,
        ancestors: Arc::new(ancestors),
        tools: resolver.tools,
        plugins,
        rules,
        tiers,
        judge_tier,
        secrets,
        children: Arc::default(),
        warnings,
        document,
    })
}

/// What the spec says, with the files that say a part of it.
fn digest(document: &Document, agents: &Agents, layers: &Layers) -> Digest {
    let more = agents.read.iter().chain(&layers.read);
    let texts: Vec<&[u8]> = std::iter::once(document.source.text.as_bytes())
        .chain(more.map(String::as_bytes))
        .collect();
    Digest::of(&texts)
}

fn written_needs(
    spec: &Spec,
    places: &[usize],
    index: &HashMap<String, usize>,
    workflow: usize,
) -> Vec<Vec<usize>> {
    let needs = |place: &usize| {
        let written = spec
            .stages
            .get(*place)
            .map_or(&[][..], |stage| &stage.depends_on);
        // A stage does not wait for one that runs after the workflow; validation has warned about it.
        written
            .iter()
            .filter_map(|id| index.get(id).copied())
            .filter(|need| *need < workflow)
            .collect()
    };
    places.iter().take(workflow).map(needs).collect()
}

fn warn_of_what_is_not_yet(spec: &Spec, report: &mut Reporter<'_>) {
    let mut warn = |key: &'static str, there: bool, what: &str| {
        if there {
            report
                .add(
                    PlanCode::NotYet,
                    &[Step::Key(key)],
                    format!("`{key}` has no effect yet: {what}"),
                )
                .hint("it can stay: a later release will read it");
        }
    };
    warn(
        "mcp_servers",
        !spec.mcp_servers.is_empty(),
        "their tools cannot be called",
    );
    warn(
        "triggers",
        !spec.triggers.is_empty(),
        "nothing starts the run but `armature run`",
    );
    warn(
        "self_improvement",
        spec.self_improvement != SelfImprovement::default(),
        "there is no command yet that would change a spec",
    );
    for (index, stage) in spec.stages.iter().enumerate() {
        if !stage.evaluate.is_empty() {
            report
                .add(
                    PlanCode::NotYet,
                    path!["stages", index, "evaluate"],
                    "`evaluate` has no effect yet: nothing scores a result by its criteria",
                )
                .hint("it can stay; until then a stage with `role: {type: judge}` can score the result");
        }
    }
}

/// A default that does not fit would stop every run that is not given the input.
fn check_defaults(spec: &Spec, report: &mut Reporter<'_>) {
    for (place, input) in spec.contracts.inputs.iter().enumerate() {
        let kind = input.input_type.as_ref().and_then(Value::as_str);
        if let (Some(kind), Some(default)) = (kind, &input.default)
            && !fits(kind, default)
        {
            let name = input.name.as_deref().unwrap_or_default().escape_debug();
            let message = format!("the default of `{name}` is no {}", kind.escape_debug());
            report
                .add(
                    PlanCode::InvalidDefault,
                    path!["contracts", "inputs", place, "default"],
                    message,
                )
                .hint("write a default of that type, or another `type`");
        }
    }
}

/// The tier that makes one answer of several, where a stage asks for that.
fn judge(
    spec: &Spec,
    tiers: &[Tier],
    places: &[usize],
    report: &mut Reporter<'_>,
) -> Option<usize> {
    let tier = super::tiers::order(tiers, &spec.role_type_defaults.judge)
        .first()
        .copied();
    for place in places {
        let asks = spec
            .stages
            .get(*place)
            .is_some_and(|s| s.fan_in == FanIn::Consensus && s.fan_out.is_some());
        if asks && tier.is_none() {
            let at = [
                Step::Key("stages"),
                Step::Index(*place),
                Step::Key("fan_in"),
            ];
            report
                .add(
                    PlanCode::NoModel,
                    &at,
                    "a consensus is made by a model, and no model tier is set",
                )
                .hint("set the tier of judges: `role_type_defaults.judge` names it, `model_tiers` has it");
        }
    }
    tier
}

/// The plan of a single call outside a workflow.
pub(crate) async fn single_call(
    engine: &Shared,
    plugin: &str,
    tool: &str,
    written: Written,
) -> Result<Plan, Findings> {
    let document = armature_spec::parse("call", "name: call\nstages: []\n")?;
    let mut planned = one(engine, document.clone(), false).await?;
    let mut report = Reporter::new(&document);
    let mut resolver = Resolver::new(engine, &document.spec, &mut report);
    let place = path!["stages"];
    if let Some(found) = resolver.plugin(plugin, &mut report, place) {
        resolver.give(&found, written);
        resolver.only(&found, &mut report).await;
        resolver.tool(tool, &mut report, place).await;
        resolver.open();
        resolve_granted_tools(&[], &mut resolver, &mut report).await;
        planned.secrets = secrets(&[], &[], &resolver);
        planned.plugins = plugins(&[], &planned.rules, &resolver);
        planned.tools = resolver.tools;
    }
    if report.has_errors() {
        Err(Findings::sorted(report.found))
    } else {
        Ok(Plan(Arc::new(planned)))
    }
}
