//! From names to plugins: which plugin a spec means, which of them has a tool, and with what rights.
//!
//! A plugin is in use when it is built in or the spec lists it. A tool is looked for among those; only a name that
//! none of them has is looked for among the other plugins that are there, which then work without any grant. Two
//! plugins in use with one tool name are an error: which of them is called must not depend on an order of files.
//! `PLUGIN.TOOL` means the tool of that plugin, as specs of the original name the tools of their modules; everything
//! behind knows it by its own name.

use std::{collections::BTreeMap, sync::Arc};

use armature_grants::{Grants, PluginName};
use armature_sandbox::{CallError, Effect, Plugin, ToolDefinition};
use armature_spec::{Spec, Step, path};
use futures::future::join_all;

use super::{
    given::{leaves_traces, reaches_out},
    problem::{PlanCode, Reporter, nearest},
    stage::{Tool, Written},
};
use crate::{engine::Shared, memory};

/// Finds plugins and tools for one spec.
pub(crate) struct Resolver<'e> {
    pub(crate) engine: &'e Shared,
    pub(super) written: BTreeMap<PluginName, Written>,
    /// Tools by name, each with the plugin that has it.
    known: BTreeMap<String, (Arc<Plugin>, ToolDefinition)>,
    /// Plugins that were asked for their tools.
    asked: Vec<PluginName>,
    /// No further plugin is asked.
    closed: bool,
    pub(crate) tools: BTreeMap<String, Arc<Tool>>,
}

impl<'e> Resolver<'e> {
    /// Reads the `tools` section.
    pub(crate) fn new(engine: &'e Shared, spec: &Spec, report: &mut Reporter<'_>) -> Self {
        let mut resolver = Self {
            engine,
            written: BTreeMap::new(),
            known: BTreeMap::new(),
            asked: Vec::new(),
            closed: false,
            tools: BTreeMap::new(),
        };
        for (place, entry) in spec.tools.iter().enumerate() {
            // A name that is none has been reported by the spec's own validation.
            let Ok(name) = entry.plugin_name() else {
                continue;
            };
            let at = path!["tools", place];
            let Some(plugin) = resolver.plugin(name.as_str(), report, at) else {
                continue;
            };
            let written = Written {
                grants: entry.grants.clone(),
                limits: entry.limits.clone().unwrap_or_default(),
            };
            resolver.warn_of_requests(&plugin, written.grants.as_ref(), report, at);
            resolver.written.insert(name, written);
        }
        if memory::tools::are_offered(spec) {
            resolver.add_memory(report);
        }
        resolver
    }

    /// The tools of the host that look around in the memory.
    fn add_memory(&mut self, report: &mut Reporter<'_>) {
        let at = path!["memory", "navigation_tools"];
        let plugin = match memory::tools::plugin() {
            Ok(plugin) => Arc::new(plugin),
            Err(error) => {
                report.add(PlanCode::UnusablePlugin, at, error.to_string());
                return;
            }
        };
        if !self.engine.policy.allows(plugin.name()) {
            let message = format!("the operator does not allow the plugin `{}`", plugin.name());
            report
                .add(PlanCode::DeniedPlugin, at, message)
                .hint("`deny_plugins` in policy.toml names it");
            return;
        }
        for definition in memory::tools::definitions() {
            let name = definition.name.to_string();
            self.known.insert(name, (Arc::clone(&plugin), definition));
        }
    }

    /// The plugin of this name, if it is there and allowed.
    pub(crate) fn plugin(
        &self,
        name: &str,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) -> Option<Arc<Plugin>> {
        let plugins = &self.engine.plugins;
        let Some(plugin) = plugins.get(name) else {
            let hint =
                plugins
                    .why_missing(name)
                    .unwrap_or_else(|| {
                        match nearest(name, plugins.names()) {
                    Some(other) => format!("did you mean `{other}`?"),
                    None => {
                        "put the component in ./plugins, or name its directory with --plugins DIR"
                            .to_owned()
                    }
                }
                    });
            report
                .add(
                    PlanCode::UnknownPlugin,
                    at,
                    format!("there is no plugin `{name}`"),
                )
                .hint(hint);
            return None;
        };
        if !self.engine.policy.allows(plugin.name()) {
            report
                .add(
                    PlanCode::DeniedPlugin,
                    at,
                    format!("the operator does not allow the plugin `{name}`"),
                )
                .hint("`deny_plugins` in policy.toml names it");
            return None;
        }
        Some(Arc::clone(plugin))
    }

