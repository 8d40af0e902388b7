//! `last/NAME.json` in armature's home: the results of a workflow's last run that came to its end, for scripts and for
//! people with a text editor. What `armature last` shows comes from the log, which has failed runs too.
//!
//! Readable by its owner alone: inputs are in it.

use std::path::{Path, PathBuf};

use armature_store::file_stem;

use crate::files;

/// Where the results of a workflow are.
pub(crate) fn place(home: &Path, workflow: &str) -> PathBuf {
    home.join("last")
        .join(format!("{}.json", file_stem(workflow)))
}

/// Keeps them.
pub(crate) fn results(home: &Path, workflow: &str, results: &str) -> std::io::Result<()> {
    files::write_own(&place(home, workflow), results)
}
