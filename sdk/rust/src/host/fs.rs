//! Whole files under the directories that were granted. Paths are relative to the workspace, with `/` between names.

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
    /// A directory, a link, a device.
    NotAFile,
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
    Ok(entries
        .into_iter()
        .map(|entry| Entry {
            name: entry.name,
            kind: match entry.kind {
                wit::Kind::File => Kind::File,
                wit::Kind::Directory => Kind::Directory,
                wit::Kind::Other => Kind::Other,
            },
            size: entry.size,
        })
        .collect())
}
