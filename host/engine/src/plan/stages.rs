//! One stage of the spec, made ready to run.

use std::time::Duration;

use armature_grants::{HostPattern, Layer, Rights};
use armature_spec::{self as spec, StageKind, Step};
use serde_json::{Map, Value};

use super::{
    adapters::adapter,
    agents::Agents,
    arguments,
    layers::Layers,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    roles::role,
    stage::{
        EnvUse, FanOut, GateStage, Iteration, Kind, Retry, Source, Stage, SubagentStage, ToolStage,
    },
    text::{Text, Tree},
    tiers::Tier,
};
use crate::{context::Names, files, tools::env};

/// What making stages ready needs to know.
pub(crate) struct Site<'s> {
    pub(crate) spec: &'s spec::Spec,
    pub(crate) spec_name: &'s str,
    pub(crate) tiers: &'s [Tier],
    pub(crate) layers: &'s Layers,
    pub(crate) agents: &'s Agents,
}

/// A stage made ready, with the names that its templates can mention.
pub(crate) async fn prepare(
    site: &Site<'_>,
    place: usize,
    stage: &spec::Stage,
    resolver: &mut Resolver<'_>,
    report: &mut Reporter<'_>,
) -> Option<(Stage, Names)> {
    let at = |key: &'static str| vec![Step::Key("stages"), Step::Index(place), Step::Key(key)];
    let mut texts = Texts {
        report,
        names: Names::default(),
        failed: false,
    };
    let skip_if = texts.optional("skip_if", stage.skip_if.as_deref());
    let condition = texts.optional("condition", stage.condition.as_deref());
    let retry = stage
        .on_fail
        .as_ref()
        .and_then(|on_fail| on_fail.retry.as_ref())
        .map(|again| Retry {
            from: Some(&again.stage)
                .filter(|from| **from != stage.id && !from.is_empty())
                .cloned(),
            context: again.context.clone(),
            max: again.max,
            until: texts.optional("until", again.until.as_deref()),
            backoff: again.backoff_s.and_then(seconds),
            longest: seconds(again.backoff_max_s).unwrap_or_default(),
        });
    let iteration = stage.iteration.as_ref().map(|passes| Iteration {
        max: most_passes(site.spec, passes.max_iterations),
        until: texts.optional("loop.until", passes.until.as_deref()),
        carry: passes.carry_forward.clone(),
        variable: passes.iteration_var.clone(),
        backoff: passes.backoff_s.and_then(seconds),
        longest: seconds(passes.backoff_max_s).unwrap_or_default(),
    });
    let fan_out = fan_out(stage, &mut texts);
    let kind = match stage.kind() {
        StageKind::Gate => Kind::Gate(GateStage {
            present: texts.optional("present", stage.present.as_deref()),
        }),
        StageKind::Subagent => subagent(site, stage),
        StageKind::ToolCall => tool_call(stage, &mut texts, resolver, &at("tool_call")).await?,
        StageKind::Adapter => adapter(site, stage, &mut texts, resolver)?,
        StageKind::Role => role(site, stage, &mut texts, resolver, &at("role")).await?,
    };
    if texts.failed {
        return None;
    }
    let mut names = texts.names;
    if let Some(signature) = &stage.signature {
        names.add(signature.input.keys().map(String::as_str));
    }
    let ready = Stage {
        id: stage.id.clone(),
        kind,
        skip_if,
        condition,
        retry,
        iteration,
        timeout: stage.timeout_s.and_then(seconds),
        fail_as_value: stage.fail_as_value,
        max_chars: stage
            .output_max_chars
            .or(site.spec.contracts.output_max_chars),
        fan_out,
        narrowing: stage.grants.clone(),
        response_stage: stage.response_stage,
        sandbox_image: stage.sandbox_image.clone(),
        closed: site.layers.closed(stage),
        agent: site.agents.of_stage.get(&place).cloned(),
    };
    Some((ready, names))
}

