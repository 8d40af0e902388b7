//! Patterns of names, as `--exclude` and `-x` take them.

/// Whether the whole of a text is like a pattern: `*` is any text, with `/` too, `?` any letter, `[a-z]` one of these.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = pattern.chars().rev().collect();
    while let Some(c) = rest.pop() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Letter(rest.pop().unwrap_or('\\')),
            '[' => set(&mut rest),
            c => Piece::Letter(c),
        });
    }
    // Where to go on from, if what is tried next is wrong: the last `*` may stand for a letter more.
    let (mut at, mut piece, mut back) = (0, 0, None);
    loop {
        match (text.get(at), pieces.get(piece)) {
            (None, None) => return true,
            (_, Some(Piece::Any)) => {
                piece += 1;
                back = Some((at, piece));
                continue;
            }
            (Some(letter), Some(wanted)) if wanted.takes(*letter) => {
                at += 1;
                piece += 1;
                continue;
            }
            _ => {}
        }
        match back {
            Some((from, next)) if from < text.len() => {
                back = Some((from + 1, next));
                (at, piece) = (from + 1, next);
            }
            _ => return false,
        }
    }
}

/// A piece of a pattern.
enum Piece {
    Any,
    One,
    Letter(char),
    Set {
        is_without: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Piece {
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Letter(wanted) => *wanted == letter,
            Self::Set { is_without, ranges } => {
                let is_in = |(from, to): &(char, char)| (*from..=*to).contains(&letter);
                ranges.iter().any(is_in) != *is_without
            }
        }
    }
}

/// The letters up to `]`; without one the `[` is a letter as any. What is left is last letter first.
fn set(rest: &mut Vec<char>) -> Piece {
    let before = rest.clone();
    let is_without = rest.pop_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    while let Some(from) = rest.pop() {
        if from == ']' && !ranges.is_empty() {
            return Piece::Set { is_without, ranges };
        }
        let is_range = matches!(rest.as_slice(), [.., to, '-'] if *to != ']');
        let to = if is_range {
            rest.pop();
            rest.pop()
        } else {
            None
        };
        ranges.push((from, to.unwrap_or(from)));
    }
    *rest = before;
    Piece::Letter('[')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_pattern_is_like_the_whole_of_a_text() {
        for (text, pattern) in [
            ("a.pyc", "*.pyc"),
            ("a/b/c.o", "a*.o"),
            ("x", "?"),
            ("b7", "[a-c][!0-5]"),
            ("]", "[]]"),
            ("a*", "a\\*"),
            ("[x", "[x"),
            ("aXbXc", "*X*c"),
            ("", "*"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("a.py", "*.pyc"), ("xy", "?"), ("d", "[a-c]"), ("ab", "b")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
