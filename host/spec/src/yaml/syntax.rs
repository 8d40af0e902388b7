//! What is said about text that is no YAML, or none that is taken.

use saphyr_parser::{ScanError, Tag};

use crate::location::{ByteIndex, Location};

/// Why a text is no YAML, or none that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Location,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// What the parser found, at its place.
pub(super) fn not_yaml(text: &str, bytes: &ByteIndex<'_>, why: &ScanError) -> SyntaxError {
    let mark = why.marker();
    let offset = bytes.byte(mark.index());
    let at = Location {
        line: mark.line(),
        column: mark.col() + 1,
        offset,
        length: 0,
    };
    let hint = template_hint(text, at.offset)
        .or_else(|| layout_hint(text, at, why.info()))
        .unwrap_or_else(|| {
            "look at the indentation and the quotes of this line and the one before it".to_owned()
        });
    let hint = Some(hint);
    SyntaxError {
        at,
        message: format!("this is not YAML: {}", plainly(why.info())),
        hint,
    }
}

/// The usual slips: a tab, or a colon in a text without quotes.
fn layout_hint(text: &str, at: Location, info: &str) -> Option<String> {
    let line = text.lines().nth(at.line.saturating_sub(1))?;
    if line.starts_with('\t') {
        return Some("indent with spaces; YAML takes no tabs there".to_owned());
    }
    info.contains("mapping values")
        .then(|| "a text with `: ` in it needs quotes, or `|` and lines of its own".to_owned())
}

/// When the line has a value that starts with a template and no quotes: that is what went wrong.
pub(super) fn template_hint(text: &str, offset: usize) -> Option<String> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next()?;
    let value = line
        .split_once(": ")
        .map_or(line, |(_, value)| value)
        .trim_start_matches(['-', ' ']);
    (value.starts_with("{{") || value.starts_with("{%")).then(|| {
        let shown: String = value.trim().chars().take(60).collect();
        format!("put quotes around a value that starts with a template: '{shown}'")
    })
}

/// The parser's words, where they need some.
fn plainly(info: &str) -> &str {
    if info.contains("simple key") {
        "a key without `:` behind it"
    } else {
        info
    }
}

/// A tag of the core schema that says what is there anyway is taken; every other is not.
pub(super) fn check_tag(tag: Option<&Tag>, allowed: &str, at: Location) -> Result<(), SyntaxError> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == allowed) => {
            Err(unknown_tag(Some(tag), at))
        }
        _ => Ok(()),
    }
}

pub(super) fn unknown_tag(tag: Option<&Tag>, at: Location) -> SyntaxError {
    let shown: String = tag
        .map(ToString::to_string)
        .unwrap_or_default()
        .chars()
        .take(60)
        .collect();
    SyntaxError {
        at,
        message: format!("the tag `{}` is not taken", shown.escape_debug()),
        hint: Some("remove the tag; quote the value if a text is meant".to_owned()),
    }
}

pub(super) fn error(at: Location, message: impl Into<String>) -> SyntaxError {
    let message = message.into();
    let hint = if message.contains("more than") {
        "split the workflow: a stage can run another spec with `subagent_spec`"
    } else if message.contains("alias") {
        "write the value out where it is needed"
    } else {
        "look at the indentation and the quotes of this line and the one before it"
    };
    SyntaxError {
        at,
        message,
        hint: Some(hint.to_owned()),
    }
}
