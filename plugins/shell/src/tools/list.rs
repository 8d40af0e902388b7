//! `ls`. There is no terminal: names stand one to a line and are not quoted, unless an option says otherwise.

use std::{cmp::Ordering, path::PathBuf};

use bashkit::{
    Builtin, BuiltinContext, DirEntry, ExecResult, FileType, Metadata, Result, async_trait,
};

use super::{
    Report, below,
    long::{self, Columns},
    options::{Given, Taken},
    order::{by_version, extension, in_columns},
    quoted, reason,
    remove::bashkit_path,
};

const TAKEN: Taken = Taken {
    tool: "ls",
    letters: "1aABcCdfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXW::Y:y::z:Ke::",
    long: &[
        ("all", 'a'),
        ("almost-all", 'A'),
        ("classify", 'F'),
        ("color", 'e'),
        ("dereference", 'L'),
        ("directory", 'd'),
        ("file-type", 'p'),
        ("format", 'z'),
        ("full-time", 'y'),
        ("group-directories-first", 'K'),
        ("human-readable", 'h'),
        ("hide", 'I'),
        ("ignore", 'I'),
        ("ignore-backups", 'B'),
        ("indicator-style", 'W'),
        ("inode", 'i'),
        ("literal", 'N'),
        ("no-group", 'G'),
        ("numeric-uid-gid", 'n'),
        ("quote-name", 'Q'),
        ("quoting-style", 'e'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("size", 's'),
        ("sort", 'z'),
        ("time", 'e'),
        ("time-style", 'Y'),
        ("width", 'w'),
    ],
    usage: "ls [-1aACdFghilmnopQrRsStUvX] [FILE]...",
    wrong: 2,
};

/// The tool.
pub(super) struct Ls;

/// One thing that is listed.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) about: Metadata,
}

/// One call of it.
struct Listing<'a> {
    context: &'a BuiltinContext<'a>,
    given: Given,
    columns: Option<Columns>,
    report: Report,
    exit_code: i32,
    has_headers: bool,
    is_first: bool,
}

#[async_trait]
impl Builtin for Ls {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let mut given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        // Words that other options say in a letter.
        for (word, letter) in [
            ("size", 'S'),
            ("time", 't'),
            ("extension", 'X'),
            ("version", 'v'),
            ("none", 'U'),
            ("long", 'l'),
            ("verbose", 'l'),
            ("commas", 'm'),
            ("single-column", '1'),
            ("vertical", 'C'),
            ("across", 'x'),
        ] {
            if given
                .options
                .iter()
                .any(|(at, value)| *at == 'z' && value.as_deref() == Some(word))
            {
                given.options.push((letter, None));
            }
        }
        let mut operands = std::mem::take(&mut given.operands);
        if operands.is_empty() {
            operands.push(".".to_owned());
        }
        let mut listing = Listing {
            context: &context,
            columns: Columns::of(&given),
            has_headers: operands.len() > 1 || given.has('R'),
            given,
            report: Report::default(),
            exit_code: 0,
            is_first: true,
        };
        listing.run(&operands).await;
        Ok(ExecResult {
            stdout: listing.report.stdout.into(),
            stderr: listing.report.stderr.into(),
            exit_code: listing.exit_code,
            ..ExecResult::default()
        })
    }
}

