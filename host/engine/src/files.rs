//! Every file that the engine itself reads: specs of subagents, skills, scripts of scripted models.
//!
//! Paths in a spec are looked for beside the spec first and in the working directory second, as specs written for
//! the original expect. Sizes are bounded, and errors name the path. What tools read and write is the sandbox's
//! business and never comes here.

#![expect(
    clippy::disallowed_methods,
    reason = "the one module of this crate that opens files"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Largest text read, in bytes: a skill is a page or two of a prompt.
const MAX_TEXT: u64 = 1 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {why}", path.display())]
pub(crate) struct FileError {
    path: PathBuf,
    why: String,
}

/// The file that a spec means by `path`. It need not exist: then the error of opening it names the first place.
pub(crate) fn beside(spec: &str, path: &str) -> PathBuf {
    let path = Path::new(path);
    let beside = Path::new(spec)
        .parent()
        .map_or_else(|| path.to_owned(), |dir| dir.join(path));
    if !beside.exists() && path.exists() {
        path.to_owned()
    } else {
        beside
    }
}

/// The text of a file of the author's.
pub(crate) fn text(path: &Path) -> Result<String, FileError> {
    let fail = |why: String| FileError {
        path: path.to_owned(),
        why,
    };
    let size = fs::metadata(path)
        .map_err(|error| fail(error.to_string()))?
        .len();
    if size > MAX_TEXT {
        return Err(fail(format!("{size} bytes; at most {MAX_TEXT} are read")));
    }
    fs::read_to_string(path).map_err(|error| fail(error.to_string()))
}

/// A path that names one file, however it is written: what tells whether two subagents are the same spec.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Makes armature's own directory, for its owner alone.
pub(crate) fn make_home(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }
    #[cfg(not(unix))]
    fs::create_dir_all(path)
}

/// Is there a directory of this name?
pub(crate) fn is_dir(path: &Path) -> bool {
    path.is_dir()
}
