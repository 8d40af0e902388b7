//! Who could have written what decides about rights.
//!
//! The operator's policy, the plugins and the compiled code in armature's home decide what a workflow may do; so whoever
//! can change them decides it. Where anybody but the operator can, nothing runs (as with the keys of `ssh`): a policy that
//! somebody else may have written is no policy. Directories that a person names (`--plugins`, `./plugins`) are the
//! person's to judge; `doctor` says what it sees there.

use std::path::{Path, PathBuf};

use crate::{failure::Failure, files, opening::POLICY};

/// Refuses a home in which others could have put a policy or a plugin.
pub(crate) fn check(home: &Path) -> Result<(), Failure> {
    match doubts(home).into_iter().next() {
        None => Ok(()),
        Some((why, repair)) => Err(Failure::failed(format!(
            "{why}, and what is there decides about rights"
        ))
        .hint(format!("nothing runs until that is put right: {repair}"))),
    }
}

/// Everything in a home that others can change and that decides about rights, each with what puts it right.
pub(crate) fn doubts(home: &Path) -> Vec<(String, String)> {
    let plugins = home.join("plugins");
    let decide = [POLICY, "plugins", "cache", "cache/key", "seal"].map(|name| home.join(name));
    let places = std::iter::once(home.to_owned())
        .chain(decide)
        .filter(|place| place.exists())
        .chain(within(&plugins));
    places
        .filter_map(|place| files::open_to_others(&place))
        .collect()
}

/// What others can change in a directory of plugins.
pub(crate) fn doubts_of_plugins(dir: &Path) -> Vec<(String, String)> {
    let places = std::iter::once(dir.to_owned()).chain(within(dir));
    places
        .filter_map(|place| files::open_to_others(&place))
        .collect()
}

/// A plugin is a file, or a directory with a component and a manifest.
fn within(dir: &Path) -> Vec<PathBuf> {
    let mut found = files::entries(dir);
    let inner: Vec<PathBuf> = found.iter().flat_map(|path| files::entries(path)).collect();
    found.extend(inner);
    found
}
