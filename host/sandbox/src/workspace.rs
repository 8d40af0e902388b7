//! The files that guests see: files and directories below one directory, reached by walking from its handle.
//!
//! Every name on the way is opened without following links, so a link planted by one plugin leads another nowhere and
//! there is no moment between a check and an open. Only regular files are read and written. Some names belong to the
//! host whatever was granted: `.git` and `.armature` for everything, and for writing also the spec, the lock and the
//! directories that plugins are loaded from, because who writes those grants himself rights in the next run. What moves
//! or removes whole directories is in `tree`, what changes a file in place is in `place`.

mod place;
mod tree;
mod view;

pub(crate) use view::{Seen, View};

use std::{
    io::{self, Read as _, Write as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use armature_grants::RelPath;
use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata, OpenOptions},
};

/// Names that no guest reads or writes, in any letter case.
const RESERVED: &[&str] = &[".git", ".armature"];

/// Names that no guest writes, in any letter case.
const RESERVED_FOR_WRITING: &[&str] = &["armature.lock"];

/// What the system says of a link that is not to be followed (ELOOP); the standard library has no name for it yet.
const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// Why a file operation did not happen. No variant names a place of the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The name belongs to the host.
    #[error("`{0}` belongs to armature or to version control and is never open to tools")]
    Reserved(String),
    /// Nothing is there.
    #[error("not found")]
    NotFound,
    /// A link, a directory, a device.
    #[error("not a regular file, or a link on the way to it")]
    NotAFile,
    /// Something is there already.
    #[error("something is there already")]
    Exists,
    /// A directory with something in it.
    #[error("the directory is not empty")]
    NotEmpty,
    /// More than the limits allow.
    #[error("too large")]
    TooLarge,
    /// Anything else the system said, without a path.
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Self::NotAFile,
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::DirectoryNotEmpty => Self::NotEmpty,
            _ if error.raw_os_error() == Some(TOO_MANY_LINKS) => Self::NotAFile,
            kind => Self::Other(kind.to_string()),
        }
    }
}

/// Does a name belong to the host wherever it stands?
fn is_reserved(name: &str, writing: bool) -> bool {
    // Some file systems drop what ends a name: `.git.` and `.git ` are `.git` there.
    let plain = name.trim_end_matches(['.', ' ']);
    let is = |names: &[&str]| {
        names
            .iter()
            .any(|reserved| plain.eq_ignore_ascii_case(reserved))
    };
    is(RESERVED) || (writing && is(RESERVED_FOR_WRITING))
}

/// Is a path at or below another on some file system: one that ignores case, or what ends a name?
fn is_under_in_any_spelling(path: &RelPath, root: &RelPath) -> bool {
    let mut names = path.names();
    let plain = |name: &str| name.trim_end_matches(['.', ' ']).to_lowercase();
    root.names()
        .all(|held| names.next().is_some_and(|name| plain(name) == plain(held)))
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else, links included.
    Other,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes, 0 for anything but a file.
    pub size: u64,
    /// When its content changed last, in milliseconds since 1970; 0 where nobody knows.
    pub modified_ms: u64,
}

impl Entry {
    fn new(name: String, meta: &Metadata) -> Self {
        let modified = meta.modified().ok().and_then(|time| {
            let since = time
                .into_std()
                .duration_since(SystemTime::UNIX_EPOCH)
                .ok()?;
            u64::try_from(since.as_millis()).ok()
        });
        let (kind, size) = if meta.is_file() {
            (EntryKind::File, meta.len())
        } else if meta.is_dir() {
            (EntryKind::Directory, 0)
        } else {
            (EntryKind::Other, 0)
        };
        Self {
            name,
            kind,
            size,
            modified_ms: modified.unwrap_or(0),
        }
    }
}

/// A change is made for as long as it is wanted: whoever sets this to false can rely on it that nothing changes any more.
pub(crate) type Wanted = Mutex<bool>;

fn unwanted() -> io::Error {
    io::Error::other("the call ended before it was done")
}

fn still_wanted(wanted: &Wanted) -> Result<MutexGuard<'_, bool>, FileError> {
    let still = wanted.lock().unwrap_or_else(PoisonError::into_inner);
    if *still {
        Ok(still)
    } else {
        Err(unwanted().into())
    }
}

/// A directory that guests may work in, as far as their rights go.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: Arc<Dir>,
    /// Paths below it that no guest writes.
    read_only: Arc<[RelPath]>,
    /// Paths below it that no guest reads or writes.
    closed: Arc<[RelPath]>,
}

