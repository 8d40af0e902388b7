//! The run's own pen: every event of a run is written here, and nowhere else.
//!
//! Secrets are cut out first, then the observer sees the event, then the log has it. [`Journal::note`] returns at
//! once; [`Journal::record`] waits until the event is as durable as its kind demands, and is what comes before and
//! after every outside effect. When the log cannot be written, the effect does not happen.

use std::sync::{Arc, Mutex, PoisonError};

use armature_sandbox::ScrubStream;
use armature_store::{
    Event, EventLog, RunId, Seq, Store, StoreError, TraceRow, event::UnknownEvent,
};

use crate::{ask::Observer, failure::Failure, secrets::RunSecrets};

/// Writes the events of one run.
pub(crate) struct Journal {
    run: RunId,
    log: Option<Arc<dyn EventLog>>,
    traces: Option<Store>,
    observer: Arc<dyn Observer>,
    secrets: Arc<RunSecrets>,
}

impl Journal {
    /// A journal; without a store nothing is kept.
    pub(crate) fn new(
        run: RunId,
        store: Option<Store>,
        observer: Arc<dyn Observer>,
        secrets: Arc<RunSecrets>,
    ) -> Self {
        // The log is a trait: one that is kept elsewhere is another value here and no other change.
        let log = store
            .clone()
            .map(|store| Arc::new(store) as Arc<dyn EventLog>);
        Self {
            run,
            log,
            traces: store,
            observer,
            secrets,
        }
    }

    /// The same for a child run.
    pub(crate) fn for_child(&self, run: RunId) -> Self {
        Self {
            run,
            log: self.log.clone(),
            traces: self.traces.clone(),
            observer: Arc::clone(&self.observer),
            secrets: Arc::clone(&self.secrets),
        }
    }

    /// Without trace rows, where a spec wants none. Events stay: a run goes on from them.
    #[must_use]
    pub(crate) fn traced(mut self, wanted: bool) -> Self {
        self.traces = self.traces.filter(|_| wanted);
        self
    }

    /// Does anybody want to know results? Copying one for nobody would cost more than a small stage.
    pub(crate) fn is_heard(&self) -> bool {
        self.log.is_some() || self.observer.wants_results()
    }

    fn clean(&self, event: Event) -> Event {
        if self.secrets.is_empty() {
            return event;
        }
        let Ok(value) = serde_json::to_value(&event) else {
            return event;
        };
        // What an event is cannot be a secret: should scrubbing make it unreadable, it stays as an unknown one.
        serde_json::from_value(self.secrets.clean(value)).unwrap_or(Event::Unknown(UnknownEvent {
            kind: "withheld".into(),
            data: serde_json::Value::Null,
        }))
    }

    /// Writes an event without waiting.
    pub(crate) fn note(&self, event: Event) {
        let event = self.clean(event);
        self.observer.event(&self.run, &event);
        if let Some(log) = &self.log {
            // Queued now, in order. A failure comes back with the next durable event, which is before any effect.
            drop(log.append_async(&self.run, &event));
        }
    }

    /// Writes an event and waits until it is as durable as its kind demands.
    pub(crate) async fn record(&self, event: Event) -> Result<(), Failure> {
        self.write(event).await.map_err(Failure::Log)
    }

    /// [`Journal::record`] for the end of a run, which is not a stage's failure.
    pub(crate) async fn write(&self, event: Event) -> Result<(), StoreError> {
        let event = self.clean(event);
        self.observer.event(&self.run, &event);
        match &self.log {
            Some(log) => log.append_async(&self.run, &event).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// For a text of this stage that somebody reads while it arrives.
    pub(crate) fn tokens<'a>(&'a self, stage: &'a str) -> Tokens<'a> {
        Tokens {
            journal: self,
            stage,
            text: Mutex::new(self.secrets.stream()),
        }
    }

    /// Takes the run over from whoever wrote `after`: of several that try one succeeds.
    pub(crate) async fn take_over(&self, after: Seq) -> Result<(), StoreError> {
        let event = Event::RunResumed {
            after,
            reason: format!("process {}", std::process::id()),
        };
        if let Some(log) = self.log.clone() {
            let (run, event) = (self.run.clone(), event.clone());
            let taken = move || log.append_after(&run, after, &event);
            let taken = tokio::task::spawn_blocking(taken).await;
            taken.unwrap_or_else(|_| {
                Err(StoreError::Fenced {
                    run: self.run.clone(),
                    seq: after.next(),
                })
            })?;
        }
        self.observer.event(&self.run, &event);
        Ok(())
    }

    /// Waits until the log takes more without piling it up.
    pub(crate) async fn room(&self) {
        if let Some(log) = &self.log {
            log.room().await;
        }
    }

    /// Keeps a trace row, without secrets.
    pub(crate) fn trace(&self, row: &TraceRow) {
        let Some(store) = &self.traces else { return };
        if self.secrets.is_empty() {
            store.trace(row);
        } else {
            store.trace(&self.clean_row(row));
        }
    }

    fn clean_row(&self, row: &TraceRow) -> TraceRow {
        let clean = serde_json::to_value(row)
            .ok()
            .and_then(|value| serde_json::from_value(self.secrets.clean(value)).ok());
        // As with events: should scrubbing make it unreadable, what stays is that there was one.
        clean.unwrap_or_else(|| TraceRow {
            run_id: row.run_id.clone(),
            success: row.success,
            error_type: Some("withheld".to_owned()),
            ..TraceRow::default()
        })
    }

    /// Are trace rows kept? Making one costs more than the call it describes.
    pub(crate) fn traces(&self) -> bool {
        self.traces.is_some()
    }
}

/// A text on its way to the observer, piece by piece, without secrets: not even one that is split over two pieces.
pub(crate) struct Tokens<'a> {
    journal: &'a Journal,
    stage: &'a str,
    text: Mutex<ScrubStream<'a>>,
}

impl Tokens<'_> {
    /// The next piece.
    pub(crate) fn push(&self, piece: &str) {
        let ready = self
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(piece);
        hand_over(self.journal, self.stage, &ready);
    }

    /// The text is over.
    pub(crate) fn end(self) {
        let rest = self
            .text
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .end();
        hand_over(self.journal, self.stage, &rest);
    }
}

fn hand_over(journal: &Journal, stage: &str, text: &str) {
    if !text.is_empty() {
        // The log has the whole of it once it is there.
        let piece = Event::Token {
            stage: stage.to_owned(),
            text: text.to_owned(),
        };
        journal.observer.event(&journal.run, &piece);
    }
}
