//! What there is to say about each event. Pure: events in, lines out.

use std::collections::HashMap;

use armature_store::{
    Event, RunId,
    event::{ModelResult, RuleVerdict, RunStarted, ToolIntent, ToolResult},
};
use serde_json::Value;

use crate::render::{
    style::{Look, paint},
    text::{self, MAX_REASON},
};

/// Characters of a call's arguments on a line.
const MAX_ARGS: usize = 90;

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A stage is at work until its end comes.
    Begin { key: String, text: String },
    /// What it is doing now.
    Change { key: String, text: String },
    /// It is not at work any more.
    End { key: String },
    /// A line that stays.
    Say(String),
}

/// What is known of a stage that has begun.
#[derive(Debug, Default)]
struct At {
    items: u64,
    failed_items: u64,
    has_failed: bool,
    is_cached: bool,
    tokens: u64,
}

/// Tells a run.
pub(super) struct Story {
    is_verbose: bool,
    depths: HashMap<RunId, usize>,
    stages: HashMap<String, At>,
}

impl Story {
    /// Nothing has happened yet.
    pub(super) fn new(is_verbose: bool) -> Self {
        Self { is_verbose, depths: HashMap::new(), stages: HashMap::new() }
    }

    /// What an event adds.
    pub(super) fn tell(&mut self, run: &RunId, event: &Event) -> Vec<Line> {
        if let Event::RunStarted(RunStarted { parent: Some(parent), .. }) = event {
            let depth = self.depths.get(parent).copied().unwrap_or_default() + 1;
            self.depths.insert(run.clone(), depth);
        }
        let pad = "  ".repeat(self.depths.get(run).copied().unwrap_or_default() + 1);
        let Some(stage) = event.stage() else { return Vec::new() };
        let key = format!("{run}/{stage}");
        let name = text::line(stage, 80);
        match event {
            Event::StageStarted { kind, role, item, .. } => self.started(key, &pad, &name, kind, role.as_deref(), *item),
            Event::StageCompleted { elapsed_s, item: None, .. } => self.completed(key, &pad, &name, *elapsed_s),
            Event::StageSkipped { reason, .. } => {
                vec![Line::Say(format!("{pad}- {name} {}", faint(&format!("(skipped: {})", text::line(reason, MAX_REASON)))))]
            }
            Event::StageResumed { .. } => vec![Line::Say(format!("{pad}↩ {name} {}", faint("(kept from before)")))],
            Event::StageFailed { failure, reason, item, .. } => self.failed(key, &pad, &name, failure, reason, *item),
            Event::RetryAttempt { attempt, max, reason, .. } => {
                let reason = text::line(reason, MAX_REASON);
                vec![Line::Say(format!("{pad}{} {name} retry {attempt}/{max}: {reason}", doubtful("⟳")))]
            }
            Event::TierEscalation { message, .. } => {
                vec![Line::Say(format!("{pad}{} {name} {}", doubtful("⇑"), text::line(message, MAX_REASON)))]
            }
            Event::GateAnswered { approved, text: words, by, .. } => vec![gate(&pad, &name, *approved, words, by)],
            Event::ApprovalAsked { tool, message, .. } => {
                let message = text::line(message, MAX_REASON);
                vec![Line::Say(format!("{pad}  {} {tool} waits for approval: {message}", doubtful("?")))]
            }
            Event::Approval { approved: false, by, .. } => {
                vec![Line::Say(format!("{pad}  {} refused by {}", bad("⊘"), text::line(by, 60)))]
            }
            Event::RuleVerdict(verdict) => self.verdict(&pad, verdict),
            Event::Denied(denied) => {
                let tool = denied.tool.as_deref().unwrap_or(&denied.plugin);
                let asked = text::line(&denied.asked, MAX_REASON);
                let mut said = format!("{pad}  {} {tool} may not use {}: {asked}", bad("⊘"), denied.capability);
                if let Some(hint) = &denied.hint {
                    let hint = text::visible(hint);
                    said.push_str(&format!("\n{pad}    hint: {}", text::indented(&hint, &format!("{pad}      "))));
                }
                vec![Line::Say(said)]
            }
            Event::ToolIntent(intent) => tool_intent(key, &pad, &name, intent),
            Event::ToolResult(result) => tool_result(&pad, result),
            Event::ModelIntent(intent) => {
                let model = text::line(&intent.model, 60);
                vec![Line::Change { key, text: format!("{name} {}", faint(&format!("asks {model}"))) }]
            }
            Event::ModelResult(result) => self.model_result(key, &pad, result),
            Event::PluginLog { plugin, level, message, .. } if self.is_verbose => {
                let message = text::line(message, MAX_REASON);
                vec![Line::Say(faint(&format!("{pad}  · {plugin} {level}: {message}")))]
            }
            Event::Progress { message, fraction, .. } => {
                let percent = fraction.map(|f| format!(" {:.0} %", f * 100.0)).unwrap_or_default();
                vec![Line::Change { key, text: format!("{name} {}{percent}", text::line(message, 60)) }]
            }
            _ => Vec::new(),
        }
    }

