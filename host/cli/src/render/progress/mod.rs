//! The progress of a run: events come in from the run's tasks, lines and spinners go out to standard error.
//!
//! Events are counted where they arrive and shown by a thread of their own, so that a slow terminal never slows a
//! stage. What is shown is decided by [`story`], which is pure; [`live`] draws it on a terminal, and elsewhere each
//! step is a line. While a person is asked something, the thread is silent and keeps what happens for later.

mod live;
mod story;
mod tally;
mod wire;
mod within;

use std::{
    collections::VecDeque,
    io::Write,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use armature_engine::Observer;
use armature_store::{
    Event, RunId,
    event::{ModelResult, ToolResult},
};

pub(crate) use self::tally::Tally;
use self::{
    live::Live,
    story::{Line, Story},
    wire::Wire,
};
use super::screen::Screen;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    Quiet,
    /// Stages and what people should know of.
    Normal,
    /// What plugins say and what models use, too.
    Verbose,
}

enum Notice {
    Event(Box<(RunId, Event)>),
    /// Be silent, and say when it is so.
    Pause(Sender<()>),
    Resume,
    /// That was all.
    End,
}

/// Watches a run.
pub(crate) struct Progress {
    detail: Detail,
    notices: Mutex<Sender<Notice>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    tally: Mutex<Tally>,
    wire: Mutex<Option<Wire>>,
}

impl Progress {
    /// Begins to show, and to write events where they are wanted.
    pub(crate) fn start(
        screen: Screen,
        detail: Detail,
        events: Option<Box<dyn Write + Send>>,
    ) -> Self {
        let (sender, receiver) = channel();
        let show = move || match detail {
            Detail::Quiet => {}
            Detail::Normal | Detail::Verbose => {
                let live = screen.is_watched().then(|| Live::new(screen));
                Show {
                    screen,
                    live,
                    story: Story::new(detail == Detail::Verbose),
                }
                .all(&receiver);
            }
        };
        // Without a thread there is no progress to be seen, and the run is as good.
        let thread = std::thread::Builder::new()
            .name("progress".into())
            .spawn(show);
        Self {
            detail,
            notices: Mutex::new(sender),
            thread: Mutex::new(thread.ok()),
            tally: Mutex::default(),
            wire: Mutex::new(events.and_then(Wire::start)),
        }
    }

    fn send(&self, notice: Notice) {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = notices.send(notice);
    }

    /// Clears the screen's last lines for somebody else, and waits until that is done.
    pub(crate) fn pause(&self) {
        if matches!(self.detail, Detail::Normal | Detail::Verbose) {
            let (done, is_silent) = channel();
            self.send(Notice::Pause(done));
            let _ = is_silent.recv();
        }
    }

    /// Goes on.
    pub(crate) fn resume(&self) {
        self.send(Notice::Resume);
    }

    /// Waits until everything is shown, and says what was counted.
    pub(crate) fn end(&self) -> Tally {
        self.send(Notice::End);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        let mut tally = self
            .tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let wire = self
            .wire
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        tally.unwritten = wire.and_then(|wire| wire.end().err());
        tally
    }
}

impl Observer for Progress {
    fn event(&self, run: &RunId, event: &Event) {
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count(event);
        if let Some(wire) = self
            .wire
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            wire.event(run, event);
        }
        match self.detail {
            Detail::Quiet => {}
            Detail::Normal | Detail::Verbose => {
                self.send(Notice::Event(Box::new((run.clone(), light(event)))));
            }
        }
    }
}

/// An event without what is large and not shown: results and replies.
fn light(event: &Event) -> Event {
    match event {
        Event::StageCompleted {
            stage,
            elapsed_s,
            item,
            result,
        } => Event::StageCompleted {
            stage: stage.clone(),
            elapsed_s: *elapsed_s,
            item: *item,
            result: story::worth_telling(result),
        },
        Event::ToolResult(result) => Event::ToolResult(ToolResult {
            stage: result.stage.clone(),
            caller: result.caller.clone(),
            tool: result.tool.clone(),
            error: result.error.clone(),
            ..ToolResult::default()
        }),
        Event::ModelResult(result) => Event::ModelResult(ModelResult {
            stage: result.stage.clone(),
            model: result.model.clone(),
            input_tokens: result.input_tokens,
            output_tokens: result.output_tokens,
            cached: result.cached,
            error: result.error.clone(),
            ..ModelResult::default()
        }),
        other => other.clone(),
    }
}

struct Show {
    screen: Screen,
    live: Option<Live>,
    story: Story,
}

impl Show {
    fn all(mut self, notices: &Receiver<Notice>) {
        let mut kept: Option<VecDeque<(RunId, Event)>> = None;
        for notice in notices {
            match notice {
                Notice::Event(happened) => match &mut kept {
                    Some(kept) => kept.push_back(*happened),
                    None => self.event(&happened.0, &happened.1),
                },
                Notice::Pause(done) => {
                    if let Some(live) = &mut self.live {
                        live.hide();
                    }
                    kept.get_or_insert_default();
                    let _ = done.send(());
                }
                Notice::Resume => {
                    if let Some(live) = &mut self.live {
                        live.unhide();
                    }
                    for (run, event) in kept.take().unwrap_or_default() {
                        self.event(&run, &event);
                    }
                }
                Notice::End => break,
            }
        }
        for (run, event) in kept.take().unwrap_or_default() {
            self.event(&run, &event);
        }
        if let Some(live) = &mut self.live {
            live.hide();
        }
    }

    fn event(&mut self, run: &RunId, event: &Event) {
        for line in self.story.tell(run, event) {
            match (&mut self.live, line) {
                (Some(live), line) => live.line(line),
                (None, Line::Begin { text, .. } | Line::Say(text)) => self.screen.say(&text),
                (None, Line::Change { .. } | Line::End { .. }) => {}
            }
        }
    }
}
