//! The answer of a `response_stage` on standard output, as it comes (`--stream`).
//!
//! One stage at a time has standard output, from its first piece to its end; what happens meanwhile is told afterwards,
//! so that no line stands in the middle of the text. A turn of the model that calls tools ends its line. What was shown
//! last is remembered: where it is the result, it is not printed again.

use armature_store::Event;

use crate::render::screen::Screen;

/// A text that was shown while it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Streamed {
    /// The stage.
    pub(crate) stage: String,
    /// What it said last, as it came.
    pub(crate) text: String,
}

/// Shows the pieces.
pub(super) struct Stream {
    screen: Screen,
    shown: Option<Streamed>,
    is_open: bool,
    /// The next piece begins another turn.
    begins: bool,
    /// The end of a piece that means something only together with what comes next.
    rest: String,
    is_broken: bool,
}

impl Stream {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            screen,
            shown: None,
            is_open: false,
            begins: false,
            rest: String::new(),
            is_broken: false,
        }
    }

    /// Is it this stage's turn?
    pub(super) fn is_of(&self, stage: &str) -> bool {
        self.is_open
            && self
                .shown
                .as_ref()
                .is_some_and(|shown| shown.stage == stage)
    }

    /// Does a stage have standard output now?
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// A stage begins to speak.
    pub(super) fn open(&mut self, stage: &str) {
        self.is_open = true;
        self.begins = false;
        self.shown = Some(Streamed {
            stage: stage.to_owned(),
            text: String::new(),
        });
    }

    /// The next piece of it.
    pub(super) fn piece(&mut self, text: &str) {
        if std::mem::take(&mut self.begins) {
            self.end_line();
            if let Some(shown) = &mut self.shown {
                shown.text.clear();
            }
        }
        if let Some(shown) = &mut self.shown {
            shown.text.push_str(text);
        }
        let mut piece = std::mem::take(&mut self.rest) + text;
        // The end of a line, as some systems write it, may come in two pieces.
        if piece.ends_with('\r') {
            piece.pop();
            self.rest.push('\r');
        }
        self.write(&piece);
    }

    /// Something happened in the stage that is speaking. Is that the end of its text?
    pub(super) fn is_ended_by(&mut self, event: &Event) -> bool {
        match event {
            Event::ModelIntent(_) | Event::ModelResult(_) => {
                self.begins = true;
                false
            }
            Event::StageCompleted { .. }
            | Event::StageFailed { .. }
            | Event::RetryAttempt { .. }
            | Event::LoopIteration { .. }
            | Event::TierEscalation { .. } => true,
            _ => false,
        }
    }

    /// The stage has spoken.
    pub(super) fn close(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest);
        self.end_line();
        self.is_open = false;
    }

    /// Ends the line, so that something else can stand below it.
    pub(super) fn end_line(&mut self) {
        let shown = self.shown.as_ref();
        if shown.is_some_and(|shown| !shown.text.is_empty() && !shown.text.ends_with('\n')) {
            self.write("\n");
        }
    }

    fn write(&mut self, text: &str) {
        if !text.is_empty() && self.screen.piece(text).is_err() {
            self.is_broken = true;
        }
    }

    /// What was shown last, if it reached whoever reads it.
    pub(super) fn into_shown(self) -> Option<Streamed> {
        self.shown.filter(|_| !self.is_broken)
    }
}
