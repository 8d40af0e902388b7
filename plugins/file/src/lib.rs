//! `file_read` and `file_write`: text files of the workspace.
//!
//! Which paths there are is the host's business: it refuses whatever is not granted or leads out of the workspace, so
//! nothing is checked here twice. The results have the shapes that workflows already rely on: a file that is missing
//! is a result with `error`, not a failure of the stage.

use armature_plugin::fs::Reason;
use armature_plugin::prelude::*;

/// Read a text file of the workspace and return its content.
///
/// A file that does not exist gives `{"error": "File not found: …"}`.
#[tool(effect = read_only)]
fn file_read(
    /// The file, relative to the workspace, e.g. `notes/today.md`.
    path: String,
) -> Result<Value, ToolError> {
    read_result(&path, fs::read_to_string(&path))
}

/// Create or replace a text file of the workspace, and the directories that lead to it.
#[tool(effect = workspace, reversibility = partial, idempotent)]
fn file_write(
    /// The file, relative to the workspace, e.g. `out/report.md`.
    path: String,
    /// The whole text that the file shall have.
    content: String,
) -> Result<Value, ToolError> {
    match fs::write(&path, content) {
        Ok(()) => Ok(json!({ "written": path })),
        Err(error) if error.reason == Reason::NotAFile => Err(ToolError::failed(format!(
            "{error}: something else is in its place, choose another path"
        ))),
        Err(error) => Err(error.into()),
    }
}

fn read_result(path: &str, read: Result<String, fs::Error>) -> Result<Value, ToolError> {
    match read {
        Ok(content) => Ok(json!({ "content": content })),
        Err(error) => match error.reason {
            Reason::NotFound => Ok(json!({ "error": format!("File not found: {path}") })),
            Reason::NotAFile => Err(ToolError::failed(format!(
                "{error}: name a file, not a directory or a link"
            ))),
            Reason::NotText => Err(ToolError::failed(format!(
                "{error}: file_read reads text only"
            ))),
            _ => Err(error.into()),
        },
    }
}

export_tools!(file_read, file_write);

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(reason: Reason) -> Result<Value, ToolError> {
        read_result(
            "a/b",
            Err(fs::Error {
                path: "a/b".into(),
                reason,
            }),
        )
    }

    #[test]
    fn a_missing_file_is_a_result_and_every_other_failure_is_an_error() {
        assert_eq!(
            read_result("a", Ok("x".into())),
            Ok(json!({"content": "x"}))
        );
        assert_eq!(
            failing(Reason::NotFound),
            Ok(json!({"error": "File not found: a/b"}))
        );
        assert!(matches!(
            failing(Reason::Denied("no".into())),
            Err(ToolError::Denied(_))
        ));
        assert!(matches!(
            failing(Reason::InvalidPath("..".into())),
            Err(ToolError::InvalidArguments(_))
        ));
        let ToolError::Failed(text) = failing(Reason::NotText).unwrap_err() else {
            panic!()
        };
        assert_eq!(text, "`a/b` is not UTF-8 text: file_read reads text only");
    }
}
