//! What there is to say about a plan before it runs: who gets which rights, where secrets go, how often models are
//! asked, what runs below it.
//!
//! Everything is read from what a run is decided by, never from the spec a second time: what is told here is what will
//! hold.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use armature_grants::{Grants, Layer, PluginName, Rights};
use armature_sandbox::Plugin;
use armature_spec::OutputMode;

use super::{
    Plan,
    stage::{EnvUse, Kind, Stage},
};

/// A plugin of a plan, and what it may do there.
#[derive(Debug, Clone)]
pub struct PluginRights {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// The tools, adapters and rules of it that the plan uses.
    pub used: Vec<String>,
    /// What its manifest asks for, each with who leaves it out.
    pub asked: Vec<AskedRight>,
}

/// One right that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedRight {
    /// The right, as a line.
    pub line: String,
    /// The same as a grant: what would give it, and nothing else.
    pub grant: Grants,
    /// Whether it is given.
    pub held: Held,
}

/// Whether a right that is asked for is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// By everybody who decides.
    Fully,
    /// In part: the lines of this layer say which.
    Partly(Layer, Vec<String>),
    /// This layer leaves it out.
    No(Layer),
}

/// Where the value of a secret may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    /// Name of the environment variable.
    pub name: String,
    /// The hosts, or the model, that may receive it.
    pub to: Vec<String>,
    /// Who puts it there: a stage, a plugin, a tier.
    pub by: String,
    /// Whether it is set here.
    pub is_set: bool,
}

/// How often a stage asks models, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelCalls {
    /// Requests of one attempt: rounds of tool calls and the last answer, from every tier that may be asked.
    pub rounds: u64,
    /// Attempts: the first and the repetitions.
    pub attempts: u64,
    /// Whether that is for each item of a fan-out.
    pub for_each_item: bool,
}

impl ModelCalls {
    /// All together, for one item.
    pub fn most(&self) -> u64 {
        self.rounds.saturating_mul(self.attempts)
    }
}

impl Plan {
    /// What every plugin of the plan may do.
    pub fn rights(&self) -> Vec<PluginRights> {
        let mut found: BTreeMap<&PluginName, (Vec<String>, Option<&Rights>)> = BTreeMap::new();
        for (name, tool) in &self.0.tools {
            let entry = found.entry(tool.plugin.name()).or_default();
            entry.0.push(name.clone());
            entry.1 = Some(&tool.rights);
        }
        for stage in &self.0.stages {
            if let Kind::Adapter(adapter) = &stage.kind {
                let entry = found.entry(adapter.plugin.name()).or_default();
                if !entry.0.contains(&adapter.name) {
                    entry.0.push(adapter.name.clone());
                }
                entry.1 = Some(&adapter.rights);
            }
        }
        let of = |plugin: &Arc<Plugin>| {
            let (used, rights) = found.remove(plugin.name()).unwrap_or_default();
            PluginRights {
                plugin: Arc::clone(plugin),
                used,
                // A rule is called with no right at all, and a manifest's wish changes nothing about that.
                asked: rights.map(asked).unwrap_or_default(),
            }
        };
        self.0.plugins.values().map(of).collect()
    }

    /// Where secrets may go. `is_set` says whether a variable has a value; nobody sees which.
    pub fn secret_uses(&self, is_set: impl Fn(&str) -> bool) -> Vec<SecretUse> {
        let mut uses = Vec::new();
        let mut add = |name: &str, to: Vec<String>, by: String| {
            uses.push(SecretUse {
                name: name.to_owned(),
                to,
                by,
                is_set: is_set(name),
            });
        };
        for tier in &self.0.tiers {
            for name in tier.key_names() {
                let config = &tier.config;
                let to = config.api_base.as_deref().unwrap_or(&config.provider);
                add(
                    name,
                    vec![to.to_owned()],
                    format!("model tier {}", tier.name),
                );
            }
        }
        for stage in &self.0.stages {
            let env: &[EnvUse] = match &stage.kind {
                Kind::ToolCall(call) => &call.env,
                Kind::Adapter(adapter) => &adapter.env,
                _ => &[],
            };
            for used in env {
                let to = used.hosts.iter().map(ToString::to_string).collect();
                add(&used.name, to, format!("stage {}", stage.id));
            }
        }
        for (plugin, rights) in self.every_right() {
            for (layer, grants) in rights.layers() {
                if *layer == Layer::Manifest {
                    continue;
                }
                for name in grants.secrets.iter_names() {
                    if let Some(grant) =
                        grants.secrets.get(name).filter(|_| rights.has_secret(name))
                    {
                        let to = grant.hosts.iter().map(ToString::to_string).collect();
                        add(name, to, format!("plugin {plugin}"));
                    }
                }
            }
        }
        uses.sort();
        uses.dedup();
        uses
    }

