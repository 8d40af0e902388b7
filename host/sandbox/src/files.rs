//! The one module of this crate that touches the host's file system by path: plugins, manifests, the compiled cache.
//! What guests read and write goes through [`crate::Workspace`] instead.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the module that the others ask"
)]

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::error::LoadError;

fn unreadable(path: &Path, why: impl ToString) -> LoadError {
    LoadError::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// A whole regular file, read once through one handle, at most `longest` bytes. `Ok(None)` when it is longer.
pub(crate) fn read_bounded(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, LoadError> {
    // Asked before it is opened: opening a pipe would wait for its other end.
    let kind = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if !kind.is_file() {
        return Err(unreadable(path, "not a regular file"));
    }
    let file = fs::File::open(path).map_err(|e| unreadable(path, e))?;
    let meta = file.metadata().map_err(|e| unreadable(path, e))?;
    if !meta.is_file() {
        return Err(unreadable(path, "not a regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(longest)).unwrap_or(0));
    file.take(longest.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(path, e))?;
    Ok((bytes.len() as u64 <= longest).then_some(bytes))
}

/// A text file, if it is there.
pub(crate) fn read_text_if_there(path: &Path, longest: u64) -> Result<Option<String>, LoadError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read_bounded(path, longest)?
        .ok_or_else(|| unreadable(path, format!("longer than {longest} bytes")))?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| unreadable(path, "not UTF-8 text"))
}

/// The entries of a directory, sorted; nothing if there is no such directory.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(dir)
        .and_then(|list| {
            list.map(|entry| entry.map(|e| e.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|e| unreadable(dir, e))?;
    paths.sort();
    Ok(paths)
}

/// A directory that only its owner can enter.
pub(crate) fn private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // Somebody else's directory, or one that others may write to, vouches for nothing.
        let meta = fs::symlink_metadata(path)?;
        if !meta.is_dir() || meta.mode() & 0o022 != 0 {
            return Err(std::io::Error::other("others may write to this directory"));
        }
        // Who we are is asked of a file that we make: the standard library has no other way to say it.
        let probe = path.join(format!("probe-{:016x}", rand::random::<u64>()));
        write_own(&probe, &[])?;
        let ours = fs::symlink_metadata(&probe).map(|file| file.uid());
        let _ = fs::remove_file(&probe);
        if meta.uid() != ours? {
            return Err(std::io::Error::other(
                "this directory belongs to somebody else",
            ));
        }
    }
    Ok(())
}

/// A file of our own, without following a link; `None` if there is none or it is not a regular file.
pub(crate) fn read_own(path: &Path) -> Option<Vec<u8>> {
    let meta = fs::symlink_metadata(path).ok()?;
    if !meta.is_file() {
        return None;
    }
    fs::read(path).ok()
}

/// Which file it is, and in which state: another file, or another content, has another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// When anything about it changed last. Nobody can set that.
    changed: (i64, i64),
}

impl Identity {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let numbers = [self.device, self.inode, self.size];
        let times = [self.modified, self.changed];
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        let times = times.iter().flat_map(|(s, ns)| [*s, *ns]);
        numbers.chain(times.flat_map(i64::to_le_bytes)).collect()
    }

    /// Has it been left alone for longer than any clock of a file system needs for a tick?
    pub(crate) fn has_rested(&self) -> bool {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH);
        since
            .is_ok_and(|now| i64::try_from(now.as_secs()).is_ok_and(|now| now > self.changed.0 + 2))
    }
}

/// The identity of a regular file; none where the system cannot tell when it was changed last.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(path).ok()?;
    meta.is_file().then(|| Identity {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    })
}

/// The identity of a regular file; none where the system cannot tell when it was changed last.
#[cfg(not(unix))]
pub(crate) fn identity(_: &Path) -> Option<Identity> {
    None
}

/// Writes a file that only its owner can read, complete or not at all.
pub(crate) fn write_own(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let unique = format!(".{}-{:016x}", std::process::id(), rand::random::<u64>());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(unique);
    let temporary = PathBuf::from(temporary);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&temporary)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
}
