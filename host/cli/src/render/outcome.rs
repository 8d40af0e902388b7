//! How a run ended: the result, the last line, and what to do next.

use armature_engine::{ResumeProblem, RunError, RunReport, Summary};
use armature_spec::Contract;
use serde_json::Value;

use super::{progress::Tally, screen::Screen, style, text};
use crate::{exit::Exit, failure::Failure};

/// A value as a person reads it: text as it is, and everything else as JSON.
pub(crate) fn readable(value: &Value) -> String {
    match value {
        Value::String(content) => content.clone(),
        // What a model's text is wrapped in.
        Value::Object(map) if map.len() == 1 => match map.get("content") {
            Some(Value::String(content)) => content.clone(),
            _ => pretty(value),
        },
        _ => pretty(value),
    }
}

/// JSON on several lines.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// The last line of a run that came to its end.
pub(crate) fn summary(report: &RunReport, tally: &Tally) -> String {
    let summary = &report.summary;
    let done = format!(
        "Done in {} — {} ran, {} skipped, {} failed, {} blocked",
        seconds(summary.elapsed_s),
        summary.stages_ran,
        summary.stages_skipped,
        summary.stages_failed,
        tally.blocked + tally.denied,
    );
    [vec![done], tally.used()].concat().join(" · ")
}

fn seconds(elapsed: f64) -> String {
    match elapsed {
        e if e < 10.0 => format!("{e:.2}s"),
        e if e < 120.0 => format!("{e:.0}s"),
        e => format!("{:.0}m {:02.0}s", (e / 60.0).floor(), e % 60.0),
    }
}

/// Shows the end of a run that went well: the last line, and what did not go as planned.
pub(crate) fn end(screen: &Screen, report: &RunReport, tally: &Tally) {
    screen.say(&style::name(&summary(report, tally)));
    for (gate, words) in &report.rejected {
        let words = if words.is_empty() {
            String::new()
        } else {
            format!(": {}", text::line(words, 400))
        };
        screen.warning(&format!(
            "gate `{}` was rejected{words}; what depends on it did not run",
            text::line(gate, 80)
        ));
    }
    let closure = report.closure.as_ref();
    if let Some(reason) = closure.and_then(|said| said.get("reason")?.as_str()) {
        let notes = closure.and_then(|said| said.get("notes")?.as_str());
        let notes = notes.map_or_else(String::new, |notes| format!(": {}", text::line(notes, 400)));
        screen.say(&format!("closed: {}{notes}", text::line(reason, 80)));
    }
    if let Some(manifest) = &report.manifest {
        let path = manifest.display().to_string();
        screen.say(&style::faint(&format!("files: {}", text::line(&path, 400))));
    }
}

/// The limits of the contract that the last call of a model went beyond: what a call costs is known after it.
pub(crate) fn overdrawn(contracts: &Contract, summary: &Summary) -> Vec<String> {
    let spent = &summary.spent;
    let tokens = contracts
        .max_tokens_total
        .filter(|most| spent.tokens > *most);
    let cost = contracts.max_cost_usd.filter(|most| spent.cost_usd > *most);
    let tokens = tokens.map(|most| {
        format!(
            "{} tokens were used; contracts.max_tokens_total is {}",
            text::thousands(spent.tokens),
            text::thousands(most)
        )
    });
    let cost = cost.map(|most| {
        format!(
            "${:.4} were spent; contracts.max_cost_usd is {most}",
            spent.cost_usd
        )
    });
    tokens
        .into_iter()
        .chain(cost)
        .map(|limit| limit + ": the call that reached it was the last")
        .collect()
}

/// Shows the result that the workflow is about, on standard output.
pub(crate) fn primary(screen: &Screen, report: &RunReport) -> Result<(), Failure> {
    if let Some((stage, value)) = &report.primary {
        screen.say(&style::faint(&format!("{}:", text::line(stage, 80))));
        screen.result(&readable(value))?;
    }
    Ok(())
}

/// Was the result shown already, while it came, and as it is?
pub(crate) fn was_streamed(report: &RunReport, tally: &Tally) -> bool {
    let (Some((stage, value)), Some(streamed)) = (&report.primary, &tally.streamed) else {
        return false;
    };
    *stage == streamed.stage && readable(value) == streamed.text
}

/// The exit code of a run that did not come to its end.
pub(crate) fn exit(error: &RunError) -> Exit {
    match error {
        RunError::Input(_) => Exit::Usage,
        RunError::Parked { .. } => Exit::Parked,
        RunError::Cancelled { .. } => Exit::Interrupted,
        RunError::Resume(ResumeProblem::AtWork { .. }) => Exit::Failed,
        RunError::Resume(_) => Exit::Usage,
        RunError::Stage { failure, .. } if failure.is_refusal() => Exit::Denied,
        _ => Exit::Failed,
    }
}

/// A run that did not come to its end, in a sentence and a hint.
pub(crate) fn failure(error: &RunError, tally: &Tally) -> Failure {
    let mut failure = Failure::new(exit(error), error);
    failure.hint = error.hint().or_else(|| tally.advice());
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_shown_as_text_and_data_as_json() {
        assert_eq!(
            readable(&json!({"content": "[bold]kept[/bold]"})),
            "[bold]kept[/bold]"
        );
        assert_eq!(readable(&json!("x")), "x");
        assert_eq!(
            readable(&json!({"content": "x", "more": 1})),
            "{\n  \"content\": \"x\",\n  \"more\": 1\n}"
        );
    }

    #[test]
    fn times_are_as_exact_as_they_are_short() {
        assert_eq!(
            (seconds(0.126), seconds(12.6), seconds(125.0)),
            ("0.13s".into(), "13s".into(), "2m 05s".into())
        );
    }
}
