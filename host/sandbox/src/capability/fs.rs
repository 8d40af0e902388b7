//! `fs`: files and directories below those that were granted. The path is checked against the rights in its one
//! spelling and then walked by handle; see [`crate::Workspace`] for what is refused on the way.
//!
//! Every operation begins alike: counted as a call, its paths parsed, its rights checked, its files found. What ends the
//! call travels as [`Halt::Stop`], what the guest is answered as [`Halt::Answer`].

use std::sync::{Arc, Mutex, PoisonError};

use armature_grants::{LimitId, RelPath};

use crate::{
    bindings::imports::armature::plugin::fs,
    state::State,
    usage::Stop,
    workspace::{Entry, EntryKind, FileError, Wanted, Workspace},
};

/// Why an operation went no further.
enum Halt {
    /// The call ends.
    Stop(Stop),
    /// The guest goes on, with this answer.
    Answer(fs::Error),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<fs::Error> for Halt {
    fn from(error: fs::Error) -> Self {
        Self::Answer(error)
    }
}

/// What the linker wants of a function that can end the call.
fn answer<T>(done: Result<T, Halt>) -> wasmtime::Result<Result<T, fs::Error>> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::Answer(error)) => Ok(Err(error)),
        Err(Halt::Stop(stop)) => Err(stop.into()),
    }
}

impl From<FileError> for fs::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Reserved(_) => Self::Denied(error.to_string()),
            FileError::NotFound => Self::NotFound,
            FileError::NotAFile => Self::NotAFile,
            FileError::Exists => Self::Exists,
            FileError::NotEmpty => Self::NotEmpty,
            FileError::TooLarge => Self::TooLarge,
            FileError::Other(why) => Self::Other(why),
        }
    }
}

impl From<Entry> for fs::Entry {
    fn from(entry: Entry) -> Self {
        Self {
            name: entry.name,
            kind: match entry.kind {
                EntryKind::File => fs::Kind::File,
                EntryKind::Directory => fs::Kind::Directory,
                EntryKind::Other => fs::Kind::Other,
            },
            size: entry.size,
            modified_ms: entry.modified_ms,
        }
    }
}

/// What an operation needs of a path.
#[derive(Clone, Copy)]
enum Need {
    Read,
    Write,
}

/// Work on files leaves the scheduler's threads alone.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, Halt> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| Halt::Answer(error.into())),
        Err(_) => Err(Halt::Answer(fs::Error::Other(
            "the operation was interrupted".into(),
        ))),
    }
}

/// What a call waits for is wanted until the call ends, also when it ends at its deadline: the thread that works goes on
/// then, and must change nothing more.
struct UntilTheEnd(Arc<Wanted>);

impl Drop for UntilTheEnd {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// As [`off_thread`], for work that changes files.
async fn change<T: Send + 'static>(
    work: impl FnOnce(&Wanted) -> Result<T, FileError> + Send + 'static,
) -> Result<T, Halt> {
    let wanted = UntilTheEnd(Arc::new(Mutex::new(true)));
    let still = Arc::clone(&wanted.0);
    off_thread(move || work(&still)).await
}

impl State {
    fn begin(&mut self) -> Result<Workspace, Halt> {
        self.enter()?;
        let none = || fs::Error::Denied("there are no files here".into());
        Ok(self.workspace.clone().ok_or_else(none)?)
    }

    /// The path in its one spelling, if the rights cover it.
    fn path(&mut self, path: &str, needs: &[Need]) -> Result<RelPath, Halt> {
        let path = RelPath::new(path).map_err(|why| fs::Error::InvalidPath(why.to_string()))?;
        for need in needs {
            let allowed = match need {
                Need::Read => self.rights.read_file(&path),
                Need::Write => self.rights.write_file(&path),
            };
            if let Err(denial) = allowed {
                return Err(fs::Error::Denied(self.denied(denial)).into());
            }
        }
        Ok(path)
    }

    /// Counted before it happens, directories on the way included: what failed half way has been written too.
    fn makes(&mut self, path: &RelPath, bytes: usize) -> Result<(), Halt> {
        self.meter.file_entries(path.names().count() as u64)?;
        Ok(self.meter.file_write(bytes as u64)?)
    }