/// Passes of a loop: what it asks for, within the contract's cap. 0 or less is no cap.
fn most_passes(spec: &spec::Spec, asked: i64) -> u32 {
    let cap = spec.contracts.max_iterations;
    let passes = if cap > 0 { asked.min(cap) } else { asked };
    u32::try_from(passes.max(1)).unwrap_or(u32::MAX)
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// Compiles the texts of a stage and gathers what they mention.
pub(super) struct Texts<'r, 'd> {
    pub(super) report: &'r mut Reporter<'d>,
    names: Names,
    pub(super) failed: bool,
}

impl Texts<'_, '_> {
    pub(super) fn text(&mut self, field: &'static str, text: &str) -> Option<Text> {
        match Text::compile(field, text) {
            Ok(text) => {
                self.names.add(text.names().iter());
                Some(text)
            }
            // Validation of the spec has reported it with its place.
            Err(_) => {
                self.failed = true;
                None
            }
        }
    }

    fn optional(&mut self, field: &'static str, text: Option<&str>) -> Option<Text> {
        text.and_then(|text| self.text(field, text))
    }

    pub(super) fn tree(&mut self, field: &'static str, tree: &Map<String, Value>) -> Option<Tree> {
        match Tree::compile(field, tree) {
            Ok(tree) => {
                self.names.add(tree.names().iter());
                Some(tree)
            }
            Err(_) => {
                self.failed = true;
                None
            }
        }
    }
}

fn fan_out(stage: &spec::Stage, texts: &mut Texts<'_, '_>) -> Option<FanOut> {
    let width = usize::try_from(stage.fan_out?).ok()?;
    let source = match (&stage.partition_source, &stage.partition_key) {
        (Some(source), _) => Source::List(texts.text("partition_source", source)?),
        // A subagent may be started several times over parts of a list, or simply several times.
        (None, Some(key)) => {
            texts.names.add([key.as_str()]);
            Source::Parts(key.clone())
        }
        (None, None) => Source::Copies,
    };
    Some(FanOut {
        source,
        width,
        key: stage.item_key().to_owned(),
        fan_in: stage.fan_in,
        inject_file_as: stage.inject_file_as.clone(),
    })
}

fn subagent(site: &Site<'_>, stage: &spec::Stage) -> Kind {
    let path = files::beside(
        site.spec_name,
        stage.subagent_spec.as_deref().unwrap_or_default(),
    );
    Kind::Subagent(SubagentStage {
        path: files::canonical(&path),
        isolated: stage.isolated,
        inputs: stage
            .signature
            .iter()
            .flat_map(|signature| signature.input.keys().cloned())
            .collect(),
    })
}

async fn tool_call(
    stage: &spec::Stage,
    texts: &mut Texts<'_, '_>,
    resolver: &mut Resolver<'_>,
    at: &[Step<'_>],
) -> Option<Kind> {
    let call = stage.tool_call.as_ref()?;
    let name = [at, &[Step::Key("name")]].concat();
    let args = texts.tree("tool_call.args", &call.args);
    let tool = resolver.tool(&call.name, texts.report, &name).await?;
    let args_at = [at, &[Step::Key("args")]].concat();
    let env = env_uses(&call.args, &tool.rights, texts.report, &args_at);
    arguments::check(&tool, &call.args, texts.report, &args_at);
    Some(Kind::ToolCall(ToolStage {
        tool: tool.definition.name.to_string(),
        args: args?,
        env,
    }))
}

/// The secrets that arguments mention, and where each may go.
pub(super) fn env_uses(
    args: &Map<String, Value>,
    rights: &Rights,
    report: &mut Reporter<'_>,
    at: &[Step<'_>],
) -> Vec<EnvUse> {
    let args = Value::Object(args.clone());
    let literal = env::literal_hosts(&args);
    let mut uses = Vec::new();
    for name in env::names(&args) {
        let hosts = receivers(&literal, rights, &name);
        if hosts.is_empty() {
            report
                .add(PlanCode::UnplaceableSecret, at, format!("no host is named that may receive `env.{name}`"))
                .hint("write the host out in the URL of the same call; elsewhere the text stays as it is");
        }
        uses.push(EnvUse { name, hosts });
    }
    uses
}

/// The hosts that the spec's author names for a secret: in URLs of the same call, and in what the spec grants. A
/// manifest asks and a policy permits; neither says who gets the value.
fn receivers(literal: &[HostPattern], rights: &Rights, name: &str) -> Vec<HostPattern> {
    let author = rights.layers().iter();
    let granted = author
        .filter(|(layer, _)| *layer == Layer::Spec)
        .filter_map(|(_, grants)| grants.secrets.get(name))
        .flat_map(|grant| &grant.hosts);
    literal.iter().chain(granted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use armature_grants::{Grants, PluginName};

    use super::*;

    #[test]
    fn only_the_specs_author_says_who_receives_a_secret() {
        let grants = |host: &str| -> Grants {
            serde_json::from_value(serde_json::json!({"secrets": {"KEY": {"hosts": [host]}}}))
                .unwrap()
        };
        let rights = Rights::new(PluginName::new("p").unwrap(), grants("manifest.com"))
            .narrowed(Layer::Policy, grants("policy.com"));
        assert!(receivers(&[], &rights, "KEY").is_empty());
        let rights = rights.narrowed(Layer::Spec, grants("spec.com"));
        let literal: HostPattern = "written.com".parse().unwrap();
        let hosts: Vec<String> = receivers(&[literal], &rights, "KEY")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(hosts, ["written.com", "spec.com"]);
    }
}
