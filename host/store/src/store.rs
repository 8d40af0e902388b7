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

use futures::channel::oneshot;
use rusqlite::Connection;

use crate::{
    EventLog, RunId, Seq, StoreError,
    error::database,
    files,
    queue::Queue,
    schema,
    writer::{Answer, Job, Level, Shared, Work, Writer},
};

/// Idle read connections that are kept.
const MAX_IDLE_READERS: usize = 4;

type Reading = Box<dyn FnOnce() + Send>;

/// The event log and its tables, in SQLite.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    memory: bool,
    pub(crate) shared: Arc<Shared>,
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
    /// The last place given out, of each run this store writes.
    pub(crate) places: Mutex<HashMap<RunId, Seq>>,
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

    /// Waits until the queue has room, holding no thread; ready at once if it has. Nothing is refused for lack of it:
    /// who makes many events asks before each, and is kept to the pace of the disk.
    pub fn room(&self) -> impl Future<Output = ()> + Send + 'static {
        let room = self.inner.queue.room();
        async move {
            if let Some(room) = room {
                // A queue that ended has room for nothing; whoever writes next is told.
                let _ = room.await;
            }
        }
    }

    pub(crate) fn send(
        &self,
        work: Work,
        level: Level,
        answer: Option<Answer>,
    ) -> Result<(), StoreError> {
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

    /// Sends, and waits on this thread: for room first, then for the answer.
    pub(crate) fn wait(&self, work: Work, level: Level) -> Result<(), StoreError> {
        let (answer, answered) = sync_channel(1);
        let answer: Option<Answer> = Some(Box::new(move |result| drop(answer.send(result))));
        let job = Job {
            work,
            level,
            answer,
        };
        if !self.inner.queue.push_waiting(job) {
            return Err(self.closed());
        }
        answered.recv().unwrap_or_else(|_| Err(self.closed()))
    }

    pub(crate) fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.inner.path.clone(),
        }
    }
}

/// A lock whose holder panicked is as good as any: every holder leaves what it guards whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
