//! What a workflow would do, with which rights and within which bounds, told before anything runs.
//!
//! One account for all who ask: `explain` and `run --dry-run` show it, `--format json` prints it, a model puts it into
//! prose. It is made from the plan, which is what a run is decided by. Only names and places of secrets are in it.

use std::{collections::BTreeMap, path::Path};

use armature_engine::{Engine, Held, Plan};
use armature_grants::{Layer, RUN_LIMITS};
use armature_spec::{SafetyMode, SafetyRule, Spec, Stage, StageKind};
use serde::Serialize;
use serde_json::Value;

use crate::environment;

/// A workflow, told.
#[derive(Debug, Serialize)]
pub(crate) struct Account {
    pub(crate) workflow: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) spec: String,
    pub(crate) inputs: Vec<Input>,
    /// Ids of stages by step; those of one step can be at work side by side.
    pub(crate) levels: Vec<Vec<String>>,
    pub(crate) stages: Vec<Step>,
    pub(crate) models: Vec<Model>,
    pub(crate) plugins: Vec<Rights>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) rules: Vec<String>,
    /// Where commands run, if not in a component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commands: Option<String>,
    /// Is what no rule allows blocked?
    pub(crate) strict: bool,
    pub(crate) bounds: Bounds,
    /// The workflows that stages run.
    pub(crate) children: Vec<Self>,
}

/// A value that it is given.
#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) required: bool,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// A stage.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) does: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<String>,
    /// So many items of a list at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fan_out: Option<i64>,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<String>,
    #[serde(rename = "unless", skip_serializing_if = "Option::is_none")]
    pub(crate) skip_if: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_s: Option<f64>,
    pub(crate) fail_as_value: bool,
    pub(crate) post_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runs: Option<String>,
}

/// A model that is asked.
#[derive(Debug, Serialize)]
pub(crate) struct Model {
    pub(crate) tier: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
}

/// A plugin and its rights.
#[derive(Debug, Serialize)]
pub(crate) struct Rights {
    pub(crate) plugin: String,
    pub(crate) version: String,
    pub(crate) builtin: bool,
    pub(crate) digest: String,
    pub(crate) used: Vec<String>,
    pub(crate) rights: Vec<Right>,
}

/// One right that is asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Right {
    pub(crate) asked: String,
    /// `yes`, `in part` or `no`.
    pub(crate) given: &'static str,
    /// Who gives less than is asked: `spec`, `policy`, `stage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<&'static str>,
    /// What that one gives instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) instead: Vec<String>,
}

/// Where a secret may go.
#[derive(Debug, Serialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) to: Vec<String>,
    pub(crate) by: String,
    /// Whether the variable is set here.
    pub(crate) set: bool,
}

/// What a run never exceeds.
#[derive(Debug, Serialize)]
pub(crate) struct Bounds {
    /// Model calls at most, those of runs within the run included, fan-outs counted as one item.
    pub(crate) model_calls: u64,
    /// Stages whose model calls are for each item.
    pub(crate) for_each_item: Vec<String>,
    /// `contracts.max_llm_calls`; none for no limit.
    pub(crate) max_llm_calls: Option<u64>,
    /// `contracts.max_cost_usd` and `contracts.max_tokens_total`; none for no limit.
    pub(crate) max_cost_usd: Option<f64>,
    pub(crate) max_tokens_total: Option<u64>,
    pub(crate) timeout_hours: f64,
    pub(crate) workspace: String,
    pub(crate) limits: BTreeMap<&'static str, u64>,
}

impl Account {
    /// Tells a plan.
    pub(crate) fn of(engine: &Engine, plan: &Plan) -> Self {
        let children: BTreeMap<&Path, &Plan> = plan.children().collect();
        Self::within(engine, plan, &children, &mut Vec::new())
    }