    fn started(&mut self, key: String, pad: &str, name: &str, kind: &str, role: Option<&str>, item: Option<usize>) -> Vec<Line> {
        let is_first = !self.stages.contains_key(&key);
        let at = self.stages.entry(key.clone()).or_default();
        if item.is_some() {
            at.items += 1;
        }
        let role = role.map(|role| format!(" {}", text::line(role, 60))).unwrap_or_default();
        if is_first {
            let text = format!("{pad}{} {name} {}", faint("→"), faint(&format!("({kind}){role}")));
            return vec![Line::Begin { key, text }];
        }
        match item {
            // A repetition: what is repeated has been told.
            None => Vec::new(),
            Some(_) => {
                let text = format!("{name} {}", faint(&text::count(at.items, "item")));
                vec![Line::Change { key, text }]
            }
        }
    }

    fn completed(&mut self, key: String, pad: &str, name: &str, elapsed_s: f64) -> Vec<Line> {
        let at = self.stages.remove(&key).unwrap_or_default();
        let mut lines = vec![Line::End { key }];
        if at.has_failed {
            lines.push(Line::Say(format!("{pad}  {}", faint("the failure is the stage's value; the run goes on"))));
            return lines;
        }
        let mut about = vec![format!("{elapsed_s:.1}s")];
        if at.items > 0 {
            about.push(text::count(at.items, "item"));
        }
        if at.failed_items > 0 {
            about.push(format!("{} failed", at.failed_items));
        }
        if at.is_cached {
            about.push("answered from the cache".to_owned());
        }
        if self.is_verbose && at.tokens > 0 {
            about.push(format!("{} tokens", text::thousands(at.tokens)));
        }
        let sign = if at.failed_items > 0 { doubtful("✓") } else { good("✓") };
        lines.push(Line::Say(format!("{pad}{sign} {name} {}", faint(&format!("({})", about.join(", "))))));
        lines
    }

    fn failed(&mut self, key: String, pad: &str, name: &str, class: &str, reason: &str, item: Option<usize>) -> Vec<Line> {
        let reason = text::line(reason, MAX_REASON);
        let at = self.stages.entry(key.clone()).or_default();
        match item {
            Some(item) => {
                at.failed_items += 1;
                vec![Line::Say(format!("{pad}{} {name}[{item}]: {reason} {}", bad("✗"), faint(&format!("[{class}]"))))]
            }
            None => {
                at.has_failed = true;
                let said = format!("{pad}{} {name}: {reason} {}", bad("✗"), faint(&format!("[{class}]")));
                vec![Line::End { key }, Line::Say(said)]
            }
        }
    }

    fn verdict(&self, pad: &str, verdict: &RuleVerdict) -> Vec<Line> {
        let RuleVerdict { tool, rule, message, .. } = verdict;
        let (tool, rule) = (text::line(tool, 80), text::line(rule, 80));
        let message = text::line(message, MAX_REASON);
        let said = match verdict.verdict.as_str() {
            "block" => format!("{} {tool} blocked: {message}", bad("⊘")),
            "warn" => format!("{} {tool}: {message}", doubtful("⚠")),
            "allow" if !self.is_verbose => return Vec::new(),
            "log" if !self.is_verbose => return Vec::new(),
            // Told when the person is asked.
            "require_approval" => return Vec::new(),
            other => format!("· {tool} {other}: {message}"),
        };
        vec![Line::Say(format!("{pad}  {said} {}", faint(&format!("[{rule}]"))))]
    }

    fn model_result(&mut self, key: String, pad: &str, result: &ModelResult) -> Vec<Line> {
        let at = self.stages.entry(key).or_default();
        at.is_cached |= result.cached;
        at.tokens = at.tokens.saturating_add(result.input_tokens).saturating_add(result.output_tokens);
        match &result.error {
            Some(error) if self.is_verbose => {
                let model = text::line(&result.model, 60);
                vec![Line::Say(format!("{pad}  {} {model}: {}", doubtful("⚠"), text::line(&error.reason, MAX_REASON)))]
            }
            _ => Vec::new(),
        }
    }
}

