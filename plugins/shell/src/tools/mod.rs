//! The tools that this shell brings itself, where those of the interpreter do less than the usual programs do.
//!
//! Each is a builtin of the same name, which the interpreter takes instead of its own. They are held to the usual
//! programs by `tests/shell`: the same output, the same exit code. A tool that cannot do all that it was asked for does
//! the rest, says on standard error what it could not do, and ends with 1.

mod archive;
mod bc;
mod copy;
mod date;
mod diff;
mod instant;
mod list;
mod long;
mod make;
mod r#move;
mod options;
mod order;
mod pattern;
mod remove;
mod said;
mod target;
mod unpack;

use bashkit::{BashBuilder, Error, ExecResult};

/// Puts the tools in the place of the interpreter's.
pub(crate) fn register(builder: BashBuilder) -> BashBuilder {
    builder
        .builtin("bc", Box::new(bc::Bc))
        .builtin("cp", Box::new(copy::Cp))
        .builtin("date", Box::new(date::Date))
        .builtin("diff", Box::new(diff::Diff))
        .builtin("ls", Box::new(list::Ls))
        .builtin("mkdir", Box::new(make::Mkdir))
        .builtin("mv", Box::new(r#move::Mv))
        .builtin("rm", Box::new(remove::Rm))
        .builtin("tar", Box::new(archive::Tar))
        .builtin("zcat", Box::new(unpack::Zcat))
        .builtin("zgrep", Box::new(unpack::Zgrep))
}

/// What a tool has said so far.
#[derive(Default)]
struct Report {
    stdout: String,
    stderr: String,
}

impl Report {
    /// Something that could not be done; the tool goes on with the rest.
    fn fail(&mut self, tool: &str, text: impl AsRef<str>) {
        self.stderr += tool;
        self.stderr += ": ";
        self.stderr += text.as_ref();
        self.stderr.push('\n');
    }

    /// A line of output.
    fn say(&mut self, line: impl AsRef<str>) {
        self.stdout += line.as_ref();
        self.stdout.push('\n');
    }

    /// The end: exit code 1 where anything could not be done.
    fn end(self, failed: bool) -> ExecResult {
        ExecResult {
            stdout: self.stdout.into(),
            stderr: self.stderr.into(),
            exit_code: i32::from(failed),
            ..ExecResult::default()
        }
    }
}

/// Why something failed, in the words of the system.
fn reason(error: &Error) -> String {
    use std::io::ErrorKind;
    let io = match error {
        Error::Io(io) => io,
        // The text says which right is missing.
        Error::Execution(text) => return text.clone(),
        other => return other.to_string(),
    };
    match io.kind() {
        ErrorKind::NotFound => "No such file or directory".to_owned(),
        ErrorKind::IsADirectory => "Is a directory".to_owned(),
        ErrorKind::NotADirectory => "Not a directory".to_owned(),
        ErrorKind::AlreadyExists => "File exists".to_owned(),
        ErrorKind::DirectoryNotEmpty => "Directory not empty".to_owned(),
        _ => io.to_string(),
    }
}

/// Whether it failed because there is nothing of that name.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io(io) if io.kind() == std::io::ErrorKind::NotFound)
}

/// A name as messages show it.
fn quoted(name: &str) -> String {
    if name.contains('\'') {
        format!("\"{name}\"")
    } else {
        format!("'{name}'")
    }
}

/// The last part of a path, as the user wrote it.
fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// A path below a directory, as the user would write it.
fn below(folder: &str, name: &str) -> String {
    if folder.ends_with('/') {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}
