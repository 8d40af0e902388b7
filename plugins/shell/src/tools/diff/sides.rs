//! Changes as `diff -y` writes them: both texts side by side.

use super::changes::Changes;

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
        let (mut old, mut new) = (changes.old.as_slice(), changes.new.as_slice());
        let (mut at, mut other) = (0, 0);
        for change in changes.all.iter().filter(|change| !change.is_blank) {
            let same = (
                taken(&mut old, change.old.0 - at),
                taken(&mut new, change.new.0 - other),
            );
            self.same(out, same.0, same.1);
            let (gone, come) = (taken(&mut old, change.old.1), taken(&mut new, change.new.1));
            for step in 0..gone.len().max(come.len()) {
                let (left, right) = (gone.get(step), come.get(step));
                let mark = match (left, right) {
                    (Some(_), Some(_)) => '|',
                    (Some(_), None) => '<',
                    _ => '>',
                };
                self.line(out, left, mark, right);
            }
            (at, other) = (change.old.0 + change.old.1, change.new.0 + change.new.1);
        }
        self.same(out, old, new);
    }

    /// What is the same; beside empty lines that are not asked about, one side may have more.
    fn same(self, out: &mut Vec<u8>, left: &[&[u8]], right: &[&[u8]]) {
        if self.only_changes {
            return;
        }
        let both = if self.only_left {
            0
        } else {
            left.len().min(right.len())
        };
        for (left, right) in left.iter().zip(right).take(both) {
            self.line(out, Some(left), ' ', Some(right));
        }
        if !self.only_left {
            for right in right.iter().skip(both) {
                self.line(out, None, ')', Some(right));
            }
        }
        for left in left.iter().skip(both) {
            self.line(out, Some(left), '(', None);
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

/// The next lines of a side.
fn taken<'a, 'b>(rest: &mut &'b [&'a [u8]], count: usize) -> &'b [&'a [u8]] {
    let (taken, behind) = rest.split_at(count.min(rest.len()));
    *rest = behind;
    taken
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
