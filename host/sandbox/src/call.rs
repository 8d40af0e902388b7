//! Calling into a plugin: a fresh instance under every limit, for tools, adapters, rules and metadata alike.
//!
//! There is one way in, [`Sandbox::enter`]. The deadline holds over the guest's own work (epochs) and over whatever the
//! host does for it (the whole call is one future that is dropped at the deadline); a store is never used again after
//! that, or at all after its call.

use std::time::{Duration, Instant};

use armature_grants::{LimitId, Limits};
use serde_json::Value;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::{
    Sandbox,
    bindings::tool,
    definition::{MAX_SCHEMA, MAX_TOOLS, ToolDefinition},
    error::{CallError, ToolError},
    manifest::{plain_text, visible_text},
    plugin::{Plugin, Prepared},
    rule::{RuleEvent, Verdict},
    state::{Call, State, to_usize},
    usage::{Meter, Stop, Usage},
};

/// What a call came to, and what it used, which is known also when it failed.
#[derive(Debug, Clone)]
pub struct Outcome<T> {
    /// The result.
    pub result: Result<T, CallError>,
    /// What the call used.
    pub usage: Usage,
}

/// What is asked of a guest.
pub(crate) enum Question<'a> {
    ListTools,
    CallTool {
        name: &'a str,
        arguments: &'a Value,
        text: String,
    },
    RunAdapter {
        config: String,
        context: String,
    },
    CheckRule(&'a RuleEvent),
}

/// What a guest answered, as it came over the boundary.
pub(crate) enum Answer {
    Tools(Vec<tool::armature::plugin::tool_types::Tool>),
    Text(Result<String, ToolError>),
    Value(Result<Value, ToolError>),
    Verdict(Verdict),
}

impl Sandbox {
    /// One question to a fresh instance.
    pub(crate) async fn enter(
        &self,
        plugin: &Plugin,
        call: Call,
        question: Question<'_>,
    ) -> Outcome<Answer> {
        let started = Instant::now();
        let limits = call.limits.clone();
        let mut usage = Usage {
            bytes_in: question.size() as u64,
            ..Usage::default()
        };
        let allowed = question.most(&limits);
        if usage.bytes_in > allowed {
            let error = CallError::Limit {
                plugin: plugin.name().to_string(),
                limit: LimitId::Input,
                allowed,
                most: LimitId::Input.row().ceiling,
            };
            return Outcome {
                result: Err(error),
                usage,
            };
        }
        let prepared = match self.prepared(plugin).await {
            Ok(prepared) => prepared,
            Err(error) => {
                return Outcome {
                    result: Err(error.into()),
                    usage,
                };
            }
        };
        // Compiling has a limit of its own; the call's clock starts when there is something to call.
        let deadline = Instant::now() + Duration::from_millis(limits.timeout_s);
        let meter = Meter::start(limits.clone(), deadline);
        let mut store = self.store(plugin, call, meter);
        let entered =
            tokio::time::timeout_at(deadline.into(), ask(&mut store, prepared, question)).await;
        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let state = store.data_mut();
        let bytes_in = usage.bytes_in;
        usage = std::mem::take(&mut state.meter.used);
        usage.bytes_in = bytes_in;
        usage.fuel = fuel;
        usage.wall = started.elapsed();
        let result = match entered {
            Err(_) => Err(limit_error(plugin, &limits, LimitId::Timeout)),
            Ok(Err(error)) => Err(classify(plugin, &limits, state.exceeded(), &error)),
            // A guest that was quick enough to answer before the next tick is over its limit all the same.
            Ok(Ok(answer)) => match state.exceeded() {
                Some(limit) => Err(limit_error(plugin, &limits, limit)),
                None => Ok(answer),
            },
        };
        Outcome { result, usage }
    }

    fn store(&self, plugin: &Plugin, call: Call, meter: Meter) -> Store<State> {
        let limits = meter.limits.clone();
        let state = State::new(plugin.name().clone(), call, meter, self.egress.clone());
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state);
        // Fuel is on in every engine of this crate, so this cannot fail; without fuel the guest would not run at all.
        let _ = store.set_fuel(limits.fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            let state = context.data();
            if let Some(limit) = state.exceeded() {
                return Err(Stop(limit).into());
            }
            if state.remaining().is_zero() {
                return Err(Stop(LimitId::Timeout).into());
            }
            // The thread belongs to everybody: give it back at every tick.
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_hostcall_fuel(to_usize(limits.host_call_bytes));
        store.set_max_component_handles(to_usize(limits.handles));
        store
    }
}

