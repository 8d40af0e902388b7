//! The files of armature's own home that the engine keeps itself: its seal, and the claim on a run.
//!
//! The **seal** is a random text that goes into the digest of every call, so that nobody finds out a short secret by
//! digesting guesses; it lies in the home, for its owner alone, so that an approval given to one process holds in the
//! next one.
//!
//! A **claim** says that a process is at work on a run. It is a lock of the operating system on a file in the run's
//! directory, which ends with its process however that dies. Its file holds the process's number, for people.

#![expect(
    clippy::disallowed_methods,
    reason = "the one module of this crate that opens files of the home"
)]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use armature_store::RunId;

/// Name of the file with the seal.
const SEAL: &str = "seal";

/// Name of the directory with one directory for each run.
const RUNS: &str = "runs";

/// Name of a run's file that is locked.
const LOCK: &str = "lock";

/// How often a claim is tried before it is believed that another process has it, and the pause between.
const LOOKS: u32 = 3;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// Bytes of a seal.
const SEAL_BYTES: usize = 32;

/// The home's seal, made on first use.
pub(crate) fn seal(home: &Path) -> io::Result<[u8; SEAL_BYTES]> {
    let path = home.join(SEAL);
    if let Some(seal) = read_seal(&path)? {
        return Ok(seal);
    }
    // Written beside and linked into its place: nobody reads half a seal, and of two that make one the first stays.
    let own = home.join(format!(".{SEAL}.{}", std::process::id()));
    let _ = fs::remove_file(&own);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    only_mine(&mut options)
        .open(&own)?
        .write_all(&rand::random::<[u8; SEAL_BYTES]>())?;
    let linked = fs::hard_link(&own, &path);
    fs::remove_file(&own)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    read_seal(&path)?.ok_or_else(|| io::Error::other("the seal cannot be read back"))
}

fn read_seal(path: &Path) -> io::Result<Option<[u8; SEAL_BYTES]>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    close_to_others(&file)?;
    let mut seal = [0; SEAL_BYTES];
    file.read_exact(&mut seal).map_err(|_| {
        io::Error::other(format!(
            "`{}` is damaged; remove it, and answer again what waits for an approval",
            path.display()
        ))
    })?;
    Ok(Some(seal))
}

#[cfg(unix)]
fn only_mine(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn only_mine(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// What others could read is no secret: a file that they can read is closed to them.
fn close_to_others(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    let _ = file;
    Ok(())
}

/// Why a run cannot be claimed.
#[derive(Debug)]
pub(crate) enum ClaimError {
    /// Another process is at work on it.
    Taken {
        /// Its number, if it could be read.
        pid: Option<u32>,
    },
    /// The file cannot be made.
    File(io::Error),
}

/// The right to be at work on a run, until it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Locked as long as it is open.
    file: File,
    path: PathBuf,
}

impl Claim {
    /// Claims a run.
    pub(crate) fn take(home: &Path, run: &RunId) -> Result<Self, ClaimError> {
        // Whoever only looks who is at work holds the lock for a moment too.
        for _ in 0..LOOKS {
            match Self::try_take(home, run) {
                Err(ClaimError::Taken { .. }) => std::thread::sleep(PAUSE),
                other => return other,
            }
        }
        Self::try_take(home, run)
    }

    fn try_take(home: &Path, run: &RunId) -> Result<Self, ClaimError> {
        let dir = home.join(RUNS).join(run.as_str());
        let path = dir.join(LOCK);
        loop {
            crate::files::make_home(&dir).map_err(ClaimError::File)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = match only_mine(&mut options).open(&path) {
                // Whoever ended just now took the directory along.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(ClaimError::File)?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let _ = file.read_to_string(&mut text);
                    return Err(ClaimError::Taken {
                        pid: text.trim().parse().ok(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(ClaimError::File(error)),
            }
            // The file may have been removed between its opening and its locking: then it is nobody's.
            if is_at(&file, &path) {
                let write = file
                    .set_len(0)
                    .and_then(|()| file.rewind())
                    .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
                write.map_err(ClaimError::File)?;
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while it is still locked, so that nobody else's is removed. What else is in the directory stays, and
        // the directory with it.
        let _ = fs::remove_file(&self.path);
        if let Some(dir) = self.path.parent() {
            let _ = fs::remove_dir(dir);
        }
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// The process at work on a run of this home: none if there is none, and no number if that cannot be read.
pub fn worker(home: &Path, run: &RunId) -> Option<Option<u32>> {
    let path = home.join(RUNS).join(run.as_str()).join(LOCK);
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Some(text.trim().parse().ok())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_seal_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let first = seal(dir.path()).unwrap();
        assert_eq!(seal(dir.path()).unwrap(), first);
        assert_ne!(seal(tempfile::tempdir().unwrap().path()).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = dir.path().join(SEAL);
            let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(), 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert_eq!(seal(dir.path()).unwrap(), first);
            assert_eq!(mode(), 0o600);
        }
        fs::write(dir.path().join(SEAL), "short").unwrap();
        assert!(
            seal(dir.path())
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }

    #[test]
    fn a_run_is_claimed_by_one_at_a_time_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::fresh();
        assert_eq!(worker(dir.path(), &run), None);
        let claim = Claim::take(dir.path(), &run).unwrap();
        let Err(ClaimError::Taken { pid }) = Claim::take(dir.path(), &run) else {
            panic!("it was claimed twice");
        };
        assert_eq!(pid, Some(std::process::id()));
        assert_eq!(worker(dir.path(), &run), Some(pid));
        drop(claim);
        assert!(!dir.path().join(RUNS).join(run.as_str()).exists());
        drop(Claim::take(dir.path(), &run).unwrap());
    }
}
