//! The environment: every variable that armature reads is read here and nowhere else.
//!
//! `ARMATURE_HOME`, `ARMATURE_LOG`, `NO_COLOR`, `TERM` and the home directory are for the program itself. Any other
//! name is read only when a run's plan names it (a model's key, a granted secret), one at a time, and never listed.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the module that reads the environment"
)]

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_engine::Environment;

/// The one variable that people set most: where runs, plugins and the policy are kept.
pub(crate) const HOME: &str = "ARMATURE_HOME";

/// Filters the program's own diagnostics, e.g. `debug` or `armature_engine=trace`.
const LOG: &str = "ARMATURE_LOG";

fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// armature's home: what `--home` says, else `ARMATURE_HOME`, else `~/.armature`.
pub(crate) fn home(flag: Option<&Path>) -> Option<PathBuf> {
    flag.map(Path::to_owned).or_else(|| path(HOME)).or_else(|| {
        let user = path("HOME").or_else(|| path("USERPROFILE"))?;
        Some(user.join(".armature"))
    })
}

/// Makes a directory the one that relative paths begin at. Before anything else runs: all threads share it.
pub(crate) fn enter(dir: &Path) -> std::io::Result<()> {
    env::set_current_dir(dir)
}

/// The filter for diagnostics, if there is one.
pub(crate) fn log_filter() -> Option<String> {
    env::var(LOG).ok().filter(|value| !value.is_empty())
}

/// May a terminal be shown colour?
pub(crate) fn may_colour() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value: OsString| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Is a variable set to something? Its value is not looked at.
pub(crate) fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Reads a variable that a plan names.
pub(crate) fn by_name() -> Environment {
    Arc::new(|name| env::var(name).ok())
}
