//! The contract of an event log: what the engine, resume, replay and every view are written against.
//!
//! One writer owns a run. Each event has a place ([`Seq`]) and no two events of a run share one, whoever wrote them: a
//! writer that was taken over finds its next place occupied and gets [`StoreError::Fenced`], at the latest with the
//! first durable event, which is before the next outside effect. Nothing here needs SQLite, a file or a thread.

use std::{future::Future, pin::Pin};

use serde::{Deserialize, Serialize};

use crate::{Event, RunId, Seq, StoreError};

/// A future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place in the run.
    pub seq: Seq,
    /// When it was appended: ISO-8601, UTC, with microseconds.
    pub timestamp: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// An append-only log of events by run.
pub trait EventLog: Send + Sync {
    /// Appends the next event of a run this log writes.
    ///
    /// Plain kinds are queued and the call returns at once; durable ones (see [`crate::KINDS`]) are on the disk, with
    /// all that came before them, when the call returns. From async code use [`EventLog::append_async`] for those.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another writer has taken the run, [`StoreError::Broken`] when an earlier event of
    /// it was lost, and what the storage says.
    fn append(&self, run: &RunId, event: &Event) -> Result<Seq, StoreError>;

    /// [`EventLog::append`], waiting without holding a thread. The event is queued before this returns, so that the
    /// order of calls is the order of events even if the futures are awaited in another.
    fn append_async(
        &self,
        run: &RunId,
        event: &Event,
    ) -> BoxFuture<'static, Result<Seq, StoreError>>;

    /// Waits until the log takes more without piling it up, holding no thread. Nothing is refused for lack of room.
    fn room(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Appends, durably, only if the run's last event is `after`. This is how a run is taken over (by resume, by the
    /// answer to a gate of a parked run): of several that try, exactly one succeeds.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the run has gone on since `after`, and what the storage says.
    fn append_after(&self, run: &RunId, after: Seq, event: &Event) -> Result<Seq, StoreError>;

    /// The events of a run after a place, in order. Everything this log has appended before is among them.
    ///
    /// # Errors
    /// What the storage says; [`StoreError::Damaged`] for an event that is no JSON.
    fn events_after(&self, run: &RunId, after: Seq) -> Result<Vec<Recorded>, StoreError>;

    /// All events of a run, in order.
    ///
    /// # Errors
    /// Those of [`EventLog::events_after`].
    fn events(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        self.events_after(run, Seq::START)
    }

    /// The place of the last event, [`Seq::START`] if there is none.
    ///
    /// # Errors
    /// What the storage says.
    fn last_seq(&self, run: &RunId) -> Result<Seq, StoreError>;

    /// Waits until everything appended so far is committed, so that other processes see it.
    ///
    /// # Errors
    /// What the storage says.
    fn flush(&self) -> Result<(), StoreError>;

    /// Waits until everything appended so far is on the disk.
    ///
    /// # Errors
    /// What the storage says.
    fn sync(&self) -> Result<(), StoreError>;
}