impl Workspace {
    /// Opens a directory. `read_only` are paths below it that belong to the host: specs, plugin directories.
    ///
    /// # Errors
    /// What the system says when the directory cannot be opened.
    pub fn open(path: &Path, read_only: Vec<RelPath>) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self {
            root: Arc::new(root),
            read_only: read_only.into(),
            closed: Arc::default(),
        })
    }

    /// The same directory, with paths below it that are closed for reading too: armature's own files.
    #[must_use]
    pub fn closing(mut self, closed: Vec<RelPath>) -> Self {
        self.closed = closed.into();
        self
    }

    fn check(&self, path: &RelPath, writing: bool) -> Result<(), FileError> {
        if let Some(name) = path.names().find(|name| is_reserved(name, writing)) {
            return Err(FileError::Reserved(name.to_owned()));
        }
        let held_for_writing = self.read_only.iter().filter(|_| writing);
        match self
            .closed
            .iter()
            .chain(held_for_writing)
            .find(|held| is_under_in_any_spelling(path, held))
        {
            Some(held) => Err(FileError::Reserved(held.to_string())),
            None => Ok(()),
        }
    }

    /// The directory that holds the last name of a path, and that name.
    fn walk<'p>(&self, path: &'p RelPath, create: bool) -> Result<(Dir, &'p str), FileError> {
        let mut names: Vec<&str> = path.names().collect();
        let last = names.pop().ok_or(FileError::NotAFile)?;
        let mut dir = self.root.try_clone()?;
        for name in names {
            dir = match dir.open_dir_nofollow(name) {
                Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                    match dir.create_dir(name) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                    dir.open_dir_nofollow(name)?
                }
                opened => opened?,
            };
        }
        Ok((dir, last))
    }

    /// The directory at a path, reached without following a link.
    fn directory(&self, path: &RelPath) -> Result<Dir, FileError> {
        let mut dir = self.root.try_clone()?;
        for name in path.names() {
            dir = dir.open_dir_nofollow(name)?;
        }
        Ok(dir)
    }

    /// A whole regular file of at most `longest` bytes.
    ///
    /// # Errors
    /// [`FileError`]; links are [`FileError::NotAFile`].
    pub fn read(&self, path: &RelPath, longest: u64) -> Result<Vec<u8>, FileError> {
        self.check(path, false)?;
        let (dir, name) = self.walk(path, false)?;
        let mut options = OpenOptions::new();
        // Without blocking: opening a pipe that nobody writes to would wait for ever.
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let file = dir.open_with(name, &options)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(FileError::NotAFile);
        }
        if meta.len() > longest {
            return Err(FileError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
        file.take(longest.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > longest {
            Err(FileError::TooLarge)
        } else {
            Ok(bytes)
        }
    }

    /// Creates or replaces a file, complete or not at all, with the directories that lead to it.
    ///
    /// # Errors
    /// [`FileError`]; a name that is a link or a directory is [`FileError::NotAFile`].
    pub fn write(&self, path: &RelPath, content: &[u8]) -> Result<(), FileError> {
        self.write_while(&Mutex::new(true), path, content)
    }

    /// As [`Self::write`], for as long as it is wanted.
    ///
    /// # Errors
    /// As [`Self::write`], and [`FileError::Other`] when it was not wanted any more.
    pub(crate) fn write_while(
        &self,
        wanted: &Wanted,
        path: &RelPath,
        content: &[u8],
    ) -> Result<(), FileError> {
        self.check(path, true)?;
        drop(still_wanted(wanted)?);
        let (dir, name) = self.walk(path, true)?;
        let permissions = match dir.symlink_metadata(name) {
            Ok(meta) if !meta.is_file() => return Err(FileError::NotAFile),
            Ok(meta) => Some(meta.permissions()),
            Err(_) => None,
        };
        // Not made of the name: that may be as long as the system allows.
        let temporary = format!(".armature-{:016x}.tmp", rand::random::<u64>());
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .follow(FollowSymlinks::No);
        let mut file = dir.open_with(&temporary, &options)?;
        let written = file
            .write_all(content)
            .and_then(|()| permissions.map_or(Ok(()), |kept| file.set_permissions(kept)))
            .and_then(|()| {
                // Held until the name is there: nothing happens between the question and the answer.
                let still = wanted.lock().unwrap_or_else(PoisonError::into_inner);
                if *still {
                    dir.rename(&temporary, &dir, name)
                } else {
                    Err(unwanted())
                }
            });
        if let Err(error) = written {
            let _ = dir.remove_file(&temporary);
            return Err(error.into());
        }
        Ok(())
    }

    /// The entries of a directory, sorted by name, at most `most` of them; what belongs to the host is not among them.
    ///
    /// # Errors
    /// [`FileError`]; more entries are [`FileError::TooLarge`].
    pub fn list(&self, path: &RelPath, most: u64) -> Result<Vec<Entry>, FileError> {
        self.check(path, false)?;
        let dir = self.directory(path)?;
        let mut entries = Vec::new();
        for entry in dir.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // A name that no path can have is no secret: it may be seen, and cannot be opened.
            let is_held = RelPath::new(&format!("{path}/{name}"))
                .is_ok_and(|path| self.check(&path, false).is_err());
            if is_held {
                continue;
            }
            if entries.len() as u64 >= most {
                return Err(FileError::TooLarge);
            }
            // What is gone since it was listed is not there.
            if let Ok(meta) = entry.metadata() {
                entries.push(Entry::new(name, &meta));
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

#[cfg(test)]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "a test prepares its own files")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let outer = tempfile::tempdir().unwrap();
        std::fs::write(outer.path().join("secret"), "outside").unwrap();
        let inner = outer.path().join("work");
        std::fs::create_dir_all(inner.join("dir")).unwrap();
        std::fs::write(inner.join("dir/file"), "inside").unwrap();
        let workspace = Workspace::open(&inner, vec![path("plugins"), path("spec.yml")]).unwrap();
        (outer, workspace)
    }

    #[test]
    fn a_link_leads_nowhere_wherever_it_stands_in_the_path() {
        let (outer, workspace) = workspace();
        let inner = outer.path().join("work");
        symlink("../secret", inner.join("link")).unwrap();
        symlink("..", inner.join("up")).unwrap();
        symlink("dir", inner.join("same")).unwrap();
        for text in ["link", "up/secret", "same/file"] {
            assert_eq!(
                workspace.read(&path(text), 100),
                Err(FileError::NotAFile),
                "{text}"
            );
            assert_eq!(
                workspace.write(&path(text), b"x"),
                Err(FileError::NotAFile),
                "{text}"
            );
        }
        assert_eq!(
            std::fs::read_to_string(outer.path().join("secret")).unwrap(),
            "outside"
        );
        assert_eq!(workspace.read(&path("dir/file"), 100).unwrap(), b"inside");
    }

    #[test]
    fn a_file_that_nobody_wants_any_more_is_not_written_and_leaves_nothing() {
        let (_outer, workspace) = workspace();
        let wanted = Mutex::new(false);
        for text in ["dir/file", "new", "new/dir/file"] {
            let refused = workspace.write_while(&wanted, &path(text), b"late");
            assert!(matches!(refused, Err(FileError::Other(_))), "{refused:?}");
        }
        assert_eq!(workspace.read(&path("dir/file"), 9).unwrap(), b"inside");
        let names = workspace.list(&path("."), 9).unwrap();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn what_belongs_to_the_host_is_closed_whatever_is_granted() {
        let (_outer, workspace) = workspace();
        for text in [
            ".git/hooks/pre-commit",
            "dir/.GIT/config",
            ".armature/policy.toml",
            ".git./x",
        ] {
            assert!(
                matches!(workspace.read(&path(text), 9), Err(FileError::Reserved(_))),
                "{text}"
            );
            assert!(
                matches!(
                    workspace.write(&path(text), b""),
                    Err(FileError::Reserved(_))
                ),
                "{text}"
            );
        }
        for text in ["plugins/x.wasm", "spec.yml", "armature.lock"] {
            assert!(
                matches!(
                    workspace.write(&path(text), b""),
                    Err(FileError::Reserved(_))
                ),
                "{text}"
            );
        }
        assert_eq!(
            workspace.read(&path("plugins/x.wasm"), 9),
            Err(FileError::NotFound)
        );
    }

    #[test]
    fn what_is_closed_is_not_read_and_not_listed_in_any_spelling() {
        let (_outer, workspace) = workspace();
        workspace.write(&path("state/policy.toml"), b"x").unwrap();
        let workspace = workspace.closing(vec![path("state")]);
        for text in ["state/policy.toml", "State/policy.toml", "state./x"] {
            assert!(
                matches!(workspace.read(&path(text), 9), Err(FileError::Reserved(_))),
                "{text}"
            );
            assert!(
                matches!(
                    workspace.write(&path(text), b""),
                    Err(FileError::Reserved(_))
                ),
                "{text}"
            );
        }
        assert!(workspace.list(&path("state"), 9).is_err());
        let names: Vec<String> = workspace
            .list(&path("."), 9)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["dir"]);
    }

    #[test]
    fn a_pipe_is_refused_and_nobody_waits_for_its_other_end() {
        let (outer, workspace) = workspace();
        let fifo = outer.path().join("work/pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        assert_eq!(workspace.read(&path("pipe"), 9), Err(FileError::NotAFile));
        assert_eq!(
            workspace.write(&path("pipe"), b""),
            Err(FileError::NotAFile)
        );
    }

    #[test]
    fn files_are_written_whole_and_nothing_else_stays_behind() {
        let (_outer, workspace) = workspace();
        workspace.write(&path("new/deep/file"), b"one").unwrap();
        workspace.write(&path("new/deep/file"), b"two").unwrap();
        assert_eq!(workspace.read(&path("new/deep/file"), 9).unwrap(), b"two");
        let names: Vec<String> = workspace
            .list(&path("new/deep"), 9)
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["file"]);
        assert_eq!(
            workspace.read(&path("new/deep/file"), 2),
            Err(FileError::TooLarge)
        );
    }
}