    fn every_right(&self) -> impl Iterator<Item = (&PluginName, &Rights)> {
        let tools = self.0.tools.values();
        let adapters = self.0.stages.iter().filter_map(|stage| match &stage.kind {
            Kind::Adapter(adapter) => Some((adapter.plugin.name(), &adapter.rights)),
            _ => None,
        });
        tools
            .map(|tool| (tool.plugin.name(), &tool.rights))
            .chain(adapters)
    }

    /// The stages of the workflow, by the number of steps in which each is reached: those of one level can be at work
    /// side by side.
    pub fn levels(&self) -> Vec<Vec<&str>> {
        let count = self.0.graph.len();
        // 0 is: not known yet.
        let mut steps = vec![0usize; count];
        let mut todo: Vec<usize> = (0..count).collect();
        while let Some(at) = todo.pop() {
            let needs = self.0.graph.needs(at);
            let known = |need: &usize| steps.get(*need).copied().unwrap_or(1);
            let open: Vec<usize> = needs.iter().copied().filter(|n| known(n) == 0).collect();
            if open.is_empty() {
                let step = needs.iter().map(known).max().unwrap_or(0) + 1;
                if let Some(own) = steps.get_mut(at) {
                    *own = step;
                }
            } else {
                todo.push(at);
                todo.extend(open);
            }
        }
        let mut levels: Vec<Vec<&str>> = vec![Vec::new(); steps.iter().copied().max().unwrap_or(0)];
        for (id, step) in self.0.ids.iter().zip(&steps) {
            if let Some(level) = levels.get_mut(step.saturating_sub(1)) {
                level.push(id);
            }
        }
        levels
    }

    /// The workflow that a stage runs.
    pub fn child_of(&self, stage: &str) -> Option<&Path> {
        match &self.stage(stage)?.kind {
            Kind::Subagent(subagent) => Some(&subagent.path),
            _ => None,
        }
    }

    /// How often a stage is tried, the first time included.
    pub fn attempts(&self, stage: &str) -> Option<u64> {
        let retry = self.stage(stage)?.retry.as_ref();
        Some(retry.map_or(0, |retry| u64::from(retry.max)) + 1)
    }

    /// How often a stage asks models, if it does.
    pub fn model_calls(&self, stage: &str) -> Option<ModelCalls> {
        let stage = self.stage(stage)?;
        let Kind::Role(role) = &stage.kind else {
            return None;
        };
        let rounds = if role.tools.is_empty() {
            1
        } else {
            role.rounds
        };
        // Every tier may be asked, and one that is held to a form twice.
        let asks = match role.output {
            OutputMode::Text => 1,
            OutputMode::Json | OutputMode::GuidedJson => 2,
        };
        let tiers = u64::try_from(role.tiers.len()).unwrap_or(u64::MAX);
        let rounds = rounds.saturating_mul(asks).saturating_mul(tiers);
        let passes = stage
            .iteration
            .as_ref()
            .map_or(1, |passes| u64::from(passes.max));
        Some(ModelCalls {
            rounds,
            attempts: self
                .attempts(&stage.id)?
                .saturating_mul(passes)
                .saturating_mul(self.rounds_of(&stage.id).saturating_add(1)),
            for_each_item: stage.fan_out.is_some(),
        })
    }

    /// How often failures of later stages can begin again at this one, or before it.
    fn rounds_of(&self, id: &str) -> u64 {
        let plan = &self.0;
        let Some(number) = plan.index.get(id).copied() else {
            return 0;
        };
        let workflow = plan.stages.iter().take(plan.graph.len()).enumerate();
        let rounds = workflow.filter_map(|(later, stage)| {
            let (retry, from) = stage.way_back()?;
            let from = plan.index.get(from).copied()?;
            let is_between = plan.ancestors.has(later, number)
                && (number == from || plan.ancestors.has(number, from));
            is_between.then_some(u64::from(retry.max))
        });
        rounds.fold(0, u64::saturating_add)
    }

    fn stage(&self, id: &str) -> Option<&Stage> {
        self.0.stages.get(*self.0.index.get(id)?)
    }
}

