//! Changes as `diff` writes them: its normal form, `-u` and `-c`.

use super::changes::{Change, Changes};

/// Most bytes that are shown of the line that a hunk is within.
const HEADING: usize = 40;

/// A line of either side behind its mark.
pub(super) fn line(out: &mut Vec<u8>, mark: &str, line: &[u8]) {
    out.extend_from_slice(mark.as_bytes());
    out.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        out.extend_from_slice(b"\n\\ No newline at end of file\n");
    }
}

fn say(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn part<'a, 'b>(lines: &'b [&'a [u8]], from: usize, to: usize) -> &'b [&'a [u8]] {
    lines.get(from..to).unwrap_or_default()
}

/// `FIRST,LAST`, or one number for one line; for none the line before.
fn range((from, count): (usize, usize)) -> String {
    match count {
        0 => from.to_string(),
        1 => (from + 1).to_string(),
        _ => format!("{},{}", from + 1, from + count),
    }
}

/// `FIRST,COUNT`.
fn counted((from, count): (usize, usize)) -> String {
    match count {
        0 => format!("{from},0"),
        1 => (from + 1).to_string(),
        _ => format!("{},{count}", from + 1),
    }
}

/// The normal form.
pub(super) fn normal(out: &mut Vec<u8>, changes: &Changes<'_>) {
    for change in changes.all.iter().filter(|change| !change.is_blank) {
        let letter = match (change.old.1, change.new.1) {
            (0, _) => 'a',
            (_, 0) => 'd',
            _ => 'c',
        };
        let head = format!("{}{letter}{}\n", range(change.old), range(change.new));
        say(out, &head);
        for gone in part(&changes.old, change.old.0, change.old.0 + change.old.1) {
            line(out, "< ", gone);
        }
        if letter == 'c' {
            say(out, "---\n");
        }
        for come in part(&changes.new, change.new.0, change.new.0 + change.new.1) {
            line(out, "> ", come);
        }
    }
}

/// The lines of a hunk: where they begin and how many they are, on either side.
fn bounds(changes: &Changes<'_>, hunk: &[Change], context: usize) -> [(usize, usize); 2] {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
        return [(0, 0); 2];
    };
    let bound = |from: usize, end: usize, most: usize| {
        let begin = from.saturating_sub(context);
        (begin, end.saturating_add(context).min(most) - begin)
    };
    let end = last.old.0 + last.old.1;
    let other = last.new.0 + last.new.1;
    [
        bound(first.old.0, end, changes.old.len()),
        bound(first.new.0, other, changes.new.len()),
    ]
}

/// The last line before a hunk that could be the head of a function.
fn heading(changes: &Changes<'_>, before: usize) -> Option<Vec<u8>> {
    let is_head = |line: &&&[u8]| {
        let first = line.first().copied().unwrap_or_default();
        first.is_ascii_alphabetic() || first == b'_' || first == b'$'
    };
    let mut lines = part(&changes.old, 0, before).iter().rev();
    let found = lines.find(is_head)?.trim_ascii_end();
    let shown = found.get(..HEADING).unwrap_or(found).trim_ascii_end();
    Some([b" ", shown].concat())
}

/// `-u`.
pub(super) fn unified(
    out: &mut Vec<u8>,
    changes: &Changes<'_>,
    context: usize,
    has_headings: bool,
) {
    for hunk in changes.hunks(context) {
        let [old, new] = bounds(changes, hunk, context);
        say(out, &format!("@@ -{} +{} @@", counted(old), counted(new)));
        if let Some(heading) = heading(changes, old.0).filter(|_| has_headings) {
            out.extend(heading);
        }
        say(out, "\n");
        let mut at = old.0;
        for change in hunk {
            for same in part(&changes.old, at, change.old.0) {
                line(out, " ", same);
            }
            at = change.old.0 + change.old.1;
            for gone in part(&changes.old, change.old.0, at) {
                line(out, "-", gone);
            }
            for come in part(&changes.new, change.new.0, change.new.0 + change.new.1) {
                line(out, "+", come);
            }
        }
        for same in part(&changes.old, at, old.0 + old.1) {
            line(out, " ", same);
        }
    }
}

/// `-c`.
pub(super) fn in_context(
    out: &mut Vec<u8>,
    changes: &Changes<'_>,
    context: usize,
    has_headings: bool,
) {
    for hunk in changes.hunks(context) {
        let [old, new] = bounds(changes, hunk, context);
        say(out, "***************");
        if let Some(heading) = heading(changes, old.0).filter(|_| has_headings) {
            out.extend(heading);
        }
        say(out, &format!("\n*** {} ****\n", range(old)));
        let sides = |change: &Change| (change.old, change.new);
        side(out, &changes.old, old, ("- ", hunk.iter().map(sides)));
        say(out, &format!("--- {} ----\n", range(new)));
        let sides = |change: &Change| (change.new, change.old);
        side(out, &changes.new, new, ("+ ", hunk.iter().map(sides)));
    }
}

/// One side of a hunk of `-c`; nothing where nothing of it changed. The changes are given with this side first.
fn side(
    out: &mut Vec<u8>,
    lines: &[&[u8]],
    (begin, count): (usize, usize),
    (mark, hunk): (
        &str,
        impl Iterator<Item = ((usize, usize), (usize, usize))> + Clone,
    ),
) {
    if hunk.clone().all(|(ours, _)| ours.1 == 0) {
        return;
    }
    let mut at = begin;
    for (ours, theirs) in hunk {
        for same in part(lines, at, ours.0) {
            line(out, "  ", same);
        }
        at = ours.0 + ours.1;
        let mark = if theirs.1 == 0 { mark } else { "! " };
        for changed in part(lines, ours.0, at) {
            line(out, mark, changed);
        }
    }
    for same in part(lines, at, begin + count) {
        line(out, "  ", same);
    }
}