    fn within<'p>(
        engine: &Engine,
        plan: &'p Plan,
        all: &BTreeMap<&'p Path, &'p Plan>,
        told: &mut Vec<&'p Path>,
    ) -> Self {
        let spec = &plan.document().spec;
        let mut children = Vec::new();
        for path in plan.stage_ids().iter().filter_map(|id| plan.child_of(id)) {
            // Each once: workflows may run one another.
            if let Some((path, child)) = all.get_key_value(path)
                && !told.contains(path)
            {
                told.push(path);
                children.push(Self::within(engine, child, all, told));
            }
        }
        let ids = |level: Vec<&str>| level.into_iter().map(str::to_owned).collect();
        Self {
            workflow: spec.name.clone(),
            version: spec.version.clone(),
            description: spec.description.clone(),
            spec: plan.document().source.name.clone(),
            inputs: inputs(spec),
            levels: plan.levels().into_iter().map(ids).collect(),
            stages: stages(plan, spec),
            models: models(spec),
            plugins: plugins(engine, plan),
            secrets: secrets(plan),
            rules: spec.safety_rules.iter().map(say_rule).collect(),
            commands: plan.commands_run(),
            strict: spec.safety_mode == SafetyMode::Strict,
            bounds: bounds(plan, spec, all),
            children,
        }
    }
}

/// What a stage does, in a word.
pub(crate) fn word(stage: &Stage) -> &'static str {
    match stage.kind() {
        StageKind::Gate => "gate",
        StageKind::Subagent => "subagent",
        StageKind::ToolCall => "tool_call",
        StageKind::Adapter => "script",
        StageKind::Role => "llm",
    }
}

fn inputs(spec: &Spec) -> Vec<Input> {
    let told = |input: &armature_spec::InputContract| {
        Some(Input {
            name: input.name.clone()?,
            required: input.required && input.default.is_none(),
            kind: input
                .input_type
                .as_ref()
                .and_then(Value::as_str)
                .map(str::to_owned),
            default: input.default.clone(),
            description: input.description.clone(),
        })
    };
    spec.contracts.inputs.iter().filter_map(told).collect()
}

fn stages(plan: &Plan, spec: &Spec) -> Vec<Step> {
    let tools: BTreeMap<&str, &str> = plan
        .tools()
        .map(|(tool, plugin)| (tool, plugin.name().as_str()))
        .collect();
    let step = |id: &String| {
        let (_, stage) = spec.stage(id)?;
        let calls = plan.model_calls(id);
        let retry = stage.on_fail.as_ref().and_then(|on| on.retry.as_ref());
        Some(Step {
            id: id.clone(),
            kind: word(stage),
            does: does(stage, spec, &tools),
            after: plan.needs(id).into_iter().map(str::to_owned).collect(),
            fan_out: stage.fan_out,
            condition: stage.condition.clone(),
            skip_if: stage.skip_if.clone(),
            passes: stage.iteration.as_ref().map(|passes| passes.max_iterations),
            attempts: retry.and(plan.attempts(id)),
            timeout_s: stage.timeout_s,
            fail_as_value: stage.fail_as_value,
            post_run: stage.post_run,
            model_calls: calls.map(|calls| calls.most()),
            runs: plan.child_of(id).map(|path| path.display().to_string()),
        })
    };
    plan.stage_ids().iter().filter_map(step).collect()
}

fn does(stage: &Stage, spec: &Spec, tools: &BTreeMap<&str, &str>) -> String {
    let of = |tool: &str| match tools.get(tool) {
        Some(plugin) => format!("{tool} of {plugin}"),
        None => tool.to_owned(),
    };
    match stage.kind() {
        StageKind::Gate => "asks a person, and waits".to_owned(),
        StageKind::Subagent => format!(
            "runs {}",
            stage.subagent_spec.as_deref().unwrap_or_default()
        ),
        StageKind::ToolCall => {
            let call = stage.tool_call.as_ref();
            call.map_or_else(String::new, |call| of(&call.name))
        }
        StageKind::Adapter => {
            let name = stage.adapter.as_deref().unwrap_or_default();
            let adapter = spec.adapters.get(name);
            match adapter.and_then(|adapter| adapter.plugin.as_ref()) {
                Some(plugin) => format!("{name}, adapter of {plugin}"),
                None => name.to_owned(),
            }
        }
        StageKind::Role => {
            let Some(role) = &stage.role else {
                return String::new();
            };
            let tier = spec.tier_of(role);
            let mut said = format!("{} ({}) on tier {tier}", role.name, role.role_type.as_str());
            if !role.tools.is_empty() {
                let tools: Vec<String> = role.tools.iter().map(|tool| of(tool)).collect();
                said.push_str(&format!(" with {}", tools.join(", ")));
            }
            said
        }
    }
}