    fn warn_of_requests(
        &self,
        plugin: &Plugin,
        grants: Option<&Grants>,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) {
        let requests = &plugin.manifest().requests;
        if grants.is_none_or(Grants::is_empty)
            && !requests.is_empty()
            && !self.engine.plugins.is_builtin(plugin.name())
        {
            let lines = requests.lines();
            let message = format!(
                "plugin `{}` asks for rights and is given none: {}",
                plugin.name(),
                lines.join("; ")
            );
            let hint = format!(
                "what you trust it with goes under `grants:`\n{}",
                indent(requests)
            );
            report
                .add(PlanCode::UngrantedRequest, at, message)
                .hint(hint);
        }
    }

    /// Gives a plugin something, for a call outside a workflow.
    pub(crate) fn give(&mut self, plugin: &Plugin, written: Written) {
        self.written.insert(plugin.name().clone(), written);
    }

    /// Looks for tools in this plugin before all others.
    pub(crate) async fn only(&mut self, plugin: &Arc<Plugin>, report: &mut Reporter<'_>) {
        self.ask(plugin, report).await;
        self.closed = true;
    }

    /// Looks in all plugins again.
    pub(crate) fn open(&mut self) {
        self.closed = false;
    }

    /// Resolves a tool's name; reports what is wrong with it at `at`.
    pub(crate) async fn tool(
        &mut self,
        name: &str,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) -> Option<Arc<Tool>> {
        if let Some(tool) = self.tools.get(name) {
            return Some(Arc::clone(tool));
        }
        self.ask_plugins_in_use(report).await;
        if !self.known.contains_key(self.own_name(name)) {
            self.ask_others_until(name, report).await;
        }
        let Some((plugin, definition)) = self.known.get(self.own_name(name)).cloned() else {
            let hint = match nearest(name, self.known.keys().map(String::as_str)) {
                Some(other) => format!("did you mean `{other}`?"),
                None => format!(
                    "there are {}",
                    self.known.keys().cloned().collect::<Vec<_>>().join(", ")
                ),
            };
            report
                .add(
                    PlanCode::UnknownTool,
                    at,
                    format!("there is no tool `{name}`"),
                )
                .hint(hint);
            return None;
        };
        let own = definition.name.to_string();
        let tool = match self.tools.get(&own) {
            Some(tool) => Arc::clone(tool),
            None => Arc::new(self.compile(plugin, definition, report, at)?),
        };
        self.tools.insert(own, Arc::clone(&tool));
        Some(tool)
    }

