//! What a run is bound to: the same spec, inputs, plugins and rules, or it is another run.
//!
//! All of it is in the first event of the log, as digests. A run is continued only where every one of them is the
//! same, because results that were made from other things would be taken for results of these. Scripts of scripted
//! models are left out: like a provider's model, what answers is not what was asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use armature_sandbox::Digest;
use armature_store::event::RunStarted;
use serde_json::{Map, Value};

use super::Run;
use crate::{engine::Shared, files, plan::Plan};

/// What a run is started with.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    /// The inputs, settled.
    pub(super) inputs: Map<String, Value>,
    /// What the run before it left to it.
    pub(super) carried: Map<String, Value>,
}

impl Given {
    /// All that stages see of it.
    pub(super) fn seen(&self) -> Map<String, Value> {
        let mut seen = self.inputs.clone();
        seen.extend(self.carried.clone());
        seen
    }
}

/// The digest of inputs, in the order in which a spec declares them. It is sealed: an input may be a secret, and nobody
/// finds one by digesting guesses.
pub(crate) fn digest_of(engine: &Shared, inputs: &Map<String, Value>) -> String {
    let text = serde_json::to_string(inputs).unwrap_or_default();
    Digest::of(&[&engine.seal, text.as_bytes()]).to_string()
}

/// The first event of a run.
pub(super) fn started(run: &Run, given: &Given, parent: Option<&Arc<Run>>) -> RunStarted {
    let plan = &run.plan;
    RunStarted {
        parent: parent.map(|parent| parent.id.clone()),
        inputs: given.inputs.clone(),
        carried: given.carried.clone(),
        use_cache: run.use_cache,
        // A child is made from what its parent's first event names.
        files: if parent.is_some() {
            BTreeMap::new()
        } else {
            files_of(plan)
        },
        ..expected(&run.engine, plan, &given.inputs)
    }
}

/// What of it a plan decides.
pub(super) fn expected(engine: &Shared, plan: &Plan, inputs: &Map<String, Value>) -> RunStarted {
    let place = |path: &Path| files::absolute(path).to_string_lossy().into_owned();
    RunStarted {
        workflow: plan.name().to_owned(),
        spec_digest: plan.digest().to_string(),
        inputs_digest: digest_of(engine, inputs),
        plugins: plan
            .plugins()
            .map(|plugin| (plugin.name().to_string(), plugin.digest().to_string()))
            .collect(),
        policy_version: plan.0.policy_version.clone(),
        spec_path: Some(place(Path::new(&plan.document().source.name))),
        directory: Some(place(Path::new("."))),
        plugin_dirs: engine.plugin_dirs.iter().map(|dir| place(dir)).collect(),
        ..RunStarted::default()
    }
}

/// Digests of the files that a plan and those below it are made from, but the spec itself.
pub(super) fn files_of(plan: &Plan) -> BTreeMap<String, String> {
    let all = std::iter::once(plan).chain(plan.0.children.values());
    let scripts: BTreeSet<_> = all
        .flat_map(|plan| plan.0.tiers.iter())
        .filter_map(crate::plan::Tier::script)
        .collect();
    let own = Path::new(&plan.document().source.name);
    plan.files()
        .filter(|path| *path != own && !scripts.contains(path))
        .map(|path| {
            let text = files::text(path).unwrap_or_default();
            let digest = Digest::of(&[text.as_bytes()]).to_string();
            (files::absolute(path).to_string_lossy().into_owned(), digest)
        })
        .collect()
}

/// What is not as it was when the run began, in words.
pub(super) fn changed(then: &RunStarted, now: &RunStarted) -> Vec<String> {
    let mut changed = Vec::new();
    if then.spec_digest != now.spec_digest {
        changed.push("the spec".to_owned());
    } else if then.policy_version != now.policy_version {
        changed.push("the safety rules".to_owned());
    }
    if then.inputs_digest != now.inputs_digest {
        changed.push("the inputs".to_owned());
    }
    let differing = |then: &BTreeMap<String, String>, now: &BTreeMap<String, String>| {
        let names: BTreeSet<String> = then.keys().chain(now.keys()).cloned().collect();
        names
            .into_iter()
            .filter(|name| then.get(name) != now.get(name))
            .collect::<Vec<_>>()
    };
    let plugins = differing(&then.plugins, &now.plugins);
    changed.extend(plugins.iter().map(|name| format!("the plugin `{name}`")));
    let files = differing(&then.files, &now.files);
    changed.extend(files.iter().map(|path| format!("the file `{path}`")));
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_changed_is_named() {
        let mut then = RunStarted {
            spec_digest: "1".to_owned(),
            ..RunStarted::default()
        };
        then.plugins.insert("weather".to_owned(), "a".to_owned());
        assert!(changed(&then, &then).is_empty());
        let mut now = then.clone();
        now.spec_digest = "2".to_owned();
        now.plugins.insert("weather".to_owned(), "b".to_owned());
        now.files.insert("/child.yml".to_owned(), "c".to_owned());
        assert_eq!(
            changed(&then, &now),
            ["the spec", "the plugin `weather`", "the file `/child.yml`"]
        );
    }
}
