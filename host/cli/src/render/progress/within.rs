//! What happens within a stage: calls, refusals, answers. Each event is a line or nothing, and what a stage is doing
//! now is a few words for its spinner.

use armature_store::{
    Event,
    event::{Denied, RuleVerdict, ToolIntent, ToolResult},
};
use serde_json::Value;

use crate::render::{
    style::{bad, doubtful, faint, good},
    text::{self, MAX_REASON},
};

/// Characters of a call's arguments on a line.
const MAX_ARGS: usize = 90;

/// Characters of a name.
const MAX_NAME: usize = 80;

/// The line for an event, if it is worth one.
pub(super) fn said(stage: &str, event: &Event, is_verbose: bool) -> Option<String> {
    match event {
        Event::GateAnswered {
            item,
            approved,
            text,
            by,
            ..
        } => {
            let item = item.map_or(String::new(), |item| format!("[{item}]"));
            Some(gate(&format!("{stage}{item}"), *approved, text, by))
        }
        Event::ApprovalAsked { tool, message, .. } => {
            let message = text::line(message, MAX_REASON);
            let tool = text::line(tool, MAX_NAME);
            Some(format!(
                "{} {tool} waits for approval: {message}",
                doubtful("?")
            ))
        }
        Event::Approval {
            approved: false,
            by,
            ..
        } => Some(format!(
            "{} refused by {}",
            bad("⊘"),
            text::line(by, MAX_NAME)
        )),
        Event::RuleVerdict(verdict) => rule(verdict, is_verbose),
        Event::Denied(denied) => Some(denial(denied)),
        Event::ToolIntent(intent) => call(intent),
        Event::ToolResult(result) => broken_call(result),
        Event::ModelResult(result)
            if result.reply.get("finish").is_some_and(|it| it == "length") =>
        {
            let model = text::line(&result.model, MAX_NAME);
            Some(format!(
                "{} {model}: the reply was cut off; raise `max_tokens`, or ask for less",
                doubtful("⚠")
            ))
        }
        Event::ModelResult(result) if is_verbose => {
            let model = text::line(&result.model, MAX_NAME);
            let error = result.error.as_ref()?;
            Some(format!(
                "{} {model}: {}",
                doubtful("⚠"),
                text::line(&error.reason, MAX_REASON)
            ))
        }
        // What goes wrong with the memory stops no run, and nothing else says it.
        Event::PluginLog {
            plugin,
            level,
            message,
            ..
        } if is_verbose || (plugin == "memory" && level == "warn") => {
            let message = text::line(message, MAX_REASON);
            Some(faint(&format!("· {plugin} {level}: {message}")))
        }
        _ => None,
    }
}

/// What the stage is doing now.
pub(super) fn doing(event: &Event) -> Option<String> {
    match event {
        Event::ToolIntent(intent) => Some(format!("calls {}", text::line(&intent.tool, MAX_NAME))),
        // Behind `@` stands a digest, which says nothing to people.
        Event::ModelIntent(intent) => {
            let model = intent.model.split('@').next().unwrap_or_default();
            Some(format!("asks {}", text::line(model, MAX_NAME)))
        }
        Event::Progress {
            message, fraction, ..
        } => {
            let percent = fraction.map(|part| format!(" {:.0} %", part * 100.0));
            Some(text::line(message, MAX_NAME) + &percent.unwrap_or_default())
        }
        _ => None,
    }
}

fn gate(stage: &str, approved: bool, words: &str, by: &str) -> String {
    let by = faint(&format!("({})", text::line(by, MAX_NAME)));
    if approved {
        return format!("{} {stage} approved {by}", good("✓"));
    }
    let words = match words {
        "" => String::new(),
        words => format!(": {}", text::line(words, MAX_REASON)),
    };
    format!("{} {stage} rejected{words} {by}", bad("⊘"))
}

fn rule(verdict: &RuleVerdict, is_verbose: bool) -> Option<String> {
    let tool = text::line(&verdict.tool, MAX_NAME);
    let message = text::line(&verdict.message, MAX_REASON);
    let said = match verdict.verdict.as_str() {
        "block" => format!("{} {tool} blocked: {message}", bad("⊘")),
        "warn" => format!("{} {tool}: {message}", doubtful("⚠")),
        "log" => format!("· {tool}: {message}"),
        // Told when the person is asked.
        "require_approval" => return None,
        word if is_verbose => format!("· {tool} {word}: {message}"),
        _ => return None,
    };
    let rule = faint(&format!("[{}]", text::line(&verdict.rule, MAX_NAME)));
    Some(format!("{said} {rule}"))
}

fn denial(denied: &Denied) -> String {
    let who = denied.tool.as_deref().unwrap_or(&denied.plugin);
    let asked = text::line(&denied.asked, MAX_REASON);
    let mut said = format!(
        "{} {} may not use {}: {asked}",
        bad("⊘"),
        text::line(who, MAX_NAME),
        denied.capability
    );
    if let Some(hint) = &denied.hint {
        let hint = text::visible(hint);
        said.push_str(&format!("\n  hint: {}", text::indented(&hint, "    ")));
    }
    said
}

/// A stage's own call is what the stage is; others are worth a line.
fn call(intent: &ToolIntent) -> Option<String> {
    if intent.caller == "stage" || intent.stage.is_empty() {
        return None;
    }
    let args = match &intent.args {
        Value::Null => String::new(),
        args => text::line(&args.to_string(), MAX_ARGS),
    };
    let (by, tool) = (
        text::line(&intent.caller, MAX_NAME),
        text::line(&intent.tool, MAX_NAME),
    );
    Some(format!("{} {by} calls {tool} {}", faint("·"), faint(&args)))
}

/// A stage's own call that fails is the stage's failure; others are told, as whoever called goes on.
fn broken_call(result: &ToolResult) -> Option<String> {
    let error = result.error.as_ref()?;
    if result.caller == "stage" || result.stage.is_empty() {
        return None;
    }
    let tool = text::line(&result.tool, MAX_NAME);
    Some(format!(
        "{} {tool}: {}",
        doubtful("⚠"),
        text::line(&error.reason, MAX_REASON)
    ))
}
