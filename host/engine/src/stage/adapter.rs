//! A stage that is a plugin or a script: its settings are the arguments, and it sees what the stage sees.

use std::sync::Arc;

use armature_sandbox::Caller;
use armature_spec::AdapterParse;
use serde_json::{Value, json};

use super::Scope;
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::{AdapterStage, Function, Program},
    provenance,
    tools::{Act, What, act},
};

/// Longest part of a text that a failure repeats, in characters.
const SHOWN: usize = 300;

/// Renders the settings and runs the adapter.
pub(crate) async fn run(
    scope: &Arc<Scope>,
    stage: &AdapterStage,
    context: &Context,
) -> Result<Value, Failure> {
    let args = stage
        .args
        .render(context, &|name| scope.run.secrets.token(name))?;
    // Rendered before anybody judges it: rules see what will run.
    let args = match &stage.program {
        Some(program) => given(&stage.name, program, context, args)?,
        None => args,
    };
    let written = stage.program.as_ref().and_then(Program::names);
    let sources = provenance::of_names(
        &scope.run,
        context,
        std::iter::once(stage.args.names()).chain(written),
    );
    let context = context
        .all()
        .into_iter()
        .map(|(key, value)| (key, Value::clone(&value)))
        .collect();
    act(Act {
        what: What::Adapter {
            adapter: stage,
            context: Value::Object(context),
        },
        caller: Caller::Stage,
        scope,
        args,
        placeholders: scope.placeholders(&stage.env),
        sources,
    })
    .await
}

/// What becomes of what an adapter answered.
pub(crate) fn read(stage: &AdapterStage, result: Value) -> Result<Value, Failure> {
    match stage.parse {
        Some(AdapterParse::Json) => parsed(&stage.name, result),
        None => Ok(result),
    }
}

/// What an interpreter is given: the program, and the settings of its author.
fn given(name: &str, program: &Program, context: &Context, args: Value) -> Result<Value, Failure> {
    Ok(match program {
        // The variables of a command stand beside it.
        Program::Command(cmd) => {
            let cmd = Value::from(cmd.text(context)?);
            match args {
                Value::Object(mut args) => {
                    args.insert("cmd".to_owned(), cmd);
                    Value::Object(args)
                }
                _ => json!({"cmd": cmd}),
            }
        }
        Program::Code(code) => {
            json!({"code": code.text(context)?, "file": name, "function": null, "args": args})
        }
        Program::Function(Function { text, file, name }) => {
            json!({"code": text, "file": file, "function": name, "args": args})
        }
    })
}

/// The JSON object that a script printed.
fn parsed(name: &str, result: Value) -> Result<Value, Failure> {
    let text = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or_default();
    let code = result.get("exit_code").and_then(Value::as_i64);
    if let Some(code) = code.filter(|code| *code != 0) {
        let said = [text("stderr"), text("stdout")].map(str::trim);
        let why = match said.into_iter().find(|text| !text.is_empty()) {
            Some(text) => format!(": {}", end(text)),
            None => ", and said nothing".to_owned(),
        };
        return Err(Failure::Value(format!(
            "script `{name}` ended with exit code {code}{why}"
        )));
    }
    // An adapter that is no script answers in JSON already.
    if code.is_none() {
        return Ok(result);
    }
    let printed = text("stdout").trim();
    match serde_json::from_str(printed) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => Err(Failure::Value(format!(
            "`parse: json` wants one JSON object from script `{name}`, and it printed {}",
            end(&other.to_string())
        ))),
        Err(why) => Err(Failure::Value(format!(
            "`parse: json` wants one JSON object from script `{name}` ({why}), and it printed: {}",
            end(printed)
        ))),
    }
}

/// The last part of a text: a script says at its end what went wrong.
fn end(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(SHOWN);
    text.chars().skip(skip).collect()
}
