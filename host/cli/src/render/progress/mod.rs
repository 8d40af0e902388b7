//! The progress of a run: events come in from the run's tasks, lines and spinners go out to standard error.
//!
//! Events are counted where they arrive and shown by a thread of their own, so that a slow terminal never slows a
//! stage. What is shown is decided by [`story`], which is pure; [`live`] draws it on a terminal, and elsewhere each
//! step is a line. While a person is asked something, or the answer of a stage is shown as it comes ([`stream`]), the
//! thread is silent about everything else and keeps what happens for later.

mod live;
mod plain;
mod story;
mod stream;
mod tally;
mod wire;
mod within;

use std::{
    collections::VecDeque,
    io::Write,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Instant,
};

use armature_engine::Observer;
use armature_store::{
    Event, RunId,
    event::{ModelResult, ToolResult},
};

use self::{
    live::Live,
    plain::{Plain, SILENCE},
    story::Story,
    stream::Stream,
    wire::Wire,
};
pub(crate) use self::{stream::Streamed, tally::Tally};
use super::{screen::Screen, style::faint, text};

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
    /// Is the answer of a `response_stage` shown as it comes?
    streams: bool,
    notices: Mutex<Sender<Notice>>,
    thread: Mutex<Option<JoinHandle<Option<Streamed>>>>,
    tally: Mutex<Tally>,
    wire: Mutex<Option<Wire>>,
}

impl Progress {
    /// Begins to show, and to write events where they are wanted.
    pub(crate) fn start(
        screen: Screen,
        detail: Detail,
        streams: bool,
        events: Option<Box<dyn Write + Send>>,
    ) -> Self {
        let (sender, receiver) = channel();
        let show = move || match detail {
            Detail::Quiet => None,
            Detail::Normal | Detail::Verbose => {
                let live = screen.is_watched().then(|| Live::new(screen));
                Show {
                    screen,
                    live,
                    plain: Plain::new(Instant::now()),
                    story: Story::new(detail == Detail::Verbose),
                    stream: Stream::new(screen),
                    outermost: None,
                    is_paused: false,
                    held: VecDeque::new(),
                }
                .all(&receiver)
            }
        };
        // Without a thread there is no progress to be seen, and the run is as good.
        let thread = std::thread::Builder::new()
            .name("progress".into())
            .spawn(show);
        Self {
            detail,
            streams,
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
        let streamed = thread.and_then(|thread| thread.join().ok().flatten());
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
        tally.streamed = streamed;
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
            _ if matches!(event, Event::Token { .. }) && !self.streams => {}
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
            cost_usd: result.cost_usd,
            cached: result.cached,
            error: result.error.clone(),
            // Of what was said only whether it was cut off.
            reply: match result.reply.get("finish") {
                Some(finish) => serde_json::json!({ "finish": finish }),
                None => serde_json::Value::Null,
            },
            ..ModelResult::default()
        }),
        other => other.clone(),
    }
}

struct Show {
    screen: Screen,
    live: Option<Live>,
    plain: Plain,
    story: Story,
    stream: Stream,
    /// The run that nobody's stage started: its answer is what is streamed.
    outermost: Option<RunId>,
    /// A person is asked something.
    is_paused: bool,
    /// What happened while something else had the screen.
    held: VecDeque<(RunId, Event)>,
}

impl Show {
    /// Until the end. Gives what was streamed last.
    fn all(mut self, notices: &Receiver<Notice>) -> Option<Streamed> {
        loop {
            let notice = match notices.recv_timeout(SILENCE) {
                Ok(notice) => notice,
                Err(RecvTimeoutError::Timeout) => {
                    self.still_at_work();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match notice {
                Notice::Event(happened) => {
                    let (run, event) = *happened;
                    self.outermost.get_or_insert_with(|| run.clone());
                    self.take(run, event);
                }
                Notice::Pause(done) => {
                    if self.stream.is_open() {
                        self.stream.end_line();
                    }
                    self.hide();
                    self.is_paused = true;
                    let _ = done.send(());
                }
                Notice::Resume => {
                    self.is_paused = false;
                    if !self.stream.is_open() {
                        self.unhide();
                    }
                    self.release();
                }
                Notice::End => break,
            }
        }
        self.is_paused = false;
        self.release();
        if self.stream.is_open() {
            self.stream.close();
            self.release();
        }
        self.hide();
        self.stream.into_shown()
    }

    /// Shows an event, or holds it back while the screen is somebody else's.
    fn take(&mut self, run: RunId, event: Event) {
        let is_own = self.outermost.as_ref() == Some(&run);
        let of_speaker = is_own && event.stage().is_some_and(|stage| self.stream.is_of(stage));
        match &event {
            _ if self.is_paused => self.held.push_back((run, event)),
            Event::Token { .. } if !is_own => {}
            Event::Token { text, .. } if of_speaker => self.stream.piece(text),
            Event::Token { stage, text } if !self.stream.is_open() => {
                self.hide();
                self.screen
                    .say(&faint(&format!("{}:", text::line(stage, 80))));
                self.stream.open(stage);
                self.stream.piece(text);
            }
            event if of_speaker && self.stream.is_ended_by(event) => {
                self.stream.close();
                self.unhide();
                // What was held back came before it.
                self.held.push_back((run, event.clone()));
                self.release();
            }
            _ if self.stream.is_open() => self.held.push_back((run, event)),
            event => self.event(&run, event),
        }
    }

    /// Shows what was held back, as far as nothing else takes the screen meanwhile.
    fn release(&mut self) {
        for (run, event) in std::mem::take(&mut self.held) {
            self.take(run, event);
        }
    }

    fn hide(&mut self) {
        if let Some(live) = &mut self.live {
            live.hide();
        }
    }

    fn unhide(&mut self) {
        if let Some(live) = &mut self.live {
            live.unhide();
        }
    }

    fn event(&mut self, run: &RunId, event: &Event) {
        for line in self.story.tell(run, event) {
            match &mut self.live {
                Some(live) => live.line(line),
                None => {
                    if let Some(text) = self.plain.line(line, Instant::now()) {
                        self.screen.say(&text);
                    }
                }
            }
        }
        self.still_at_work();
    }

    /// Says what goes on, where nothing can be drawn and nobody else has the screen.
    fn still_at_work(&mut self) {
        if self.live.is_some() || self.is_paused || self.stream.is_open() {
            return;
        }
        if let Some(text) = self.plain.silence(Instant::now()) {
            self.screen.say(&text);
        }
    }
}
