//! Changes as `diff -y` writes them: both texts side by side.

use super::changes::{Change, Changes};

/// How wide a tab is.
const TAB: usize = 8;

/// Least room between the two halves.
const GUTTER: usize = 3;

/// How the two halves stand.
#[derive(Clone, Copy)]
pub(super) struct Halves {
    /// The width of each.
    width: usize,
    /// Where the second begins.
    second: usize,
    /// What is the same is not shown.
    pub(super) only_changes: bool,
    /// What is the same is shown on the left alone.
    pub(super) only_left: bool,
    pub(super) spreads_tabs: bool,
}

impl Halves {
    /// As wide as `width` allows, the second half at a tab.
    pub(super) fn of(width: usize, spreads_tabs: bool) -> Self {
        let tab = if spreads_tabs { 1 } else { TAB };
        let least = tab + GUTTER;
        let middle = width / 2 + least / 2 + (width & least & 1);
        let second = middle - middle % tab;
        let half = if second <= GUTTER || width <= second {
            0
        } else {
            (second - GUTTER).min(width - second)
        };
        Self {
            width: half,
            second: if half == 0 { width } else { second },
            only_changes: false,
            only_left: false,
            spreads_tabs,
        }
    }

    /// Both texts.
    pub(super) fn show(self, out: &mut Vec<u8>, changes: &Changes<'_>) {
        let (mut old, mut new) = (changes.old.iter(), changes.new.iter());
        let (mut at, mut other) = (0, 0);
        let end = Change {
            old: (changes.old.len(), 0),
            new: (changes.new.len(), 0),
            is_blank: true,
        };
        for change in changes.all.iter().chain([&end]) {
            // Beside empty lines that are not asked about, one side may have more.
            let same = (change.old.0 - at).max(change.new.0 - other);
            for step in 0..same {
                let left = old.next().filter(|_| at + step < change.old.0);
                let right = new.next().filter(|_| other + step < change.new.0);
                self.same(out, left, right);
            }
            (at, other) = (change.old.0 + change.old.1, change.new.0 + change.new.1);
            let both = change.old.1.max(change.new.1);
            for step in 0..both {
                let left = (step < change.old.1).then(|| old.next()).flatten();
                let right = (step < change.new.1).then(|| new.next()).flatten();
                if change.is_blank {
                    self.same(out, left, right);
                    continue;
                }
                let mark = match (left, right) {
                    (Some(_), Some(_)) => '|',
                    (Some(_), None) => '<',
                    _ => '>',
                };
                self.line(out, left, mark, right);
            }
        }
    }

    fn same(self, out: &mut Vec<u8>, left: Option<&&[u8]>, right: Option<&&[u8]>) {
        if self.only_changes {
            return;
        }
        match (left, right) {
            (Some(_), Some(_)) if self.only_left => self.line(out, left, '(', None),
            (Some(_), Some(_)) => self.line(out, left, ' ', right),
            (Some(_), None) => self.line(out, left, if self.only_left { '(' } else { ' ' }, None),
            _ => self.line(out, None, if self.only_left { ')' } else { ' ' }, right),
        }
    }

    fn line(self, out: &mut Vec<u8>, left: Option<&&[u8]>, mark: char, right: Option<&&[u8]>) {
        let mut mark = mark;
        let mut column = 0;
        let ends = |line: Option<&&[u8]>| line.is_some_and(|line| line.ends_with(b"\n"));
        if let Some(left) = left {
            column = self.half(out, left);
        }
        if mark != ' ' {
            column = self.go(out, column, (self.width + self.second - 1) / 2) + 1;
            if mark == '|' && ends(left) != ends(right) {
                mark = if ends(left) { '/' } else { '\\' };
            }
            out.push(u8::try_from(mark).unwrap_or(b' '));
        }
        if let Some(right) = right.filter(|line| !line.starts_with(b"\n")) {
            self.go(out, column, self.second);
            self.half(out, right);
        }
        if ends(left) || ends(right) {
            out.push(b'\n');
        }
    }

    /// Goes on from one column to another.
    fn go(self, out: &mut Vec<u8>, mut from: usize, to: usize) -> usize {
        if !self.spreads_tabs {
            while (from / TAB + 1) * TAB <= to {
                out.push(b'\t');
                from = (from / TAB + 1) * TAB;
            }
        }
        while from < to {
            out.push(b' ');
            from += 1;
        }
        to
    }

    /// As much of a line as there is room for, and the column behind it.
    fn half(self, out: &mut Vec<u8>, line: &[u8]) -> usize {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
        // Where the text would be, and where what was written ends.
        let (mut at, mut end) = (0, 0);
        for letter in text.chars() {
            match letter {
                '\t' => {
                    let to = (at / TAB + 1) * TAB;
                    if at == end {
                        let goal = to.min(self.width);
                        if self.spreads_tabs {
                            out.extend(std::iter::repeat_n(b' ', goal - end));
                            end = goal;
                        } else if to < self.width {
                            out.push(b'\t');
                            end = to;
                        }
                    }
                    at = to;
                }
                letter if letter.is_ascii_control() => out.extend(u8::try_from(letter)),
                letter => {
                    at += wide(letter);
                    if at <= self.width {
                        end = at;
                        out.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
            }
        }
        end
    }
}

/// The columns that a letter takes.
fn wide(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{1f300}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
