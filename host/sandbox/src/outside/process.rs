//! A process of the host: the only place that starts one. It is given no input, its time and its output are bounded, and when
//! it ends, is stopped or is not wanted any more, so is everything that it started.
#![expect(
    clippy::disallowed_methods,
    reason = "the one module that starts processes"
)]

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

/// A program with its arguments.
pub(super) struct Program {
    command: Command,
}

/// What came of a process.
pub(super) struct Finished {
    /// The exit code; 128 and the signal where one ended it, as shells say it.
    pub(super) code: i32,
    pub(super) stdout: Kept,
    pub(super) stderr: Kept,
}

/// Why a process has no end of its own.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It could not be started.
    NotStarted(io::Error),
    /// Its time was over.
    Timeout,
    /// It wrote more than anybody will read.
    TooMuch,
}

/// The beginning of an output.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    /// Was there more?
    pub(super) cut: bool,
}

/// How much of the output is kept of each kind, and how much may be written at all, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) stdout: usize,
    pub(super) stderr: usize,
    pub(super) most: u64,
}

impl Program {
    /// A program, looked for on the operator's `PATH` where it is no path.
    pub(super) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name.as_ref());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        Self { command }
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Takes the environment away, and gives these variables.
    pub(super) fn only_env<'e>(
        mut self,
        variables: impl IntoIterator<Item = (&'e str, &'e OsStr)>,
    ) -> Self {
        self.command.env_clear().envs(variables);
        self
    }

    /// Gives it an input that says nothing and ends when this program does.
    pub(super) fn held(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    pub(super) fn within(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it to its end, at most for so long. Dropping the future ends it as well.
    pub(super) async fn run(mut self, patience: Duration, room: Room) -> Result<Finished, Stopped> {
        let mut child = self.command.spawn().map_err(Stopped::NotStarted)?;
        let group = Group(child.id());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        // Taken, or waiting would close it.
        let _held = child.stdin.take();
        let left = std::sync::atomic::AtomicU64::new(room.most);
        let work = async {
            // Whoever waits for the end of the output waits for whatever the program left behind in the background. What
            // it has written by its own end is still in the pipe when its group is gone.
            let end = async move {
                let status = child.wait().await;
                drop(group);
                status.map_err(Stopped::NotStarted)
            };
            let (status, stdout, stderr) = tokio::try_join!(
                end,
                gather(out, room.stdout, &left),
                gather(err, room.stderr, &left)
            )?;
            Ok(Finished {
                code: code(status),
                stdout,
                stderr,
            })
        };
        tokio::time::timeout(patience, work)
            .await
            .unwrap_or(Err(Stopped::Timeout))
    }

    /// Starts it and waits for nobody: for what must still happen when whoever asked is gone.
    pub(super) fn start(mut self) {
        self.command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(false);
        drop(self.command.spawn());
    }
}

/// A process and everything that it started and that did not leave its group. All of it ends with this value.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self
            .0
            .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?))
        {
            // Nobody may be left in it.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

async fn gather(
    from: Option<impl AsyncRead + Unpin>,
    most: usize,
    left: &std::sync::atomic::AtomicU64,
) -> Result<Kept, Stopped> {
    use std::sync::atomic::Ordering::Relaxed;
    let mut kept = Kept::default();
    let Some(mut from) = from else {
        return Ok(kept);
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(kept),
            Ok(read) => read,
        };
        let room = most - kept.bytes.len();
        kept.bytes.extend(buffer.iter().take(read.min(room)));
        kept.cut |= read > room;
        let taken = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(read as u64));
        if taken.is_err() {
            return Err(Stopped::TooMuch);
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}
