//! Progress where nothing can be drawn again: each line stays, and what goes on for long is said now and then, so that
//! a log shows that the run is alive and how far it is.

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::story::Line;
use crate::render::{style::faint, text};

/// How long nothing may be said while something is at work.
pub(super) const SILENCE: Duration = Duration::from_secs(20);

/// So many stages are named; of the rest there is the number.
const MAX_NAMED: usize = 3;

/// What is at work, and when something was said last.
pub(super) struct Plain {
    began: Instant,
    said: Instant,
    /// What each stage is doing, by its key, in the order in which they began.
    at_work: IndexMap<String, String>,
}

impl Plain {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            said: now,
            at_work: IndexMap::new(),
        }
    }

    /// The line to say, if it is one that stays.
    pub(super) fn line(&mut self, line: Line, now: Instant) -> Option<String> {
        match line {
            Line::Begin { key, text, brief } => {
                self.at_work.insert(key, brief);
                self.said = now;
                Some(text)
            }
            Line::Say(text) => {
                self.said = now;
                Some(text)
            }
            Line::Change { key, brief } => {
                if let Some(doing) = self.at_work.get_mut(&key) {
                    *doing = brief;
                }
                None
            }
            Line::End { key } => {
                self.at_work.shift_remove(&key);
                None
            }
        }
    }

    /// What is at work, where nothing was said for long.
    pub(super) fn silence(&mut self, now: Instant) -> Option<String> {
        if self.at_work.is_empty() || now.duration_since(self.said) < SILENCE {
            return None;
        }
        self.said = now;
        let mut doing: Vec<String> = self.at_work.values().take(MAX_NAMED).cloned().collect();
        let more = self.at_work.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            doing.push(format!("{} more", text::length(more, "stage")));
        }
        let since = now.duration_since(self.began).as_secs();
        Some(faint(&format!("  … {since} s: {}", doing.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_for_long_is_said_now_and_then_and_what_is_over_is_not() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut plain = Plain::new(start);
        assert_eq!(plain.silence(after(100)), None, "nothing is at work");
        let begin = Line::Begin {
            key: "a".into(),
            text: "→ a".into(),
            brief: "a".into(),
        };
        assert_eq!(plain.line(begin, after(100)).as_deref(), Some("→ a"));
        let change = Line::Change {
            key: "a".into(),
            brief: "a 3/9 items".into(),
        };
        assert_eq!(plain.line(change, after(110)), None);
        assert_eq!(plain.silence(after(115)), None, "it was said lately");
        let said = plain.silence(after(121)).unwrap();
        let said = anstream::adapter::strip_str(&said).to_string();
        assert_eq!(said, "  … 121 s: a 3/9 items");
        assert_eq!(plain.silence(after(130)), None, "once");
        plain.line(Line::End { key: "a".into() }, after(131));
        assert_eq!(plain.silence(after(500)), None);
    }
}
