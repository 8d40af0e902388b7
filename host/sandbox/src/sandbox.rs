//! The sandbox: the engine, the linker, the compiled cache, and the four things that a plugin can be asked.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use armature_grants::{Limits, ToolName};
use serde_json::Value;
use wasmtime::{
    Engine,
    component::{Component, HasSelf, Linker},
};

use crate::{
    bindings::{self, imports},
    cache::Cache,
    call::{Answer, Outcome, Question, definitions, parse_output},
    definition::ToolDefinition,
    egress::Egress,
    engine,
    error::{CallError, LoadError},
    packed::About,
    plugin::{Plugin, Prepared},
    preflight,
    rule::{RuleEvent, Verdict},
    state::{Call, State},
    typed::{self, Docs},
};

/// Runs plugins. One a process.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) egress: Arc<Egress>,
    linker: Linker<State>,
    cache: Option<Arc<Cache>>,
    /// What plugins are loaded and asked for their tools under.
    limits: Limits,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("cache", &self.cache.is_some())
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts the engine. `cache` is a directory for compiled components; without one they are compiled each time.
    /// `limits` are those that plugins are loaded and asked for their tools under: [`Limits::of_loading`].
    ///
    /// # Errors
    /// [`LoadError::Engine`] when this machine cannot run WebAssembly.
    pub fn new(cache: Option<PathBuf>, limits: Limits) -> Result<Arc<Self>, LoadError> {
        let engine = engine::start(&limits)?;
        let linker = linker(&engine).map_err(|e| LoadError::Engine {
            why: format!("{e:#}"),
        })?;
        let cache = cache
            .and_then(|dir| Cache::open(&dir, &engine))
            .map(Arc::new);
        Ok(Arc::new(Self {
            engine,
            egress: Arc::default(),
            linker,
            cache,
            limits,
        }))
    }

    /// Reads a plugin: a component file, or a directory with a `plugin.toml`. Nothing is compiled yet.
    ///
    /// # Errors
    /// [`LoadError`], for everything that can be known without compiling.
    pub fn read(&self, path: &Path) -> Result<Arc<Plugin>, LoadError> {
        Plugin::read(path, &self.limits).map(Arc::new)
    }

    /// A plugin that is part of the program.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn builtin(&self, wasm: &[u8], manifest: &str) -> Result<Arc<Plugin>, LoadError> {
        Plugin::builtin(wasm, manifest, &self.limits).map(Arc::new)
    }

    /// A plugin that is part of the program and compressed (zstd), with what [`Self::about`] says of it as JSON. Nothing
    /// is unpacked before it is called.
    ///
    /// # Errors
    /// [`LoadError::Manifest`] when one of the two texts cannot be read.
    pub fn packed(
        &self,
        zstd: &'static [u8],
        about: &str,
        manifest: &str,
    ) -> Result<Arc<Plugin>, LoadError> {
        Plugin::packed(zstd, about, manifest).map(Arc::new)
    }

    /// What is to be written down about a plugin that shall be packed.
    ///
    /// # Errors
    /// As [`Self::tools`].
    pub async fn about(&self, plugin: &Plugin) -> Result<About, CallError> {
        Ok(About {
            digest: plugin.code,
            size: plugin.size(),
            adapter: plugin.kinds().adapter,
            imports: plugin.imports().to_vec(),
            tools: self.tools(plugin).await?.to_vec(),
        })
    }

    /// Would a call have to compile this plugin first?
    pub fn is_to_be_compiled(&self, plugin: &Plugin) -> bool {
        let kept = || {
            self.cache
                .as_ref()
                .is_some_and(|cache| cache.holds(&plugin.code))
        };
        !plugin.prepared.initialized() && !kept()
    }

    /// Compiles a plugin, or takes it from the cache. Calls do this by themselves when they come first; asking for
    /// several at a time compiles them in parallel.
    ///
    /// # Errors
    /// [`LoadError::Compile`], [`LoadError::CompileTimeout`].
    pub async fn prepare(&self, plugin: &Plugin) -> Result<(), LoadError> {
        self.prepared(plugin).await.map(drop)
    }

    pub(crate) async fn prepared<'p>(&self, plugin: &'p Plugin) -> Result<&'p Prepared, LoadError> {
        plugin
            .prepared
            .get_or_try_init(|| self.compile(plugin))
            .await
    }

    async fn compile(&self, plugin: &Plugin) -> Result<Prepared, LoadError> {
        let cached = self
            .cache
            .as_ref()
            .and_then(|cache| cache.load(&self.engine, &plugin.code));
        let component = match cached {
            Some(component) => component,
            None => self.compile_bytes(plugin).await?,
        };
        self.link(plugin, &component)
    }

    async fn compile_bytes(&self, plugin: &Plugin) -> Result<Component, LoadError> {
        let name = || plugin.name().to_string();
        let (engine, code, digest) = (self.engine.clone(), plugin.bytes.clone(), plugin.code);
        let cache = self.cache.clone();
        let limit = Duration::from_millis(self.limits.compile_s);
        let label = name();
        let work = tokio::task::spawn_blocking(move || {
            let bytes = code.bytes(&label, &digest)?;
            preflight::validate(&label, &bytes)?;
            let component = Component::from_binary(&engine, &bytes);
            let component = component.map_err(|e| LoadError::Compile {
                plugin: label,
                why: format!("{e:#}"),
            })?;
            // Here, so that it is kept even when nobody waits for it any more.
            if let Some(cache) = &cache {
                cache.store(&digest, &component);
            }
            Ok(component)
        });
        match tokio::time::timeout(limit, work).await {
            Err(_) => Err(LoadError::CompileTimeout {
                plugin: name(),
                limit,
            }),
            Ok(Err(_)) => Err(LoadError::Compile {
                plugin: name(),
                why: "the compiler was interrupted".into(),
            }),
            Ok(Ok(done)) => done,
        }
    }

    fn link(&self, plugin: &Plugin, component: &Component) -> Result<Prepared, LoadError> {
        let fail = |e: wasmtime::Error| LoadError::Compile {
            plugin: plugin.name().to_string(),
            why: format!("{e:#}"),
        };
        let pre = self.linker.instantiate_pre(component).map_err(fail)?;
        let shape = &plugin.shape;
        let typed = match (shape.tool, shape.typed.is_empty()) {
            (false, false) => {
                let bytes = plugin.bytes.bytes(plugin.name().as_str(), &plugin.code)?;
                typed::functions(component, &Docs::read(&bytes))
            }
            _ => Vec::new(),
        };
        let tool = shape
            .tool
            .then(|| bindings::tool::ToolExportsIndices::new(&pre))
            .transpose()
            .map_err(fail)?;
        let adapter = shape
            .adapter
            .then(|| bindings::adapter::AdapterExportsIndices::new(&pre))
            .transpose()
            .map_err(fail)?;
        let rule = shape
            .rule
            .then(|| bindings::rule::RuleExportsIndices::new(&pre))
            .transpose()
            .map_err(fail)?;
        if tool.is_none() && adapter.is_none() && rule.is_none() && typed.is_empty() {
            return Err(LoadError::NothingExported {
                plugin: plugin.name().to_string(),
            });
        }
        Ok(Prepared {
            pre,
            tool,
            adapter,
            rule,
            typed,
        })
    }

    /// The tools of a plugin; asked once, without any right.
    ///
    /// # Errors
    /// [`CallError`]: also asking for metadata runs a stranger's code, under every limit.
    pub async fn tools(&self, plugin: &Plugin) -> Result<Arc<[ToolDefinition]>, CallError> {
        plugin
            .tools
            .get_or_try_init(|| self.list_tools(plugin))
            .await
            .cloned()
    }

    async fn list_tools(&self, plugin: &Plugin) -> Result<Arc<[ToolDefinition]>, CallError> {
        let prepared = self.prepared(plugin).await?;
        if prepared.tool.is_none() {
            return Ok(prepared
                .typed
                .iter()
                .map(|function| function.definition.clone())
                .collect());
        }
        let call = Call::without_rights(plugin.name().clone(), self.limits.clone());
        match self.enter(plugin, call, Question::ListTools).await.result? {
            Answer::Tools(listed) => definitions(plugin, listed).map(Into::into),
            _ => Err(wrong_answer(plugin)),
        }
    }

    /// Calls a tool with arguments that were checked against its schema.
    pub async fn call_tool(
        &self,
        plugin: &Plugin,
        tool: &ToolName,
        arguments: &Value,
        call: Call,
    ) -> Outcome<Value> {
        if !plugin.kinds().tool {
            return no_such_export(plugin, "tool");
        }
        let limits = call.limits.clone();
        let question = Question::CallTool {
            name: tool.as_str(),
            arguments,
            text: arguments.to_string(),
        };
        let outcome = self.enter(plugin, call, question).await;
        outcome.into_value(plugin, &limits)
    }

    /// Runs an adapter.
    pub async fn run_adapter(
        &self,
        plugin: &Plugin,
        config: &Value,
        context: &Value,
        call: Call,
    ) -> Outcome<Value> {
        if !plugin.kinds().adapter {
            return no_such_export(plugin, "adapter");
        }
        let limits = call.limits.clone();
        let question = Question::RunAdapter {
            config: config.to_string(),
            context: context.to_string(),
        };
        let outcome = self.enter(plugin, call, question).await;
        outcome.into_value(plugin, &limits)
    }

    /// Asks a rule about a tool call. A rule that fails in any way has no verdict: the caller must take that as a block.
    pub async fn check_rule(
        &self,
        plugin: &Plugin,
        event: &RuleEvent,
        limits: Limits,
    ) -> Outcome<Verdict> {
        if !plugin.kinds().rule {
            return no_such_export(plugin, "rule");
        }
        let call = Call::without_rights(plugin.name().clone(), limits);
        let Outcome { result, usage } = self.enter(plugin, call, Question::CheckRule(event)).await;
        let result = result.and_then(|answer| match answer {
            Answer::Verdict(verdict) => Ok(verdict),
            _ => Err(wrong_answer(plugin)),
        });
        Outcome { result, usage }
    }
}

fn no_such_export<T>(plugin: &Plugin, what: &str) -> Outcome<T> {
    Outcome {
        result: Err(CallError::NoSuchExport {
            plugin: plugin.name().to_string(),
            what: what.to_owned(),
        }),
        usage: crate::Usage::default(),
    }
}

fn wrong_answer(plugin: &Plugin) -> CallError {
    CallError::BadResult {
        plugin: plugin.name().to_string(),
        why: "it answered another question".into(),
    }
}

impl Outcome<Answer> {
    /// The answer of a tool or an adapter, as JSON.
    fn into_value(self, plugin: &Plugin, limits: &Limits) -> Outcome<Value> {
        let Self { result, mut usage } = self;
        let result = result.and_then(|answer| match answer {
            Answer::Text(answer) => parse_output(plugin, limits, &answer?, &mut usage),
            Answer::Value(answer) => parse_output(plugin, limits, &answer?.to_string(), &mut usage),
            _ => Err(wrong_answer(plugin)),
        });
        Outcome { result, usage }
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    imports::Imports::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
