//! What waits for a person, as a person reads it: who asks, what, since when, and how to answer.

use std::path::Path;

use armature_store::{RunRecord, Waiting};

use super::{
    style,
    text::{self, MAX_ASKED},
};

/// What is asked, without where and how to answer.
pub(crate) fn question(asked: &Waiting) -> Vec<String> {
    let path = style::name(&text::line(&asked.path, 120));
    let message = text::visible(&asked.question.message);
    let Some(call) = &asked.question.call else {
        let message = text::bounded(&message, MAX_ASKED);
        return vec![
            format!("{} gate {path}", style::doubtful("?")),
            text::barred(&message),
        ];
    };
    let args = serde_json::to_string_pretty(&call.args).unwrap_or_default();
    let args = text::visible(&args);
    vec![
        format!(
            "{} {path} wants {} of plugin {}: {}",
            style::doubtful("?"),
            style::name(&text::line(&call.tool, 80)),
            text::line(&call.plugin, 80),
            text::line(&message, MAX_ASKED)
        ),
        format!(
            "  {}",
            text::indented(&text::bounded(&args, MAX_ASKED), "  ")
        ),
    ]
}

/// One question among those of all runs.
pub(crate) fn lines(run: &RunRecord, asked: &Waiting, home: Option<&Path>) -> Vec<String> {
    let mut lines = question(asked);
    lines.push(style::faint(&format!(
        "  {}, run {}, since {}",
        text::line(&run.workflow, 80),
        run.run_id,
        text::moment(&asked.question.since)
    )));
    lines.push(format!(
        "  {} --yes",
        command(run.run_id.as_str(), asked, home)
    ));
    lines
}

/// The command that answers it, but for the answer.
pub(crate) fn command(run: &str, asked: &Waiting, home: Option<&Path>) -> String {
    let name = asked.call_path().unwrap_or_else(|| asked.path.clone());
    let home = home.map_or_else(String::new, |home| {
        format!(" --home {}", quoted(&home.display().to_string()))
    });
    format!("armature approve{home} {run} {}", quoted(&name))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", text::visible(word).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        assert_eq!(quoted("child/inner"), "child/inner");
        assert_eq!(quoted("each[0]#1.1"), "'each[0]#1.1'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
