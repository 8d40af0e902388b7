//! What `diff` compares: two files, two folders entry by entry, a file and the one of its name in a folder.

use std::{collections::BTreeSet, time::SystemTime};

use bashkit::{BuiltinContext, FileType};
use chrono::Utc;

use super::{
    super::{Report, base_name, below, is_missing, pattern::is_like, reason, remove::bashkit_path},
    Asked,
};

/// One call of `diff`.
pub(super) struct Comparison<'a> {
    pub(super) context: &'a BuiltinContext<'a>,
    pub(super) asked: &'a Asked,
    pub(super) out: Vec<u8>,
    pub(super) report: Report,
    pub(super) status: i32,
}

/// What stands at a place.
pub(super) struct Place {
    pub(super) shown: String,
    pub(super) kind: Kind,
    pub(super) modified: SystemTime,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    File { is_empty: bool },
    Folder,
    Input,
    Link,
    Missing,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::File { is_empty: false } => "regular file",
            Self::File { is_empty: true } | Self::Missing => "regular empty file",
            Self::Folder => "directory",
            Self::Input => "fifo",
            Self::Link => "symbolic link",
        }
    }
}

impl Comparison<'_> {
    /// Something that could not be compared.
    pub(super) fn fail(&mut self, text: impl AsRef<str>) {
        self.report.fail("diff", text);
        self.status = 2;
    }

    pub(super) fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.push(b'\n');
    }

    pub(super) fn differs(&mut self, line: &str) {
        self.say(line);
        self.status = self.status.max(1);
    }

    async fn place(&self, shown: &str) -> std::result::Result<Place, String> {
        let place = |kind, modified| Place {
            shown: shown.to_owned(),
            kind,
            modified,
        };
        if shown == "-" {
            return Ok(place(Kind::Input, Utc::now().into()));
        }
        let path = bashkit_path(self.context, shown);
        match self.context.fs.stat(&path).await {
            Ok(about) => {
                let kind = match about.file_type {
                    FileType::Directory => Kind::Folder,
                    FileType::Symlink => Kind::Link,
                    _ => Kind::File {
                        is_empty: about.size == 0,
                    },
                };
                Ok(place(kind, about.modified))
            }
            Err(error) if self.asked.takes_missing && is_missing(&error) => {
                Ok(place(Kind::Missing, SystemTime::UNIX_EPOCH))
            }
            Err(error) => Err(format!("{shown}: {}", reason(&error))),
        }
    }

    /// The two that were named.
    pub(super) async fn operands(&mut self, old: &str, new: &str) {
        let (old, new) = match (self.place(old).await, self.place(new).await) {
            (Ok(old), Ok(new)) => (old, new),
            (old, new) => {
                for why in [old.err(), new.err()].into_iter().flatten() {
                    self.fail(why);
                }
                return;
            }
        };
        let inside = match (old.kind, new.kind) {
            (Kind::Missing, Kind::Missing) => {
                for place in [old, new] {
                    self.fail(format!("{}: No such file or directory", place.shown));
                }
                return;
            }
            (Kind::Folder, Kind::Input) | (Kind::Input, Kind::Folder) => {
                return self.fail("cannot compare '-' to a directory");
            }
            (Kind::Folder, Kind::File { .. }) => {
                Some((below(&old.shown, base_name(&new.shown)), true))
            }
            (Kind::File { .. }, Kind::Folder) => {
                Some((below(&new.shown, base_name(&old.shown)), false))
            }
            _ => None,
        };
        match inside {
            None => self.pair(old, new, false).await,
            Some((inside, is_old)) => match (self.place(&inside).await, is_old) {
                (Ok(inside), true) => self.pair(inside, new, false).await,
                (Ok(inside), false) => self.pair(old, inside, false).await,
                (Err(why), _) => self.fail(why),
            },
        }
    }

    /// Two places; `is_inside` where folders are being compared.
    async fn pair(&mut self, old: Place, new: Place, is_inside: bool) {
        let asked = self.asked;
        match (old.kind, new.kind) {
            (Kind::Folder, Kind::Folder) => {
                if is_inside && !asked.is_recursive {
                    let (old, new) = (&old.shown, &new.shown);
                    self.say(&format!("Common subdirectories: {old} and {new}"));
                } else {
                    Box::pin(self.folders(&old.shown, &new.shown)).await;
                }
            }
            (Kind::Folder, Kind::Missing) | (Kind::Missing, Kind::Folder)
                if asked.is_recursive || !is_inside =>
            {
                Box::pin(self.folders(&old.shown, &new.shown)).await;
            }
            (one, other) if one == Kind::Folder || other == Kind::Folder => {
                self.differs(&format!(
                    "File {} is a {} while file {} is a {}",
                    old.shown,
                    one.name(),
                    new.shown,
                    other.name()
                ));
            }
            _ => self.files(&old, &new, is_inside).await,
        }
    }

    /// The entries of a folder; none where it is not there.
    async fn entries(&mut self, shown: &str) -> Option<BTreeSet<String>> {
        let path = bashkit_path(self.context, shown);
        match self.context.fs.read_dir(&path).await {
            Ok(entries) => {
                let excluded = &self.asked.excluded;
                let names = entries.into_iter().map(|entry| entry.name);
                Some(
                    names
                        .filter(|name| !excluded.iter().any(|pattern| is_like(name, pattern)))
                        .collect(),
                )
            }
            Err(error) if self.asked.takes_missing && is_missing(&error) => Some(BTreeSet::new()),
            Err(error) => {
                self.fail(format!("{shown}: {}", reason(&error)));
                None
            }
        }
    }

    async fn folders(&mut self, old: &str, new: &str) {
        let both = (self.entries(old).await, self.entries(new).await);
        let (Some(in_old), Some(in_new)) = both else {
            return;
        };
        for name in in_old.union(&in_new) {
            let alone = match (in_old.contains(name), in_new.contains(name)) {
                (true, false) => Some(old),
                (false, true) => Some(new),
                _ => None,
            };
            if let Some(folder) = alone.filter(|_| !self.asked.takes_missing) {
                let folder = match folder.trim_end_matches('/') {
                    "" => "/",
                    folder => folder,
                };
                self.differs(&format!("Only in {folder}: {name}"));
                continue;
            }
            let (old, new) = (below(old, name), below(new, name));
            match (self.place(&old).await, self.place(&new).await) {
                (Ok(old), Ok(new)) => self.pair(old, new, true).await,
                (old, new) => {
                    for why in [old.err(), new.err()].into_iter().flatten() {
                        self.fail(why);
                    }
                }
            }
        }
    }
}
