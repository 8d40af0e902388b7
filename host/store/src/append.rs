//! The store as an [`EventLog`]: an event gets its place here, and the writer puts it there.
//!
//! Places are counted in memory, so that an append need not ask the database; whether the count was right is found out
//! by the table's unique key. See [`crate::log`] for what that means to two writers of one run.

use std::sync::mpsc::sync_channel;

use futures::{FutureExt as _, channel::oneshot};
use time::OffsetDateTime;

use crate::{
    BoxFuture, Event, EventLog, Recorded, RunId, Seq, Store, StoreError, runs,
    store::lock,
    writer::{self, Answer, EventRow, Level, Work},
};

impl Store {
    /// Gives an event its place and queues it. The lock is held over both: queue order is event order.
    fn enqueue(
        &self,
        run: &RunId,
        event: &Event,
        after: Option<Seq>,
        answer: Option<Answer>,
    ) -> Result<Seq, StoreError> {
        if after.is_none()
            && let Some(cause) = self.inner.shared.broken(run)
        {
            return Err(refused(run, cause));
        }
        let json = serde_json::to_string(event).map_err(|error| StoreError::Unwritable {
            run: run.clone(),
            kind: event.name().to_owned(),
            reason: error.to_string(),
        })?;
        let mut places = lock(&self.inner.places);
        let last = match (after, places.get(run)) {
            (Some(after), _) => after,
            (None, Some(last)) => *last,
            (None, None) => self.read("read a run's log", |connection| {
                writer::last_seq(connection, run)
            })?,
        };
        let seq = last.next();
        let row = EventRow {
            run: run.clone(),
            seq,
            at: OffsetDateTime::now_utc(),
            name: event
                .kind()
                .map_or_else(|| event.name().to_owned().into(), |kind| kind.name.into()),
            stage: event.stage().map(str::to_owned),
            json,
            change: runs::Change::of(event),
            takes_over: after.is_some(),
        };
        let durable = after.is_some() || event.is_durable();
        let level = if durable {
            Level::Durable
        } else {
            Level::Committed
        };
        self.send(Work::Event(Box::new(row)), level, answer)?;
        match places.get_mut(run) {
            // A run that has ended is not kept in mind: a service would collect them for ever.
            _ if event.kind().is_some_and(|kind| kind.ends_run) => drop(places.remove(run)),
            Some(place) => *place = seq,
            None => drop(places.insert(run.clone(), seq)),
        }
        Ok(seq)
    }

    /// Makes the next append ask the database for the run's last place.
    fn forget(&self, run: &RunId) {
        lock(&self.inner.places).remove(run);
    }
}

impl EventLog for Store {
    fn append(&self, run: &RunId, event: &Event) -> Result<Seq, StoreError> {
        if !event.is_durable() {
            return self.enqueue(run, event, None, None);
        }
        let (answer, answered) = sync_channel(1);
        let seq = self.enqueue(
            run,
            event,
            None,
            Some(Box::new(move |result| drop(answer.send(result)))),
        )?;
        let result = answered.recv().unwrap_or_else(|_| Err(self.closed()));
        result.map(|()| seq).map_err(|cause| refused(run, cause))
    }

    fn append_async(
        &self,
        run: &RunId,
        event: &Event,
    ) -> BoxFuture<'static, Result<Seq, StoreError>> {
        if !event.is_durable() {
            return std::future::ready(self.enqueue(run, event, None, None)).boxed();
        }
        let (answer, answered) = oneshot::channel();
        let queued = self.enqueue(
            run,
            event,
            None,
            Some(Box::new(move |result| drop(answer.send(result)))),
        );
        let (run, path) = (run.clone(), self.inner.path.clone());
        async move {
            let seq = queued?;
            let result = answered.await.unwrap_or(Err(StoreError::Closed { path }));
            result.map(|()| seq).map_err(|cause| refused(&run, cause))
        }
        .boxed()
    }

    fn room(&self) -> BoxFuture<'static, ()> {
        Self::room(self).boxed()
    }

    fn append_after(&self, run: &RunId, after: Seq, event: &Event) -> Result<Seq, StoreError> {
        let (answer, answered) = sync_channel(1);
        let seq = self.enqueue(
            run,
            event,
            Some(after),
            Some(Box::new(move |result| drop(answer.send(result)))),
        )?;
        let result = answered.recv().unwrap_or_else(|_| Err(self.closed()));
        if result.is_err() {
            self.forget(run);
        }
        result.map(|()| seq)
    }

    fn events_after(&self, run: &RunId, after: Seq) -> Result<Vec<Recorded>, StoreError> {
        let rows: Vec<(i64, String, String)> = self.read("read a run's log", |connection| {
            connection
                .prepare_cached("SELECT seq, timestamp, event FROM events WHERE run_id = ? AND seq > ? ORDER BY seq")?
                .query_map(rusqlite::params![run.as_str(), writer::to_sql(after)], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })?;
        let recorded = |(seq, timestamp, json): (i64, String, String)| {
            let seq = Seq(u64::try_from(seq).unwrap_or(0));
            match serde_json::from_str(&json) {
                Ok(event) => Ok(Recorded {
                    seq,
                    timestamp,
                    event,
                }),
                Err(error) => Err(StoreError::Damaged {
                    run: run.clone(),
                    seq,
                    reason: damage(&error),
                }),
            }
        };
        rows.into_iter().map(recorded).collect()
    }

    fn last_seq(&self, run: &RunId) -> Result<Seq, StoreError> {
        self.read("read a run's log", |connection| {
            writer::last_seq(connection, run)
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.wait(Work::Barrier, Level::Committed)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.wait(Work::Barrier, Level::Durable)
    }
}

/// A lost place is told as it is; any other cause is told as the reason for a broken log.
fn refused(run: &RunId, cause: StoreError) -> StoreError {
    match cause {
        StoreError::Fenced { .. } | StoreError::Closed { .. } => cause,
        cause => StoreError::Broken {
            run: run.clone(),
            cause: Box::new(cause),
        },
    }
}

/// Where an event cannot be read. Not the reader's own words: they quote what they found.
fn damage(error: &serde_json::Error) -> String {
    format!(
        "{:?} error at line {}, column {}",
        error.classify(),
        error.line(),
        error.column()
    )
}
