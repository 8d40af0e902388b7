//! What is written down about a call: the result event, and the row for people.
//!
//! A `tool_call` stage and an adapter stage have the row of their call as the stage's own; a call from a model or a
//! plugin has a row of kind `tool` beside the stage's.

use std::time::Duration;

use armature_sandbox::{Caller, Plugin, Usage};
use armature_store::{
    Event, TraceRow,
    event::{self, ToolResult},
};
use serde_json::{Map, Value};

use super::path::What;
use crate::{failure::Failure, stage::Scope};

/// Kind of the row of a call that is not the stage itself.
const WITHIN: &str = "tool";

/// Gathers what is known about a call while it passes.
pub(crate) struct Record {
    row: Option<Box<TraceRow>>,
    caller: Caller,
    tool: String,
    plugin: String,
}

impl Record {
    /// Starts with what was asked.
    pub(crate) fn new(scope: &Scope, caller: Caller, what: &What<'_>) -> Self {
        let (name, kind) = match what {
            What::Adapter { adapter, .. } => (adapter.name.as_str(), "script"),
            What::Tool { name, .. } if caller == Caller::Stage => (*name, "tool_call"),
            What::Tool { name, .. } => (*name, WITHIN),
        };
        let tool: String = name.chars().take(64).collect();
        let row = scope.run.journal.traces().then(|| {
            Box::new(TraceRow {
                kind: kind.to_owned(),
                role_type: kind.to_owned(),
                caller: caller.word().to_owned(),
                tool: Some(tool.clone()),
                ..scope.row()
            })
        });
        Self {
            row,
            caller,
            tool,
            plugin: String::new(),
        }
    }

    /// The plugin that will be called.
    pub(crate) fn target(&mut self, plugin: &Plugin) {
        plugin.name().as_str().clone_into(&mut self.plugin);
        if let Some(row) = &mut self.row {
            row.plugin = Some(plugin.name().to_string());
            row.plugin_digest = Some(plugin.digest().to_string());
        }
    }

    /// The arguments, clean of secrets.
    pub(crate) fn args(&mut self, shown: &Value) {
        if let (Some(row), Value::Object(args)) = (&mut self.row, shown) {
            row.inputs = args.clone();
        }
    }

    /// Where the values in the arguments come from.
    pub(crate) fn sources(&mut self, sources: Map<String, Value>) {
        if let Some(row) = &mut self.row {
            row.inputs_provenance = sources;
        }
    }

    /// The call's name in the log.
    pub(crate) fn call_id(&mut self, call_id: &str) {
        if let Some(row) = &mut self.row {
            row.call_id = Some(call_id.to_owned());
        }
    }

    /// The image that the call ran in.
    pub(crate) fn image(&mut self, digest: Option<String>) {
        if let Some(row) = &mut self.row {
            row.sandbox_image_digest = digest;
        }
    }

    /// What the call used.
    pub(crate) fn usage(&mut self, usage: &Usage) {
        if let Some(row) = &mut self.row {
            row.fuel = Some(usage.fuel);
            row.memory_peak = Some(usage.memory_peak);
            row.host_calls = Some(usage.host_calls);
            row.bytes_in = Some(usage.bytes_in);
            row.bytes_out = Some(usage.bytes_out);
            row.denials = usage.denials.len() as u64;
        }
    }

    /// The event that says what came of the call.
    pub(crate) fn result_event(
        &self,
        scope: &Scope,
        result: &Result<Value, Failure>,
        call_id: &str,
        outside: bool,
        usage: &Usage,
    ) -> Event {
        Event::ToolResult(ToolResult {
            stage: scope.id().to_owned(),
            caller: self.caller.word().to_owned(),
            plugin: self.plugin.clone(),
            tool: self.tool.clone(),
            call_id: call_id.to_owned(),
            ok: result.is_ok(),
            result: result.as_ref().ok().cloned().unwrap_or_default(),
            error: result.as_ref().err().map(|failure| event::Failure {
                class: failure.class().to_owned(),
                reason: scope.run.secrets.text(&failure.to_string()),
            }),
            usage: event::Usage {
                fuel: usage.fuel,
                memory_peak: usage.memory_peak,
                host_calls: usage.host_calls,
                bytes_in: usage.bytes_in,
                bytes_out: usage.bytes_out,
                wall_us: u64::try_from(usage.wall.as_micros()).unwrap_or(u64::MAX),
                denials: usage.denials.len() as u64,
            },
            outside,
        })
    }

    /// Writes the row.
    pub(crate) fn finish(self, scope: &Scope, elapsed: Duration, result: &Result<Value, Failure>) {
        let Some(mut row) = self.row else { return };
        row.latency_ms = elapsed.as_secs_f64() * 1000.0;
        match result {
            Ok(value) => {
                row.success = exit_code(value).is_none_or(|code| code == 0);
                row.outputs = as_map(value);
            }
            Err(failure) => {
                scope.mark_failed(&mut row, failure);
                row.output_valid = !matches!(failure, Failure::Result { .. });
            }
        }
        if row.kind == WITHIN {
            scope.run.journal.trace(&row);
        } else {
            scope.trace(&row);
        }
    }
}

/// What a script says about itself.
fn exit_code(value: &Value) -> Option<i64> {
    value.get("exit_code")?.as_i64()
}

/// A result as the columns of a trace: an object as it is, anything else under `result`.
pub(crate) fn as_map(value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map.clone(),
        other => Map::from_iter([("result".to_owned(), other.clone())]),
    }
}
