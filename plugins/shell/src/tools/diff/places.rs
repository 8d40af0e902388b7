//! What `diff` compares: two files, two folders entry by entry, a file and the one of its name in a folder.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use bashkit::{BuiltinContext, FileType};
use chrono::{DateTime, Utc};

use super::{
    super::{
        Report, base_name, below, date, is_missing, pattern::is_like, reason, remove::bashkit_path,
    },
    Asked, Style,
    changes::Changes,
    lines::is_binary,
    show,
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
struct Place {
    shown: String,
    kind: Kind,
    modified: SystemTime,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
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
    fn fail(&mut self, text: impl AsRef<str>) {
        self.report.fail("diff", text);
        self.status = 2;
    }

    fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.push(b'\n');
    }

    fn differs(&mut self, line: &str) {
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

    async fn content(&self, place: &Place) -> std::result::Result<Vec<u8>, String> {
        match place.kind {
            Kind::Missing => Ok(Vec::new()),
            Kind::Input => Ok(self.context.stdin_bytes().unwrap_or_default().to_vec()),
            _ => {
                let path = bashkit_path(self.context, &place.shown);
                let read = self.context.fs.read_file(&path).await;
                read.map_err(|error| format!("{}: {}", place.shown, reason(&error)))
            }
        }
    }

    async fn files(&mut self, old: &Place, new: &Place, is_inside: bool) {
        let (before, behind) = match (self.content(old).await, self.content(new).await) {
            (Ok(before), Ok(behind)) => (before, behind),
            (before, behind) => {
                for why in [before.err(), behind.err()].into_iter().flatten() {
                    self.fail(why);
                }
                return;
            }
        };
        let asked = self.asked;
        let names = (self.name(old, 0), self.name(new, 1));
        let is_same = before == behind;
        if !is_same && !asked.is_text && (is_binary(&before) || is_binary(&behind)) {
            let files = if asked.is_brief {
                "Files"
            } else {
                "Binary files"
            };
            return self.differs(&format!("{files} {} and {} differ", names.0, names.1));
        }
        // Side by side what is the same is shown too.
        let shows_all = asked.style == Style::Sides && !asked.is_brief;
        let mut differ = false;
        if !is_same || shows_all {
            let changes = Changes::between(&before, &behind, asked.how);
            differ = !changes.is_empty();
            if differ && asked.is_brief {
                self.say(&format!("Files {} and {} differ", names.0, names.1));
            } else if differ || shows_all {
                self.show(&changes, (old, new), is_inside);
            }
        }
        if differ {
            self.status = self.status.max(1);
        } else if asked.names_same {
            self.say(&format!("Files {} and {} are identical", names.0, names.1));
        }
    }

    /// The label of a side, or the name.
    fn name(&self, place: &Place, side: usize) -> String {
        let label = self.asked.labels.get(side);
        label.unwrap_or(&place.shown).clone()
    }

    fn show(&mut self, changes: &Changes<'_>, (old, new): (&Place, &Place), is_inside: bool) {
        let asked = self.asked;
        let before = self.out.len();
        if is_inside {
            let names = (escaped(&old.shown), escaped(&new.shown));
            self.say(&format!("diff {}{} {}", asked.words, names.0, names.1));
        }
        let marks = match asked.style {
            Style::Unified => Some(("---", "+++")),
            Style::Context => Some(("***", "---")),
            Style::Normal | Style::Sides => None,
        };
        if let Some((before, behind)) = marks {
            let heads = [(before, old, 0), (behind, new, 1)];
            for (mark, place, side) in heads {
                let line = match asked.labels.get(side) {
                    Some(label) => format!("{mark} {label}"),
                    None => format!("{mark} {}\t{}", escaped(&place.shown), time(place.modified)),
                };
                self.say(&line);
            }
        }
        let begin = self.out.len();
        let (context, headings) = (asked.how.context, asked.has_headings);
        match asked.style {
            Style::Normal => show::normal(&mut self.out, changes),
            Style::Unified => show::unified(&mut self.out, changes, context, headings),
            Style::Context => show::in_context(&mut self.out, changes, context, headings),
            Style::Sides => asked.halves.show(&mut self.out, changes),
        }
        if self.out.len() == begin && asked.halves.only_changes {
            self.out.truncate(before);
        }
    }
}

/// A name in a head: in quotes where it could be read as more than one word.
fn escaped(name: &str) -> String {
    let is_plain = |c: char| !c.is_ascii_control() && !matches!(c, ' ' | '"' | '\\');
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\t' => text += r"\t",
            '\n' => text += r"\n",
            c if c.is_ascii_control() => text += &format!("\\{:03o}", u32::from(c)),
            c => text.push(c),
        }
    }
    text + "\""
}

fn time(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    date::format(&DateTime::<Utc>::from(time), "%Y-%m-%d %H:%M:%S.%N %z")
}
