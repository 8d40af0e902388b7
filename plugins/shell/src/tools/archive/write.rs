//! Packing: `tar -c` and `tar -r`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bashkit::{FileType, Metadata};
use chrono::Utc;

use super::{
    super::{below, instant, reason, remove::bashkit_path},
    Call, Fatal, Operand,
    entry::{BLOCK, Entry, Kind},
    listing::Lines,
    packing::{Packer, Packing},
    read::{Members, Wrong},
};

/// An archive is a multiple of this long.
const RECORD: u64 = 20 * BLOCK as u64;

/// Who owns everything: the one user that there is.
const OWNER: (&str, u64) = ("agent", 1000);

/// An archive that is being made.
struct Archive {
    packer: Packer,
    length: u64,
    lines: Lines,
    /// Where it will lie: it is not put into itself.
    place: Option<PathBuf>,
    modified: Option<u64>,
    owner: (String, u64),
    group: (String, u64),
}

impl Archive {
    fn write(&mut self, content: &[u8]) -> std::result::Result<(), Fatal> {
        self.length += content.len() as u64;
        let written = self.packer.write_all(content);
        written.map_err(|error| Fatal::from(format!("Cannot write: {error}")))
    }

    /// Zeros up to a multiple of a length.
    fn fill(&mut self, length: u64) -> std::result::Result<(), Fatal> {
        let missing = self.length.next_multiple_of(length) - self.length;
        let zeros = vec![0; usize::try_from(missing).unwrap_or(0)];
        self.write(&zeros)
    }
}

