//! The long form of `ls`: mode, links, owner, size, time and name, each column as wide as it must be.

use std::hash::{DefaultHasher, Hash, Hasher};

use bashkit::{FileType, Metadata};
use chrono::{DateTime, Utc};

use super::{date, list::Item, options::Given};

/// Who owns everything: the one user that there is.
const OWNER: &str = "agent";

/// What a directory takes, where nobody says.
const FOLDER_SIZE: u64 = 4096;

/// Half a year: a time further away than this is shown with its year.
const RECENT: i64 = 15_778_476;

/// How the columns are shown.
pub(super) struct Columns {
    has_owner: bool,
    has_group: bool,
    is_numeric: bool,
    is_human: bool,
    /// `+FORMAT`, or nothing for the usual two.
    time: Option<String>,
}

impl Columns {
    /// The columns that options ask for, if they do.
    pub(super) fn of(given: &Given) -> Option<Self> {
        let is_long = given.last_of("1lgony").is_some_and(|letter| letter != '1')
            || ['l', 'g', 'o', 'n', 'y']
                .iter()
                .any(|letter| given.has(*letter));
        if !is_long || matches!(given.last_of("lgonyCxm"), Some('C' | 'x' | 'm')) {
            return None;
        }
        let style = given
            .value('Y')
            .or_else(|| given.has('y').then_some("full-iso"));
        Some(Self {
            has_owner: !given.has('g'),
            has_group: !given.has('o') && !given.has('G'),
            is_numeric: given.has('n'),
            is_human: given.has('h'),
            time: style.and_then(|style| match style {
                "long-iso" => Some("%Y-%m-%d %H:%M".to_owned()),
                "full-iso" => Some("%Y-%m-%d %H:%M:%S.%N %z".to_owned()),
                style => style.strip_prefix('+').map(str::to_owned),
            }),
        })
    }

    /// A line for each.
    pub(super) fn lines(&self, items: &[Item], names: &[String]) -> String {
        let sizes: Vec<String> = items
            .iter()
            .map(|item| match size(&item.about) {
                size if self.is_human => human(size),
                size => size.to_string(),
            })
            .collect();
        let wide = sizes.iter().map(String::len).max().unwrap_or(0);
        let owner = if self.is_numeric { "1000" } else { OWNER };
        let mut text = String::new();
        for ((item, name), size) in items.iter().zip(names).zip(&sizes) {
            let links = if item.about.file_type.is_dir() { 2 } else { 1 };
            text += &format!("{} {links} ", mode(&item.about));
            for is_shown in [self.has_owner, self.has_group] {
                if is_shown {
                    text += owner;
                    text.push(' ');
                }
            }
            text += &format!("{size:>wide$} {} {name}\n", self.time(&item.about));
        }
        text
    }

    fn time(&self, about: &Metadata) -> String {
        let time: DateTime<Utc> = about.modified.into();
        let age = (Utc::now() - time).num_seconds();
        let format = match &self.time {
            Some(format) => format.as_str(),
            None if (0..RECENT).contains(&age) => "%b %e %H:%M",
            None => "%b %e  %Y",
        };
        date::format(&time, format)
    }
}

/// The mode in letters.
fn mode(about: &Metadata) -> String {
    let mut text = String::from(match about.file_type {
        FileType::Directory => 'd',
        FileType::Symlink => 'l',
        FileType::Fifo => 'p',
        FileType::File => '-',
    });
    for (at, letter) in "rwxrwxrwx".chars().enumerate() {
        let is_set = about.mode & (0o400 >> at) != 0;
        text.push(if is_set { letter } else { '-' });
    }
    text
}

/// The size that is shown.
pub(super) fn size(about: &Metadata) -> u64 {
    if about.file_type.is_dir() {
        about.size.max(FOLDER_SIZE)
    } else {
        about.size
    }
}

/// What it takes on a disk, in KiB.
pub(super) fn blocks(about: &Metadata) -> u64 {
    size(about).div_ceil(4096) * 4
}

/// A size with a unit, rounded up.
pub(super) fn human(size: u64) -> String {
    let (mut unit, mut whole) = (1_u64, "");
    for name in ["K", "M", "G", "T"] {
        if size / unit < 1024 {
            break;
        }
        unit *= 1024;
        whole = name;
    }
    let tenths = (u128::from(size) * 10).div_ceil(u128::from(unit));
    if unit == 1 {
        size.to_string()
    } else if tenths < 100 {
        format!("{}.{}{whole}", tenths / 10, tenths % 10)
    } else {
        format!("{}{whole}", tenths.div_ceil(10))
    }
}

/// A number that is the same for the same path: the host tells none.
pub(super) fn inode(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.path.hash(&mut hasher);
    hasher.finish() % 100_000_000 + 1
}
