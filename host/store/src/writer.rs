//! The one thread that writes.
//!
//! It takes what is queued, as much as there is, and commits it as one transaction. A batch with a durable job is committed with `synchronous=FULL`, which brings the
//! whole write-ahead log to the disk, hence also everything queued before; all other batches use `NORMAL`, which
//! survives the death of the process but not of the machine.
//!
//! An event that cannot be written breaks its run: later events of that run are refused here and at [`crate::Store`],
//! because a log with a hole would let a resumed run repeat or forget an effect. A trace row that cannot be written is
//! counted, and told once.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, ErrorCode, params};
use time::OffsetDateTime;

use crate::{RunId, Seq, StoreError, TraceRow, error::database, queue::Queue, runs::Change, trace};

/// How often a transaction is begun anew when another process held the file for the whole busy timeout.
const BUSY_ATTEMPTS: u32 = 3;

/// What has to be true before a job is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Other connections see it.
    Committed,
    /// It survives a loss of power.
    Durable,
}

/// An event, ready to be inserted.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) run: RunId,
    pub(crate) seq: Seq,
    pub(crate) at: OffsetDateTime,
    pub(crate) name: Cow<'static, str>,
    pub(crate) stage: Option<String>,
    pub(crate) json: String,
    pub(crate) change: Option<Change>,
    /// Whether the place before it must be the run's last: the run is being taken over.
    pub(crate) takes_over: bool,
}

/// A change of a side table, atomic by itself.
pub(crate) type SideChange = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// What to write.
pub(crate) enum Work {
    Event(Box<EventRow>),
    Trace(Box<TraceRow>),
    Side(SideChange),
    /// Nothing: what is before it in the queue is what is waited for.
    Barrier,
}

impl Work {
    /// How many bytes it holds, roughly: what is large in it, not what every job has.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.json.len(),
            Self::Trace(row) => row.bytes(),
            Self::Side(_) | Self::Barrier => 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn test_of(bytes: usize) -> Self {
        Self::Trace(Box::new(TraceRow {
            error_message: Some("x".repeat(bytes)),
            ..TraceRow::default()
        }))
    }
}

/// Called once, from the writer thread, with the outcome.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// One entry of the queue.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) level: Level,
    pub(crate) answer: Option<Answer>,
}

/// What the writer and the store both look at.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    broken: Mutex<HashMap<RunId, StoreError>>,
    write_errors: AtomicU64,
}

impl Shared {
    /// Why a run's log cannot go on, if it cannot.
    pub(crate) fn broken(&self, run: &RunId) -> Option<StoreError> {
        self.lock().get(run).cloned()
    }

    /// How many writes were lost that nobody waited for.
    pub(crate) fn write_errors(&self) -> u64 {
        self.write_errors.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, StoreError>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn break_run(&self, run: &RunId, cause: &StoreError) {
        self.lock()
            .entry(run.clone())
            .or_insert_with(|| cause.clone());
    }

    fn lost_write(&self, what: &'static str, error: &StoreError) {
        if self.write_errors.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(%error, "{what} was not written; further ones are only counted");
        }
    }
}

