//! The store: an [`EventLog`] in one SQLite file, and the tables beside it.
//!
//! Writes go to one thread (`writer`); reads have connections of their own and see everything this store was given
//! before. A clone is the same store. When the last clone goes, what is queued is written first.
//!
//! Calls that wait (durable appends, reads) take up to some milliseconds of their thread. Async code uses
//! [`EventLog::append_async`] and [`Store::read_async`], which need no runtime and hold none.

use std::{
    collections::HashMap,
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{Sender, channel, sync_channel},
    },
    thread::JoinHandle,
};

use futures::{FutureExt as _, channel::oneshot};
use rusqlite::Connection;
use time::OffsetDateTime;

use crate::{
    BoxFuture, Event, EventLog, Recorded, RunId, RunQuery, RunRecord, Seq, StoreError, TraceQuery,
    TraceRow,
    error::database,
    files,
    queue::Queue,
    runs, schema, trace,
    writer::{self, Answer, EventRow, Job, Level, Shared, Work, Writer},
};

/// Idle read connections that are kept.
const MAX_IDLE_READERS: usize = 4;

type Reading = Box<dyn FnOnce() + Send>;

/// The event log and its tables, in SQLite.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    memory: bool,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
    /// The last place given out, of each run this store writes.
    places: Mutex<HashMap<RunId, Seq>>,
    idle: Mutex<Vec<Connection>>,
    reader: OnceLock<Sender<Reading>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to write.
            let _ = writer.join();
        }
    }
}

impl Store {
    /// Opens the file, making it (0600, in a directory 0700) or bringing it up to date first.
    ///
    /// # Errors
    /// [`StoreError::File`], [`StoreError::Newer`], or SQLite's reason.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        files::make_private(path)?;
        Self::start(path.to_owned(), false)
    }

    /// A store without a file, gone with its last clone. The same code, for tests and for runs that keep nothing.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn memory() -> Result<Self, StoreError> {
        let name = uuid::Uuid::new_v4().simple();
        Self::start(PathBuf::from(format!("file:/{name}?vfs=memdb")), true)
    }

    fn start(path: PathBuf, memory: bool) -> Result<Self, StoreError> {
        let mut connection = schema::connect(&path, memory)?;
        schema::prepare(&mut connection, &path)?;
        let shared = Arc::new(Shared::default());
        let queue = Arc::new(Queue::default());
        let thread = Writer::new(connection, path.clone(), Arc::clone(&shared));
        let writer = std::thread::Builder::new()
            .name("armature-store".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || thread.run(&queue)
            })
            .map_err(|source| StoreError::File {
                path: path.clone(),
                source: Arc::new(source),
            })?;
        let inner = Inner {
            path,
            memory,
            shared,
            queue,
            writer: Some(writer),
            places: Mutex::default(),
            idle: Mutex::default(),
            reader: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Writes that were lost although nobody waited for them: trace rows, cache entries, queued events.
    pub fn write_errors(&self) -> u64 {
        self.inner.shared.write_errors()
    }

    /// Records a trace row. Never fails and never waits: a row that cannot be written is counted in
    /// [`Store::write_errors`] and told once through `tracing`.
    pub fn trace(&self, row: &TraceRow) {
        let mut row = Box::new(row.clone());
        if row.timestamp.is_empty() {
            row.timestamp = writer::timestamp(OffsetDateTime::now_utc());
        }
        // The queue is closed only while the last clone is dropped, which this one is not.
        let _ = self.send(Work::Trace(row), Level::Committed, None);
    }

    /// Reads trace rows.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn traces(&self, query: &TraceQuery) -> Result<Vec<TraceRow>, StoreError> {
        self.read("read traces", |connection| trace::query(connection, query))
    }

    /// The run of a workflow that traced last.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn latest_run_id(&self, workflow: &str) -> Result<Option<RunId>, StoreError> {
        self.read("read traces", |connection| {
            trace::latest_run(connection, workflow)
        })
    }

    /// Lists runs, newest first.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError> {
        self.read("list runs", |connection| runs::query(connection, query))
    }

    /// One run.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn run(&self, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
        self.read("read a run", |connection| runs::one(connection, run))
    }

    /// The run of a workflow that began last, whatever became of it.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn last_run(&self, workflow: &str) -> Result<Option<RunRecord>, StoreError> {
        let query = RunQuery {
            workflow: Some(workflow.to_owned()),
            limit: Some(1),
            ..RunQuery::default()
        };
        Ok(self.runs(&query)?.pop())
    }

    /// Runs `read` on the store's reader thread.
    pub fn read_async<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let store = self.clone();
        let reading: Reading = Box::new(move || {
            let result = read(&store);
            // The store goes first: the caller may be waiting for it to be closed.
            drop(store);
            // Nobody waits any more: the future was dropped.
            let _ = answer.send(result);
        });
        let reader = self.inner.reader.get_or_init(|| {
            let (readings, queue) = channel::<Reading>();
            std::thread::spawn(move || queue.into_iter().for_each(|reading| reading()));
            readings
        });
        let _ = reader.send(reading);
        let path = self.inner.path.clone();
        async move { answered.await.unwrap_or(Err(StoreError::Closed { path })) }
    }

    /// Reads with a connection of its own, after everything that was queued before is committed.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.flush()?;
        let idle = lock(&self.inner.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::connect(&self.inner.path, self.inner.memory)?,
        };
        let result = read(&connection).map_err(database(doing, &self.inner.path));
        let mut idle = lock(&self.inner.idle);
        if idle.len() < MAX_IDLE_READERS {
            idle.push(connection);
        }
        result
    }

    /// Changes a side table and waits until the change is committed.
    pub(crate) fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (value, values) = sync_channel(1);
        let work = Work::Side(Box::new(move |connection| {
            let _ = value.send(change(connection)?);
            Ok(())
        }));
        self.wait(work, Level::Committed)?;
        values.recv().map_err(|_| self.closed())
    }

    /// Changes a side table some time soon.
    pub(crate) fn change_later(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) {
        let _ = self.send(Work::Side(Box::new(change)), Level::Committed, None);
    }

    fn send(&self, work: Work, level: Level, answer: Option<Answer>) -> Result<(), StoreError> {
        if self.inner.queue.push(Job {
            work,
            level,
            answer,
        }) {
            Ok(())
        } else {
            Err(self.closed())
        }
    }

    fn wait(&self, work: Work, level: Level) -> Result<(), StoreError> {
        let (answer, answered) = sync_channel(1);
        let done: Answer = Box::new(move |result| drop(answer.send(result)));
        self.send(work, level, Some(done))?;
        answered.recv().unwrap_or_else(|_| Err(self.closed()))
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.inner.path.clone(),
        }
    }

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
                    reason: error.to_string(),
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
