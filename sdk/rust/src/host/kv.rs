//! A small store of the plugin's own: the only memory it has, because every call starts in a fresh instance.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::tool::armature::plugin::kv as wit;

/// Why an operation did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not granted; the text names what was asked.
    Denied(String),
    /// The key cannot be one; the text says why.
    InvalidKey(String),
    /// The value is too large, or the store full.
    TooLarge,
    /// What is stored is not what the plugin expected to find there.
    Malformed(String),
    /// Anything else.
    Other(String),
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::InvalidKey(text) => Self::InvalidKey(text),
            wit::Error::TooLarge => Self::TooLarge,
            wit::Error::Other(text) => Self::Other(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) | Self::InvalidKey(text) | Self::Other(text) => f.write_str(text),
            Self::TooLarge => f.write_str("the value is too large, or the store is full"),
            Self::Malformed(text) => write!(f, "what is stored cannot be read: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// The bytes of a key, if there are any.
///
/// # Errors
/// [`Error::Denied`] without a `kv` grant.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(wit::get(key)?)
}

/// Sets a key.
///
/// # Errors
/// [`Error::Denied`] without a `kv` grant, [`Error::TooLarge`] when it does not fit, [`Error::InvalidKey`] for a key
/// that can be none.
pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
    Ok(wit::set(key, value.as_ref())?)
}

/// The value of a key that [`set_json`] wrote.
///
/// # Errors
/// Those of [`get`], and [`Error::Malformed`].
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    match get(key)? {
        Some(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::Malformed(error.to_string())),
        None => Ok(None),
    }
}

/// Sets a key to a value, as JSON.
///
/// # Errors
/// Those of [`set`], and [`Error::Malformed`] for a value that JSON cannot hold.
pub fn set_json(key: &str, value: &impl Serialize) -> Result<(), Error> {
    set(
        key,
        serde_json::to_vec(value).map_err(|error| Error::Malformed(error.to_string()))?,
    )
}

/// Forgets a key; forgetting what is not there is fine.
///
/// # Errors
/// [`Error::Denied`] without a `kv` grant.
pub fn delete(key: &str) -> Result<(), Error> {
    Ok(wit::delete(key)?)
}

/// The keys that start with `prefix`, sorted.
///
/// # Errors
/// [`Error::Denied`] without a `kv` grant.
pub fn keys(prefix: &str) -> Result<Vec<String>, Error> {
    Ok(wit::keys(prefix)?)
}