impl Listing<'_> {
    fn fail(&mut self, text: &str, exit_code: i32) {
        self.report.fail("ls", text);
        self.exit_code = self.exit_code.max(exit_code);
    }

    async fn run(&mut self, operands: &[String]) {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for operand in operands {
            let path = bashkit_path(self.context, operand);
            let has_end = operand.ends_with('/') || self.given.has('L') || self.columns.is_none();
            let about = if has_end {
                self.context.fs.stat(&path).await
            } else {
                self.context.fs.lstat(&path).await
            };
            match about {
                Ok(about) => {
                    let item = Item {
                        name: operand.clone(),
                        path,
                        about,
                    };
                    if item.about.file_type.is_dir() && !self.given.has('d') {
                        folders.push(item);
                    } else {
                        files.push(item);
                    }
                }
                Err(error) => {
                    let text = format!("cannot access {}: {}", quoted(operand), reason(&error));
                    self.fail(&text, 2);
                }
            }
        }
        self.sort(&mut files);
        self.sort(&mut folders);
        if !files.is_empty() {
            self.print(&files);
            self.is_first = false;
        }
        for folder in folders {
            self.folder(&folder.name, folder.path, 2).await;
        }
    }

    async fn folder(&mut self, shown: &str, path: PathBuf, exit_code: i32) {
        let entries = match self.context.fs.read_dir(&path).await {
            Ok(entries) => entries,
            Err(error) => {
                let text = format!(
                    "cannot open directory {}: {}",
                    quoted(shown),
                    reason(&error)
                );
                return self.fail(&text, exit_code);
            }
        };
        if !std::mem::replace(&mut self.is_first, false) {
            self.report.say("");
        }
        if self.has_headers {
            self.report.say(format!("{shown}:"));
        }
        let mut items = self.items(entries, &path).await;
        self.sort(&mut items);
        if self.columns.is_some() || self.given.has('s') {
            let blocks: u64 = items.iter().map(|item| long::blocks(&item.about)).sum();
            let total = if self.given.has('h') {
                long::human(blocks * 1024)
            } else {
                blocks.to_string()
            };
            self.report.say(format!("total {total}"));
        }
        self.print(&items);
        if self.given.has('R') {
            for item in items {
                if item.about.file_type == FileType::Directory
                    && item.name != "."
                    && item.name != ".."
                {
                    Box::pin(self.folder(&below(shown, &item.name), item.path, 1)).await;
                }
            }
        }
    }

    /// What of a directory is listed.
    async fn items(&self, entries: Vec<DirEntry>, path: &std::path::Path) -> Vec<Item> {
        let all = self.given.last_of("aAf");
        let mut items: Vec<Item> = entries
            .into_iter()
            .filter(|entry| all.is_some() || !entry.name.starts_with('.'))
            .filter(|entry| !(self.given.has('B') && entry.name.ends_with('~')))
            .filter(|entry| !self.is_ignored(&entry.name))
            .map(|entry| Item {
                path: path.join(&entry.name),
                name: entry.name,
                about: entry.metadata,
            })
            .collect();
        if matches!(all, Some('a' | 'f')) {
            let parent = path.parent().unwrap_or(path);
            for (name, place) in [(".", path), ("..", parent)] {
                // Nothing is said of what lies above a place that one may not see.
                let about = match self.context.fs.stat(place).await {
                    Ok(about) => about,
                    Err(_) => Metadata {
                        file_type: FileType::Directory,
                        mode: 0o755,
                        ..Metadata::default()
                    },
                };
                items.push(Item {
                    name: name.to_owned(),
                    path: place.to_owned(),
                    about,
                });
            }
        }
        items
    }

    /// Whether `-I` leaves it out: a pattern with `*` in it, or a name.
    fn is_ignored(&self, name: &str) -> bool {
        let patterns = self
            .given
            .options
            .iter()
            .filter(|(letter, _)| *letter == 'I');
        patterns
            .filter_map(|(_, value)| value.as_deref())
            .any(|pattern| match pattern.split_once('*') {
                Some((start, end)) => {
                    name.len() >= start.len() + end.len()
                        && name.starts_with(start)
                        && name.ends_with(end)
                }
                None => name == pattern,
            })
    }

    fn sort(&self, items: &mut [Item]) {
        let kind = self.given.last_of("StXvUf");
        items.sort_by(|a, b| {
            let order = match kind {
                Some('S') => long::size(&b.about).cmp(&long::size(&a.about)),
                Some('t') => b.about.modified.cmp(&a.about.modified),
                Some('X') => extension(&a.name).cmp(extension(&b.name)),
                Some('v') => by_version(&a.name, &b.name),
                Some(_) => return Ordering::Equal,
                None => Ordering::Equal,
            };
            order.then_with(|| a.name.cmp(&b.name))
        });
        if self.given.has('r') && !matches!(kind, Some('U' | 'f')) {
            items.reverse();
        }
        if self.given.has('K') {
            items.sort_by_key(|item| !item.about.file_type.is_dir());
        }
    }

    fn print(&mut self, items: &[Item]) {
        let names: Vec<String> = items.iter().map(|item| self.name(item)).collect();
        if let Some(columns) = &self.columns {
            self.report.stdout += &columns.lines(items, &names);
        } else if self.given.last_of("1mCx") == Some('m') {
            if !names.is_empty() {
                self.report.say(names.join(", "));
            }
        } else if matches!(self.given.last_of("1mCx"), Some('C' | 'x')) {
            self.report.stdout += &in_columns(&names, 80);
        } else {
            for name in names {
                self.report.say(name);
            }
        }
    }

    /// The name with what options put before and behind it.
    fn name(&self, item: &Item) -> String {
        let mut name = item.name.clone();
        if self.given.has('Q') {
            name = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        }
        let has_marks = self.given.has('F') || self.given.has('W');
        name += match item.about.file_type {
            FileType::Directory if has_marks || self.given.has('p') => "/",
            FileType::Symlink if has_marks => "@",
            FileType::Fifo if has_marks => "|",
            FileType::File if self.given.has('F') && item.about.mode & 0o111 != 0 => "*",
            _ => "",
        };
        if self.given.has('s') {
            name = format!("{} {name}", long::blocks(&item.about));
        }
        if self.given.has('i') {
            name = format!("{} {name}", long::inode(item));
        }
        name
    }
}
