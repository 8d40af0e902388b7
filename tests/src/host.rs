//! A sandbox with everything of a run behind it, and the four things that every attack must leave true.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use armature_grants::{Grants, Layer, LimitId, Limits, PluginName, Rights, ToolName};
use armature_sandbox::{
    Call, CallContext, CallError, LoadError, LogLevel, MemoryKv, Outcome, Placeholder, Plugin,
    Sandbox, Scrubber, Secrets, Services, Sink, ToolCaller, ToolDefinition, ToolError, Workspace,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::Guest;

/// The name of every plugin here that is not given another.
pub const NAME: &str = "stranger";

/// How late a guest may be stopped on a machine that is busy with other tests.
const SLACK: Duration = Duration::from_secs(3);

/// Rights as JSON.
pub fn grants(text: &Value) -> Grants {
    serde_json::from_value(text.clone()).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// Secrets of a test.
#[derive(Default)]
pub struct TestSecrets {
    values: BTreeMap<String, String>,
    placeholders: Vec<Placeholder>,
    scrubber: Scrubber,
}

impl Secrets for TestSecrets {
    fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }
    fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }
    fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }
}

/// Remembers what guests say.
#[derive(Default)]
pub struct Recorder {
    /// Lines of log.
    pub lines: Mutex<Vec<(LogLevel, String)>>,
    /// Messages of progress.
    pub progress: Mutex<Vec<String>>,
}

impl Sink for Recorder {
    fn log(&self, _: &PluginName, level: LogLevel, message: String) {
        self.lines.lock().unwrap().push((level, message));
    }
    fn progress(&self, _: &PluginName, _: u64, _: Option<u64>, message: String) {
        self.progress.lock().unwrap().push(message);
    }
}

/// One tool, `inner`, which answers with its arguments.
struct OneTool;

impl ToolCaller for OneTool {
    fn list(&self) -> Vec<ToolDefinition> {
        Vec::new()
    }
    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            if tool == "inner" {
                Ok(arguments)
            } else {
                Err(ToolError::UnknownTool(tool.to_owned()))
            }
        })
    }
}

/// A sandbox, and what its next call gets.
pub struct Host {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// The limits of the next call.
    pub limits: Limits,
    /// The rights, manifest first.
    pub layers: Vec<(Layer, Grants)>,
    /// Where the log goes.
    pub log: Arc<Recorder>,
    /// What plugins keep.
    pub kv: Arc<MemoryKv>,
    /// The name of the plugin.
    pub plugin: PluginName,
    /// About the call.
    pub context: CallContext,
    secrets: Arc<TestSecrets>,
    directory: tempfile::TempDir,
    read_only: Vec<&'static str>,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host that grants nothing.
    ///
    /// # Panics
    /// When this machine cannot run WebAssembly.
    pub fn new() -> Self {
        Self::with_cache(None)
    }