fn gate(pad: &str, name: &str, approved: bool, words: &str, by: &str) -> Line {
    let by = text::line(by, 60);
    let words = if words.is_empty() { String::new() } else { format!(": {}", text::line(words, MAX_REASON)) };
    Line::Say(if approved {
        format!("{pad}  {} {name} approved {}", good("✓"), faint(&format!("({by})")))
    } else {
        format!("{pad}  {} {name} rejected{words} {}", bad("⊘"), faint(&format!("({by})")))
    })
}

/// A stage's own call is what the stage is; others are worth a line.
fn tool_intent(key: String, pad: &str, name: &str, intent: &ToolIntent) -> Vec<Line> {
    let tool = text::line(&intent.tool, 80);
    let change = Line::Change { key, text: format!("{name} {}", faint(&format!("calls {tool}"))) };
    if intent.caller == "stage" || intent.stage.is_empty() {
        return vec![change];
    }
    let args = match &intent.args {
        Value::Null => String::new(),
        args => text::line(&args.to_string(), MAX_ARGS),
    };
    let by = text::line(&intent.caller, 60);
    vec![change, Line::Say(format!("{pad}  {} {by} calls {tool} {}", faint("·"), faint(&args)))]
}

fn tool_result(pad: &str, result: &ToolResult) -> Vec<Line> {
    match &result.error {
        Some(error) if result.caller != "stage" => {
            let tool = text::line(&result.tool, 80);
            vec![Line::Say(format!("{pad}  {} {tool}: {}", doubtful("⚠"), text::line(&error.reason, MAX_REASON)))]
        }
        _ => Vec::new(),
    }
}

fn good(text: &str) -> String {
    paint(Look::Good, text)
}

fn bad(text: &str) -> String {
    paint(Look::Bad, text)
}

fn doubtful(text: &str) -> String {
    paint(Look::Doubtful, text)
}

fn faint(text: &str) -> String {
    paint(Look::Faint, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: &[Event]) -> Vec<String> {
        let mut story = Story::new(false);
        let run = RunId::new("0123456789ab").unwrap();
        let lines = events.iter().flat_map(|event| story.tell(&run, event)).filter_map(|line| match line {
            Line::Begin { text, .. } | Line::Say(text) => Some(anstream::adapter::strip_str(&text).to_string()),
            _ => None,
        });
        lines.collect()
    }

    fn started(stage: &str, item: Option<usize>) -> Event {
        Event::StageStarted { stage: stage.into(), kind: "llm".into(), role: Some("Ada (worker)".into()), item }
    }

    fn completed(stage: &str) -> Event {
        Event::StageCompleted { stage: stage.into(), elapsed_s: 0.8, item: None, result: Value::Null }
    }

    fn failed(stage: &str, item: Option<usize>) -> Event {
        Event::StageFailed { stage: stage.into(), failure: "ValueError".into(), reason: "no\n\u{1b}[2J".into(), item }
    }

    #[test]
    fn a_stage_is_told_when_it_begins_and_when_it_ends() {
        assert_eq!(told(&[started("a", None), completed("a")]), ["  → a (llm) Ada (worker)", "  ✓ a (0.8s)"]);
    }

    #[test]
    fn a_failure_is_told_once_and_cannot_drive_the_terminal() {
        assert_eq!(
            told(&[started("a", None), failed("a", None), completed("a")]),
            [
                "  → a (llm) Ada (worker)",
                "  ✗ a: no \\u{1b}[2J [ValueError]",
                "    the failure is the stage's value; the run goes on"
            ]
        );
    }

    #[test]
    fn items_and_repetitions_are_counted_and_not_told_again() {
        let events = [started("a", Some(0)), started("a", Some(1)), failed("a", Some(1)), completed("a")];
        assert_eq!(
            told(&events),
            ["  → a (llm) Ada (worker)", "  ✗ a[1]: no \\u{1b}[2J [ValueError]", "  ✓ a (0.8s, 2 items, 1 failed)"]
        );
        let retry = Event::RetryAttempt { stage: "a".into(), attempt: 1, max: 2, reason: "slow".into() };
        assert_eq!(
            told(&[started("a", None), retry, started("a", None), completed("a")]),
            ["  → a (llm) Ada (worker)", "  ⟳ a retry 1/2: slow", "  ✓ a (0.8s)"]
        );
    }
}
