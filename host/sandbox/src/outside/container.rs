//! A container for every command: made of an image by digest, with nothing that the call was not given, and gone when the
//! call ends, however it ends: also when armature is killed.
//!
//! No network unless the spec wants one and the operator allows it; no capabilities, no new privileges, a root that
//! cannot be written, bounded processes, memory and log; the user is the one whose workspace it is. What of the
//! workspace is there, and whether it can be written, are the rights of the call, as mounts.

use std::{ffi::OsString, path::Path, time::Duration};

use super::{
    Command, OutsideCall,
    image::Images,
    outside,
    process::{Finished, Program, Stopped},
    room,
    script::{Script, WATCHED},
    settings::{ContainerSettings, SettingsError},
};
use crate::{
    error::{CallError, ToolError},
    workspace::{FileError, Seen, View},
};

/// Where a command finds its own files.
const CALL: &str = "/run/armature";

/// Memory where the spec says nothing.
const MEMORY: &str = "2g";

/// Processes and threads at one time.
const PIDS: &str = "256";

/// What can be written outside of the workspace.
const SCRATCH: &str = "/tmp:rw,nosuid,nodev,noexec,size=256m";

/// Longest time for ending a container.
const REMOVING: Duration = Duration::from_secs(20);

/// Makes containers.
#[derive(Debug)]
pub struct Container {
    settings: ContainerSettings,
    images: Images,
}

impl Container {
    /// Containers with these settings.
    ///
    /// # Errors
    /// [`SettingsError`] for what a container engine would take for something else, or not take at all.
    pub fn new(settings: ContainerSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            settings,
            images: Images::default(),
        })
    }

    /// Asks the engine for what will be needed.
    pub(super) async fn prepare(
        &self,
        images: &[&str],
        tells: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), CallError> {
        for image in images {
            self.digest(image, tells).await?;
        }
        Ok(())
    }

    async fn digest(
        &self,
        image: &str,
        tells: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<String, CallError> {
        let ContainerSettings {
            runtime, platform, ..
        } = &self.settings;
        self.images
            .digest(runtime, image, platform.as_deref(), tells)
            .await
    }

    pub(super) async fn run(
        &self,
        script: &Script,
        command: &Command<'_>,
        call: &OutsideCall<'_>,
        patience: Duration,
        ran: &mut Option<String>,
    ) -> Result<Result<Finished, Stopped>, CallError> {
        let image = command.image.unwrap_or(&self.settings.image);
        let digest = self.digest(image, &|_| {}).await?;
        let view = call.workspace.view(call.rights).map_err(|(path, why)| {
            ToolError::Failed(match why {
                FileError::NotFound => format!(
                    "`{path}` is granted and is not there: a container can be given only what is; make the directory before"
                ),
                why => format!("`{path}` is granted, and a container cannot have it: {why}"),
            })
        })?;
        let name = format!("armature-{:016x}", rand::random::<u64>());
        let args = self.args(&digest, &name, script, &view, call)?;
        *ran = Some(digest);
        let mut ending = Ending {
            runtime: &self.settings.runtime,
            name: &name,
            over: false,
        };
        let finished = Program::new(&self.settings.runtime)
            .args(args)
            .held()
            .run(patience, room(call.limits))
            .await;
        if finished.is_err() {
            ending.end().await;
        }
        ending.over = true;
        swept(&view, call)?;
        match finished {
            // What the engine itself says when there was no container at all.
            Ok(finished) if is_the_engines(&finished, &self.settings.runtime) => Err(outside(
                format!(
                    "no container was started: {}",
                    String::from_utf8_lossy(&finished.stderr.bytes).trim()
                ),
                "look at the `sandbox:` of the spec",
            )),
            finished => Ok(finished),
        }
    }

    /// The arguments of the container command.
    fn args(
        &self,
        digest: &str,
        name: &str,
        script: &Script,
        view: &View,
        call: &OutsideCall<'_>,
    ) -> Result<Vec<OsString>, CallError> {
        let settings = &self.settings;
        let mut args: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| args.extend(words.iter().map(OsString::from));
        add(&["run", "--rm", "--interactive", "--pull", "never"]);
        add(&["--name", name]);
        add(&["--label", &format!("armature.run={}", call.run_id)]);
        if !settings.network {
            add(&["--network", "none"]);
        }
        add(&["--read-only", "--tmpfs", SCRATCH, "--cap-drop", "ALL"]);
        add(&["--security-opt", "no-new-privileges", "--pids-limit", PIDS]);
        let memory = settings.memory.as_deref().unwrap_or(MEMORY);
        // As much with swap as without: there is none.
        add(&["--memory", memory, "--memory-swap", memory]);
        if let Some(cpus) = &settings.cpus {
            add(&["--cpus", cpus]);
        }
        #[cfg(unix)]
        {
            let owner = call.workspace.owner();
            let (user, group) =
                owner.map_err(|error| CallError::from(ToolError::Failed(error.to_string())))?;
            add(&["--user", &format!("{user}:{group}")]);
            if settings.runtime == "podman" && !rustix::process::getuid().is_root() {
                add(&["--userns", "keep-id"]);
            }
        }
        // What is written to the log of an engine fills the disk of the host.
        add(&["--log-driver", "none", "--workdir", &settings.workspace]);
        add(&["--env", "HOME=/tmp"]);
        for (key, value) in &settings.env {
            add(&["--env", &format!("{key}={value}")]);
        }
        if let Some(platform) = &settings.platform {
            add(&["--platform", platform]);
        }
        if !view.mounts.iter().any(|mount| mount.path.as_str() == ".") {
            add(&["--tmpfs", &format!("{}:ro", settings.workspace)]);
        }
        for mount in &view.mounts {
            let (source, writable) = match mount.seen {
                Seen::Writable => (call.root.join(mount.path.as_str()), true),
                Seen::ReadOnly => (call.root.join(mount.path.as_str()), false),
                Seen::EmptyDirectory => (script.nothing(), false),
                Seen::EmptyFile => (script.empty(), false),
            };
            let target = match mount.path.as_str() {
                "." => settings.workspace.clone(),
                path => format!("{}/{path}", settings.workspace),
            };
            add(&["--mount", &bind(&source, &target, writable)?]);
        }
        add(&["--mount", &bind(&script.dir(), CALL, false)?]);
        add(&["--entrypoint", "sh", digest, "-c", WATCHED, CALL]);
        Ok(args)
    }
}

