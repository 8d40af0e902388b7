//! What is wrong with a spec, shown in its text: code, sentence, place, the line with a mark below it, and a hint.

use std::{fmt, sync::Arc};

use armature_spec::{Finding, Severity, SpecFile};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use serde_json::{Value, json};

use super::{screen::Screen, style, text};

/// So many problems are shown in full; the rest is counted.
const MAX_SHOWN: usize = 50;

/// Columns of a report.
const WIDTH: usize = 110;

/// A spec's text as reports show it.
fn shown_source(file: &SpecFile) -> NamedSource<String> {
    // A byte for a byte, so that places stay where they are.
    let clean: String = file
        .text
        .chars()
        .flat_map(|c| {
            let hidden = c.is_control() && !matches!(c, '\n' | '\t');
            let times = if hidden { c.len_utf8() } else { 1 };
            std::iter::repeat_n(if hidden { '?' } else { c }, times)
        })
        .collect();
    NamedSource::new(text::visible(&file.name), clean)
}

/// Shows findings on standard error, each in the text of its file.
pub(crate) fn show(screen: &Screen, findings: &[Finding]) {
    let mut last: Option<(&SpecFile, NamedSource<String>)> = None;
    for finding in findings.iter().take(MAX_SHOWN) {
        match (&finding.file, &last) {
            (Some(file), Some((shown, _))) if Arc::ptr_eq(&file.text, &shown.text) => {}
            (Some(file), _) => last = Some((file, shown_source(file))),
            (None, _) => last = None,
        }
        let source = last.as_ref().map(|(_, source)| source);
        screen.say(render(finding, source, screen.err_has_colour()).trim_end());
        if let Some(hint) = &finding.hint {
            screen.hint(hint);
        }
    }
    let more = findings.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        screen.say(&format!("… and {} more", text::length(more, "problem")));
    }
}

/// `2 errors, 1 warning`.
pub(crate) fn counts(findings: &[Finding]) -> String {
    let of = |severity: Severity| findings.iter().filter(|f| f.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let errors = (errors > 0).then(|| text::length(errors, "error"));
    let warnings = (warnings > 0).then(|| text::length(warnings, "warning"));
    [errors, warnings]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// A finding as data.
pub(crate) fn as_json(finding: &Finding) -> Value {
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "stage": finding.stage,
        "file": finding.file.as_ref().map(|file| &*file.name),
        "line": finding.at.map(|at| at.line),
        "column": finding.at.map(|at| at.column),
        "length": finding.at.map(|at| at.length),
        "hint": finding.hint,
    })
}

fn render(finding: &Finding, source: Option<&NamedSource<String>>, colour: bool) -> String {
    let head = format!("{}[{}]", finding.severity, finding.code);
    let head = match finding.severity {
        Severity::Error => style::bad(&head),
        Severity::Warning => style::doubtful(&head),
    };
    let stage = finding
        .stage
        .as_deref()
        .map(|stage| format!("stage `{}`: ", stage.escape_debug()))
        .unwrap_or_default();
    let sentence = format!("{head}: {stage}{}", text::visible(&finding.message));
    let Some(source) = source else {
        return sentence;
    };
    let arrow = format!("{sentence}\n  {} {}", style::faint("-->"), source.name());
    let Some(at) = finding.at.filter(|_| !source.inner().is_empty()) else {
        return arrow;
    };
    // An empty place is marked as one character wide.
    let length = at.length.min(line_rest(source.inner(), at.offset)).max(1);
    let report = Report {
        source,
        span: LabeledSpan::underline((at.offset.min(source.inner().len()), length)),
    };
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut snippet = String::new();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(WIDTH)
        .with_context_lines(1);
    if handler.render_report(&mut snippet, &report).is_err() {
        return format!("{arrow}:{at}");
    }
    // The first line is the report's own sentence, which is empty: ours stands in its place.
    let snippet: Vec<&str> = snippet
        .lines()
        .filter(|line| line.contains(['│', '╭', '·', '╰']))
        .collect();
    format!("{sentence}\n{}", snippet.join("\n"))
}

/// Bytes until the line ends: a mark below several lines says less than one below the first.
fn line_rest(source: &str, offset: usize) -> usize {
    let rest = source.get(offset..).unwrap_or_default();
    rest.find('\n').unwrap_or(rest.len())
}

/// A place in a text, in the form that the renderer takes.
struct Report<'a> {
    source: &'a NamedSource<String>,
    span: LabeledSpan,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("here")
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.span.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_in_the_text_that_it_is_about() {
        let source = "name: x\nstages:\n  - id: ü\u{1b}\n    adapter: nope\n";
        let document =
            armature_spec::parse("a.yml", "name: x\nstages:\n  - id: ü\n    adapter: nope\n")
                .unwrap();
        let at = document
            .source
            .locate(armature_spec::path!["stages", 0, "adapter"]);
        let at = armature_spec::Location {
            offset: at.offset + 1,
            ..at
        };
        let file = SpecFile::new("a.yml", source);
        let finding = Finding::new(armature_spec::Code::UndefinedAdapter, "no adapter `nope`")
            .stage("ü")
            .file(file.clone())
            .at(at);
        let shown = render(&finding, Some(&shown_source(&file)), false);
        let shown = anstream::adapter::strip_str(&shown).to_string();
        assert!(shown.contains("error[UNDEFINED_ADAPTER]"), "{shown}");
        assert!(shown.contains("[a.yml:4:14]"), "{shown}");
        assert!(shown.contains("4 │     adapter: nope"), "{shown}");
        assert!(shown.contains("────"), "{shown}");
        assert!(shown.contains("3 │   - id: ü?"), "{shown:?}");
    }
}
