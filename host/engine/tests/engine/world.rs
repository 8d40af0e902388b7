//! A directory of its own for each test: home, workspace, specs, scripts.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crate::warm::warm;
use armature_engine::{
    Answer, Approval, Approver, BoxFuture, Builtin, Engine, EngineConfig, Gate, GateAnswer,
    Observer, Plan, RunError, RunReport, RunRequest,
};
use armature_grants::Policy;
use armature_spec::Findings;
use armature_store::{Event, RunId, TraceQuery, TraceRow};
use serde_json::{Map, Value};

pub const BUILTINS: &[Builtin] = &[
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/file.wasm"),
        manifest: include_str!("../../../../plugins/file/plugin.toml"),
        about: None,
    },
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/http.wasm"),
        manifest: include_str!("../../../../plugins/http/plugin.toml"),
        about: None,
    },
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/shell.wasm.zst"),
        manifest: include_str!("../../../../plugins/shell/plugin.toml"),
        about: Some(include_str!("../../../../plugins/compiled/shell.json")),
    },
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/deny-pattern.wasm"),
        manifest: include_str!("../../../../plugins/deny-pattern/plugin.toml"),
        about: None,
    },
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/spending-cap.wasm"),
        manifest: include_str!("../../../../plugins/spending-cap/plugin.toml"),
        about: None,
    },
    Builtin {
        wasm: include_bytes!("../../../../plugins/compiled/text-stats.wasm"),
        manifest: include_str!("../../../../plugins/text-stats/plugin.toml"),
        about: None,
    },
];

/// A world of one test.
pub struct World {
    pub dir: tempfile::TempDir,
    pub engine: Engine,
    pub watcher: Arc<Watcher>,
}

impl World {
    pub fn new() -> Self {
        Self::with("", &[])
    }

    /// With a shell that is compiled already.
    pub async fn with_shell() -> Self {
        let mut world = Self::new();
        let home = world.dir.path().join("home");
        std::fs::remove_dir_all(home.join("cache")).unwrap();
        warm(&home).await;
        world.engine = world.other_process();
        world
    }

    /// With a policy and an environment.
    pub fn with(policy: &str, environment: &[(&str, &str)]) -> Self {
        Self::made(policy, environment, true)
    }

    pub fn made(policy: &str, environment: &[(&str, &str)], persist: bool) -> Self {
        Self::placed("home", None, policy, environment, persist)
    }

    /// With armature's home here, and plugins looked for there too, whether that exists or not.
    pub fn at(home: &str, plugins: Option<&str>) -> Self {
        Self::placed(home, plugins, "", &[], true)
    }

