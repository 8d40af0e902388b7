//! Two files that `diff` compares: what is in them, and what is said and shown of them.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::{
    super::{date, reason, remove::bashkit_path},
    Style,
    changes::Changes,
    lines::is_binary,
    places::{Comparison, Kind, Place},
    show,
};

impl Comparison<'_> {
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

    pub(super) async fn files(&mut self, old: &Place, new: &Place, is_inside: bool) {
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
