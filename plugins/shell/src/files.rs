//! The workspace as the interpreter's file system: every operation is one call of the host's `fs` interface.
//!
//! Nothing is checked here twice: which paths there are is the host's business. What the interface does not have (links,
//! modes) is refused, or remembered for the length of the call where scripts rely on it.

use std::{
    collections::HashMap,
    io::{Error as IoError, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use armature_plugin::fs::{self, Entry, Kind, Reason};
use bashkit::{DirEntry, FileType, FsBackend, Metadata, Result, async_trait};

/// Modes of files whose mode nobody set: the host does not say.
const PLAIN: u32 = 0o644;
const EXECUTABLE: u32 = 0o755;

/// What tools say where a right is missing.
pub(crate) const REFUSED: &str = "Permission denied";

/// Most places that are kept of those that could not be changed.
const MOST_REFUSED: usize = 100;

/// The workspace.
#[derive(Default)]
pub(crate) struct Workspace {
    /// What `chmod` said during this call.
    modes: Mutex<HashMap<PathBuf, u32>>,
    /// What could not be changed for want of a right, each once.
    refused: Mutex<Vec<String>>,
}

/// The path as the host takes it: relative to the workspace.
fn relative(path: &Path) -> Result<&str> {
    let text = path
        .to_str()
        .ok_or_else(|| IoError::new(ErrorKind::InvalidInput, "Invalid argument"))?;
    let text = text.trim_start_matches('/');
    Ok(if text.is_empty() { "." } else { text })
}

/// What a program of the system would have been told.
fn failed(error: fs::Error) -> bashkit::Error {
    let error = match error.reason {
        Reason::Denied(text) => {
            let text = format!("{REFUSED} ({text})");
            IoError::new(ErrorKind::PermissionDenied, text)
        }
        Reason::NotFound => IoError::from(ErrorKind::NotFound),
        Reason::InvalidPath(text) => IoError::new(ErrorKind::InvalidInput, text),
        Reason::NotAFile => IoError::other("not a regular file"),
        Reason::Exists => IoError::new(ErrorKind::AlreadyExists, "file exists"),
        Reason::NotEmpty => IoError::new(ErrorKind::DirectoryNotEmpty, "Directory not empty"),
        Reason::TooLarge => IoError::other("File too large (a limit of this call)"),
        other => IoError::other(format!("{other:?}")),
    };
    error.into()
}

impl Workspace {
    /// The error of what changes a place. Not every tool tells of each, so they are kept, to be told at the end; and
    /// where a right is missing it is an error that ends the tool, as an error of files would end the whole script.
    fn unchanged(&self, path: &Path, error: fs::Error) -> bashkit::Error {
        if matches!(error.reason, Reason::Denied(_)) {
            let name = relative(path).unwrap_or_default().to_owned();
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            if refused.len() < MOST_REFUSED && !refused.contains(&name) {
                refused.push(name);
            }
        }
        match failed(error) {
            bashkit::Error::Io(io) if io.kind() == ErrorKind::PermissionDenied => {
                bashkit::Error::Execution(io.to_string())
            }
            other => other,
        }
    }

    /// What could not be changed for want of a right.
    pub(crate) fn refused(&self) -> Vec<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone()
    }

    fn metadata(&self, path: &Path, entry: &Entry) -> Metadata {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(entry.modified_ms);
        let file_type = match entry.kind {
            Kind::File => FileType::File,
            Kind::Directory => FileType::Directory,
            Kind::Other => FileType::Symlink,
        };
        let modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let runs = entry.kind == Kind::Directory || !name.contains('.') || name.ends_with(".sh");
        let usual = if runs { EXECUTABLE } else { PLAIN };
        Metadata {
            file_type,
            size: entry.size,
            mode: modes.get(path).copied().unwrap_or(usual),
            modified,
            created: modified,
        }
    }
}

#[async_trait]
impl FsBackend for Workspace {
    async fn read(&self, path: &Path) -> Result<Vec<u8>> {
        fs::read(relative(path)?).map_err(failed)
    }

    async fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        fs::write(relative(path)?, content).map_err(|error| self.unchanged(path, error))
    }

    async fn append(&self, path: &Path, content: &[u8]) -> Result<()> {
        fs::append(relative(path)?, content).map_err(|error| self.unchanged(path, error))
    }

    async fn mkdir(&self, path: &Path, _recursive: bool) -> Result<()> {
        fs::make_directory(relative(path)?).map_err(|error| self.unchanged(path, error))
    }

    async fn remove(&self, path: &Path, recursive: bool) -> Result<()> {
        let name = relative(path)?;
        if recursive {
            fs::remove_all(name)
        } else {
            fs::remove(name)
        }
        .map_err(|error| self.unchanged(path, error))
    }

    async fn stat(&self, path: &Path) -> Result<Metadata> {
        let entry = fs::stat(relative(path)?).map_err(failed)?;
        Ok(self.metadata(path, &entry))
    }

    async fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>> {
        let entries = fs::list(relative(path)?).map_err(failed)?;
        Ok(entries
            .into_iter()
            .map(|entry| DirEntry {
                metadata: self.metadata(&path.join(&entry.name), &entry),
                name: entry.name,
            })
            .collect())
    }

    async fn exists(&self, path: &Path) -> Result<bool> {
        match fs::stat(relative(path)?) {
            Ok(_) => Ok(true),
            Err(error) => match error.reason {
                Reason::NotFound | Reason::NotAFile => Ok(false),
                // Where writing is granted and reading is not, the host says on writing whether there is a place.
                Reason::Denied(_) => Ok(true),
                _ => Err(failed(error)),
            },
        }
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(relative(from)?, relative(to)?).map_err(|error| self.unchanged(to, error))?;
        let mut modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mode) = modes.remove(from) {
            modes.insert(to.to_owned(), mode);
        }
        Ok(())
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        let content = fs::read(relative(from)?).map_err(failed)?;
        fs::write(relative(to)?, content).map_err(|error| self.unchanged(to, error))
    }

    async fn symlink(&self, _target: &Path, _link: &Path) -> Result<()> {
        let text = "Operation not permitted (there are no links in the workspace)";
        Err(IoError::new(ErrorKind::PermissionDenied, text).into())
    }

    async fn read_link(&self, _path: &Path) -> Result<PathBuf> {
        let text = "Operation not permitted (links are not followed)";
        Err(IoError::new(ErrorKind::PermissionDenied, text).into())
    }

    async fn chmod(&self, path: &Path, mode: u32) -> Result<()> {
        // It must be there; the mode lasts for this call.
        self.stat(path).await?;
        let mut modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner);
        modes.insert(path.to_owned(), mode);
        Ok(())
    }

    async fn set_modified_time(&self, path: &Path, time: SystemTime) -> Result<()> {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        fs::set_modified(relative(path)?, millis).map_err(|error| self.unchanged(path, error))
    }
}
