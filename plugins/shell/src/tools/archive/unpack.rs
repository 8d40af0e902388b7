//! Listing and unpacking: `tar -t` and `tar -x`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bashkit::{Error, FileType};

use super::{
    super::{is_missing, reason},
    Call, Fatal,
    entry::{Entry, Kind},
    listing::Lines,
    names::leads_up,
    packing::Packing,
    read::{Members, Wrong},
};

impl Call<'_> {
    /// `-t`.
    pub(super) async fn list(&mut self) -> std::result::Result<(), Fatal> {
        let packed = self.packed().await?;
        let mut members = self.members(&packed)?;
        let mut lines = Lines::new(self.verbose > 0, self.given.has('2'));
        loop {
            match members.next() {
                Ok(Some(entry)) if self.wanted.takes(&entry.name) => {
                    let line = lines.line(&entry);
                    self.tell(&line, false);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(wrong) => {
                    self.wrong(wrong)?;
                    break;
                }
            }
        }
        self.name_missing();
        Ok(())
    }

    /// `-x`.
    pub(super) async fn extract(&mut self) -> std::result::Result<(), Fatal> {
        let packed = self.packed().await?;
        let mut members = self.members(&packed)?;
        let mut lines = Lines::new(self.verbose > 1, self.given.has('2'));
        // A folder has its time when what is in it is there, and nothing is unpacked through a link.
        let (mut folders, mut links) = (Vec::new(), Vec::new());
        loop {
            match members.next() {
                Ok(Some(entry)) => {
                    if !self.wanted.takes(&entry.name) {
                        continue;
                    }
                    match self.take(&mut members, &mut lines, &entry).await {
                        Ok(Some(place)) => match entry.kind {
                            Kind::Folder => folders.push((place, entry)),
                            Kind::Symlink => links.push((place, entry)),
                            _ => {}
                        },
                        Ok(None) => {}
                        Err(wrong) => {
                            self.wrong(wrong)?;
                            break;
                        }
                    }
                }
                Ok(None) => break,
                Err(wrong) => {
                    self.wrong(wrong)?;
                    break;
                }
            }
        }
        for (place, entry) in &links {
            let made = self.context.fs.symlink(Path::new(&entry.end), place).await;
            if let Err(error) = made {
                self.cannot("create symlink", entry, &error);
            }
        }
        for (place, entry) in folders.iter().rev() {
            self.stamp(place, entry).await;
        }
        self.name_missing();
        Ok(())
    }

    fn members<'c>(&self, packed: &'c [u8]) -> std::result::Result<Members<'c>, Fatal> {
        let seen = Packing::seen(packed)?;
        let asked = self.packing;
        let is_open = self.archive.is_some() || asked != Packing::None;
        let lines = if seen != Packing::None && !is_open {
            vec![format!(
                "Archive is compressed. Use {} option",
                seen.option()
            )]
        } else if asked != Packing::None && asked != seen && !packed.is_empty() {
            let what = match asked {
                Packing::Gzip => "stdin: not in gzip format",
                _ => "stdin: not in bzip2 format",
            };
            vec![what.to_owned()]
        } else {
            return Ok(Members::new(seen.reader(packed)));
        };
        Err(Fatal(lines))
    }

    /// What it is that ends the reading.
    pub(super) fn wrong(&mut self, wrong: Wrong) -> std::result::Result<(), Fatal> {
        match wrong {
            Wrong::NoArchive => self.fail("This does not look like a tar archive"),
            Wrong::NoHead => {
                self.fail("Skipping to next header");
            }
            Wrong::Cut => return Err("Unexpected EOF in archive".to_owned().into()),
            Wrong::Packed(why) => {
                let cut = "Unexpected EOF in archive".to_owned();
                return Err(Fatal(vec![why, cut]));
            }
        }
        Ok(())
    }

    fn name_missing(&mut self) {
        if self.wanted.has_lost_patterns() {
            self.report.fail("tar", "Pattern matching characters used in file names; --wildcards takes them as patterns");
        }
        for name in self.wanted.missing() {
            self.fail(format!("{name}: Not found in archive"));
        }
    }

    /// Unpacks a member; where it is now, if it is.
    async fn take(
        &mut self,
        members: &mut Members<'_>,
        lines: &mut Lines,
        entry: &Entry,
    ) -> std::result::Result<Option<PathBuf>, Wrong> {
        let is_printed = self.given.has('O');
        let inside = self.within(&entry.name).to_owned();
        if !self.given.has('P') && leads_up(&entry.name) {
            self.fail(format!("{}: Member name contains '..'", entry.name));
            return Ok(None);
        }
        let Some(name) = self.wanted.stripped(&inside) else {
            return Ok(None);
        };
        let name = name.to_owned();
        if self.verbose > 0 {
            let line = lines.line(entry);
            self.tell(&line, is_printed);
        }
        if is_printed {
            if entry.kind == Kind::File {
                self.stdout.extend(members.content()?);
            }
            return Ok(None);
        }
        let place = self.place(&inside, &name);
        let there = self.context.fs.lstat(&place).await.ok();
        let mut there = there.map(|there| there.file_type);
        if there.is_some() && entry.kind != Kind::Folder {
            if self.given.has('K') {
                return Ok(None);
            }
            if self.given.has('k') {
                self.fail(format!("{}: Cannot open: File exists", entry.name));
                return Ok(None);
            }
        }
        let fs = Arc::clone(&self.context.fs);
        if let Some(parent) = place.parent()
            && fs.stat(parent).await.is_err_and(|error| is_missing(&error))
        {
            // Why it cannot be made, what is put into it says.
            let _ = fs.mkdir(parent, true).await;
        }
        let is_in_the_way = match entry.kind {
            Kind::File => there == Some(FileType::Symlink),
            _ => there.is_some_and(|there| !there.is_dir()),
        };
        if is_in_the_way && fs.remove(&place, false).await.is_ok() {
            there = None;
        }
        let (what, done) = match entry.kind {
            Kind::Folder if there == Some(FileType::Directory) => ("mkdir", Ok(())),
            Kind::Folder => ("mkdir", fs.mkdir(&place, false).await),
            Kind::File => {
                let content = members.content()?;
                ("open", fs.write_file(&place, &content).await)
            }
            // It is made at the end.
            Kind::Symlink => ("create symlink", Ok(())),
            Kind::Link => {
                // There are no two names for one file here: the other is a copy.
                let end = self.within(&entry.end).to_owned();
                let Some(end) = self.wanted.stripped(&end).filter(|end| !leads_up(end)) else {
                    return Ok(None);
                };
                ("hard link", fs.copy(&self.place(end, end), &place).await)
            }
            Kind::Other => {
                self.fail(format!(
                    "{}: Cannot unpack: it is no plain file, folder or link",
                    entry.name
                ));
                return Ok(None);
            }
        };
        if let Err(error) = done {
            self.cannot(what, entry, &error);
            return Ok(None);
        }
        if matches!(entry.kind, Kind::File | Kind::Folder) {
            self.stamp(&place, entry).await;
        }
        Ok(Some(place))
    }

    fn cannot(&mut self, what: &str, entry: &Entry, error: &Error) {
        let (name, why) = (entry.name.trim_end_matches('/'), reason(error));
        self.fail(match entry.kind {
            Kind::Symlink | Kind::Link => {
                format!("{name}: Cannot {what} to '{}': {why}", entry.end)
            }
            _ => format!("{name}: Cannot {what}: {why}"),
        });
    }

    /// Where a member goes: into the folder, unless its name is absolute and may be.
    fn place(&self, inside: &str, name: &str) -> PathBuf {
        let base = match inside.starts_with('/') {
            true => Path::new("/"),
            false => &self.wanted.folder,
        };
        bashkit::normalize_path(&base.join(name))
    }

    /// Gives what was unpacked its mode and its time.
    async fn stamp(&self, place: &Path, entry: &Entry) {
        let fs = &self.context.fs;
        let made = fs.stat(place).await;
        if made.is_ok_and(|made| made.mode & 0o7777 != entry.mode) {
            let _ = fs.chmod(place, entry.mode).await;
        }
        if !self.given.has('m') {
            let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(entry.modified));
            if let Some(time) = time {
                let _ = fs.set_modified_time(place, time).await;
            }
        }
    }
}
