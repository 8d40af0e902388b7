//! Files and directories below the directories that were granted. Paths are relative to the workspace, with `/` between names.

use std::fmt;

use crate::bindings::tool::armature::plugin::fs as wit;

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, a device, a pipe: nothing that can be read.
    Other,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the directory.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes, 0 for anything but a file.
    pub size: u64,
    /// When its content changed last: milliseconds since 1970.
    pub modified_ms: u64,
}

impl From<wit::Entry> for Entry {
    fn from(entry: wit::Entry) -> Self {
        Self {
            name: entry.name,
            kind: match entry.kind {
                wit::Kind::File => Kind::File,
                wit::Kind::Directory => Kind::Directory,
                wit::Kind::Other => Kind::Other,
            },
            size: entry.size,
            modified_ms: entry.modified_ms,
        }
    }
}

/// Why a file operation did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The path as it was asked for.
    pub path: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Not granted; the text names what was asked.
    Denied(String),
    /// Nothing is there.
    NotFound,
    /// Absolute, with `..` in it, or otherwise not a path of the workspace.
    InvalidPath(String),
    /// A directory, a link, a device; or no directory where one is asked for.
    NotAFile,
    /// Something is there already.
    Exists,
    /// The directory has something in it.
    NotEmpty,
    /// More bytes or entries than the limits allow.
    TooLarge,
    /// [`read_to_string`] met bytes that are not UTF-8.
    NotText,
    /// Anything else.
    Other(String),
}

impl Error {
    fn new(path: &str, reason: Reason) -> Self {
        Self {
            path: path.to_owned(),
            reason,
        }
    }

    fn from_wit(path: &str, error: wit::Error) -> Self {
        let reason = match error {
            wit::Error::Denied(text) => Reason::Denied(text),
            wit::Error::NotFound => Reason::NotFound,
            wit::Error::InvalidPath(text) => Reason::InvalidPath(text),
            wit::Error::NotAFile => Reason::NotAFile,
            wit::Error::Exists => Reason::Exists,
            wit::Error::NotEmpty => Reason::NotEmpty,
            wit::Error::TooLarge => Reason::TooLarge,
            wit::Error::Other(text) => Reason::Other(text),
        };
        Self::new(path, reason)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            Reason::Denied(text) => f.write_str(text),
            Reason::NotFound => write!(f, "`{path}` does not exist"),
            Reason::InvalidPath(text) => {
                write!(f, "`{path}` is not a path of the workspace: {text}")
            }
            Reason::NotAFile => write!(f, "`{path}` is not a regular file"),
            Reason::Exists => write!(f, "`{path}` is there already"),
            Reason::NotEmpty => write!(f, "`{path}` is not empty"),
            Reason::TooLarge => write!(f, "`{path}` is larger than the limits allow"),
            Reason::NotText => write!(f, "`{path}` is not UTF-8 text"),
            Reason::Other(text) => write!(f, "`{path}`: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// The whole content of a file.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn read(path: &str) -> Result<Vec<u8>, Error> {
    wit::read(path).map_err(|error| Error::from_wit(path, error))
}

/// The whole content of a text file.
///
/// # Errors
/// [`Error`] with the path and the reason, [`Reason::NotText`] among them.
pub fn read_to_string(path: &str) -> Result<String, Error> {
    String::from_utf8(read(path)?).map_err(|_| Error::new(path, Reason::NotText))
}

/// Creates or replaces a file, and the directories that lead to it. It appears complete or not at all.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn write(path: &str, content: impl AsRef<[u8]>) -> Result<(), Error> {
    wit::write(path, content.as_ref()).map_err(|error| Error::from_wit(path, error))
}

/// The entries of a directory, sorted by name; `.` is the workspace.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn list(path: &str) -> Result<Vec<Entry>, Error> {
    let entries = wit::list(path).map_err(|error| Error::from_wit(path, error))?;
    Ok(entries.into_iter().map(Entry::from).collect())
}

/// Adds to the end of a file; creates it, and the directories that lead to it, if it is not there.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn append(path: &str, content: impl AsRef<[u8]>) -> Result<(), Error> {
    wit::append(path, content.as_ref()).map_err(|error| Error::from_wit(path, error))
}

/// What is at a path; a link is [`Kind::Other`].
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn stat(path: &str) -> Result<Entry, Error> {
    wit::stat(path)
        .map(Entry::from)
        .map_err(|error| Error::from_wit(path, error))
}

/// Creates a directory and those that lead to it; one that is there already is fine.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn make_directory(path: &str) -> Result<(), Error> {
    wit::make_directory(path).map_err(|error| Error::from_wit(path, error))
}

/// Removes a file or an empty directory.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn remove(path: &str) -> Result<(), Error> {
    wit::remove(path, false).map_err(|error| Error::from_wit(path, error))
}

/// Removes a file, or a directory with everything in it.
///
/// # Errors
/// [`Error`] with the path and the reason; nothing is removed of a tree in which something belongs to the host.
pub fn remove_all(path: &str) -> Result<(), Error> {
    wit::remove(path, true).map_err(|error| Error::from_wit(path, error))
}

/// Moves a file or a directory.
///
/// # Errors
/// [`Error`] with the old path and the reason.
pub fn rename(old: &str, new: &str) -> Result<(), Error> {
    wit::rename(old, new).map_err(|error| Error::from_wit(old, error))
}

/// Says when the content of a file changed last.
///
/// # Errors
/// [`Error`] with the path and the reason.
pub fn set_modified(path: &str, modified_ms: u64) -> Result<(), Error> {
    wit::set_modified(path, modified_ms).map_err(|error| Error::from_wit(path, error))
}
