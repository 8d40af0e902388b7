//! What there is to say about each event. Pure: events in, lines out. Here are runs and stages; what happens within a
//! stage is in [`within`].

use std::collections::{HashMap, HashSet};

use armature_store::{Event, RunId, event::RunStarted};

use serde_json::{Value, json};

use super::within;
use crate::render::{
    style::{bad, doubtful, faint, good},
    text::{self, MAX_REASON},
};

/// Something to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A stage is at work until its end comes: a line of its own, or a few words beside a spinner.
    Begin {
        key: String,
        text: String,
        brief: String,
    },
    /// What it is doing now.
    Change { key: String, brief: String },
    /// It is not at work any more.
    End { key: String },
    /// A line that stays.
    Say(String),
}

/// What is known of a stage that has begun.
#[derive(Debug, Default)]
struct At {
    /// Those that have begun, each once however often it is tried.
    items: HashSet<usize>,
    done_items: u64,
    failed_items: u64,
    /// Answers that were not in the form that was asked for.
    unread: u64,
    has_failed: bool,
    is_cached: bool,
    tokens: u64,
    cost_usd: f64,
}

impl At {
    /// How far a fan-out is: those that are done, of those that have begun.
    fn items(&self) -> String {
        let begun = self.items.len() as u64;
        match self.done_items + self.failed_items {
            0 => text::count(begun, "item"),
            done => format!("{}/{}", done.min(begun), text::count(begun, "item")),
        }
    }
}

/// What a result says about the way it came about; all else is not told and may be large.
pub(super) fn worth_telling(result: &Value) -> Value {
    if is_unread(result) {
        json!({"_parse_error": true})
    } else {
        Value::Null
    }
}

/// Is it a text in the place of what was asked for?
fn is_unread(result: &Value) -> bool {
    result.get("_parse_error") == Some(&Value::Bool(true))
}

