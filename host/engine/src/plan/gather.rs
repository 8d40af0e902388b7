//! What a plan as a whole can reach, gathered from its stages: plugins, tools that plugins may call, secrets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_grants::{PluginName, Rights};
use armature_sandbox::{Digest, Plugin};
use armature_spec::{Document, SafetyRule, SkillText, Spec, path};

use super::{
    adapters,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    stage::{Kind, Stage},
    tiers::Tier,
};
use crate::{engine::Shared, files, rules::RuleSet};

/// The tools that plugins are granted to call, and those that these are granted, and so on.
pub(super) async fn resolve_granted_tools(
    stages: &[Stage],
    resolver: &mut Resolver<'_>,
    report: &mut Reporter<'_>,
) {
    let of_adapters = stages.iter().filter_map(|stage| match &stage.kind {
        Kind::Adapter(adapter) => Some(&adapter.rights),
        _ => None,
    });
    let mut todo: Vec<String> = of_adapters.flat_map(granted_tools).collect();
    todo.extend(
        resolver
            .tools
            .values()
            .flat_map(|tool| granted_tools(&tool.rights)),
    );
    while let Some(name) = todo.pop() {
        let is_new = !resolver.tools.contains_key(resolver.own_name(&name));
        if let Some(tool) = resolver.tool(&name, report, path!["tools"]).await
            && is_new
        {
            todo.extend(granted_tools(&tool.rights));
        }
    }
}

pub(super) fn granted_tools(rights: &Rights) -> Vec<String> {
    let named = rights.layers().iter().flat_map(|(_, grants)| &grants.tools);
    let mut names: Vec<String> = named
        .map(ToString::to_string)
        .filter(|name| rights.call_tool(name).is_ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

pub(super) fn plugins(
    stages: &[Stage],
    rules: &RuleSet,
    resolver: &Resolver<'_>,
) -> BTreeMap<PluginName, Arc<Plugin>> {
    let adapters = stages.iter().filter_map(|stage| match &stage.kind {
        Kind::Adapter(adapter) => Some(&adapter.plugin),
        _ => None,
    });
    let tools = resolver.tools.values().map(|tool| &tool.plugin);
    adapters
        .chain(tools)
        .chain(rules.plugins())
        .map(|plugin| (plugin.name().clone(), Arc::clone(plugin)))
        .collect()
}

/// Every environment variable that a run may hand to its edge.
pub(super) fn secrets(stages: &[Stage], tiers: &[Tier], resolver: &Resolver<'_>) -> Vec<String> {
    let mut names: BTreeSet<String> = tiers
        .iter()
        .flat_map(Tier::key_names)
        .map(str::to_owned)
        .collect();
    let mut rights: Vec<&Rights> = resolver.tools.values().map(|tool| &tool.rights).collect();
    for stage in stages {
        match &stage.kind {
            Kind::ToolCall(call) => names.extend(call.env.iter().map(|used| used.name.clone())),
            Kind::Adapter(adapter) => {
                names.extend(adapter.env.iter().map(|used| used.name.clone()));
                rights.push(&adapter.rights);
            }
            _ => {}
        }
    }
    for rights in rights {
        let mentioned = rights
            .layers()
            .iter()
            .flat_map(|(_, grants)| grants.secrets.iter_names());
        names.extend(
            mentioned
                .filter(|name| rights.has_secret(name))
                .map(str::to_owned),
        );
    }
    names.into_iter().collect()
}

/// The files that a plan is made from: whoever writes one of them in this run decides about the next.
pub(super) fn made_of(document: &Document, tiers: &[Tier]) -> Vec<PathBuf> {
    let name = &document.source.name;
    let skills = document.spec.skill_library.values();
    skills
        .filter_map(|skill| match &skill.text {
            SkillText::Path(path) => Some(files::beside(name, path)),
            SkillText::Content(_) => None,
        })
        .chain(tiers.iter().filter_map(Tier::script).map(Path::to_owned))
        .chain(adapters::files_of(&document.spec, name))
        .chain([PathBuf::from(name)])
        .collect()
}

/// Refuses to work inside armature's home: the log, the policy and the compiled plugins are there.
pub(super) fn refuse_home(engine: &Shared, spec: &Spec, report: &mut Reporter<'_>) {
    let workspace = &spec.sandbox.host_workspace;
    let home = files::absolute(&engine.home);
    if files::absolute(Path::new(workspace)).starts_with(&home) {
        let message = format!(
            "the workspace `{}` lies in armature's home, `{}`, where no tool may work",
            workspace.escape_debug(),
            home.display()
        );
        report
            .add(
                PlanCode::WorkspaceInHome,
                path!["sandbox", "host_workspace"],
                message,
            )
            .hint("name another directory, run armature in one, or keep its home elsewhere with --home DIR");
    }
}

pub(super) fn policy_version(spec: &Spec, of_agents: &[(String, SafetyRule)]) -> String {
    let first = of_agents.iter().map(|(_, rule)| rule);
    let rules: Vec<&SafetyRule> = first.chain(&spec.safety_rules).collect();
    let rules = serde_json::to_string(&rules).unwrap_or_default();
    Digest::of(&[rules.as_bytes()]).short()
}