    /// A host that keeps compiled components.
    ///
    /// # Panics
    /// When this machine cannot run WebAssembly.
    pub fn with_cache(cache: Option<PathBuf>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("work")).unwrap();
        std::fs::write(directory.path().join("outside"), "OUTSIDE").unwrap();
        Self {
            sandbox: Sandbox::new(cache, Limits::standard()).unwrap(),
            limits: Limits::standard(),
            layers: vec![(Layer::Manifest, Grants::default())],
            log: Arc::default(),
            kv: Arc::default(),
            plugin: PluginName::new(NAME).unwrap(),
            context: CallContext {
                run_id: "run-1".into(),
                stage: "stage".into(),
                call_id: "call".into(),
                workflow: "flow".into(),
            },
            secrets: Arc::default(),
            directory,
            read_only: Vec::new(),
        }
    }

    /// The same host with these rights: asked for by the manifest and given by the spec.
    #[must_use]
    pub fn granting(mut self, text: &Value) -> Self {
        self.layers = vec![(Layer::Manifest, grants(text)), (Layer::Spec, grants(text))];
        self
    }

    /// … with a limit changed.
    #[must_use]
    pub fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// … with time as the only thing that stops it: fuel for hours.
    #[must_use]
    pub fn deadline(self, milliseconds: u64) -> Self {
        self.limited(|limits| {
            limits.timeout_s = milliseconds;
            limits.fuel = LimitId::Fuel.row().ceiling;
        })
    }

    /// … with secrets, name and value.
    #[must_use]
    pub fn knowing(mut self, secrets: &[(&str, &str)]) -> Self {
        self.secrets = Arc::new(TestSecrets {
            values: secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            placeholders: Vec::new(),
            scrubber: Scrubber::new(secrets.iter().copied()),
        });
        self
    }

    /// … with a text that stands for a secret towards a host.
    #[must_use]
    pub fn placeholder(mut self, token: &str, name: &str, host: &str) -> Self {
        let old = &self.secrets;
        self.secrets = Arc::new(TestSecrets {
            values: old.values.clone(),
            scrubber: old.scrubber.clone(),
            placeholders: vec![Placeholder {
                token: token.into(),
                name: name.into(),
                hosts: vec![host.parse().unwrap()],
            }],
        });
        self
    }

    /// … with a place in the workspace that no guest writes.
    #[must_use]
    pub fn protecting(mut self, path: &'static str) -> Self {
        self.read_only.push(path);
        self
    }

    /// The workspace of the guests. Beside it is a file `outside` with `OUTSIDE` in it.
    pub fn workspace(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// The directory around the workspace.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A component as a plugin.
    ///
    /// # Panics
    /// When it is refused.
    pub fn load(&self, wasm: &[u8]) -> Arc<Plugin> {
        self.try_load(wasm).unwrap_or_else(|why| panic!("{why}"))
    }

    /// A component as a plugin, or why not.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn try_load(&self, wasm: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        self.sandbox
            .builtin(wasm, &format!("name = \"{}\"", self.plugin))
    }

    /// Compiles a component too.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn try_prepare(&self, wasm: &[u8]) -> Result<(), LoadError> {
        let plugin = self.try_load(wasm)?;
        self.sandbox.prepare(&plugin).await
    }

    /// The next call.
    pub fn call_with(&self) -> Call {
        let mut layers = self.layers.iter().cloned();
        let (_, manifest) = layers.next().unwrap();
        let rights = layers.fold(
            Rights::new(self.plugin.clone(), manifest),
            |rights, (layer, grants)| rights.narrowed(layer, grants),
        );
        let read_only = self.read_only.iter().map(|path| path.parse().unwrap());
        Call {
            rights,
            limits: self.limits.clone(),
            services: Services {
                secrets: self.secrets.clone(),
                kv: self.kv.clone(),
                tools: Arc::new(OneTool),
                sink: self.log.clone(),
            },
            workspace: Some(Workspace::open(&self.workspace(), read_only.collect()).unwrap()),
            context: self.context.clone(),
        }
    }

    /// Calls a tool.
    pub async fn call(&self, plugin: &Plugin, tool: &str, args: &Value) -> Outcome<Value> {
        let tool = ToolName::new(tool).unwrap();
        self.sandbox
            .call_tool(plugin, &tool, args, self.call_with())
            .await
    }

    /// Builds a guest, calls its tool `t` once, and sees that the sandbox serves the next call.
    pub async fn attack(&self, guest: &Guest) -> Outcome<Value> {
        self.attack_with(&self.load(&guest.build()), "t", &json!({}))
            .await
    }

    /// Calls a tool once, and sees that the call ends in time, says what it used, and leaves the sandbox as it was.
    pub async fn attack_with(&self, plugin: &Plugin, tool: &str, args: &Value) -> Outcome<Value> {
        // Compiling has a limit of its own and is not what is measured here.
        self.sandbox.prepare(plugin).await.unwrap();
        let started = Instant::now();
        let outcome = self.call(plugin, tool, args).await;
        let took = started.elapsed();
        let most = Duration::from_millis(self.limits.timeout_s) + SLACK;
        assert!(
            took < most,
            "the call took {took:?}, at most {most:?} are right"
        );
        assert!(
            outcome.usage.wall > Duration::ZERO && outcome.usage.wall <= took,
            "the time that it took is reported: {:?}",
            outcome.usage
        );
        // The engine writes down the fuel of a loop when it leaves it: of a guest that was cut off inside one, less is known.
        assert!(
            outcome.usage.fuel > 0 || outcome.result.is_err(),
            "the fuel that it used is reported: {:?}",
            outcome.usage
        );
        self.still_serves(plugin).await;
        outcome
    }

    /// The same sandbox answers the next call, and the same plugin can be asked again without a panic.
    pub async fn still_serves(&self, _attacker: &Plugin) {
        let echo = self.load(&Guest::echo().build());
        let call = Call::without_rights(self.plugin.clone(), Limits::standard());
        let tool = ToolName::new("t").unwrap();
        let answer = self
            .sandbox
            .call_tool(&echo, &tool, &json!({"still": "here"}), call)
            .await;
        assert_eq!(
            answer.result.expect("the next call works"),
            json!({"still": "here"})
        );
    }

    /// Attacks, and expects to be stopped by this limit and no other.
    pub async fn stops(&self, guest: &Guest, limit: LimitId) -> Outcome<Value> {
        let outcome = self.attack(guest).await;
        self.was_stopped(&outcome, limit);
        outcome
    }

    /// Expects that a call was stopped by this limit and no other.
    pub fn was_stopped<T: std::fmt::Debug>(&self, outcome: &Outcome<T>, limit: LimitId) {
        match &outcome.result {
            Err(CallError::Limit {
                plugin,
                limit: found,
                allowed,
                ..
            }) => {
                assert_eq!(*found, limit, "the limit that stopped it");
                assert_eq!(plugin, self.plugin.as_str());
                assert_eq!(*allowed, self.limits.get(limit), "what was allowed");
            }
            other => panic!("expected to be stopped by `{}`: {other:?}", limit.name()),
        }
        let text = outcome.result.as_ref().unwrap_err().to_string();
        assert!(
            text.contains(limit.name()),
            "the message names the limit: {text}"
        );
    }
}

/// What a tool said when it failed.
///
/// # Panics
/// When it did not fail, or failed in another way.
pub fn tool_error(outcome: &Outcome<Value>) -> ToolError {
    match &outcome.result {
        Err(CallError::Tool(error)) => error.clone(),
        other => panic!("expected an error of the tool: {other:?}"),
    }
}
