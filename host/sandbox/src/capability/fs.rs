//! `fs`: whole files below the directories that were granted. The path is checked against the rights in its one
//! spelling and then walked by handle; see [`crate::Workspace`] for what is refused on the way.

use std::sync::{Arc, Mutex, PoisonError};

use armature_grants::{LimitId, RelPath};

use crate::{
    bindings::imports::armature::plugin::fs,
    state::State,
    usage::Stop,
    workspace::{EntryKind, FileError, Workspace},
};

impl From<FileError> for fs::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Reserved(_) => Self::Denied(error.to_string()),
            FileError::NotFound => Self::NotFound,
            FileError::NotAFile => Self::NotAFile,
            FileError::TooLarge => Self::TooLarge,
            FileError::Other(why) => Self::Other(why),
        }
    }
}

fn parsed(path: &str) -> Result<RelPath, fs::Error> {
    RelPath::new(path).map_err(|why| fs::Error::InvalidPath(why.to_string()))
}

/// Work on files leaves the scheduler's threads alone.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, fs::Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(fs::Error::Other("the operation was interrupted".into())),
    }
}

/// What a call waits for is wanted until the call ends, also when it ends at its deadline: the thread that writes goes
/// on then, and must change nothing more.
struct Wanted(Arc<Mutex<bool>>);

impl Drop for Wanted {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl State {
    fn files(&self) -> Result<Workspace, fs::Error> {
        self.workspace
            .clone()
            .ok_or_else(|| fs::Error::Denied("there are no files here".into()))
    }
}

impl fs::Host for State {
    async fn read(&mut self, path: String) -> wasmtime::Result<Result<Vec<u8>, fs::Error>> {
        self.enter()?;
        let path = match parsed(&path) {
            Ok(path) => path,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(denial) = self.rights.read_file(&path) {
            return Ok(Err(fs::Error::Denied(self.denied(denial))));
        }
        let longest = self.meter.file_read_left();
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return Ok(Err(error)),
        };
        let content = off_thread(move || files.read(&path, longest)).await;
        if let Ok(bytes) = &content {
            self.meter.file_read(bytes.len() as u64);
        }
        Ok(content)
    }

    async fn write(
        &mut self,
        path: String,
        content: Vec<u8>,
    ) -> wasmtime::Result<Result<(), fs::Error>> {
        self.enter()?;
        let path = match parsed(&path) {
            Ok(path) => path,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(denial) = self.rights.write_file(&path) {
            return Ok(Err(fs::Error::Denied(self.denied(denial))));
        }
        // Counted before it happens, directories on the way included: what failed half way has been written too.
        self.meter.file_entries(path.names().count() as u64)?;
        self.meter.file_write(content.len() as u64)?;
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return Ok(Err(error)),
        };
        let wanted = Wanted(Arc::new(Mutex::new(true)));
        let still = Arc::clone(&wanted.0);
        let done = off_thread(move || files.write_while(&still, &path, &content)).await;
        drop(wanted);
        Ok(done)
    }

    async fn list(&mut self, path: String) -> wasmtime::Result<Result<Vec<fs::Entry>, fs::Error>> {
        self.enter()?;
        let path = match parsed(&path) {
            Ok(path) => path,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(denial) = self.rights.read_file(&path) {
            return Ok(Err(fs::Error::Denied(self.denied(denial))));
        }
        let most = self.meter.limits.get(LimitId::FileEntries);
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return Ok(Err(error)),
        };
        let listed = off_thread(move || files.list(&path, most)).await;
        if let Ok(entries) = &listed {
            self.meter
                .file_entries(entries.len() as u64)
                .map_err(|stop: Stop| stop)?;
        }
        let entry = |entry: crate::workspace::Entry| fs::Entry {
            name: entry.name,
            kind: match entry.kind {
                EntryKind::File => fs::Kind::File,
                EntryKind::Directory => fs::Kind::Directory,
                EntryKind::Other => fs::Kind::Other,
            },
            size: entry.size,
        };
        Ok(listed.map(|entries| entries.into_iter().map(entry).collect()))
    }
}
