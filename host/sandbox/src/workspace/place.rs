//! What is asked of one entry, or changed in its place: its metadata, its end, its date.

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use armature_grants::RelPath;
use cap_fs_ext::{
    DirExt as _, FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _,
    OpenOptionsSyncExt as _, SystemTimeSpec,
};
use cap_std::fs::OpenOptions;

use super::{Entry, FileError, Wanted, Workspace, still_wanted};

impl Workspace {
    /// What is at a path; a link is not followed.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn stat(&self, path: &RelPath) -> Result<Entry, FileError> {
        self.check(path, false)?;
        if path.names().next().is_none() {
            return Ok(Entry::new(".".to_owned(), &self.root.dir_metadata()?));
        }
        let (dir, name) = self.walk(path, false)?;
        Ok(Entry::new(name.to_owned(), &dir.symlink_metadata(name)?))
    }

    /// Adds to the end of a file, or creates it, for as long as it is wanted. `longest` is the most that may be copied
    /// where the file has other names too: those must keep what they have.
    ///
    /// # Errors
    /// [`FileError`]; links, directories and devices are [`FileError::NotAFile`].
    pub(crate) fn append_while(
        &self,
        wanted: &Wanted,
        path: &RelPath,
        content: &[u8],
        longest: u64,
    ) -> Result<(), FileError> {
        self.check(path, true)?;
        drop(still_wanted(wanted)?);
        let (dir, name) = self.walk(path, true)?;
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .follow(FollowSymlinks::No)
            .nonblock(true);
        let mut file = dir.open_with(name, &options)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(FileError::NotAFile);
        }
        if meta.nlink() > 1 {
            drop(file);
            let mut whole = self.read(path, longest)?;
            whole.extend_from_slice(content);
            return self.write_while(wanted, path, &whole);
        }
        let _still = still_wanted(wanted)?;
        Ok(file.write_all(content)?)
    }

    /// Says when an entry changed last.
    ///
    /// # Errors
    /// [`FileError`]; links and devices are [`FileError::NotAFile`].
    pub(crate) fn set_modified_while(
        &self,
        wanted: &Wanted,
        path: &RelPath,
        modified_ms: u64,
    ) -> Result<(), FileError> {
        self.check(path, true)?;
        let (dir, name) = self.walk(path, false)?;
        let meta = dir.symlink_metadata(name)?;
        if !meta.is_file() && !meta.is_dir() {
            return Err(FileError::NotAFile);
        }
        let time = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(modified_ms))
            .ok_or_else(|| FileError::Other("no such time".to_owned()))?;
        let time = SystemTimeSpec::from(cap_std::time::SystemTime::from_std(time));
        let _still = still_wanted(wanted)?;
        // Of the entry itself: what may have become a link meanwhile is not followed.
        Ok(dir.set_symlink_times(name, None, Some(time))?)
    }
}
