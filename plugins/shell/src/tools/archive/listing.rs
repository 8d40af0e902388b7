//! Members as they are shown: their names alone, or the long line of `-tv`.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::{
    super::date,
    entry::{Entry, Kind},
};

/// How wide owner and size are together, until they are wider.
const WIDTH: usize = 19;

/// Shows members.
pub(super) struct Lines {
    is_long: bool,
    is_numeric: bool,
    width: usize,
}

impl Lines {
    pub(super) fn new(is_long: bool, is_numeric: bool) -> Self {
        Self {
            is_long,
            is_numeric,
            width: WIDTH,
        }
    }

    pub(super) fn line(&mut self, entry: &Entry) -> String {
        let name = shown(&entry.name);
        if !self.is_long {
            return name;
        }
        let called = |(name, number): &(String, u64)| {
            if self.is_numeric || name.is_empty() {
                number.to_string()
            } else {
                name.clone()
            }
        };
        let owner = format!("{}/{}", called(&entry.owner), called(&entry.group));
        let size = match entry.kind {
            Kind::File => entry.size,
            _ => 0,
        }
        .to_string();
        self.width = self.width.max(owner.len() + 1 + size.len());
        let room = self.width - owner.len();
        let time = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(
                entry.modified.min(u64::from(u32::MAX) * 2),
            ))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let time = date::format(&DateTime::<Utc>::from(time), "%Y-%m-%d %H:%M");
        let end = match entry.kind {
            Kind::Symlink => format!(" -> {}", shown(&entry.end)),
            Kind::Link => format!(" link to {}", shown(&entry.end)),
            _ => String::new(),
        };
        format!("{} {owner}{size:>room$} {time} {name}{end}", mode(entry))
    }
}

/// The kind and the mode in letters.
fn mode(entry: &Entry) -> String {
    let mut text = String::from(match entry.kind {
        Kind::File => '-',
        Kind::Folder => 'd',
        Kind::Symlink => 'l',
        Kind::Link => 'h',
        Kind::Other => '?',
    });
    for (at, letter) in "rwxrwxrwx".chars().enumerate() {
        let is_set = entry.mode & (0o400 >> at) != 0;
        text.push(if is_set { letter } else { '-' });
    }
    text
}

/// A name with what is no letter spelled out.
fn shown(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\\' => text += r"\\",
            '\n' => text += r"\n",
            '\t' => text += r"\t",
            '\r' => text += r"\r",
            c if c.is_ascii_control() => text += &format!("\\{:03o}", u32::from(c)),
            c => text.push(c),
        }
    }
    text
}
