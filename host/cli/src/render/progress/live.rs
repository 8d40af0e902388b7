//! Spinners for the stages at work, below the lines that stay.

use std::{collections::HashMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::story::Line;
use crate::render::screen::Screen;

/// So many stages are shown at work at one time; a wider workflow scrolls through them.
const MAX_SPINNERS: usize = 8;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Draws on the terminal.
pub(super) struct Live {
    screen: Screen,
    bars: MultiProgress,
    shown: HashMap<String, ProgressBar>,
    is_hidden: bool,
}

impl Live {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            screen,
            bars: MultiProgress::new(),
            shown: HashMap::new(),
            is_hidden: false,
        }
    }

    /// Shows a line.
    pub(super) fn line(&mut self, line: Line) {
        match line {
            Line::Begin { key, brief, .. } => {
                if self.shown.len() < MAX_SPINNERS {
                    let bar = self
                        .bars
                        .add(ProgressBar::new_spinner().with_style(style()));
                    bar.set_message(self.clean(brief));
                    bar.enable_steady_tick(TICK);
                    self.shown.insert(key, bar);
                }
            }
            Line::Change { key, brief } => {
                if let Some(bar) = self.shown.get(&key) {
                    bar.set_message(self.clean(brief));
                }
            }
            Line::End { key } => {
                if let Some(bar) = self.shown.remove(&key) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
            Line::Say(text) => {
                let screen = self.screen;
                self.bars.suspend(|| screen.say(&text));
            }
        }
    }

    /// Leaves the terminal to somebody else.
    pub(super) fn hide(&mut self) {
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        self.is_hidden = true;
    }

    /// Takes it again.
    pub(super) fn unhide(&mut self) {
        if self.is_hidden {
            self.bars.set_draw_target(ProgressDrawTarget::stderr());
            self.is_hidden = false;
        }
    }

    fn clean(&self, text: String) -> String {
        if self.screen.err_has_colour() {
            text
        } else {
            anstream::adapter::strip_str(&text).to_string()
        }
    }
}

fn style() -> ProgressStyle {
    let plain = ProgressStyle::default_spinner();
    plain
        .clone()
        .template("  {spinner} {wide_msg} {elapsed:>4}")
        .unwrap_or(plain)
}
