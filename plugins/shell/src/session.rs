//! One script: the interpreter with its limits, its variables and its files, and what came of it.
//!
//! The interpreter counts many things by itself. Those counts are lifted here, because the host counts better: fuel,
//! memory, time and calls into the host end the call by name. What stays is what would end in a crash instead: the
//! depth of recursion, and how much of the output is kept.

use std::{
    path::Path,
    sync::{Arc, OnceLock, atomic::AtomicBool, atomic::AtomicU32, atomic::Ordering},
    time::{Duration, Instant},
};

use armature_plugin::ToolError;
use bashkit::{
    Bash, ExecutionLimits, FsLimits, MemoryLimits, PosixFs, SessionLimits, hooks::HookAction,
};

use crate::{
    files::{REFUSED, Workspace},
    tools,
};

/// Where the workspace is seen, as in a container.
pub(crate) const WORKSPACE: &str = "/workspace";

/// The file that holds what `ARMATURE_CONTEXT` holds.
const CONTEXT_FILE: &str = "/tmp/armature-context.json";

/// Most bytes of standard output that are kept; as JSON they may be six times as many.
const MAX_STDOUT: usize = 4 * 1024 * 1024;

/// Most bytes of standard error that are kept.
const MAX_STDERR: usize = 256 * 1024;

/// Commands between two looks at the clock: each look is a call into the host.
const COMMANDS_A_LOOK: u32 = 64;

/// Names that the interpreter knows and that mean nothing here: without a network or a terminal a command is better
/// not there than there and failing.
const LEFT_OUT: &[&str] = &[
    "curl", "wget", "http", "vi", "vim", "nano", "less", "more", "man",
    // The interpreter's read nobody else's archives, and nobody else reads theirs.
    "zip", "unzip",
];

/// What a script is run with.
#[derive(Default)]
pub(crate) struct Session {
    /// What the stage sees, as JSON.
    pub(crate) context: Option<String>,
    /// More variables.
    pub(crate) variables: Vec<(String, String)>,
    /// When to stop, if that is earlier than the host would.
    pub(crate) deadline: Option<Duration>,
}

/// What came of a script.
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit_code: i32,
}

impl Session {
    /// Runs a script to its end.
    pub(crate) fn run(self, script: &str) -> Result<Finished, ToolError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(ToolError::failed)?;
        runtime.block_on(self.run_in(script))
    }

    async fn run_in(self, script: &str) -> Result<Finished, ToolError> {
        let deadline = self.deadline;
        let files = Arc::new(PosixFs::new(Workspace::default()));
        let mut bash = self.shell(Arc::clone(&files)).await?;
        match bash.exec(script).await {
            Ok(done) => {
                let mut stderr = done.stderr.to_string();
                if done.stdout_truncated || done.stderr_truncated {
                    stderr += "armature: the output was cut: more than 4 MiB of standard output or 256 KiB of standard error\n";
                }
                ways_out(&mut stderr);
                refused(&mut stderr, &files.backend().refused());
                Ok(Finished {
                    stdout: done.stdout.to_string(),
                    stderr,
                    exit_code: done.exit_code,
                })
            }
            Err(error) => failure(error, deadline),
        }
    }

    async fn shell(self, files: Arc<PosixFs<Workspace>>) -> Result<Bash, ToolError> {
        let limits = ExecutionLimits {
            max_work_units: u64::MAX,
            max_aggregate_input_bytes: u64::MAX,
            max_live_intermediate_bytes: u64::MAX,
            max_commands: usize::MAX,
            max_loop_iterations: usize::MAX,
            max_total_loop_iterations: usize::MAX,
            max_input_bytes: usize::MAX,
            max_parser_operations: usize::MAX,
            parser_timeout: Duration::from_secs(3600),
            max_word_split_fields: usize::MAX,
            max_word_split_bytes: usize::MAX,
            max_stdout_bytes: MAX_STDOUT,
            max_stderr_bytes: MAX_STDERR,
            timeout: self.deadline.unwrap_or(Duration::from_secs(24 * 3600)),
            ..ExecutionLimits::default()
        };
        let mut builder = Bash::builder()
            .cwd(WORKSPACE)
            .username("agent")
            .env("HOME", "/home/agent")
            .hostname("armature")
            .limits(limits)
            .session_limits(SessionLimits::unlimited())
            .memory_limits(MemoryLimits::unlimited())
            .filesystem_limits(FsLimits::unlimited())
            .builtin_filter(|name| !LEFT_OUT.contains(&name));
        builder = tools::register(builder);
        for (name, value) in &self.variables {
            builder = builder.env(name, value);
        }
        if let Some(context) = &self.context {
            builder = builder
                .env("ARMATURE_CONTEXT", context)
                .env("ARMATURE_CONTEXT_FILE", CONTEXT_FILE);
        }
        let stop: Arc<OnceLock<Arc<AtomicBool>>> = Arc::default();
        if let Some(deadline) = self.deadline {
            let stop = Arc::clone(&stop);
            let end = Instant::now() + deadline;
            let commands = AtomicU32::new(0);
            builder = builder.before_tool(Box::new(move |event| {
                // A loop that never waits gives no timer a chance.
                if commands
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(COMMANDS_A_LOOK)
                    && Instant::now() >= end
                    && let Some(stop) = stop.get()
                {
                    stop.store(true, Ordering::Relaxed);
                }
                HookAction::Continue(event)
            }));
        }
        let bash = builder.build();
        let _ = stop.set(bash.cancellation_token());
        bash.mount(WORKSPACE, files).map_err(ToolError::failed)?;
        if let Some(context) = &self.context {
            let file = Path::new(CONTEXT_FILE);
            bash.fs()
                .write_file(file, context.as_bytes())
                .await
                .map_err(ToolError::failed)?;
        }
        Ok(bash)
    }
}