/// Did the engine say this, and not a command that happens to end alike?
fn is_the_engines(finished: &Finished, runtime: &str) -> bool {
    let said = String::from_utf8_lossy(&finished.stderr.bytes);
    let by_engine = said.starts_with(&format!("{runtime}: ")) || said.starts_with("Error: ");
    // What the program below the engine says has a code that a command may have, too, and names itself.
    let has_its_code = match finished.code {
        125 => true,
        126 | 127 => said.contains("OCI "),
        _ => false,
    };
    has_its_code && finished.stdout.bytes.is_empty() && by_engine
}

/// A mount, as the engines read it: words with commas between them.
fn bind(source: &Path, target: &str, writable: bool) -> Result<String, CallError> {
    let plain = |text: &str| !text.contains([',', '"', '\n', '\r']);
    let path = source.to_str().filter(|text| plain(text) && plain(target));
    let Some(path) = path else {
        return Err(ToolError::Failed(
            "a container cannot be given a path with a comma, a quote or a line break in it; rename it"
                .to_owned(),
        )
        .into());
    };
    let only = if writable { "" } else { ",readonly" };
    Ok(format!("type=bind,source={path},target={target}{only}"))
}

/// What belongs to the host and was made all the same.
fn swept(view: &View, call: &OutsideCall<'_>) -> Result<(), CallError> {
    let failed = |why: String| CallError::from(ToolError::Denied(why));
    match view.sweep(call.workspace) {
        Ok(None) => Ok(()),
        Ok(Some((path, aside))) => Err(failed(format!(
            "the command made `{path}`, which belongs to armature or to version control; it is called `{aside}` now"
        ))),
        Err(error) => Err(failed(format!(
            "the command made something that belongs to armature or to version control, and it cannot be moved: {error}"
        ))),
    }
}

/// Ends a container when the call ends before it does.
struct Ending<'a> {
    runtime: &'a str,
    name: &'a str,
    over: bool,
}

impl Ending<'_> {
    fn program(&self) -> Program {
        Program::new(self.runtime).args(["rm", "--force", "--volumes", self.name])
    }

    /// Ends it and waits for that.
    async fn end(&self) {
        let room = room(&armature_grants::Limits::standard());
        drop(self.program().run(REMOVING, room).await);
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // The call was dropped: nobody waits, and the container must go all the same.
        if !self.over {
            self.program().start();
        }
    }
}
