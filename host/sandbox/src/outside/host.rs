//! The host's own shell. Nothing stands between a command and the machine but the operator's word, so it is only made
//! where the policy gives it. What can be held is held: the environment is empty but for what the spec writes, the time
//! and the output are bounded, and the whole process group ends with the call.

use std::{ffi::OsStr, time::Duration};

use armature_grants::RelPath;
use indexmap::IndexMap;

use super::{
    OutsideCall,
    process::{Finished, Program, Stopped},
    room,
    script::{START, Script},
    settings::{SettingsError, check_variables},
};
use crate::error::CallError;

/// The shell.
const SHELL: &str = "/bin/sh";

/// Where programs are looked for if the operator's environment does not say.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The host's shell.
#[derive(Debug)]
pub struct Host {
    path: String,
    env: IndexMap<String, String>,
}

impl Host {
    /// The host's shell, with the operator's `PATH`, and the variables that a spec writes.
    ///
    /// # Errors
    /// [`SettingsError`] for a name that is none of a variable.
    pub fn new(path: Option<String>, env: IndexMap<String, String>) -> Result<Self, SettingsError> {
        check_variables(&env)?;
        Ok(Self {
            path: path.unwrap_or_else(|| PATH.to_owned()),
            env,
        })
    }

    pub(super) async fn run(
        &self,
        script: &Script,
        call: &OutsideCall<'_>,
        patience: Duration,
    ) -> Result<Result<Finished, Stopped>, CallError> {
        // A process of the host reads and writes what its user does. Whoever was given less was given nothing that can
        // be kept to here.
        if let Ok(all) = RelPath::new(".") {
            call.rights.read_file(&all)?;
            call.rights.write_file(&all)?;
        }
        let (home, dir) = (script.home(), script.dir());
        let variables: [(&str, &OsStr); 4] = [
            ("PATH", OsStr::new(&self.path)),
            ("HOME", home.as_os_str()),
            ("TMPDIR", home.as_os_str()),
            ("LANG", OsStr::new("C.UTF-8")),
        ];
        let written = self
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), OsStr::new(value.as_str())));
        let program = Program::new(SHELL)
            .args([OsStr::new("-c"), OsStr::new(START), dir.as_os_str()])
            .only_env(variables.into_iter().chain(written))
            .within(call.root);
        Ok(program.run(patience, room(call.limits)).await)
    }
}
