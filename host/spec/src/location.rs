//! Places in the source text, and how a place in the document is named.

use std::fmt;

/// A place in the source: for people by line and column, for renderers by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes before the place.
    pub offset: usize,
    /// Bytes that the place covers.
    pub length: usize,
}

impl Location {
    /// The very beginning.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
        length: 0,
    };

    /// The place of the byte at `offset` in `text`, counted from the start: for errors, not for every node.
    pub(crate) fn of_offset(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before
                .get(line_start..)
                .map_or(0, |line| line.chars().count())
                + 1,
            offset: before.len(),
            length: 0,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One step from a value to a value inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into a mapping.
    Key(&'a str),
    /// Into a list, from 0.
    Index(usize),
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(key: &'a str) -> Self {
        Self::Key(key)
    }
}

impl<'a> From<&'a String> for Step<'a> {
    fn from(key: &'a String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A path through the document: `path!["stages", 3, "role"]`.
#[macro_export]
macro_rules! path {
    ($($step:expr),* $(,)?) => { &[$($crate::Step::from($step)),*] as &[$crate::Step<'_>] };
}

/// From characters, which the parser counts, to bytes, which renderers need.
pub(crate) struct ByteIndex<'a> {
    text: &'a str,
    /// The byte of every [`STRIDE`]-th character; empty when all characters are single bytes.
    marks: Vec<usize>,
}

/// Characters between two marks: one lookup walks at most so many.
const STRIDE: usize = 64;

impl<'a> ByteIndex<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let marks = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices()
                .step_by(STRIDE)
                .map(|(byte, _)| byte)
                .collect()
        };
        Self { text, marks }
    }

    /// The byte at which the character of this number starts.
    pub(crate) fn byte(&self, character: usize) -> usize {
        if self.marks.is_empty() {
            return character.min(self.text.len());
        }
        let Some(start) = self.marks.get(character / STRIDE).copied() else {
            return self.text.len();
        };
        let rest = self.text.get(start..).unwrap_or_default();
        let within = rest
            .char_indices()
            .nth(character % STRIDE)
            .map_or(rest.len(), |(byte, _)| byte);
        start + within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_bytes_also_far_into_a_text_of_wide_characters() {
        let text = "aü€😀".repeat(100);
        let index = ByteIndex::new(&text);
        for (number, (byte, _)) in text.char_indices().enumerate() {
            assert_eq!(index.byte(number), byte);
        }
        assert_eq!(index.byte(400), text.len());
        assert_eq!(index.byte(9999), text.len());
    }

    #[test]
    fn an_offset_becomes_line_and_column() {
        let at = Location::of_offset("a\nüb\nc", 4);
        assert_eq!((at.line, at.column), (2, 2));
    }
}
