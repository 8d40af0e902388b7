//! Which lines the search may leave out: those that the other side does not have, and within runs of them those that it
//! has very often (empty lines, closing braces), which would only tie the search to places that mean nothing. They are
//! marked as changed; what of them is the same after all, the search would not have shown better.

use super::search::{Marks, differences};

/// What a line is to the other side.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// It is there: the search needs it.
    Kept,
    /// It is not there.
    Alone,
    /// It is there many times.
    Common,
}

/// What differs between two lists.
pub(super) fn sifted(old: &[u32], new: &[u32]) -> Marks {
    let kinds = (kinds(old, new), kinds(new, old));
    let kept = (kept(old, &kinds.0), kept(new, &kinds.1));
    let found = differences(&kept.0, &kept.1, false);
    Marks {
        old: spread(&kinds.0, &found.old),
        new: spread(&kinds.1, &found.new),
    }
}

fn kept(lines: &[u32], kinds: &[Kind]) -> Vec<u32> {
    let both = lines.iter().zip(kinds);
    both.filter(|(_, kind)| **kind == Kind::Kept)
        .map(|(line, _)| *line)
        .collect()
}

/// The marks of the lines that were kept, and one for each that was not.
fn spread(kinds: &[Kind], found: &[bool]) -> Vec<bool> {
    let mut found = found.iter();
    kinds
        .iter()
        .map(|kind| *kind != Kind::Kept || found.next().copied().unwrap_or(true))
        .collect()
}

fn kinds(lines: &[u32], others: &[u32]) -> Vec<Kind> {
    let most = lines.iter().chain(others).max().map_or(0, |most| most + 1);
    let mut counts = vec![0_usize; most as usize];
    for line in others {
        if let Some(count) = counts.get_mut(*line as usize) {
            *count += 1;
        }
    }
    // Five, and twice that for every four times that the file has 64 lines more than once.
    let many = 5 << doublings(lines.len() / 64);
    let mut kinds: Vec<Kind> = lines
        .iter()
        .map(|line| match counts.get(*line as usize) {
            None | Some(0) => Kind::Alone,
            Some(count) if *count > many => Kind::Common,
            Some(_) => Kind::Kept,
        })
        .collect();
    let mut rest = kinds.as_mut_slice();
    while let Some(run) = next_run(&mut rest) {
        keep_what_matters(run);
    }
    kinds
}

/// How often a number is four times as large as one.
fn doublings(mut number: usize) -> u32 {
    let mut times = 0;
    while number >= 4 {
        number /= 4;
        times += 1;
    }
    times
}

/// The next run of lines that could be left out, from the first that is alone to the last. Common lines around it are
/// kept.
fn next_run<'a>(rest: &mut &'a mut [Kind]) -> Option<&'a mut [Kind]> {
    let lines = std::mem::take(rest);
    let begin = lines.iter().position(|kind| *kind == Kind::Alone);
    let begin = begin.unwrap_or(lines.len());
    let (before, lines) = lines.split_at_mut(begin);
    before.fill(Kind::Kept);
    let end = lines.iter().position(|kind| *kind == Kind::Kept);
    let (run, behind) = lines.split_at_mut(end.unwrap_or(lines.len()));
    let last = run.iter().rposition(|kind| *kind == Kind::Alone)?;
    let (run, common) = run.split_at_mut(last + 1);
    common.fill(Kind::Kept);
    *rest = behind;
    Some(run)
}

/// Keeps the common lines of a run where they are too many to mean nothing, or too near to its ends.
fn keep_what_matters(run: &mut [Kind]) {
    let common = run.iter().filter(|kind| **kind == Kind::Common).count();
    if common * 4 > run.len() {
        keep_common(run);
        return;
    }
    // So many in a row are a piece of text.
    let most = (1 << doublings(run.len() / 4)) + 1;
    for row in run.chunk_by_mut(|one, next| one == next) {
        if row.len() >= most {
            keep_common(row);
        }
    }
    keep_at_the_end(run.iter_mut());
    keep_at_the_end(run.iter_mut().rev());
}

fn keep_common(lines: &mut [Kind]) {
    for kind in lines {
        if *kind == Kind::Common {
            *kind = Kind::Kept;
        }
    }
}

/// Keeps what is common near an end: up to three lines in a row that are alone, or to the first one that is alone behind
/// eight lines.
fn keep_at_the_end<'a>(lines: impl Iterator<Item = &'a mut Kind>) {
    let mut in_a_row = 0;
    for (at, kind) in lines.enumerate() {
        match *kind {
            Kind::Alone if at >= 8 => return,
            Kind::Alone => in_a_row += 1,
            _ => {
                in_a_row = 0;
                *kind = Kind::Kept;
            }
        }
        if in_a_row == 3 {
            return;
        }
    }
}