    /// Most entries of a tree or a directory that one operation deals with.
    fn most_entries(&self) -> u64 {
        self.meter.limits.get(LimitId::FileEntries)
    }

    async fn read_file(&mut self, path: &str) -> Result<Vec<u8>, Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Read])?;
        let longest = self.meter.file_read_left();
        let content = off_thread(move || files.read(&path, longest)).await?;
        self.meter.file_read(content.len() as u64);
        Ok(content)
    }

    async fn write_file(&mut self, path: &str, content: Vec<u8>) -> Result<(), Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Write])?;
        self.makes(&path, content.len())?;
        change(move |wanted| files.write_while(wanted, &path, &content)).await
    }

    async fn append_file(&mut self, path: &str, content: Vec<u8>) -> Result<(), Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Write])?;
        self.makes(&path, content.len())?;
        let longest = self.meter.limits.get(LimitId::FileWritten);
        change(move |wanted| files.append_while(wanted, &path, &content, longest)).await
    }

    async fn list_directory(&mut self, path: &str) -> Result<Vec<fs::Entry>, Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Read])?;
        let most = self.most_entries();
        let entries = off_thread(move || files.list(&path, most)).await?;
        self.meter.file_entries(entries.len() as u64)?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    async fn stat_entry(&mut self, path: &str) -> Result<fs::Entry, Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Read])?;
        Ok(off_thread(move || files.stat(&path)).await?.into())
    }

    async fn make_dir(&mut self, path: &str) -> Result<(), Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Write])?;
        self.makes(&path, 0)?;
        change(move |wanted| files.make_directory_while(wanted, &path)).await
    }

    async fn remove_entry(&mut self, path: &str, recursive: bool) -> Result<(), Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Write])?;
        let most = self.most_entries();
        let entries =
            change(move |wanted| files.remove_while(wanted, &path, recursive, most)).await?;
        Ok(self.meter.file_entries(entries)?)
    }

    async fn rename_entry(&mut self, old: &str, new: &str) -> Result<(), Halt> {
        let files = self.begin()?;
        // Read, because what was moved to where the guest reads has been read.
        let old = self.path(old, &[Need::Read, Need::Write])?;
        let new = self.path(new, &[Need::Write])?;
        let most = self.most_entries();
        let entries = change(move |wanted| files.rename_while(wanted, &old, &new, most)).await?;
        Ok(self.meter.file_entries(entries)?)
    }

    async fn set_date(&mut self, path: &str, modified_ms: u64) -> Result<(), Halt> {
        let files = self.begin()?;
        let path = self.path(path, &[Need::Write])?;
        change(move |wanted| files.set_modified_while(wanted, &path, modified_ms)).await
    }
}

/// What a function of the interface answers.
type Answered<T> = wasmtime::Result<Result<T, fs::Error>>;

impl fs::Host for State {
    async fn read(&mut self, path: String) -> Answered<Vec<u8>> {
        answer(self.read_file(&path).await)
    }

    async fn write(&mut self, path: String, content: Vec<u8>) -> Answered<()> {
        answer(self.write_file(&path, content).await)
    }

    async fn append(&mut self, path: String, content: Vec<u8>) -> Answered<()> {
        answer(self.append_file(&path, content).await)
    }

    async fn list(&mut self, path: String) -> Answered<Vec<fs::Entry>> {
        answer(self.list_directory(&path).await)
    }

    async fn stat(&mut self, path: String) -> Answered<fs::Entry> {
        answer(self.stat_entry(&path).await)
    }

    async fn make_directory(&mut self, path: String) -> Answered<()> {
        answer(self.make_dir(&path).await)
    }

    async fn remove(&mut self, path: String, recursive: bool) -> Answered<()> {
        answer(self.remove_entry(&path, recursive).await)
    }

    async fn rename(&mut self, old: String, new: String) -> Answered<()> {
        answer(self.rename_entry(&old, &new).await)
    }

    async fn set_modified(&mut self, path: String, modified_ms: u64) -> Answered<()> {
        answer(self.set_date(&path, modified_ms).await)
    }
}
