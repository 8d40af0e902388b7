//! The one place of the crate that touches the file system itself: a private directory, a private file.
//!
//! The database holds prompts, arguments and results. It is made 0600 before SQLite writes the first byte (SQLite gives
//! its journal files the mode of the database), and an existing file that others may read is closed to them. A
//! directory is made 0700 if it has to be made; one that exists is somebody's choice and stays as it is.

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    path::Path,
    sync::Arc,
};

use crate::StoreError;

/// Makes sure that `path` is a file only its owner reads, in a directory that exists.
pub(crate) fn make_private(path: &Path) -> Result<(), StoreError> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        directory(dir).map_err(|source| failed(dir, source))?;
    }
    file(path).map_err(|source| failed(path, source))
}

/// The names of the files in a directory, in order; none where it is not there.
pub(crate) fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that looks at directories for the store"
    )]
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| failed(dir, source))?,
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        source: Arc::new(source),
    }
}

fn directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
