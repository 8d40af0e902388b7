//! What changed between two texts, and which changes are shown together.

use super::{
    lines::{Ignored, Space, is_space, lines, numbered},
    search::differences,
    sift::sifted,
    slide::slide,
};

/// A run of lines of one side in the place of a run of the other; one of the two may be empty.
#[derive(Clone, Copy)]
pub(super) struct Change {
    /// The lines that are gone: the first, and how many.
    pub(super) old: (usize, usize),
    pub(super) new: (usize, usize),
    /// Nothing but empty lines, where those are not asked about.
    pub(super) is_blank: bool,
}

/// Two texts and what changed between them.
pub(super) struct Changes<'a> {
    pub(super) old: Vec<&'a [u8]>,
    pub(super) new: Vec<&'a [u8]>,
    pub(super) all: Vec<Change>,
}

/// How texts are compared.
#[derive(Clone, Copy, Default)]
pub(super) struct How {
    pub(super) ignored: Ignored,
    pub(super) ignores_blank: bool,
    /// Lines that are shown around a change.
    pub(super) context: usize,
    /// Every line is searched.
    pub(super) is_exact: bool,
}

impl<'a> Changes<'a> {
    pub(super) fn between(old: &'a [u8], new: &'a [u8], how: How) -> Self {
        let (old, new) = (lines(old), lines(new));
        // What is the same at both ends is not searched, but for what is shown.
        let most = old.len().min(new.len());
        let same = |(one, other): &(&&[u8], &&[u8])| one == other;
        let ahead = old.iter().zip(&new).take_while(same).count();
        let ahead = ahead.saturating_sub(how.context);
        let ends = old.iter().rev().zip(new.iter().rev());
        let behind = ends.take(most - ahead).take_while(same).count();
        let behind = behind.saturating_sub(how.context);
        let within = |lines: &[&'a [u8]]| {
            let end = lines.len() - behind;
            lines.get(ahead..end).unwrap_or_default().to_vec()
        };
        let numbers = numbered(&within(&old), &within(&new), how.ignored);
        let mut marks = if how.is_exact {
            differences(&numbers.0, &numbers.1, true)
        } else {
            sifted(&numbers.0, &numbers.1)
        };
        slide(&numbers.0, &mut marks.old, &marks.new);
        slide(&numbers.1, &mut marks.new, &marks.old);
        let mut changes = Self {
            old,
            new,
            all: Vec::new(),
        };
        changes.collect(&marks.old, &marks.new, ahead);
        if how.ignores_blank {
            changes.find_blank(how.ignored.space >= Space::Trailing);
        }
        changes
    }

    fn collect(&mut self, old: &[bool], new: &[bool], ahead: usize) {
        let (mut at, mut other) = (0, 0);
        let run = |marks: &[bool], from: usize| {
            let rest = marks.get(from..).unwrap_or_default();
            rest.iter().take_while(|is_changed| **is_changed).count()
        };
        while at < old.len() || other < new.len() {
            let (gone, come) = (run(old, at), run(new, other));
            if gone + come > 0 {
                self.all.push(Change {
                    old: (ahead + at, gone),
                    new: (ahead + other, come),
                    is_blank: false,
                });
            }
            at += gone + 1;
            other += come + 1;
        }
    }

    fn find_blank(&mut self, with_space: bool) {
        let is_blank = |lines: &[&[u8]], (from, count): (usize, usize)| {
            let lines = lines.get(from..from + count).unwrap_or_default();
            lines.iter().all(|line| match line.strip_suffix(b"\n") {
                Some(line) if !with_space => line.is_empty(),
                _ if !with_space => line.is_empty(),
                _ => line.iter().all(|byte| is_space(*byte)),
            })
        };
        for change in &mut self.all {
            change.is_blank = is_blank(&self.old, change.old) && is_blank(&self.new, change.new);
        }
    }

    /// Whether there is anything to show.
    pub(super) fn is_empty(&self) -> bool {
        self.all.iter().all(|change| change.is_blank)
    }

    /// The changes that are near enough to each other to be shown as one.
    pub(super) fn hunks(&self, context: usize) -> Vec<&[Change]> {
        let is_near = |one: &Change, next: &Change| {
            let between = next.old.0 - (one.old.0 + one.old.1);
            if next.is_blank {
                between < context
            } else {
                between <= context.saturating_mul(2)
            }
        };
        let hunks = self.all.chunk_by(is_near);
        hunks
            .filter(|hunk| !hunk.iter().all(|change| change.is_blank))
            .collect()
    }
}