/// What a manifest asks for, and what becomes of it.
fn asked(rights: &Rights) -> Vec<AskedRight> {
    let Some((_, manifest)) = rights.layers().first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |part: Grants, denied: Option<Layer>, rest: &dyn Fn(&Grants) -> Grants| {
        let held = match denied {
            None => Held::Fully,
            Some(layer) => {
                let given = rights.layers().iter().find(|(named, _)| *named == layer);
                let lines = given
                    .map(|(_, grants)| rest(grants).lines())
                    .unwrap_or_default();
                if lines.is_empty() {
                    Held::No(layer)
                } else {
                    Held::Partly(layer, lines)
                }
            }
        };
        found.extend(part.lines().into_iter().map(|line| AskedRight {
            line,
            grant: part.clone(),
            held: held.clone(),
        }));
    };
    for rule in &manifest.fs.read {
        let mut part = Grants::default();
        part.fs.read.push(rule.clone());
        let denied = rights.read_file(rule.root()).err().map(|why| why.layer);
        add(part, denied, &|grants| {
            let mut kept = Grants::default();
            kept.fs.read.clone_from(&grants.fs.read);
            kept
        });
    }
    for rule in &manifest.fs.write {
        let mut part = Grants::default();
        part.fs.write.push(rule.clone());
        let denied = rights.write_file(rule.root()).err().map(|why| why.layer);
        add(part, denied, &|grants| {
            let mut kept = Grants::default();
            kept.fs.write.clone_from(&grants.fs.write);
            kept
        });
    }
    for grant in &manifest.http {
        let part = Grants {
            http: vec![grant.clone()],
            ..Grants::default()
        };
        let covered = |grants: &Grants| {
            let mut given = grants.http.iter();
            given.any(|given| given.pattern.covers(&grant.pattern))
        };
        let mut layers = rights.layers().iter();
        let denied = layers.find(|(_, grants)| !covered(grants));
        let denied = denied.map(|(layer, _)| *layer);
        add(part, denied, &|grants| Grants {
            http: grants.http.clone(),
            ..Grants::default()
        });
    }
    for name in manifest.secrets.iter_names() {
        let mut layers = rights.layers().iter();
        let denied = layers.find(|(_, grants)| !grants.secrets.names(name));
        let part = Grants {
            secrets: armature_grants::SecretGrants::Names(vec![name.to_owned()]),
            ..Grants::default()
        };
        add(part, denied.map(|(layer, _)| *layer), &|_| {
            Grants::default()
        });
    }
    if manifest.kv.is_some() {
        let part = Grants {
            kv: manifest.kv,
            ..Grants::default()
        };
        let narrower = rights
            .layers()
            .iter()
            .find(|(_, grants)| grants.kv < manifest.kv);
        add(part, narrower.map(|(layer, _)| *layer), &|grants| Grants {
            kv: grants.kv,
            ..Grants::default()
        });
    }
    for tool in &manifest.tools {
        let part = Grants {
            tools: vec![tool.clone()],
            ..Grants::default()
        };
        let denied = rights.call_tool(tool.as_str()).err().map(|why| why.layer);
        add(part, denied, &|_| Grants::default());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(json: serde_json::Value) -> Grants {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn each_right_that_is_asked_for_is_told_with_what_becomes_of_it() {
        let plugin = PluginName::new("weather").unwrap();
        let rights = Rights::new(
            plugin,
            grants(serde_json::json!({
                "fs": {"read": ["."], "write": ["out"]}, "http": ["GET https://api.example.com/**", "GET https://*/**"],
                "secrets": ["KEY"], "kv": "workflow"
            })),
        )
        .narrowed(
            Layer::Spec,
            grants(serde_json::json!({
                "fs": {"read": ["data"], "write": ["."]}, "http": ["GET https://api.example.com/**"],
                "secrets": {"KEY": {"hosts": ["api.example.com"]}}, "kv": "run"
            })),
        )
        .narrowed(Layer::Policy, grants(serde_json::json!({"fs": {"read": ["."]}, "kv": "run"})));
        let said: Vec<(String, Held)> = asked(&rights)
            .into_iter()
            .map(|right| (right.line, right.held))
            .collect();
        let partly = |lines: &[&str]| {
            Held::Partly(Layer::Spec, lines.iter().map(|l| (*l).to_owned()).collect())
        };
        assert_eq!(
            said,
            [
                ("fs read .".to_owned(), partly(&["fs read data"])),
                ("fs write out".to_owned(), Held::No(Layer::Policy)),
                (
                    "http GET https://api.example.com/**".to_owned(),
                    Held::No(Layer::Policy)
                ),
                (
                    "http GET https://*/**".to_owned(),
                    partly(&["http GET https://api.example.com/**"])
                ),
                ("secrets KEY".to_owned(), Held::No(Layer::Policy)),
                ("kv workflow".to_owned(), partly(&["kv run"])),
            ]
        );
    }
}
