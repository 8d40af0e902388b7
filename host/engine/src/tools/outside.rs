//! A command that runs outside of components: what the call says in the words of the backend, and what came of it.

use std::time::Duration;

use armature_grants::Rights;
use armature_sandbox::{CallError, Outcome};
use armature_sandbox::{Command, OutsideCall, Ran, ToolError, Usage};
use serde_json::Value;

use super::target::{How, Target};
use crate::{plan::Commands, run::Run, stage::Scope};

/// What runs this call, where that is no component.
pub(super) fn backend<'r>(run: &'r Run, target: &Target<'_>) -> Option<&'r Commands> {
    let commands = run.plan.0.commands.as_deref()?;
    run.plan.runs_elsewhere(target.plugin).then_some(commands)
}

/// Runs it.
pub(super) async fn enter(
    run: &Run,
    scope: &Scope,
    commands: &Commands,
    target: &Target<'_>,
    rights: &Rights,
    args: &Value,
) -> Ran {
    let image = scope
        .stage()
        .and_then(|stage| stage.sandbox_image.as_deref());
    let (context, asked) = match target.how {
        How::Adapter(context) => (Some(context), command(args, &["cmd"])),
        How::Tool(_) => (None, command(args, &["cmd", "timeout"])),
    };
    let mut asked = match asked {
        Ok(asked) => asked,
        Err(why) => {
            return Ran {
                outcome: Outcome {
                    result: Err(CallError::Tool(ToolError::InvalidArguments(why))),
                    usage: Usage::default(),
                },
                image: None,
            };
        }
    };
    asked.context = context;
    asked.image = image;
    let call = OutsideCall {
        rights,
        limits: target.limits,
        workspace: &run.workspace,
        root: &run.root,
        run_id: run.id.as_str(),
    };
    commands.outside.run(asked, call).await
}

/// The arguments as a command: what is no setting is a variable.
fn command<'a>(args: &'a Value, settings: &[&str]) -> Result<Command<'a>, String> {
    let text = args
        .get("cmd")
        .and_then(Value::as_str)
        .ok_or("`cmd` is missing, or is no text")?;
    let seconds = args
        .get("timeout")
        .filter(|_| settings.contains(&"timeout"))
        .and_then(Value::as_f64);
    let timeout = match seconds {
        None => None,
        Some(seconds) if seconds > 0.0 => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| "`timeout` is no number of seconds".to_owned())?,
        ),
        Some(_) => return Err("`timeout` is a number of seconds above 0".to_owned()),
    };
    let variables = args
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !settings.contains(&key.as_str()))
        .map(|(key, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (key.clone(), text)
        });
    Ok(Command {
        text,
        variables: variables.collect(),
        timeout,
        ..Command::default()
    })
}
