//! A command as files: its text, its variables and its context, in a directory of its own that is gone afterwards.
//!
//! Nothing of it stands in the arguments or the environment of a process, where every user of the machine could read it
//! and where the system allows only so much.
#![expect(
    clippy::disallowed_methods,
    reason = "the one module of this crate that writes files for one call"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Command, outside, settings::is_variable};
use crate::error::{CallError, ToolError};

/// Longest context that is a variable too, in bytes: programs do not start with much more of it.
const MAX_VARIABLE: usize = 64 * 1024;

/// The file with the context, in the script's directory.
const CONTEXT: &str = "context.json";

/// What a shell is told: first its variables, then the command. Run in the same shell, so that `set -e` and `exit` mean
/// what they mean.
pub(super) const START: &str = ". \"$0/variables\"; . \"$0/command\"";

/// The same in a container, under a watch: its input is held open by whoever asked, and when that is gone, killed or not,
/// so is everything in the container. The command is not its first process, which nothing within can end.
pub(super) const WATCHED: &str = "exec 3<&0 </dev/null; { cat <&3 && kill -9 -1; } >/dev/null 2>&1 & exec 3<&-; \
    sh -c '. \"$0/variables\"; . \"$0/command\"' \"$0\"; exit $?";

/// A command, written down.
pub(super) struct Script {
    outer: TempDir,
}

impl Script {
    /// Writes it down, with its context as JSON.
    pub(super) fn write(command: &Command<'_>, context: Option<&str>) -> Result<Self, CallError> {
        let made = || -> io::Result<Self> {
            // Only its owner can enter it. What lies in it may be read by whomever it is mounted for.
            let outer = tempfile::Builder::new().prefix("armature-").tempdir()?;
            fs::create_dir_all(outer.path().join("call"))?;
            fs::create_dir_all(outer.path().join("nothing"))?;
            fs::create_dir_all(outer.path().join("home"))?;
            fs::write(outer.path().join("empty"), "")?;
            Ok(Self { outer })
        };
        let failed = |error: io::Error| {
            outside(
                format!("the command cannot be written down: {error}"),
                "make room in the directory for temporary files (TMPDIR)",
            )
        };
        let script = made().map_err(failed)?;
        let mut variables = String::new();
        for (name, value) in &command.variables {
            variables.push_str(&export(name, value)?);
        }
        if let Some(text) = context {
            variables.push_str("export ARMATURE_CONTEXT_FILE=\"$0/context.json\"\n");
            if text.len() <= MAX_VARIABLE {
                variables.push_str(&export("ARMATURE_CONTEXT", text)?);
            }
            fs::write(script.dir().join(CONTEXT), text).map_err(failed)?;
        }
        for (name, text) in [("variables", &*variables), ("command", command.text)] {
            fs::write(script.dir().join(name), format!("{text}\n")).map_err(failed)?;
        }
        script.open().map_err(failed)?;
        Ok(script)
    }

    /// Lets everybody read what is mounted: whoever runs in a container need not be whoever wrote this.
    fn open(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let set =
                |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
            set(&self.dir(), 0o755)?;
            set(&self.nothing(), 0o555)?;
            set(&self.empty(), 0o444)?;
            for entry in fs::read_dir(self.dir())? {
                set(&entry?.path(), 0o644)?;
            }
        }
        Ok(())
    }

    /// The directory with the command: `command`, `variables`, and `context.json`.
    pub(super) fn dir(&self) -> PathBuf {
        self.outer.path().join("call")
    }

    /// An empty directory.
    pub(super) fn nothing(&self) -> PathBuf {
        self.outer.path().join("nothing")
    }

    /// An empty file.
    pub(super) fn empty(&self) -> PathBuf {
        self.outer.path().join("empty")
    }

    /// A directory to write in.
    pub(super) fn home(&self) -> PathBuf {
        self.outer.path().join("home")
    }
}

/// A variable as a line of a shell's script.
fn export(name: &str, value: &str) -> Result<String, CallError> {
    if !is_variable(name) {
        return Err(ToolError::InvalidArguments(format!(
            "`{}` is no name of a variable: letters, digits and `_` make one",
            name.escape_debug()
        ))
        .into());
    }
    if value.contains('\0') {
        return Err(ToolError::InvalidArguments(format!(
            "`{name}` has a NUL in it, which no variable can hold"
        ))
        .into());
    }
    Ok(format!(
        "export {name}='{}'\n",
        value.replace('\'', r"'\''")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_data_whatever_is_in_it() {
        let line = export("X", "it's $(id) `id`\n; rm -rf ~").unwrap();
        assert_eq!(line, "export X='it'\\''s $(id) `id`\n; rm -rf ~'\n");
        for name in ["", "1X", "A B", "A=B", "A;id", "Ä"] {
            assert!(export(name, "x").is_err(), "{name}");
        }
        assert!(export("X", "a\0b").is_err());
    }
}