impl Question<'_> {
    fn size(&self) -> usize {
        match self {
            Self::ListTools => 0,
            Self::CallTool { text, .. } => text.len(),
            Self::RunAdapter { config, context } => config.len() + context.len(),
            Self::CheckRule(event) => event.size(),
        }
    }

    /// How many bytes it may have. A rule is shown the arguments of a call and its result, which have two limits.
    fn most(&self, limits: &Limits) -> u64 {
        match self {
            Self::CheckRule(_) => limits.input.saturating_add(limits.output),
            Self::ListTools | Self::CallTool { .. } | Self::RunAdapter { .. } => limits.input,
        }
    }
}

async fn ask(
    store: &mut Store<State>,
    prepared: &Prepared,
    question: Question<'_>,
) -> wasmtime::Result<Answer> {
    let instance = prepared.pre.instantiate_async(&mut *store).await?;
    // The kinds of a plugin were looked at before; this is for the case that they change between the two places.
    let missing = || wasmtime::Error::msg("the plugin has no such export");
    match question {
        Question::ListTools => {
            let exports = prepared
                .tool
                .as_ref()
                .ok_or_else(missing)?
                .load(&mut *store, &instance)?;
            Ok(Answer::Tools(
                exports
                    .armature_plugin_tools()
                    .call_list_tools(&mut *store)
                    .await?,
            ))
        }
        Question::CallTool {
            name,
            arguments,
            text,
        } => {
            if let Some(function) = prepared
                .typed
                .iter()
                .find(|function| function.definition.name.as_str() == name)
            {
                return Ok(Answer::Value(
                    function.call(store, &instance, arguments).await?,
                ));
            }
            if prepared.tool.is_none() {
                return Ok(Answer::Text(Err(ToolError::UnknownTool(name.to_owned()))));
            }
            let exports = prepared
                .tool
                .as_ref()
                .ok_or_else(missing)?
                .load(&mut *store, &instance)?;
            let context = context(store.data());
            let answer = exports
                .armature_plugin_tools()
                .call_call_tool(&mut *store, name, &text, &context)
                .await?;
            Ok(Answer::Text(answer.map_err(Into::into)))
        }
        Question::RunAdapter { config, context } => {
            let exports = prepared
                .adapter
                .as_ref()
                .ok_or_else(missing)?
                .load(&mut *store, &instance)?;
            let answer = exports
                .armature_plugin_adapter_api()
                .call_run(&mut *store, &config, &context)
                .await?;
            Ok(Answer::Text(answer.map_err(Into::into)))
        }
        Question::CheckRule(event) => {
            let exports = prepared
                .rule
                .as_ref()
                .ok_or_else(missing)?
                .load(&mut *store, &instance)?;
            let answer = exports
                .armature_plugin_rule_api()
                .call_check(&mut *store, &event.into())
                .await?;
            Ok(Answer::Verdict(answer.into()))
        }
    }
}

fn context(state: &State) -> tool::exports::armature::plugin::tools::CallContext {
    tool::exports::armature::plugin::tools::CallContext {
        run_id: state.context.run_id.clone(),
        stage: state.context.stage.clone(),
        call_id: state.context.call_id.clone(),
        remaining_ms: u64::try_from(state.remaining().as_millis()).unwrap_or(u64::MAX),
    }
}

fn limit_error(plugin: &Plugin, limits: &Limits, limit: LimitId) -> CallError {
    CallError::Limit {
        plugin: plugin.name().to_string(),
        limit,
        allowed: limits.get(limit),
        most: limit.row().ceiling,
    }
}