pub(crate) struct Writer {
    connection: Connection,
    path: PathBuf,
    shared: Arc<Shared>,
    /// The level that the connection's `synchronous` is set to.
    level: Level,
    /// Whether something was committed since the log was last brought to the disk.
    unsynced: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, path: PathBuf, shared: Arc<Shared>) -> Self {
        Self {
            connection,
            path,
            shared,
            level: Level::Committed,
            unsynced: false,
        }
    }

    /// Until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        /// However the thread ends, nobody waits for it any longer.
        struct Ended<'a>(&'a Queue);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.abandon();
            }
        }
        let _ended = Ended(queue);
        while let Some(batch) = queue.take() {
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Job>) {
        let level = batch
            .iter()
            .map(|job| job.level)
            .max()
            .unwrap_or(Level::Committed);
        let mut done = Vec::with_capacity(batch.len());
        let outcome = self.transaction(level, batch, &mut done);
        for (subject, answer, result) in done {
            let result = result.and_then(|()| outcome.clone());
            if let Err(error) = &result {
                self.lost(subject, error, answer.is_some());
            }
            if let Some(answer) = answer {
                answer(result);
            }
        }
    }

    fn lost(&self, subject: Subject, error: &StoreError, awaited: bool) {
        match subject {
            // A take-over that came too late breaks nothing: the run is another's, and was before.
            Subject::TakeOver | Subject::Nothing => {}
            Subject::Run(run) => {
                self.shared.break_run(&run, error);
                if !awaited {
                    self.shared.lost_write("an event", error);
                }
            }
            Subject::Trace => self.shared.lost_write("a trace row", error),
            Subject::Side if !awaited => self.shared.lost_write("a cache entry", error),
            Subject::Side => {}
        }
    }

    fn transaction(
        &mut self,
        level: Level,
        batch: Vec<Job>,
        done: &mut Vec<Done>,
    ) -> Result<(), StoreError> {
        let mut lost = self.begin(level).err();
        for job in batch {
            let subject = Subject::of(&job.work);
            let result = lost.clone().map_or_else(|| self.apply(job.work), Err);
            if let Err(error) = &result {
                if lost.is_none() && self.connection.is_autocommit() {
                    // A full or failing disk makes SQLite roll back by itself: what was written before is gone too,
                    // and what comes after must not be written alone.
                    lost = Some(error.clone());
                }
                if let Subject::Run(run) = &subject {
                    // At once: the next event of the run may be in this very batch.
                    self.shared.break_run(run, error);
                }
            }
            done.push((subject, job.answer, result));
        }
        if let Some(error) = lost {
            return Err(error);
        }
        let finished = self.finish(level);
        if finished.is_err() && !self.connection.is_autocommit() {
            // Nothing more can be done if even this fails; the next begin will say so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        finished
    }

    fn begin(&mut self, level: Level) -> Result<(), StoreError> {
        if self.level != level {
            let word = if level == Level::Durable {
                "FULL"
            } else {
                "NORMAL"
            };
            let changed = self.connection.pragma_update(None, "synchronous", word);
            changed.map_err(database("choose how safely to write", &self.path))?;
            self.level = level;
        }
        let mut attempt = 1;
        loop {
            match self
                .connection
                .prepare_cached("BEGIN IMMEDIATE")
                .and_then(|mut begin| begin.execute([]))
            {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) && attempt < BUSY_ATTEMPTS => attempt += 1,
                Err(error) => return Err(database("begin to write", &self.path)(error)),
            }
        }
    }

    fn finish(&mut self, level: Level) -> Result<(), StoreError> {
        let result = (|| {
            if level == Level::Durable && self.unsynced {
                // A transaction that changes nothing is not synced. Writing the format number again is a change.
                let format: i64 =
                    self.connection
                        .pragma_query_value(None, "user_version", |row| row.get(0))?;
                self.connection
                    .pragma_update(None, "user_version", format)?;
            }
            self.connection.prepare_cached("COMMIT")?.execute([])
        })();
        result.map_err(database("commit", &self.path))?;
        self.unsynced = level == Level::Committed;
        Ok(())
    }

    fn apply(&self, work: Work) -> Result<(), StoreError> {
        match work {
            Work::Event(event) => self.insert(&event),
            Work::Trace(row) => trace::insert(&self.connection, &row)
                .map_err(database("write a trace row", &self.path)),
            Work::Side(change) => {
                let atomic = || {
                    self.connection.execute_batch("SAVEPOINT side")?;
                    let changed = change(&self.connection);
                    if changed.is_err() {
                        self.connection.execute_batch("ROLLBACK TO side")?;
                    }
                    self.connection.execute_batch("RELEASE side")?;
                    changed
                };
                atomic().map_err(database("change a table", &self.path))
            }
            Work::Barrier => Ok(()),
        }
    }

    fn insert(&self, event: &EventRow) -> Result<(), StoreError> {
        let fenced = || StoreError::Fenced {
            run: event.run.clone(),
            seq: event.seq,
        };
        if event.takes_over {
            let last = last_seq(&self.connection, &event.run)
                .map_err(database("read a run's log", &self.path))?;
            if last.next() != event.seq {
                return Err(fenced());
            }
            self.shared.lock().remove(&event.run);
        } else if let Some(cause) = self.shared.broken(&event.run) {
            return Err(cause);
        }
        let now = timestamp(event.at);
        let insert = || {
            self.connection
                .prepare_cached(
                    "INSERT INTO events (run_id, seq, timestamp, type, stage, event) VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![event.run.as_str(), to_sql(event.seq), now, event.name, event.stage, event.json])?;
            event.change.as_ref().map_or(Ok(()), |change| {
                change.apply(&self.connection, &event.run, &now)
            })
        };
        insert().map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => fenced(),
            _ => database("append an event", &self.path)(error),
        })
    }
}

type Done = (Subject, Option<Answer>, Result<(), StoreError>);

/// What is lost if a job fails.
enum Subject {
    Run(RunId),
    TakeOver,
    Trace,
    Side,
    Nothing,
}

impl Subject {
    fn of(work: &Work) -> Self {
        match work {
            Work::Event(event) if event.takes_over => Self::TakeOver,
            Work::Event(event) => Self::Run(event.run.clone()),
            Work::Trace(_) => Self::Trace,
            Work::Side(_) => Self::Side,
            Work::Barrier => Self::Nothing,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// A place as SQLite keeps it.
pub(crate) fn to_sql(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// The last place of a run's log.
pub(crate) fn last_seq(connection: &Connection, run: &RunId) -> rusqlite::Result<Seq> {
    let last: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events WHERE run_id = ?")?
        .query_row([run.as_str()], |row| row.get(0))?;
    Ok(Seq(u64::try_from(last).unwrap_or(0)))
}

/// ISO-8601 in UTC with microseconds: texts of one length, so that their order is the order of time.
pub(crate) fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (date, micros) = (at.date(), at.microsecond());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}