    /// The name by which a tool that is known goes, where it was written as `PLUGIN.TOOL`.
    pub(crate) fn own_name<'n>(&self, name: &'n str) -> &'n str {
        match name.split_once('.') {
            Some((plugin, tool))
                if !self.known.contains_key(name)
                    && self
                        .known
                        .get(tool)
                        .is_some_and(|(has, _)| has.name().as_str() == plugin) =>
            {
                tool
            }
            _ => name,
        }
    }

    /// The names of all tools of the plugins in use.
    pub(super) async fn names(&mut self, report: &mut Reporter<'_>) -> Vec<String> {
        self.ask_plugins_in_use(report).await;
        self.known.keys().cloned().collect()
    }

    fn compile(
        &self,
        plugin: Arc<Plugin>,
        definition: ToolDefinition,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) -> Option<Tool> {
        let given = self.given(&plugin);
        let mut validator =
            |schema: &serde_json::Value, what: &str| match jsonschema::validator_for(schema) {
                Ok(validator) => Some(validator),
                Err(error) => {
                    let message = format!(
                        "the {what} schema of `{}` is none: {error}",
                        definition.name
                    );
                    report
                        .add(PlanCode::InvalidToolSchema, at, message)
                        .hint("tell the plugin's author");
                    None
                }
            };
        let input = validator(&definition.input_schema, "input")?;
        let output = match &definition.output_schema {
            Some(schema) => Some(validator(schema, "output")?),
            None => None,
        };
        let rights = self.rights(&plugin, given.grants);
        let limits = self.limits(&given.limits, report, at)?;
        let outside = reaches_out(&rights) || (leaves_traces(&rights) && !repeatable(&definition));
        Some(Tool {
            plugin,
            definition,
            input,
            output,
            rights,
            limits,
            outside,
        })
    }

    async fn ask_plugins_in_use(&mut self, report: &mut Reporter<'_>) {
        let in_use = |plugin: &&Arc<Plugin>| {
            self.written.contains_key(plugin.name())
                || self.engine.plugins.is_builtin(plugin.name())
        };
        let plugins: Vec<Arc<Plugin>> =
            self.engine.plugins.iter().filter(in_use).cloned().collect();
        let plugins: Vec<Arc<Plugin>> = plugins
            .into_iter()
            .filter(|plugin| self.is_to_be_asked(plugin))
            .collect();
        // Together: where they are not in the cache yet, each has to be compiled.
        let answers = join_all(
            plugins
                .iter()
                .map(|plugin| self.engine.sandbox.tools(plugin)),
        )
        .await;
        for (plugin, answer) in plugins.iter().zip(answers) {
            self.hear(plugin, answer, report);
        }
    }

    async fn ask_others_until(&mut self, name: &str, report: &mut Reporter<'_>) {
        let plugins: Vec<Arc<Plugin>> = self.engine.plugins.iter().cloned().collect();
        for plugin in plugins {
            if self.known.contains_key(self.own_name(name)) {
                return;
            }
            self.ask(&plugin, report).await;
        }
    }

    fn is_to_be_asked(&self, plugin: &Plugin) -> bool {
        let known = self.closed || self.asked.contains(plugin.name());
        !known && plugin.kinds().tool && self.engine.policy.allows(plugin.name())
    }

    /// Asks a plugin which tools it has, once.
    async fn ask(&mut self, plugin: &Arc<Plugin>, report: &mut Reporter<'_>) {
        if self.is_to_be_asked(plugin) {
            let answer = self.engine.sandbox.tools(plugin).await;
            self.hear(plugin, answer, report);
        }
    }

    fn hear(
        &mut self,
        plugin: &Arc<Plugin>,
        answer: Result<Arc<[ToolDefinition]>, CallError>,
        report: &mut Reporter<'_>,
    ) {
        self.asked.push(plugin.name().clone());
        let at = path!["tools"];
        match answer {
            Ok(definitions) => {
                for definition in definitions.iter() {
                    self.learn(plugin, definition, report, at);
                }
            }
            Err(error) => {
                let message = format!(
                    "plugin `{}` does not say which tools it has: {error}",
                    plugin.name()
                );
                report
                    .add(PlanCode::UnusablePlugin, at, message)
                    .hint("tell the plugin's author, or leave it out of `tools` and of the plugin directories");
            }
        }
    }

    fn learn(
        &mut self,
        plugin: &Arc<Plugin>,
        definition: &ToolDefinition,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) {
        let name = definition.name.as_str();
        match self.known.get(name) {
            Some((first, _)) => {
                let message = format!(
                    "`{}` and `{}` both have a tool `{name}`",
                    first.name(),
                    plugin.name()
                );
                report
                    .add(PlanCode::AmbiguousTool, at, message)
                    .hint("leave one of the two out of `tools`");
            }
            None => {
                self.known
                    .insert(name.to_owned(), (Arc::clone(plugin), definition.clone()));
            }
        }
    }
}

/// May the call be made again without a trace of the first?
fn repeatable(definition: &ToolDefinition) -> bool {
    match definition.effect {
        Effect::ReadOnly => true,
        Effect::Workspace => definition.idempotent,
        Effect::Network | Effect::Destructive => false,
    }
}

/// Rights as they are written in a spec.
fn indent(grants: &Grants) -> String {
    let written = serde_json::to_value(grants).unwrap_or_default();
    let lines = written
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("    {key}: {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
