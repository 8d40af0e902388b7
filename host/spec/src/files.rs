//! The one file read of this crate.
#![expect(
    clippy::disallowed_methods,
    reason = "specs are read here and nowhere else in the crate"
)]

use std::{io::Read, path::Path};

use serde_json::{Map, Value};

use crate::{
    codes::Code,
    document::{Document, parse_for},
    finding::{Finding, Findings, SpecFile},
    location::Location,
    yaml::MAX_SOURCE_BYTES,
};

/// Reads a spec from a file, without inputs.
///
/// # Errors
/// As [`load_for`].
pub fn load(path: &Path) -> Result<Document, Findings> {
    load_for(path, &Map::new())
}

/// Reads a spec from a file, for a run with these inputs.
///
/// # Errors
/// As [`parse_for`], and for a file that is not there, is no regular file, is too long, or is no UTF-8.
pub fn load_for(path: &Path, inputs: &Map<String, Value>) -> Result<Document, Findings> {
    let name = path.display().to_string();
    let text = read(path)?;
    parse_for(&name, &text, inputs)
}

/// Is it a stream that whoever started the process opened for it, as `/dev/stdin` or `<(…)` of a shell are?
fn is_handed_over(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|place| path.starts_with(place))
}

fn read(path: &Path) -> Result<String, Findings> {
    let name = path.display().to_string();
    let unreadable =
        |message: String| Finding::new(Code::Unreadable, message).file(SpecFile::new(&name, ""));
    let failed = |why: std::io::Error| {
        let shown = path.display();
        let finding = match why.kind() {
            std::io::ErrorKind::NotFound => unreadable(format!("there is no file `{shown}`")),
            _ => unreadable(format!("`{shown}` cannot be read: {why}")),
        };
        Findings::from(finding)
    };
    // Looked at before it is opened: opening a pipe waits for whoever writes into it.
    let kind = std::fs::metadata(path).map_err(failed)?;
    if kind.is_dir() {
        return Err(unreadable(format!(
            "`{}` is a directory; name the spec in it",
            path.display()
        ))
        .into());
    }
    if !kind.is_file() && !is_handed_over(path) {
        let message = format!("`{}` is no regular file", path.display());
        return Err(unreadable(message)
            .hint("name the workflow's file, or hand it over as standard input: /dev/stdin")
            .into());
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    // Not the size that the file claims: what really comes.
    let limit = MAX_SOURCE_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "`{}` is longer than {MAX_SOURCE_BYTES} bytes",
            path.display()
        );
        return Err(unreadable(message).into());
    }
    String::from_utf8(bytes).map_err(|why| {
        let good = why.utf8_error().valid_up_to();
        let valid =
            String::from_utf8_lossy(why.as_bytes().get(..good).unwrap_or_default()).into_owned();
        let at = Location {
            length: 1,
            ..Location::of_offset(&valid, good)
        };
        unreadable("the file is no UTF-8".to_owned())
            .file(SpecFile::new(
                &name,
                &String::from_utf8_lossy(why.as_bytes()),
            ))
            .at(at)
            .hint("save it as UTF-8")
            .into()
    })
}
