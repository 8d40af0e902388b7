//! What a plan as a whole can reach, gathered from its stages: plugins, tools that plugins may call, secrets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_grants::{PluginName, RelPath, Rights};
use armature_sandbox::{Digest, Plugin};
use armature_spec::{Document, Spec, path};

use super::{
    problem::Reporter,
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
        let is_new = !resolver.tools.contains_key(&name);
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
        .filter_map(Tier::key_name)
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

/// What would give rights in the next run to whoever writes it in this one.
pub(super) fn reserved(engine: &Shared, document: &Document) -> Vec<RelPath> {
    let workspace = files::canonical(Path::new(&document.spec.sandbox.host_workspace));
    let spec = PathBuf::from(&document.source.name);
    let places = engine.plugin_dirs.iter().chain([&spec, &engine.home]);
    let below = |place: &PathBuf| {
        let path = files::canonical(place);
        let below = path.strip_prefix(&workspace).ok()?.to_str()?.to_owned();
        RelPath::new(&below).ok()
    };
    places.filter_map(below).collect()
}

pub(super) fn policy_version(spec: &Spec) -> String {
    let rules = serde_json::to_string(&spec.safety_rules).unwrap_or_default();
    Digest::of(&[rules.as_bytes()]).short()
}
