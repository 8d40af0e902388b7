//! Making, moving and removing directories, and everything in them.
//!
//! A whole tree changes place or goes only when nothing in it belongs to the host: otherwise `.git` would be removed
//! with the directory around it, or a spec replaced by moving its directory away and another one there. Links in a tree
//! are removed and moved as what they are; nothing here follows one.

use std::io;

use armature_grants::RelPath;
use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;

use super::{FileError, Wanted, Workspace, is_reserved, is_under_in_any_spelling, still_wanted};

/// Deepest tree that is moved or removed: each level holds a handle.
const MAX_DEPTH: usize = 100;

impl Workspace {
    /// Creates a directory and those that lead to it; one that is there is fine.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::Exists`] where something else is in its place.
    pub(crate) fn make_directory_while(
        &self,
        wanted: &Wanted,
        path: &RelPath,
    ) -> Result<(), FileError> {
        self.check(path, true)?;
        drop(still_wanted(wanted)?);
        if path.names().next().is_none() {
            return Ok(());
        }
        let (dir, name) = self.walk(path, true)?;
        let _still = still_wanted(wanted)?;
        match dir.create_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_directory = dir.symlink_metadata(name)?.is_dir();
                if is_directory {
                    Ok(())
                } else {
                    Err(FileError::Exists)
                }
            }
            made => Ok(made?),
        }
    }

    /// Removes a file, a link, or a directory: with everything in it where `recursive` says so. Answers how many entries
    /// that were.
    ///
    /// # Errors
    /// [`FileError`]; more than `most` entries are [`FileError::TooLarge`], and nothing is removed.
    pub(crate) fn remove_while(
        &self,
        wanted: &Wanted,
        path: &RelPath,
        recursive: bool,
        most: u64,
    ) -> Result<u64, FileError> {
        self.check(path, true)?;
        let (dir, name) = self.entry(path)?;
        if !dir.symlink_metadata(name)?.is_dir() {
            let _still = still_wanted(wanted)?;
            dir.remove_file(name)?;
            return Ok(1);
        }
        if !recursive {
            let _still = still_wanted(wanted)?;
            dir.remove_dir(name)?;
            return Ok(1);
        }
        let entries = self.check_tree(path, &dir, name, most)?;
        empty(wanted, &dir.open_dir_nofollow(name)?, 0)?;
        let _still = still_wanted(wanted)?;
        dir.remove_dir(name)?;
        Ok(entries)
    }

    /// Moves a file or a directory. Answers how many entries went with it.
    ///
    /// # Errors
    /// [`FileError`]; links and devices are [`FileError::NotAFile`] on both sides.
    pub(crate) fn rename_while(
        &self,
        wanted: &Wanted,
        old: &RelPath,
        new: &RelPath,
        most: u64,
    ) -> Result<u64, FileError> {
        self.check(old, true)?;
        self.check(new, true)?;
        let (from, old_name) = self.entry(old)?;
        let (to, new_name) = self.entry(new)?;
        let meta = from.symlink_metadata(old_name)?;
        let entries = if meta.is_dir() {
            // Its content would take the place of what the host holds below the new name.
            self.holds_nothing_below(new)?;
            self.check_tree(old, &from, old_name, most)?
        } else if meta.is_file() {
            1
        } else {
            return Err(FileError::NotAFile);
        };
        match to.symlink_metadata(new_name) {
            Ok(there) if there.is_file() && meta.is_file() => {}
            Ok(there) if there.is_dir() && meta.is_dir() => {}
            Ok(there) if there.is_dir() => return Err(FileError::Exists),
            Ok(_) => return Err(FileError::NotAFile),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let _still = still_wanted(wanted)?;
        from.rename(old_name, &to, new_name)?;
        Ok(entries)
    }

    /// As `walk`, for an entry that is not the workspace itself.
    fn entry<'p>(&self, path: &'p RelPath) -> Result<(Dir, &'p str), FileError> {
        if path.names().next().is_none() {
            return Err(FileError::Other(
                "the workspace itself stays where it is".to_owned(),
            ));
        }
        self.walk(path, false)
    }

    fn holds_nothing_below(&self, path: &RelPath) -> Result<(), FileError> {
        let held = self.read_only.iter().chain(self.closed.iter());
        match held
            .into_iter()
            .find(|held| is_under_in_any_spelling(held, path))
        {
            Some(held) => Err(FileError::Reserved(held.to_string())),
            None => Ok(()),
        }
    }

    /// Counts what is in a tree, itself included, and refuses one that has something of the host's in it.
    fn check_tree(
        &self,
        path: &RelPath,
        dir: &Dir,
        name: &str,
        most: u64,
    ) -> Result<u64, FileError> {
        self.holds_nothing_below(path)?;
        let mut entries = 1;
        count(&dir.open_dir_nofollow(name)?, 0, most, &mut entries)?;
        Ok(entries)
    }
}

/// Counts what is in a directory, and refuses one that has a name of the host's in it.
fn count(dir: &Dir, depth: usize, most: u64, entries: &mut u64) -> Result<(), FileError> {
    if depth >= MAX_DEPTH {
        return Err(FileError::TooLarge);
    }
    for entry in dir.entries()? {
        let entry = entry?;
        *entries += 1;
        if *entries > most {
            return Err(FileError::TooLarge);
        }
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| is_reserved(name, true)) {
            return Err(FileError::Reserved(name.to_owned()));
        }
        if entry.file_type()?.is_dir() {
            count(&dir.open_dir_nofollow(&name)?, depth + 1, most, entries)?;
        }
    }
    Ok(())
}

/// Removes everything in a directory.
fn empty(wanted: &Wanted, dir: &Dir, depth: usize) -> Result<(), FileError> {
    if depth >= MAX_DEPTH {
        return Err(FileError::TooLarge);
    }
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            empty(wanted, &dir.open_dir_nofollow(&name)?, depth + 1)?;
            let _still = still_wanted(wanted)?;
            dir.remove_dir(&name)?;
        } else {
            let _still = still_wanted(wanted)?;
            dir.remove_file(&name)?;
        }
    }
    Ok(())
}
