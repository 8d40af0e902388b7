//! `shell` and script adapters: bash with the usual small tools, inside this component.
//!
//! The interpreter is the crate `bashkit`. What it sees as `/workspace` is the real workspace as far as the call's grant
//! goes, reached through the host's `fs` interface alone; everything else (`/tmp`, `/etc`, `/proc`, `/bin`) is made up
//! in memory, for this one call. There is no process, no network and no environment of the host to find.
//!
//! A command that fails is a result with its exit code, not a failure of the call: scripts branch on it.

mod files;
mod session;
mod tools;

use std::time::Duration;

use armature_plugin::prelude::*;
use session::{Finished, Session};

/// Longest time that a call may ask for, in seconds; the host's own limit holds besides.
const MAX_SECONDS: f64 = 3600.0;

/// Run a bash command or script over the workspace and return what it printed and its exit code.
///
/// Pipes, redirects, loops, functions and the usual small tools are there (`ls`, `cat`, `grep`, `sed`, `awk`, `sort`,
/// `find`, `xargs`, `jq`, `tar`, …). There is no network and no other program. The working directory is the workspace.
#[tool(effect = workspace, reversibility = none)]
fn shell(
    /// The command, e.g. `grep -c TODO *.md | sort -t: -k2 -n`.
    cmd: String,
    /// Seconds after which the command is stopped.
    timeout: Option<f64>,
    context: &Context,
) -> Result<Value, ToolError> {
    let asked = match timeout {
        Some(seconds) if seconds > 0.0 && seconds <= MAX_SECONDS => {
            Some(Duration::from_secs_f64(seconds))
        }
        Some(_) => {
            return Err(ToolError::invalid(format!(
                "`timeout` is a number of seconds above 0 and at most {MAX_SECONDS}"
            )));
        }
        None => None,
    };
    let most = Duration::from_millis(context.remaining_ms);
    let session = Session {
        deadline: asked.filter(|asked| *asked < most),
        ..Session::default()
    };
    result(session.run(&cmd)?)
}

/// What a script adapter is given.
#[derive(armature_plugin::Deserialize)]
#[serde(crate = "armature_plugin::serde")]
struct Script {
    /// The script.
    cmd: String,
    /// Further settings of the adapter: variables of the script.
    #[serde(flatten)]
    args: Map<String, Value>,
}

/// One step of a workflow that is a script.
fn script(config: Script, context: Value) -> Result<Value, ToolError> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let session = Session {
        context: Some(context.to_string()),
        variables: config
            .args
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        ..Session::default()
    };
    result(session.run(&config.cmd)?)
}

fn result(finished: Finished) -> Result<Value, ToolError> {
    Ok(json!({
        "stdout": finished.stdout,
        "stderr": finished.stderr,
        "exit_code": finished.exit_code,
    }))
}

export_tools!(shell);
export_adapter!(script);