/// What a script that could not be run to its end comes to.
fn failure(error: bashkit::Error, deadline: Option<Duration>) -> Result<Finished, ToolError> {
    use bashkit::{Error, LimitExceeded};
    let late = |deadline: Duration| {
        ToolError::Timeout(format!(
            "the command was not done after {}s",
            deadline.as_secs_f64()
        ))
    };
    match (error, deadline) {
        (Error::ResourceLimit(LimitExceeded::Timeout(_)) | Error::Cancelled, Some(deadline)) => {
            Err(late(deadline))
        }
        (Error::Parse { .. }, _) => Ok(Finished {
            stdout: String::new(),
            stderr: "bash: syntax error\n".to_owned(),
            exit_code: 2,
        }),
        (error @ Error::ResourceLimit(_), _) => Err(ToolError::failed(error)),
        (error, _) => Ok(Finished {
            stdout: String::new(),
            stderr: format!("bash: {error}\n"),
            exit_code: 1,
        }),
    }
}

/// Says after a command that is not there what would be.
fn ways_out(stderr: &mut String) {
    let Some(line) = stderr
        .lines()
        .find(|line| line.contains(": command not found"))
    else {
        return;
    };
    let before = line.split(": command not found").next().unwrap_or_default();
    let name = before.rsplit(": ").next().unwrap_or_default().to_owned();
    if !stderr.ends_with('\n') {
        stderr.push('\n');
    }
    *stderr += &format!(
        "armature: `{name}` is not part of this shell. Ways out: a plugin that does it, `sandbox.mode: docker`, or a plugin with a `process` grant\n"
    );
}

/// Says what could not be changed: not every tool does.
fn refused(stderr: &mut String, places: &[String]) {
    let Some(first) = places.first() else {
        return;
    };
    // The interpreter names the kind of the error before it.
    *stderr = stderr.replace(&format!("execution error: {REFUSED}"), REFUSED);
    if !stderr.is_empty() && !stderr.ends_with('\n') {
        stderr.push('\n');
    }
    let others = match places.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    *stderr += &format!(
        "armature: this call has no right to change `{first}`{others}; `grants.fs.write` names what it may\n"
    );
}
