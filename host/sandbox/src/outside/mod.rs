//! Commands that run outside of components: in a container ([`Container`]), or in the host's own shell ([`Host`]), where
//! spec and operator want that instead.
//!
//! Only commands of a shell come here: the tool `shell`, and script adapters. Everything else is a component in every mode.
//! The results are those of the component that runs commands otherwise: `stdout`, `stderr` and `exit_code`. What the
//! call may do and use is the same [`Rights`] and [`Limits`]; what a backend cannot hold to them, it refuses.

mod container;
mod host;
mod image;
mod process;
mod script;
mod settings;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use armature_grants::{LimitId, Limits, Rights};
use serde_json::{Value, json};

pub use container::Container;
pub use host::Host;
use process::{Finished, Kept, Room, Stopped};
use script::Script;
pub use settings::{ContainerSettings, SettingsError, check_image};

use crate::{
    call::Outcome,
    error::{CallError, ToolError},
    usage::Usage,
    workspace::Workspace,
};

/// Most bytes of standard output that are kept, as in the component that runs commands.
const MAX_STDOUT: usize = 4 * 1024 * 1024;

/// Most bytes of standard error that are kept.
const MAX_STDERR: usize = 256 * 1024;

/// What runs commands outside of components.
#[derive(Debug)]
pub enum Outside {
    /// A container for each.
    Container(Box<Container>),
    /// The host's shell.
    Host(Host),
}

/// A command with what it sees.
#[derive(Debug, Default)]
pub struct Command<'a> {
    /// The text, for a shell.
    pub text: &'a str,
    /// More variables. Their names are checked here.
    pub variables: Vec<(String, String)>,
    /// What the stage sees, for a script adapter.
    pub context: Option<&'a Value>,
    /// When to stop, if that is earlier than the limits say.
    pub timeout: Option<Duration>,
    /// Another image than the workflow's.
    pub image: Option<&'a str>,
}

/// What one command may do and use, and where.
#[derive(Debug)]
pub struct OutsideCall<'a> {
    /// What it may do: its files are mounts.
    pub rights: &'a Rights,
    /// How much it may use.
    pub limits: &'a Limits,
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Where that is.
    pub root: &'a Path,
    /// The run, as containers are labelled with it.
    pub run_id: &'a str,
}

/// What came of a command, and the digest of the image that it ran in.
#[derive(Debug)]
pub struct Ran {
    /// As of every call.
    pub outcome: Outcome<Value>,
    /// `sha256:…`, where there was a container.
    pub image: Option<String>,
}

impl Outside {
    /// Makes sure that commands can run, before the first of them does: the engine answers, and has these images.
    /// `tells` is told what takes long.
    ///
    /// # Errors
    /// [`CallError::Outside`], with what to do.
    pub async fn prepare(
        &self,
        images: &[&str],
        tells: impl Fn(&str) + Send + Sync,
    ) -> Result<(), CallError> {
        match self {
            Self::Host(_) => Ok(()),
            Self::Container(container) => container.prepare(images, &tells).await,
        }
    }

    /// Runs a command to its end.
    pub async fn run(&self, command: Command<'_>, call: OutsideCall<'_>) -> Ran {
        let started = Instant::now();
        let context = command.context.map(Value::to_string);
        let bytes_in = command.text.len() + context.as_ref().map_or(0, String::len);
        let mut image = None;
        let result = self
            .enter(&command, context.as_deref(), &call, &mut image)
            .await;
        let mut usage = Usage {
            bytes_in: bytes_in as u64,
            wall: started.elapsed(),
            ..Usage::default()
        };
        if let Err(CallError::Denied(denial)) = &result {
            usage.deny((**denial).clone());
        }
        let result = result.and_then(|value| {
            usage.bytes_out = value.to_string().len() as u64;
            if usage.bytes_out > call.limits.output {
                Err(limit(&call, LimitId::Output))
            } else {
                Ok(value)
            }
        });
        Ran {
            outcome: Outcome { result, usage },
            image,
        }
    }

    async fn enter(
        &self,
        command: &Command<'_>,
        context: Option<&str>,
        call: &OutsideCall<'_>,
        image: &mut Option<String>,
    ) -> Result<Value, CallError> {
        let most = Duration::from_millis(call.limits.timeout_s);
        let patience = command.timeout.map_or(most, |asked| asked.min(most));
        let script = Script::write(command, context)?;
        let finished = match self {
            Self::Container(container) => {
                container
                    .run(&script, command, call, patience, image)
                    .await?
            }
            Self::Host(host) => host.run(&script, call, patience).await?,
        };
        match finished {
            Ok(finished) => Ok(shown(finished)),
            Err(Stopped::TooMuch) => Err(limit(call, LimitId::Output)),
            Err(Stopped::Timeout) if patience == most => Err(limit(call, LimitId::Timeout)),
            Err(Stopped::Timeout) => Err(ToolError::Timeout(format!(
                "the command was stopped after {} s, which its `timeout` says",
                patience.as_secs_f64()
            ))
            .into()),
            Err(Stopped::NotStarted(error)) => Err(outside(
                format!("the shell cannot be started: {error}"),
                "look whether it is there",
            )),
        }
    }
}

/// How much of the output is read: more than is kept, so that a command which writes a little too much still ends.
fn room(limits: &Limits) -> Room {
    Room {
        stdout: MAX_STDOUT,
        stderr: MAX_STDERR,
        most: limits.output.max((MAX_STDOUT + MAX_STDERR) as u64),
    }
}

fn shown(finished: Finished) -> Value {
    let text = |kept: &Kept| String::from_utf8_lossy(&kept.bytes).into_owned();
    let (stdout, mut stderr) = (text(&finished.stdout), text(&finished.stderr));
    if finished.stdout.cut || finished.stderr.cut {
        stderr += "armature: the output was cut: more than 4 MiB of standard output or 256 KiB of standard error\n";
    }
    json!({"stdout": stdout, "stderr": stderr, "exit_code": finished.code})
}

fn limit(call: &OutsideCall<'_>, limit: LimitId) -> CallError {
    CallError::Limit {
        plugin: call.rights.plugin().to_string(),
        limit,
        allowed: call.limits.get(limit),
        most: limit.row().ceiling,
    }
}

fn outside(why: String, hint: impl Into<String>) -> CallError {
    CallError::Outside {
        why,
        hint: hint.into(),
    }
}