    fn placed(
        home: &str,
        more_plugins: Option<&str>,
        policy: &str,
        environment: &[(&str, &str)],
        persist: bool,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("work")).unwrap();
        let plugins = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
        let environment: HashMap<String, String> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let engine = Engine::open(EngineConfig {
            home: dir.path().join(home),
            plugin_dirs: more_plugins
                .map(|more| dir.path().join(more))
                .into_iter()
                .chain([plugins])
                .collect(),
            policy: if policy.is_empty() {
                Policy::default()
            } else {
                toml::from_str(policy).unwrap()
            },
            environment: Arc::new(move |name| environment.get(name).cloned()),
            persist,
            builtins: BUILTINS.to_vec(),
        })
        .unwrap();
        Self {
            dir,
            engine,
            watcher: Arc::default(),
        }
    }

    /// Another engine over the same home, as another process has one.
    pub fn other_process(&self) -> Engine {
        let plugins = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins");
        self.process_with(plugins)
    }

    /// With components of the test's own for plugins.
    pub fn with_plugins(components: &[(&str, Vec<u8>)]) -> Self {
        let mut world = Self::new();
        let plugins = world.dir.path().join("plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        for (name, bytes) in components {
            std::fs::write(plugins.join(format!("{name}.wasm")), bytes).unwrap();
        }
        world.engine = world.process_with(plugins);
        world
    }

    fn process_with(&self, plugins: PathBuf) -> Engine {
        Engine::open(EngineConfig {
            home: self.dir.path().join("home"),
            plugin_dirs: vec![plugins],
            policy: Policy::default(),
            environment: Arc::new(|_| None),
            persist: true,
            builtins: BUILTINS.to_vec(),
        })
        .unwrap()
    }

    /// Writes a file beside the specs.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The text of a file in the workspace.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.dir.path().join("work").join(name)).ok()
    }

    /// Plans a spec, given without name and without the workspace in its `sandbox`.
    pub async fn plan(&self, spec: &str) -> Result<Plan, Findings> {
        let work = self.dir.path().join("work");
        let (sandbox, rest) = match spec.trim_start().strip_prefix("sandbox: {") {
            Some(own) => own.split_once("}\n").unwrap(),
            None => ("", spec),
        };
        let comma = if sandbox.is_empty() { "" } else { "," };
        let text = format!(
            "name: test\nsandbox: {{ host_workspace: '{}'{comma}{sandbox} }}\n{rest}",
            work.display()
        );
        let name = self.dir.path().join("spec.yml");
        let document = armature_spec::parse(&name.to_string_lossy(), &text).unwrap();
        self.engine.plan(document).await
    }

    /// The codes of what is wrong with a spec.
    pub async fn codes(&self, spec: &str) -> Vec<&'static str> {
        match self.plan(spec).await {
            Ok(plan) => plan.warnings().iter().map(|problem| problem.code).collect(),
            Err(problems) => problems.0.iter().map(|problem| problem.code).collect(),
        }
    }

    pub fn request(&self, inputs: Value) -> RunRequest {
        let inputs: Map<String, Value> = serde_json::from_value(inputs).unwrap();
        RunRequest {
            observer: self.watcher.clone(),
            ..RunRequest::new(inputs)
        }
    }

    pub async fn run(&self, spec: &str, inputs: Value) -> Result<RunReport, RunError> {
        self.run_with(spec, self.request(inputs)).await
    }

    pub async fn run_with(&self, spec: &str, request: RunRequest) -> Result<RunReport, RunError> {
        let plan = self
            .plan(spec)
            .await
            .unwrap_or_else(|problems| panic!("{}", problems.render("spec")));
        self.engine.run(&plan, request).await
    }

    /// The results of a run that must end well.
    pub async fn outputs(&self, spec: &str, inputs: Value) -> Map<String, Value> {
        self.run(spec, inputs)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{:?}", error.hint()))
            .outputs
    }

    /// The results of a run that must end well, and what its models were told, in order: each with `stage_id`,
    /// `system_prompt` and `response`.
    pub async fn prompts(&self, spec: &str, inputs: Value) -> (Map<String, Value>, Vec<Value>) {
        let spec = format!(
            "{spec}  - {{ id: all_prompts, post_run: true, tool_call: {{ name: file_write, args: {{ path: all-prompts.json, content: '{{{{ _transcript | tojson }}}}' }} }} }}\n"
        );
        let mut request = self.request(inputs);
        request.use_cache = false;
        let report = self
            .run_with(&spec, request)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{:?}", error.hint()));
        let prompts = self.read("all-prompts.json").unwrap();
        (report.outputs, serde_json::from_str(&prompts).unwrap())
    }

    /// All trace rows of a run.
    pub fn traces(&self, run: &RunId) -> Vec<TraceRow> {
        self.engine
            .store()
            .unwrap()
            .traces(&TraceQuery::run(run))
            .unwrap()
    }
}

/// Sees everything.
#[derive(Default)]
pub struct Watcher {
    pub events: Mutex<Vec<(RunId, Event)>>,
    pub tokens: Mutex<Vec<String>>,
}

impl Watcher {
    /// Names of the events so far, with the stage of each.
    pub fn names(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .map(|(_, event)| format!("{} {}", event.name(), event.stage().unwrap_or("-")))
            .collect()
    }

    pub fn all(&self) -> Vec<Event> {
        self.events
            .lock()
            .unwrap()
            .iter()
            .map(|(_, event)| event.clone())
            .collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.all()
            .iter()
            .filter(|event| event.name() == name)
            .count()
    }
}

impl Observer for Watcher {
    fn event(&self, run: &RunId, event: &Event) {
        if let Event::Token { text, .. } = event {
            self.tokens.lock().unwrap().push(text.clone());
            return;
        }
        self.events
            .lock()
            .unwrap()
            .push((run.clone(), event.clone()));
    }
}

/// Answers as it was told to, and remembers what it was asked.
pub struct Person {
    pub approval: Answer,
    pub gate: GateAnswer,
    pub asked: Mutex<Vec<Approval>>,
    pub gates: Mutex<Vec<Gate>>,
}

impl Person {
    pub fn new(approval: Answer, gate: GateAnswer) -> Arc<Self> {
        Arc::new(Self {
            approval,
            gate,
            asked: Mutex::default(),
            gates: Mutex::default(),
        })
    }
}

impl Approver for Person {
    fn approve<'a>(&'a self, ask: Approval) -> BoxFuture<'a, Answer> {
        self.asked.lock().unwrap().push(ask);
        Box::pin(std::future::ready(self.approval.clone()))
    }

    fn gate<'a>(&'a self, gate: Gate) -> BoxFuture<'a, GateAnswer> {
        self.gates.lock().unwrap().push(gate);
        Box::pin(std::future::ready(self.gate.clone()))
    }
}
