//! A plan: a spec in which nothing is left to look up.
//!
//! Document and plugins in, plan or problems out. Whatever can be known to be wrong before anything has run is found
//! here, all of it at once, each with its place in the text. A plan is immutable and shared: many runs can have one.

mod account;
pub(crate) mod adapters;
mod agents;
mod arguments;
mod build;
mod children;
mod gates;
mod gather;
mod given;
mod layers;
mod order;
mod outside;
mod problem;
mod resolve;
mod roles;
mod rule_names;
pub(crate) mod stage;
mod stages;
pub(crate) mod text;
mod tiers;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use armature_grants::PluginName;
use armature_sandbox::{Digest, Plugin};
use armature_spec::{Document, Finding};

pub use account::{AskedRight, Held, ModelCalls, PluginRights, SecretUse};
pub use problem::PlanCode;

pub(crate) use build::single_call;
pub(crate) use children::build;
pub(crate) use given::hands_on;
pub(crate) use outside::Commands;
pub(crate) use problem::{Reporter, nearest};
pub(crate) use resolve::Resolver;
use stage::{Stage, Tool};
pub(crate) use tiers::{Credentials, Tier};

use crate::{context::Ancestors, rules::RuleSet, schedule::Graph};

/// What a run is made from.
#[derive(Debug, Clone)]
pub struct Plan(pub(crate) Arc<Planned>);

/// The content of a plan.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) document: Document,
    pub(crate) digest: Digest,
    /// Digest of the safety rules, as traces carry it.
    pub(crate) policy_version: String,
    /// First the stages of the workflow, in spec order, then those with `post_run`.
    pub(crate) stages: Vec<Stage>,
    pub(crate) ids: Arc<[String]>,
    pub(crate) index: Arc<HashMap<String, usize>>,
    /// Only the stages of the workflow.
    pub(crate) graph: Graph,
    pub(crate) ancestors: Arc<Ancestors>,
    pub(crate) tools: BTreeMap<String, Arc<Tool>>,
    /// Every plugin that a run can call.
    pub(crate) plugins: BTreeMap<PluginName, Arc<Plugin>>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) tiers: Vec<Tier>,
    /// The tier that makes one answer of several, for `fan_in: consensus`.
    pub(crate) judge_tier: Option<usize>,
    /// Names of the environment variables whose values a run may hand to its edge.
    pub(crate) secrets: Vec<String>,
    pub(crate) children: Arc<BTreeMap<PathBuf, Plan>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) workspace: PathBuf,
    /// What runs commands, where that is no component.
    pub(crate) commands: Option<Arc<Commands>>,
    /// The files that it is made from: the spec, its skills, the scripts of its models.
    pub(crate) made_of: Vec<PathBuf>,
    pub(crate) warnings: Vec<Finding>,
}

impl Planned {
    /// May a plugin of this plan keep values?
    pub(crate) fn keeps_values(&self) -> bool {
        let adapters = self.stages.iter().filter_map(|stage| match &stage.kind {
            stage::Kind::Adapter(adapter) => Some(&adapter.rights),
            _ => None,
        });
        self.tools
            .values()
            .map(|tool| &tool.rights)
            .chain(adapters)
            .any(|rights| rights.kv().is_ok())
    }
}

impl Plan {
    /// The document that it was made from.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// Name of the workflow.
    pub fn name(&self) -> &str {
        &self.0.document.spec.name
    }

    /// Digest of the spec's text.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// What is doubtful and does not stop a run.
    pub fn warnings(&self) -> &[Finding] {
        &self.0.warnings
    }

    /// Ids of the stages: those of the workflow in spec order, then those with `post_run`.
    pub fn stage_ids(&self) -> &[String] {
        &self.0.ids
    }

    /// The ids of the stages that a stage waits for.
    pub fn needs(&self, stage: &str) -> Vec<&str> {
        let needs = self
            .0
            .index
            .get(stage)
            .map_or(&[][..], |place| self.0.graph.needs(*place));
        needs
            .iter()
            .filter_map(|need| self.0.ids.get(*need))
            .map(String::as_str)
            .collect()
    }

    /// The tools that stages of this plan can call, each with the plugin that has it.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Plugin)> {
        self.0
            .tools
            .iter()
            .map(|(name, tool)| (name.as_str(), &*tool.plugin))
    }

    /// Every plugin that a run can call.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.0.plugins.values()
    }

    /// The plans of subagents, by the file of each.
    pub fn children(&self) -> impl Iterator<Item = (&Path, &Self)> {
        self.0
            .children
            .iter()
            .map(|(path, plan)| (path.as_path(), plan))
    }

    /// The files that it and the plans of its subagents are made from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let all = std::iter::once(self).chain(self.0.children.values());
        all.flat_map(|plan| plan.0.made_of.iter().map(PathBuf::as_path))
    }

    /// The directory that tools work in.
    pub fn workspace(&self) -> &Path {
        &self.0.workspace
    }
}
