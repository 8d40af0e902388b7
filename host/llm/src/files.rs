//! The one place of this crate that reads a file: a scripted model's replies.
#![expect(
    clippy::disallowed_methods,
    reason = "this module is where the crate's files are read"
)]

use std::io::Read;
use std::path::Path;

/// Far more than any script written by hand, far less than would hurt.
const MAX_SCRIPT_BYTES: u64 = 4 << 20;

/// Reads a script, refusing one that is too large or not text.
pub(crate) fn read_script(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MAX_SCRIPT_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_SCRIPT_BYTES {
        return Err(format!("larger than {MAX_SCRIPT_BYTES} bytes"));
    }
    Ok(text)
}
