//! What is called, once it is known: who has it, with which rights and limits, and what it promises.

use std::sync::Arc;

use armature_grants::{Layer, Limits, Rights};
use armature_sandbox::{Effect, Plugin};
use serde_json::Value;

use super::path::{Exposure, What};
use crate::{
    failure::Failure,
    misfit::misfit,
    plan::{nearest, stage::Tool},
    run::Run,
    stage::Scope,
};

/// The target of a call, once it is known.
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) plugin: &'a Arc<Plugin>,
    pub(super) rights: &'a Rights,
    pub(super) limits: &'a Limits,
    pub(super) reversibility: &'static str,
    pub(super) idempotent: bool,
    pub(super) outside: bool,
    pub(super) destructive: bool,
    pub(super) how: How<'a>,
}

pub(super) enum How<'a> {
    Tool(&'a Tool),
    Adapter(&'a Value),
}

/// Known, and given to whoever asks?
pub(super) fn find<'a>(
    run: &'a Run,
    scope: &Scope,
    what: &'a What<'a>,
) -> Result<Target<'a>, Failure> {
    match what {
        What::Adapter { adapter, context } => Ok(Target {
            name: &adapter.name,
            plugin: &adapter.plugin,
            rights: &adapter.rights,
            limits: &adapter.limits,
            reversibility: "unknown",
            idempotent: false,
            outside: adapter.outside,
            destructive: false,
            how: How::Adapter(context),
        }),
        What::Tool { name, exposure } => {
            let tools = &run.plan.0.tools;
            if let Exposure::Granted(rights) = exposure {
                rights
                    .call_tool(name)
                    .map_err(|denial| Failure::Denied(Box::new(denial)))?;
            }
            if let Exposure::Listed(listed) = exposure
                && !listed.iter().any(|other| other == name)
            {
                return Err(Failure::NotExposed {
                    tool: clip(name),
                    stage: scope.id().to_owned(),
                });
            }
            let Some(tool) = tools.get(*name) else {
                let nearest = nearest(name, tools.keys().map(String::as_str));
                return Err(Failure::UnknownTool {
                    tool: clip(name),
                    nearest,
                });
            };
            Ok(Target {
                name: tool.definition.name.as_str(),
                plugin: &tool.plugin,
                rights: &tool.rights,
                limits: &tool.limits,
                reversibility: tool.definition.reversibility.word(),
                idempotent: tool.definition.idempotent,
                outside: tool.outside,
                destructive: tool.definition.effect == Effect::Destructive,
                how: How::Tool(tool),
            })
        }
    }
}

/// A name that a model made up, short enough to print.
pub(super) fn clip(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

/// The arguments as the tool's schema wants them, where there is no doubt what was meant. An optional argument that is
/// null is one that was left out: a template whose name is missing gives null, and models write it too. A number where
/// nothing but text is wanted is that number as text: `{{ n }}` keeps its type, and the author of `content: "{{ n }}"`
/// means what it prints. Text is never read as anything else.
pub(super) fn as_wanted(target: &Target<'_>, args: Value) -> Value {
    let How::Tool(tool) = &target.how else {
        return args;
    };
    let mut map = match args {
        Value::Object(map) if map.values().any(|v| v.is_null() || v.is_number()) => map,
        other => return other,
    };
    let schema = &tool.definition.input_schema;
    let required = |key: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|name| name == key))
    };
    let kind_of = |key: &str| {
        schema
            .get("properties")
            .and_then(|all| all.get(key)?.get("type"))
    };
    let takes_null = |key: &str| match kind_of(key) {
        Some(Value::String(kind)) => kind == "null",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        _ => true,
    };
    map.retain(|key, value| !value.is_null() || required(key) || takes_null(key));
    for (key, value) in &mut map {
        if value.is_number() && kind_of(key).is_some_and(|kind| kind == "string") {
            *value = Value::String(value.to_string());
        }
    }
    Value::Object(map)
}

pub(super) fn check_arguments(run: &Run, target: &Target<'_>, args: &Value) -> Result<(), Failure> {
    /// Problems that are listed: enough to mend a call, too few to fill a prompt.
    const LISTED: usize = 5;
    let How::Tool(tool) = &target.how else {
        return Ok(());
    };
    // Saying what is wrong takes far longer than finding out that nothing is.
    if tool.input.is_valid(args) {
        return Ok(());
    }
    let problems: Vec<String> = tool
        .input
        .iter_errors(args)
        .take(LISTED)
        .map(|error| misfit(&error, |text| run.secrets.text(text)))
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::Arguments {
        tool: target.name.to_owned(),
        problems: problems.join("; "),
    })
}

/// The stage's own `grants:`, and those of the stages that started this run as a subagent.
pub(super) fn narrow(run: &Run, scope: &Scope, rights: &Rights) -> Rights {
    let own = scope.stage().and_then(|stage| stage.narrowing.as_ref());
    run.narrowing
        .iter()
        .chain(own)
        .fold(rights.clone(), |rights, grants| {
            rights.narrowed(Layer::Stage, grants.clone())
        })
}

pub(super) fn check_depth(target: &Target<'_>, scope: &Scope) -> Result<(), Failure> {
    let limit = target.limits.call_depth.min(scope.deepest);
    let depth = scope.depth + 1;
    if depth > limit {
        return Err(Failure::TooDeep {
            tool: target.name.to_owned(),
            depth,
            limit,
        });
    }
    Ok(())
}

pub(super) fn check_promise(target: &Target<'_>, value: &Value) -> Result<(), Failure> {
    let How::Tool(Tool {
        output: Some(output),
        ..
    }) = &target.how
    else {
        return Ok(());
    };
    if output.is_valid(value) {
        return Ok(());
    }
    let problem = output
        .iter_errors(value)
        .next()
        .map(|error| misfit(&error, str::to_owned));
    match problem {
        None => Ok(()),
        Some(problem) => Err(Failure::Result {
            tool: target.name.to_owned(),
            problem,
        }),
    }
}