impl Call<'_> {
    /// `-c`.
    pub(super) async fn create(&mut self, operands: &[Operand]) -> std::result::Result<(), Fatal> {
        let archive = self.begin()?;
        self.put(archive, operands).await
    }

    /// `-r`.
    pub(super) async fn append(&mut self, operands: &[Operand]) -> std::result::Result<(), Fatal> {
        let mut before = self.packed().await?;
        let is_packed = Packing::seen(&before) != Ok(Packing::None);
        if is_packed || self.packing != Packing::None {
            return Err("Cannot update compressed archives".to_owned().into());
        }
        if !before.is_empty() {
            let end = match whole(&before) {
                Ok(end) => end,
                Err(wrong) => return self.wrong(wrong),
            };
            before.truncate(usize::try_from(end).unwrap_or(usize::MAX));
        }
        let mut archive = self.begin()?;
        archive.write(&before)?;
        drop(before);
        self.put(archive, operands).await
    }

    fn begin(&self) -> std::result::Result<Archive, Fatal> {
        let modified = match self.given.value('5') {
            None => None,
            Some(text) => {
                let time = instant::parse(text, Utc::now());
                let time = time.ok_or_else(|| format!("Invalid date: {text}"))?;
                Some(u64::try_from(time.timestamp()).unwrap_or(0))
            }
        };
        let place = self.archive.as_ref();
        Ok(Archive {
            packer: self.packing.packer(),
            length: 0,
            lines: Lines::new(self.verbose > 1, self.given.has('2')),
            place: place.map(|name| bashkit_path(self.context, name)),
            modified,
            owner: owner(self.given.value('3')),
            group: owner(self.given.value('4')),
        })
    }

    /// Packs what was named, and puts the archive where it goes.
    async fn put(
        &mut self,
        mut archive: Archive,
        operands: &[Operand],
    ) -> std::result::Result<(), Fatal> {
        for operand in operands {
            let name = match operand.name.trim_end_matches('/') {
                "" => "/",
                name => name,
            };
            self.add(&mut archive, &operand.folder, name).await?;
        }
        archive.write(&[0; 2 * BLOCK])?;
        archive.fill(RECORD)?;
        let packed = archive.packer.end();
        let packed = packed.map_err(|error| format!("Cannot write: {error}"))?;
        match (&archive.place, &self.archive) {
            (Some(place), Some(name)) => {
                let written = self.context.fs.write_file(place, &packed).await;
                written.map_err(|error| format!("{name}: Cannot open: {}", reason(&error)))?;
            }
            _ => self.stdout.extend(packed),
        }
        Ok(())
    }

    /// A file, a folder with what is in it, or a link.
    async fn add(
        &mut self,
        archive: &mut Archive,
        folder: &Path,
        name: &str,
    ) -> std::result::Result<(), Fatal> {
        if self.wanted.is_excluded(name) {
            return Ok(());
        }
        let path = bashkit::normalize_path(&folder.join(name));
        let about = if self.given.has('h') {
            self.context.fs.stat(&path).await
        } else {
            self.context.fs.lstat(&path).await
        };
        let about = match about {
            Ok(about) => about,
            Err(error) => {
                self.fail(format!("{name}: Cannot stat: {}", reason(&error)));
                return Ok(());
            }
        };
        if archive.place.as_ref() == Some(&path) {
            let text = format!("{name}: file is the archive; not dumped");
            self.report.fail("tar", text);
            return Ok(());
        }
        let mut content = Vec::new();
        let mut end = String::new();
        let kind = match about.file_type {
            FileType::Directory => Kind::Folder,
            FileType::Symlink => match self.context.fs.read_link(&path).await {
                Ok(link) => {
                    end = link.to_string_lossy().into_owned();
                    Kind::Symlink
                }
                Err(error) => {
                    self.fail(format!("{name}: Cannot readlink: {}", reason(&error)));
                    return Ok(());
                }
            },
            FileType::Fifo => {
                self.fail(format!("{name}: pipes are not packed"));
                return Ok(());
            }
            FileType::File => match self.context.fs.read_file(&path).await {
                Ok(read) => {
                    content = read;
                    Kind::File
                }
                Err(error) => {
                    self.fail(format!("{name}: Cannot open: {}", reason(&error)));
                    return Ok(());
                }
            },
        };
        let mut entry = entry(archive, name, kind, &about);
        entry.end = end;
        entry.size = content.len() as u64;
        if self.verbose > 0 {
            let line = archive.lines.line(&entry);
            self.tell(&line, self.archive.is_none());
        }
        entry.name = self.within(&entry.name).to_owned();
        archive.write(&entry.head())?;
        archive.write(&content)?;
        archive.fill(BLOCK as u64)?;
        drop(content);
        if kind == Kind::Folder && !self.given.has('1') {
            self.add_below(archive, folder, name, &path).await?;
        }
        Ok(())
    }

    async fn add_below(
        &mut self,
        archive: &mut Archive,
        folder: &Path,
        name: &str,
        path: &Path,
    ) -> std::result::Result<(), Fatal> {
        let entries = match self.context.fs.read_dir(path).await {
            Ok(entries) => entries,
            Err(error) => {
                self.fail(format!("{name}: Cannot open: {}", reason(&error)));
                return Ok(());
            }
        };
        let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
        names.sort();
        for inner in names {
            Box::pin(self.add(archive, folder, &below(name, &inner))).await?;
        }
        Ok(())
    }
}

/// How much of an archive is whole members.
fn whole(archive: &[u8]) -> std::result::Result<u64, Wrong> {
    let mut members = Members::new(Packing::None.reader(archive));
    while members.next()?.is_some() {}
    Ok(members.done)
}

fn entry(archive: &Archive, name: &str, kind: Kind, about: &Metadata) -> Entry {
    let modified = about.modified.duration_since(SystemTime::UNIX_EPOCH);
    let mut name = name.to_owned();
    if kind == Kind::Folder && !name.ends_with('/') {
        name.push('/');
    }
    Entry {
        name,
        kind,
        mode: if kind == Kind::Symlink {
            0o777
        } else {
            about.mode & 0o7777
        },
        size: 0,
        modified: archive
            .modified
            .unwrap_or(modified.map_or(0, |since| since.as_secs())),
        end: String::new(),
        owner: archive.owner.clone(),
        group: archive.group.clone(),
    }
}

/// `NAME`, `NUMBER` or `NAME:NUMBER`.
fn owner(given: Option<&str>) -> (String, u64) {
    let (name, number) = OWNER;
    match given {
        None => (name.to_owned(), number),
        Some(text) => match (text.split_once(':'), text.parse()) {
            (Some((name, number)), _) => (name.to_owned(), number.parse().unwrap_or(OWNER.1)),
            (None, Ok(0)) => ("root".to_owned(), 0),
            (None, Ok(number)) => (String::new(), number),
            (None, Err(_)) => (text.to_owned(), number),
        },
    }
}
