//! Files that a person names on the command line: small ones are read, results are written.
//!
//! Reading has an end, so that a device or a mistyped name cannot fill the memory. A result replaces a file in one
//! step: whoever reads it sees the old text or the new one.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the module that opens files for the command line"
)]

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// Most bytes of an input, an argument or a policy.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The text of a file; `-` is standard input.
pub(crate) fn read(name: &str) -> Result<String, Failure> {
    let fail = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read `{}`: {why}", name.escape_debug()))
    };
    let mut bytes = Vec::new();
    let result = if name == "-" {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        fs::File::open(name).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    result.map_err(|error| fail(&reason(&error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(&"it is larger than 64 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fail(&format!("it is no UTF-8 text (byte {at})"))
    })
}

/// The text of a file, or none if there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, Failure> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read(&path.to_string_lossy()).map(Some),
    }
}

/// Was this process started to go on when its terminal is closed (`nohup`)? Where that cannot be found out, yes: a run
/// that was to survive must not end.
#[cfg(unix)]
pub(crate) fn ignores_hangups() -> bool {
    /// The bit of SIGHUP among the signals that are ignored, as Linux writes them down.
    const HANGUP: u64 = 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & HANGUP != 0)
}

/// Writes a file in one step. What is no regular file (a pipe, a terminal) is written to as it is.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |error: io::Error| {
        Failure::failed(format!(
            "cannot write `{}`: {}",
            path.display(),
            reason(&error)
        ))
        .hint("choose another file")
    };
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        if path.is_dir() {
            return Err(fail(io::ErrorKind::IsADirectory.into()));
        }
        return fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(fail);
    }
    let temporary = beside(path);
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        fail(error)
    })
}

/// Opens a place for lines that are written as they come; `-` is standard output. A new file is for its owner alone: it
/// holds what the log holds.
pub(crate) fn lines(name: &str) -> Result<Box<dyn io::Write + Send>, Failure> {
    if name == "-" {
        return Ok(Box::new(io::stdout()));
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(name) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::usage(format!(
            "cannot write `{}`: {}",
            name.escape_debug(),
            reason(&error)
        ))
        .hint("choose another file")),
    }
}

/// Writes a file that only its owner reads, in a directory of the same kind.
pub(crate) fn write_own(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(dir)?;
    }
    let temporary = beside(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = fs::remove_file(&temporary);
    let written = options
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Who besides its owner can change what is at this place, and what puts that right. None where nobody can, and where
/// nothing is.
#[cfg(unix)]
pub(crate) fn open_to_others(path: &Path) -> Option<(String, String)> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::metadata(path).ok()?;
    let me = rustix::process::geteuid().as_raw();
    let shown = path.display();
    if meta.uid() != me && meta.uid() != 0 {
        return Some((
            format!("`{shown}` belongs to another user"),
            format!("chown {me} '{shown}'"),
        ));
    }
    (meta.mode() & 0o022 != 0).then(|| {
        (
            format!("others can change `{shown}`"),
            format!("chmod go-w '{shown}'"),
        )
    })
}

/// Elsewhere the system keeps homes apart.
#[cfg(not(unix))]
pub(crate) fn open_to_others(_: &Path) -> Option<(String, String)> {
    None
}

/// What lies directly in a directory.
pub(crate) fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// Can files be made in this directory? Makes it if it is not there.
pub(crate) fn try_directory(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    let probe = dir.join(format!(".probe.{}", std::process::id()));
    fs::write(&probe, "")?;
    fs::remove_file(&probe)
}

/// What the system said, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