/// Which of the ways to fail this was.
fn classify(
    plugin: &Plugin,
    limits: &Limits,
    exceeded: Option<LimitId>,
    error: &wasmtime::Error,
) -> CallError {
    let name = || plugin.name().to_string();
    if let Some(limit) = exceeded {
        return limit_error(plugin, limits, limit);
    }
    if let Some(Stop(limit)) = error.downcast_ref::<Stop>() {
        return limit_error(plugin, limits, *limit);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallError::Busy { plugin: name() };
    }
    let trap = error.downcast_ref::<Trap>().copied();
    let limit = match trap {
        Some(Trap::OutOfFuel) => Some(LimitId::Fuel),
        Some(Trap::StackOverflow) => Some(LimitId::Stack),
        Some(Trap::Interrupt) => Some(LimitId::Timeout),
        _ => limit_by_text(&format!("{error:?}")),
    };
    if let Some(limit) = limit {
        return limit_error(plugin, limits, limit);
    }
    // The root cause alone: the rest may name functions and offsets, which help nobody who reads a run.
    let why = trap.map_or_else(|| error.root_cause().to_string(), |trap| trap.to_string());
    CallError::Trap {
        plugin: name(),
        why: plain_text(&why, 300),
    }
}

/// Some limits are wasmtime's own and say what they are in words alone.
fn limit_by_text(text: &str) -> Option<LimitId> {
    const WORDS: &[(&str, LimitId)] = &[
        ("fuel allocated for hostcalls", LimitId::HostCallBytes),
        ("resource limit exceeded: instance", LimitId::Instances),
        ("resource limit exceeded: memory", LimitId::Memories),
        ("resource limit exceeded: table", LimitId::Tables),
        ("resource table has no free keys", LimitId::Handles),
        ("store handle limit exceeded", LimitId::Handles),
    ];
    WORDS
        .iter()
        .find(|(words, _)| text.contains(words))
        .map(|(_, limit)| *limit)
}

/// Text of a guest as JSON, within the limit of results.
pub(crate) fn parse_output(
    plugin: &Plugin,
    limits: &Limits,
    text: &str,
    usage: &mut Usage,
) -> Result<Value, CallError> {
    usage.bytes_out = text.len() as u64;
    if usage.bytes_out > limits.output {
        return Err(limit_error(plugin, limits, LimitId::Output));
    }
    serde_json::from_str(text).map_err(|why| CallError::BadResult {
        plugin: plugin.name().to_string(),
        why: format!(
            "the result is not JSON: {}",
            plain_text(&why.to_string(), 200)
        ),
    })
}

/// A guest's definitions, checked and cleaned.
pub(crate) fn definitions(
    plugin: &Plugin,
    listed: Vec<tool::armature::plugin::tool_types::Tool>,
) -> Result<Vec<ToolDefinition>, CallError> {
    let bad = |why: String| CallError::BadResult {
        plugin: plugin.name().to_string(),
        why,
    };
    if listed.len() > MAX_TOOLS {
        return Err(bad(format!(
            "it lists {} tools, at most {MAX_TOOLS} are allowed",
            listed.len()
        )));
    }
    let mut definitions: Vec<ToolDefinition> = Vec::with_capacity(listed.len());
    for tool in listed {
        let definition = ToolDefinition::read(tool).map_err(bad)?;
        if definitions
            .iter()
            .any(|known| known.name == definition.name)
        {
            return Err(bad(format!("it lists `{}` twice", definition.name)));
        }
        definitions.push(definition);
    }
    Ok(definitions)
}

/// A schema of a guest: an object that is JSON and not longer than a schema needs to be.
pub(crate) fn schema(what: &str, text: &str) -> Result<Value, String> {
    if text.len() > MAX_SCHEMA {
        return Err(format!("{what} is longer than {MAX_SCHEMA} bytes"));
    }
    let schema: Value =
        serde_json::from_str(text).map_err(|why| format!("{what} is not JSON: {why}"))?;
    if refers_elsewhere(&schema) {
        return Err(format!(
            "{what} refers to another document; a schema here stands for itself"
        ));
    }
    armature_grants::check_schema(&schema)
        .map_err(|why| format!("{what} cannot be used: {why}"))?;
    if schema.is_object() {
        Ok(readable(schema))
    } else {
        Err(format!("{what} is not an object"))
    }
}

/// A schema is read by people and models: its texts carry nothing that cannot be seen. Keys stay, because arguments
/// are found by them.
fn readable(schema: Value) -> Value {
    match schema {
        Value::String(text) => Value::String(visible_text(&text)),
        Value::Array(items) => items.into_iter().map(readable).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, readable(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn refers_elsewhere(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let remote = matches!(key.as_str(), "$ref" | "$dynamicRef")
                && value
                    .as_str()
                    .is_some_and(|target| !target.starts_with('#'));
            remote || refers_elsewhere(value)
        }),
        Value::Array(items) => items.iter().any(refers_elsewhere),
        _ => false,
    }
}
