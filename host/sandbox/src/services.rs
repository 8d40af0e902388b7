//! What a call needs from the rest of the host, as narrow traits: the sandbox knows no database, no terminal and no
//! environment.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use armature_grants::{HostPattern, PluginName};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::{definition::ToolDefinition, error::ToolError, scrub::Scrubber};

/// Where the values of secrets come from.
pub trait Secrets: Send + Sync {
    /// The value of a secret, if it has one.
    fn get(&self, name: &str) -> Option<String>;

    /// Placeholders that stand for secrets in the arguments of this call.
    fn placeholders(&self) -> &[Placeholder] {
        &[]
    }

    /// Looks for every secret of the run.
    fn scrubber(&self) -> &Scrubber;
}

/// A text that stands for a secret until the request leaves the host.
#[derive(Clone)]
pub struct Placeholder {
    /// The text: long, random, made for this run.
    pub token: String,
    /// The secret.
    pub name: String,
    /// Where the secret may go.
    pub hosts: Vec<HostPattern>,
}

/// What a plugin keeps between calls.
pub trait KvStore: Send + Sync {
    /// The value of a key.
    fn get<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>>;
    /// Sets a key, if what the plugin then keeps is within `bytes` and `entries`.
    fn set<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
        value: Vec<u8>,
        room: KvRoom,
    ) -> BoxFuture<'a, Result<(), KvError>>;
    /// Forgets a key.
    fn delete<'a>(&'a self, space: &'a KvSpace, key: &'a str)
    -> BoxFuture<'a, Result<(), KvError>>;
    /// Keys that start with a prefix, sorted.
    fn keys<'a>(
        &'a self,
        space: &'a KvSpace,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, KvError>>;
}

/// How much a plugin may keep.
#[derive(Debug, Clone, Copy)]
pub struct KvRoom {
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Keys.
    pub entries: u64,
}

/// Whose values they are: a plugin sees its own and those of nobody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KvSpace {
    /// The plugin's name.
    pub plugin: PluginName,
    /// `run:<id>` or `workflow:<name>`.
    pub scope: String,
}

/// Why a value was not kept or found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KvError {
    /// No room.
    #[error("too large")]
    TooLarge,
    /// Anything else, without details of the host.
    #[error("{0}")]
    Other(String),
}

/// Calls other tools, by the same path as everybody.
pub trait ToolCaller: Send + Sync {
    /// Every tool there is; the sandbox shows a guest those that it was granted.
    fn list(&self) -> Vec<ToolDefinition>;
    /// Calls one.
    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ToolError>>;
}

/// How much a line of log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For whoever is curious.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// Receives what a guest says while it runs. The text is already free of control characters and secrets.
pub trait Sink: Send + Sync {
    /// A line of log.
    fn log(&self, plugin: &PluginName, level: LogLevel, message: String);
    /// Progress of a long call.
    fn progress(&self, plugin: &PluginName, done: u64, total: Option<u64>, message: String);
}

/// What one call may ask of the host.
#[derive(Clone)]
pub struct Services {
    /// Values of secrets.
    pub secrets: Arc<dyn Secrets>,
    /// What plugins keep.
    pub kv: Arc<dyn KvStore>,
    /// Other tools.
    pub tools: Arc<dyn ToolCaller>,
    /// Log and progress.
    pub sink: Arc<dyn Sink>,
}

impl Services {
    /// Services with nothing behind them: what metadata calls and rules have.
    pub fn nothing() -> Self {
        let nothing = Arc::new(Nothing(Scrubber::default()));
        Self {
            secrets: nothing.clone(),
            kv: nothing.clone(),
            tools: nothing.clone(),
            sink: nothing,
        }
    }
}

struct Nothing(Scrubber);

impl Secrets for Nothing {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
    fn scrubber(&self) -> &Scrubber {
        &self.0
    }
}

impl KvStore for Nothing {
    fn get<'a>(
        &'a self,
        _: &'a KvSpace,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        Box::pin(async { Ok(None) })
    }
    fn set<'a>(
        &'a self,
        _: &'a KvSpace,
        _: &'a str,
        _: Vec<u8>,
        _: KvRoom,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async { Err(KvError::TooLarge) })
    }
    fn delete<'a>(&'a self, _: &'a KvSpace, _: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async { Ok(()) })
    }
    fn keys<'a>(
        &'a self,
        _: &'a KvSpace,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, KvError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl ToolCaller for Nothing {
    fn list(&self) -> Vec<ToolDefinition> {
        Vec::new()
    }
    fn call<'a>(&'a self, tool: &'a str, _: Value) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move { Err(ToolError::UnknownTool(tool.to_owned())) })
    }
}

impl Sink for Nothing {
    fn log(&self, _: &PluginName, _: LogLevel, _: String) {}
    fn progress(&self, _: &PluginName, _: u64, _: Option<u64>, _: String) {}
}

/// A [`KvStore`] in memory: for runs that are not kept, and for tests.
#[derive(Debug, Default)]
pub struct MemoryKv(Mutex<BTreeMap<KvSpace, BTreeMap<String, Vec<u8>>>>);

impl MemoryKv {
    fn with<T>(&self, space: &KvSpace, act: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        let mut spaces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(spaces.entry(space.clone()).or_default())
    }
}

impl KvStore for MemoryKv {
    fn get<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        Box::pin(async move { Ok(self.with(space, |map| map.get(key).cloned())) })
    }

    fn set<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
        value: Vec<u8>,
        room: KvRoom,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move {
            self.with(space, |map| {
                let others = map.iter().filter(|(other, _)| *other != key);
                let (count, bytes) = others.fold(
                    (1u64, (key.len() + value.len()) as u64),
                    |(count, bytes), (k, v)| (count + 1, bytes + (k.len() + v.len()) as u64),
                );
                if count > room.entries || bytes > room.bytes {
                    return Err(KvError::TooLarge);
                }
                map.insert(key.to_owned(), value);
                Ok(())
            })
        })
    }

    fn delete<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move {
            self.with(space, |map| map.remove(key));
            Ok(())
        })
    }

    fn keys<'a>(
        &'a self,
        space: &'a KvSpace,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, KvError>> {
        Box::pin(async move {
            Ok(self.with(space, |map| {
                map.keys()
                    .filter(|k| k.starts_with(prefix))
                    .cloned()
                    .collect()
            }))
        })
    }
}
