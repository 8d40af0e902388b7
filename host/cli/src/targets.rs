//! Where a run's results and events are written: what would go wrong with it is told before the run.
//!
//! A result that has no place is lost, and one that takes the place of the spec, of a file that the spec is made from,
//! or of the other result, takes something with it that nobody meant to give away.

use std::path::{Path, PathBuf};

use armature_engine::Plan;

use crate::failure::Failure;

/// Could a file be written here?
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let dir = match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
        Some(dir) => dir,
        None => path,
    };
    let why = if path.is_dir() {
        "it is a directory"
    } else if dir.is_dir() {
        return Ok(());
    } else {
        "its directory does not exist"
    };
    Err(
        Failure::usage(format!("cannot write `{}`: {why}", path.display()))
            .hint("choose another file"),
    )
}

/// Are these two different files?
pub(crate) fn check_apart(output: &Path, events: &Path) -> Result<(), Failure> {
    if is_same(output, events) {
        let name = output.display();
        return Err(
            Failure::usage(format!("--output and --events both want `{name}`"))
                .hint("choose another file for one of them"),
        );
    }
    Ok(())
}

/// Would this file take the place of one that the workflow is made from?
pub(crate) fn check_spares(path: &Path, plan: &Plan) -> Result<(), Failure> {
    if !plan.files().any(|file| is_same(file, path)) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "cannot write `{}`: the workflow is read from it",
        path.display()
    ))
    .hint("choose another file"))
}

/// Two names of one file, whether it is there or not. What is not a file (a pipe, a terminal) is written to and stays.
fn is_same(one: &Path, other: &Path) -> bool {
    let is_file = !one.exists() || one.is_file();
    is_file && place(one) == place(other)
}

fn place(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(dir)), Some(name)) => dir.join(name),
        _ => path,
    }
}
