//! The lines of a file, and which of them count as the same.

use std::{borrow::Cow, collections::HashMap};

/// Bytes that are looked at to tell whether a file is text.
const LOOKED_AT: usize = 4096;

/// What is not looked at when lines are compared.
#[derive(Clone, Copy, Default)]
pub(super) struct Ignored {
    pub(super) case: bool,
    pub(super) space: Space,
    /// What a tab is as wide as spaces are.
    pub(super) tabs: bool,
}

/// Which white space is not looked at.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
pub(super) enum Space {
    #[default]
    None,
    /// At the end of a line.
    Trailing,
    /// There too, and how much there is.
    Amount,
    All,
}

/// The lines of a text, each with its line break if it has one.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Whether this is no text.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(LOOKED_AT).any(|byte| *byte == 0)
}

/// White space as C has it.
pub(super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A number for each line of both sides: the same one where the lines count as the same.
pub(super) fn numbered<'a>(
    old: &[&'a [u8]],
    new: &[&'a [u8]],
    ignored: Ignored,
) -> (Vec<u32>, Vec<u32>) {
    let mut numbers: HashMap<Cow<'a, [u8]>, u32> = HashMap::new();
    let mut number = |line: &&'a [u8]| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(ignored.key(line)).or_insert(next)
    };
    let old = old.iter().map(&mut number).collect();
    (old, new.iter().map(&mut number).collect())
}

impl Ignored {
    /// What is left of a line to compare.
    fn key<'a>(self, line: &'a [u8]) -> Cow<'a, [u8]> {
        if self.space == Space::None && !self.case && !self.tabs {
            return Cow::Borrowed(line);
        }
        let mut key: Vec<u8> = line.to_vec();
        match self.space {
            Space::None => {}
            Space::Trailing => key.truncate(key.trim_ascii_end().len()),
            Space::All => key.retain(|byte| !is_space(*byte)),
            Space::Amount => {
                for byte in &mut key {
                    if is_space(*byte) {
                        *byte = b' ';
                    }
                }
                key.dedup_by(|next, last| (*next, *last) == (b' ', b' '));
                if key.last() == Some(&b' ') {
                    key.pop();
                }
            }
        }
        if self.tabs && self.space < Space::Amount {
            key = spread(&key);
        }
        if self.case {
            key.make_ascii_lowercase();
        }
        Cow::Owned(key)
    }
}

/// A line with spaces for its tabs.
fn spread(line: &[u8]) -> Vec<u8> {
    let mut spread = Vec::with_capacity(line.len());
    for byte in line {
        if *byte == b'\t' {
            spread.resize((spread.len() / 8 + 1) * 8, b' ');
        } else {
            spread.push(*byte);
        }
    }
    spread
}