fn models(spec: &Spec) -> Vec<Model> {
    let model = |(name, tier): (&str, &armature_spec::ModelTier)| Model {
        tier: name.to_owned(),
        provider: tier.provider.clone(),
        model: tier.model.clone(),
        at: tier.api_base.clone(),
    };
    spec.model_tiers.iter().map(model).collect()
}

fn plugins(engine: &Engine, plan: &Plan) -> Vec<Rights> {
    let by = |layer: &Layer| match layer {
        Layer::Manifest => "manifest",
        Layer::Spec => "spec",
        Layer::Policy => "policy",
        Layer::Stage => "stage",
    };
    let told = plan.rights().into_iter().map(|rights| Rights {
        plugin: rights.plugin.name().to_string(),
        version: rights.plugin.version().to_owned(),
        builtin: engine.plugins().is_builtin(rights.plugin.name()),
        digest: rights.plugin.digest().short(),
        used: rights.used,
        rights: rights
            .asked
            .into_iter()
            .map(|asked| match asked.held {
                Held::Fully => Right {
                    asked: asked.line,
                    given: "yes",
                    by: None,
                    instead: Vec::new(),
                },
                Held::Partly(layer, lines) => Right {
                    asked: asked.line,
                    given: "in part",
                    by: Some(by(&layer)),
                    instead: lines,
                },
                Held::No(layer) => Right {
                    asked: asked.line,
                    given: "no",
                    by: Some(by(&layer)),
                    instead: Vec::new(),
                },
            })
            .collect(),
    });
    told.collect()
}

fn secrets(plan: &Plan) -> Vec<Secret> {
    let uses = plan.secret_uses(environment::is_set);
    let told = uses.into_iter().map(|used| Secret {
        name: used.name,
        to: used.to,
        by: used.by,
        set: used.is_set,
    });
    told.collect()
}

fn bounds(plan: &Plan, spec: &Spec, all: &BTreeMap<&Path, &Plan>) -> Bounds {
    let max = u64::try_from(spec.contracts.max_llm_calls).ok();
    Bounds {
        model_calls: model_calls(plan, all, &mut BTreeMap::new()),
        for_each_item: plan
            .stage_ids()
            .iter()
            .filter(|id| {
                spec.stage(id)
                    .is_some_and(|(_, stage)| stage.fan_out.is_some())
            })
            .filter(|id| plan.model_calls(id).is_some() || plan.child_of(id).is_some())
            .cloned()
            .collect(),
        max_llm_calls: max.filter(|max| *max > 0),
        max_cost_usd: spec.contracts.max_cost_usd,
        max_tokens_total: spec.contracts.max_tokens_total,
        timeout_hours: spec.contracts.timeout_hours,
        workspace: plan.workspace().display().to_string(),
        limits: RUN_LIMITS
            .iter()
            .map(|row| (row.name, row.amount))
            .collect(),
    }
}

/// Model calls of a run and of the runs within it, fan-outs counted as one item. A workflow that runs itself is counted
/// once: how often it does that is not known before.
fn model_calls<'p>(
    plan: &'p Plan,
    all: &BTreeMap<&'p Path, &'p Plan>,
    known: &mut BTreeMap<&'p Path, u64>,
) -> u64 {
    let mut sum = 0u64;
    for id in plan.stage_ids() {
        let own = plan.model_calls(id).map_or(0, |calls| calls.most());
        let within = match plan.child_of(id).and_then(|path| all.get_key_value(path)) {
            None => 0,
            Some((path, _)) if known.contains_key(path) => known.get(path).copied().unwrap_or(0),
            Some((path, child)) => {
                known.insert(path, 0);
                let calls = model_calls(child, all, known);
                known.insert(path, calls);
                calls
            }
        };
        sum = sum.saturating_add(own).saturating_add(within);
    }
    sum
}

fn say_rule(rule: &SafetyRule) -> String {
    match rule {
        SafetyRule::Component(rule) => {
            format!("plugin {} decides about {}", rule.plugin, every(&rule.tool))
        }
        SafetyRule::Dsl(rule) => {
            let when = rule
                .condition
                .as_ref()
                .map_or_else(String::new, |condition| {
                    let op = written(&condition.op);
                    format!(" when {} {op} {:?}", condition.field, condition.value)
                });
            format!("{} {}{when}", written(&rule.action), every(&rule.tool))
        }
    }
}

/// The word of an enumeration, as it is written in a spec.
fn written(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn every(tool: &str) -> &str {
    if tool == "*" { "every tool" } else { tool }
}