/// The stage that an event is about.
struct Which<'a> {
    key: String,
    /// What its lines begin with: a run within a run is indented.
    pad: String,
    name: &'a str,
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
        Self {
            is_verbose,
            depths: HashMap::new(),
            stages: HashMap::new(),
        }
    }

    /// What an event adds.
    pub(super) fn tell(&mut self, run: &RunId, event: &Event) -> Vec<Line> {
        if let Event::RunStarted(RunStarted {
            parent: Some(parent),
            ..
        }) = event
        {
            let depth = self.depths.get(parent).copied().unwrap_or_default() + 1;
            self.depths.insert(run.clone(), depth);
        }
        let Some(stage) = event.stage() else {
            return Vec::new();
        };
        let name = text::line(stage, 80);
        let which = Which {
            key: format!("{run}/{stage}"),
            pad: "  ".repeat(self.depths.get(run).copied().unwrap_or_default() + 1),
            name: &name,
        };
        let reason = |reason: &str| text::line(reason, MAX_REASON);
        let pad = &which.pad;
        match event {
            Event::StageStarted {
                kind, role, item, ..
            } => self.started(which, kind, role.as_deref(), *item),
            Event::StageCompleted {
                elapsed_s,
                item,
                result,
                ..
            } => {
                let at = self.stages.entry(which.key.clone()).or_default();
                at.unread += u64::from(is_unread(result));
                match item {
                    None => self.completed(which, *elapsed_s),
                    Some(_) => {
                        at.done_items += 1;
                        let brief = format!("{name} {}", faint(&at.items()));
                        vec![Line::Change {
                            key: which.key,
                            brief,
                        }]
                    }
                }
            }
            Event::StageFailed {
                failure,
                reason,
                item,
                ..
            } => self.failed(which, failure, reason, *item),
            Event::StageSkipped { reason: why, .. } => {
                let why = faint(&format!("(skipped: {})", reason(why)));
                vec![Line::Say(format!("{pad}- {name} {why}"))]
            }
            Event::StageResumed { .. } => {
                let why = faint("(kept from before)");
                vec![Line::Say(format!("{pad}↩ {name} {why}"))]
            }
            Event::RetryAttempt {
                attempt,
                max,
                reason: why,
                ..
            } => {
                let why = reason(why);
                let sign = doubtful("⟳");
                vec![Line::Say(format!(
                    "{pad}{sign} {name} retry {attempt}/{max}: {why}"
                ))]
            }
            Event::LoopIteration {
                iteration,
                max,
                until_met,
                ..
            } => {
                let met = if *until_met { ", good enough" } else { "" };
                let about = faint(&format!("pass {iteration} of at most {max}{met}"));
                vec![Line::Say(format!("{pad}↻ {name} {about}"))]
            }
            Event::TierEscalation { message, .. } => {
                vec![Line::Say(format!(
                    "{pad}{} {name} {}",
                    doubtful("⇑"),
                    reason(message)
                ))]
            }
            _ => self.within(which, event),
        }
    }

    fn started(
        &mut self,
        which: Which<'_>,
        kind: &str,
        role: Option<&str>,
        item: Option<usize>,
    ) -> Vec<Line> {
        let Which { key, pad, name } = which;
        let is_first = !self.stages.contains_key(&key);
        let at = self.stages.entry(key.clone()).or_default();
        at.items.extend(item);
        if is_first {
            let role = role.map(|role| format!(" {}", text::line(role, 60)));
            let about = faint(&format!("({kind}){}", role.unwrap_or_default()));
            let text = format!("{pad}{} {name} {about}", faint("→"));
            let brief = format!("{name} {about}");
            return vec![Line::Begin { key, text, brief }];
        }
        // A repetition: what is repeated has been told.
        if item.is_none() {
            return Vec::new();
        }
        let brief = format!("{name} {}", faint(&at.items()));
        vec![Line::Change { key, brief }]
    }

    fn completed(&mut self, which: Which<'_>, elapsed_s: f64) -> Vec<Line> {
        let Which { key, pad, name } = which;
        let at = self.stages.remove(&key).unwrap_or_default();
        let mut lines = vec![Line::End { key }];
        if at.has_failed {
            let kept = faint("the failure is the stage's value; the run goes on");
            lines.push(Line::Say(format!("{pad}  {kept}")));
            return lines;
        }
        let mut about = vec![format!("{elapsed_s:.1}s")];
        if !at.items.is_empty() {
            about.push(text::count(at.items.len() as u64, "item"));
        }
        if at.failed_items > 0 {
            about.push(format!("{} failed", at.failed_items));
        }
        if at.is_cached {
            about.push("answered from the cache".to_owned());
        }
        if self.is_verbose && at.tokens > 0 {
            about.push(format!("{} tokens", text::thousands(at.tokens)));
            if at.cost_usd > 0.0 {
                about.push(format!("${:.4}", at.cost_usd));
            }
        }
        let sign = if at.failed_items > 0 {
            doubtful("✓")
        } else {
            good("✓")
        };
        let about = faint(&format!("({})", about.join(", ")));
        lines.push(Line::Say(format!("{pad}{sign} {name} {about}")));
        if at.unread > 0 {
            let of = match at.items.len() {
                0 => String::new(),
                _ => format!(" ({})", text::count(at.unread, "item")),
            };
            lines.push(Line::Say(format!(
                "{pad}  {} no answer in the form that was asked for{of}: the text is kept under `raw`",
                doubtful("⚠")
            )));
        }
        lines
    }

    fn failed(
        &mut self,
        which: Which<'_>,
        class: &str,
        reason: &str,
        item: Option<usize>,
    ) -> Vec<Line> {
        let Which { key, pad, name } = which;
        let reason = text::line(reason, MAX_REASON);
        let class = faint(&format!("[{class}]"));
        let at = self.stages.entry(key.clone()).or_default();
        let sign = bad("✗");
        match item {
            Some(item) => {
                at.failed_items += 1;
                vec![Line::Say(format!(
                    "{pad}{sign} {name}[{item}]: {reason} {class}"
                ))]
            }
            None => {
                at.has_failed = true;
                let said = format!("{pad}{sign} {name}: {reason} {class}");
                vec![Line::End { key }, Line::Say(said)]
            }
        }
    }

    fn within(&mut self, which: Which<'_>, event: &Event) -> Vec<Line> {
        let Which { key, pad, name } = which;
        if let Event::ModelResult(result) = event {
            let at = self.stages.entry(key.clone()).or_default();
            at.is_cached |= result.cached;
            if !result.cached {
                at.cost_usd += result.cost_usd.unwrap_or(0.0);
            }
            at.tokens = at
                .tokens
                .saturating_add(result.input_tokens)
                .saturating_add(result.output_tokens);
        }
        // How far a fan-out is says more than what one of its items is doing.
        let change = within::doing(event).map(|doing| {
            let at = self.stages.get(&key).filter(|at| !at.items.is_empty());
            let about = at.map_or(doing, At::items);
            Line::Change {
                key,
                brief: format!("{name} {}", faint(&about)),
            }
        });
        let said = within::said(name, event, self.is_verbose);
        let said = said.map(|said| {
            let pad = format!("{pad}  ");
            Line::Say(format!("{pad}{}", text::indented(&said, &pad)))
        });
        change.into_iter().chain(said).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: &[Event]) -> Vec<String> {
        let mut story = Story::new(false);
        let run = RunId::new("0123456789ab").unwrap();
        let lines = events
            .iter()
            .flat_map(|event| story.tell(&run, event))
            .filter_map(|line| match line {
                Line::Begin { text, .. } | Line::Say(text) => {
                    Some(anstream::adapter::strip_str(&text).to_string())
                }
                _ => None,
            });
        lines.collect()
    }

    fn started(stage: &str, item: Option<usize>) -> Event {
        Event::StageStarted {
            stage: stage.into(),
            kind: "llm".into(),
            role: Some("Ada (worker)".into()),
            item,
        }
    }

    fn completed(stage: &str) -> Event {
        Event::StageCompleted {
            stage: stage.into(),
            elapsed_s: 0.8,
            item: None,
            result: serde_json::Value::Null,
        }
    }

    fn failed(stage: &str, item: Option<usize>) -> Event {
        Event::StageFailed {
            stage: stage.into(),
            failure: "ValueError".into(),
            reason: "no\n\u{1b}[2J".into(),
            item,
        }
    }

    #[test]
    fn a_stage_is_told_when_it_begins_and_when_it_ends() {
        assert_eq!(
            told(&[started("a", None), completed("a")]),
            ["  → a (llm) Ada (worker)", "  ✓ a (0.8s)"]
        );
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
    fn an_answer_in_another_form_is_told() {
        let odd = |item| Event::StageCompleted {
            stage: "a".into(),
            elapsed_s: 0.8,
            item,
            result: worth_telling(&json!({"raw": "x", "_parse_error": true})),
        };
        let said = "    ⚠ no answer in the form that was asked for: the text is kept under `raw`";
        let told_of = told(&[started("a", None), odd(None)]);
        assert_eq!(told_of.last().map(String::as_str), Some(said));
        let told_of = told(&[
            started("a", Some(0)),
            odd(Some(0)),
            started("a", Some(1)),
            completed("a"),
        ]);
        let last = told_of.last().unwrap();
        assert!(last.contains("(1 item)"), "{last}");
    }

    #[test]
    fn items_and_repetitions_are_counted_and_not_told_again() {
        let events = [
            started("a", Some(0)),
            started("a", Some(1)),
            started("a", Some(1)),
            failed("a", Some(1)),
            completed("a"),
        ];
        assert_eq!(
            told(&events),
            [
                "  → a (llm) Ada (worker)",
                "  ✗ a[1]: no \\u{1b}[2J [ValueError]",
                "  ✓ a (0.8s, 2 items, 1 failed)"
            ]
        );
        let retry = Event::RetryAttempt {
            stage: "a".into(),
            attempt: 1,
            max: 2,
            reason: "slow".into(),
        };
        assert_eq!(
            told(&[
                started("a", None),
                retry,
                started("a", None),
                completed("a")
            ]),
            [
                "  → a (llm) Ada (worker)",
                "  ⟳ a retry 1/2: slow",
                "  ✓ a (0.8s)"
            ]
        );
    }
    #[test]
    fn each_pass_of_a_loop_is_told() {
        let pass = |iteration, until_met| Event::LoopIteration {
            stage: "a".into(),
            iteration,
            max: 4,
            until_met,
        };
        assert_eq!(
            told(&[
                started("a", None),
                pass(1, false),
                pass(2, true),
                completed("a")
            ]),
            [
                "  → a (llm) Ada (worker)",
                "  ↻ a pass 1 of at most 4",
                "  ↻ a pass 2 of at most 4, good enough",
                "  ✓ a (0.8s)"
            ]
        );
    }
}
