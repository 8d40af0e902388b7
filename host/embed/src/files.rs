//! The files of the weights, read whole and with an end: a folder may hold anything.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the module that opens the weights"
)]

use std::{fs::File, io::Read as _, path::Path};

use crate::EmbedError;

/// Most bytes of weights.
pub(crate) const WEIGHTS: u64 = 1 << 30;

/// Most bytes of a file that describes them.
pub(crate) const DESCRIPTION: u64 = 64 << 20;

/// A file of the folder.
pub(crate) fn read(dir: &Path, name: &str, most: u64) -> Result<Vec<u8>, EmbedError> {
    let file = dir.join(name);
    let fail = |why: String| EmbedError::Unreadable {
        file: file.clone(),
        why,
    };
    let mut bytes = Vec::new();
    File::open(&file)
        .and_then(|opened| opened.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| fail(error.kind().to_string()))?;
    if bytes.len() as u64 > most {
        return Err(fail(format!("it is larger than {} MiB", most >> 20)));
    }
    Ok(bytes)
}
