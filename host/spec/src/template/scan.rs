//! The words of a template's tags, with their places.
//!
//! Not a parser: that is minijinja's. This finds the tags and splits what is in them into words, which is enough to
//! know the names that a template uses, the filters it calls, and where its comparisons are. Where it does not
//! understand something it says so, and the caller leaves the text to minijinja.

/// Most operators in one tag, brackets, dots and filters counted. A compiler of templates goes as deep as a chain of
/// them is long: this keeps it from the end of the stack. The longest tags that people write have a tenth of it.
const MAX_OPERATORS: usize = 200;
/// Most brackets within brackets, and most signs or `not`s in a row.
const MAX_NESTING: usize = 64;
/// Most `elif`s in a template: each goes one level deeper.
const MAX_ELIFS: usize = 100;
/// Longest text, in bytes, that is not understood here and still given to minijinja for the sake of its message: too
/// short for anything deep.
pub(super) const MAX_UNCLEAR: usize = 500;
/// What is said about a template beyond these.
pub(super) const TOO_MUCH: &str = "a tag of the template is too long or nested too deeply";

/// Why the tags of a text are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Something does not close, or closes what was not open: minijinja says it better.
    Malformed,
    /// It is beyond the bounds and must not be compiled.
    TooMuch,
}

/// A word within a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Where the space before it begins, and where it begins itself.
    pub(super) lead: usize,
    pub(super) start: usize,
    pub(super) kind: Kind,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Text,
    Number,
    /// An operator or a mark.
    Mark,
    /// `(`, `[`, `{` and how many words on the one that closes it stands.
    Open(usize),
    Close,
}

/// A tag: `{{ … }}` or `{% … %}`.
#[derive(Debug, Clone)]
pub(super) struct Tag<'a> {
    /// Whether it is a statement: `{% … %}`.
    pub(super) is_statement: bool,
    /// From behind the opening mark to before the closing one.
    pub(super) inner: std::ops::Range<usize>,
    pub(super) words: Vec<Word<'a>>,
}

/// The tags of a template.
pub(super) fn tags(text: &str) -> Result<Vec<Tag<'_>>, Unclear> {
    let mut too_much = false;
    let tags = find(text, &mut too_much);
    if too_much {
        Err(Unclear::TooMuch)
    } else {
        tags.ok_or(Unclear::Malformed)
    }
}

fn find<'a>(text: &'a str, too_much: &mut bool) -> Option<Vec<Tag<'a>>> {
    let mut tags = Vec::new();
    let mut at = 0;
    let mut elifs = 0;
    while let Some(found) = text.get(at..)?.find("{").map(|offset| at + offset) {
        let rest = text.get(found..)?;
        if rest.starts_with("{#") {
            at = found + rest.find("#}")? + 2;
            continue;
        }
        let is_statement = rest.starts_with("{%");
        if !is_statement && !rest.starts_with("{{") {
            at = found + 1;
            continue;
        }
        let mut start = found + 2;
        if text.get(start..)?.starts_with(['-', '+']) {
            start += 1;
        }
        let (words, end) = words(
            text,
            start,
            if is_statement { "%}" } else { "}}" },
            too_much,
        )?;
        at = end + 2;
        elifs += usize::from(is_statement && words.first().is_some_and(|word| word.text == "elif"));
        if elifs > MAX_ELIFS {
            *too_much = true;
            return None;
        }
        let is_raw = is_statement && words.first().is_some_and(|word| word.text == "raw");
        tags.push(Tag {
            is_statement,
            inner: start..end,
            words,
        });
        if is_raw {
            at = end_of_raw(text, at)?;
        }
    }
    Some(tags)
}

/// Behind the `{% endraw %}` that follows.
fn end_of_raw(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find("{%")? + 2;
        let inner = text.get(at..)?.trim_start_matches(['-', '+']).trim_start();
        if inner.starts_with("endraw") {
            return Some(at + text.get(at..)?.find("%}")? + 2);
        }
    }
}

/// The words up to the closing mark, and where that is.
fn words<'a>(
    text: &'a str,
    start: usize,
    close: &str,
    too_much: &mut bool,
) -> Option<(Vec<Word<'a>>, usize)> {
    let mut words: Vec<Word<'a>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut in_a_row = 0;
    let mut operators = 0;
    let mut at = start;
    loop {
        let lead = at;
        at += text.get(at..)?.find(|c: char| !c.is_whitespace())?;
        let rest = text.get(at..)?;
        if open.is_empty() {
            let trimmed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            if rest.starts_with(close) {
                return Some((words, at));
            }
            if trimmed.starts_with(close) {
                return Some((words, at + 1));
            }
        }
        let first = rest.chars().next()?;
        let (length, kind) = match first {
            '"' | '\'' => (text_length(rest, first)?, Kind::Text),
            c if c.is_alphabetic() || c == '_' => {
                (run(rest, |c| c.is_alphanumeric() || c == '_'), Kind::Name)
            }
            c if c.is_ascii_digit() => (number_length(rest), Kind::Number),
            '(' | '[' | '{' => (1, Kind::Open(0)),
            ')' | ']' | '}' => (1, Kind::Close),
            c => (mark_length(rest, c), Kind::Mark),
        };
        match kind {
            Kind::Open(_) => open.push(words.len()),
            Kind::Close => {
                let opened = open.pop()?;
                let distance = words.len() - opened;
                let word = words.get_mut(opened)?;
                if !matches!((word.text, first), ("(", ')') | ("[", ']') | ("{", '}')) {
                    return None;
                }
                word.kind = Kind::Open(distance);
            }
            _ => {}
        }
        let word = rest.get(..length)?;
        in_a_row = if matches!(word, "-" | "not") {
            in_a_row + 1
        } else {
            0
        };
        let is_operator = match kind {
            Kind::Mark => !matches!(word, "," | ":"),
            Kind::Open(_) => true,
            Kind::Name => matches!(word, "and" | "or" | "not" | "is" | "in" | "if"),
            Kind::Text | Kind::Number | Kind::Close => false,
        };
        operators += usize::from(is_operator);
        if operators > MAX_OPERATORS || open.len() > MAX_NESTING || in_a_row > MAX_NESTING {
            *too_much = true;
            return None;
        }
        words.push(Word {
            text: word,
            lead,
            start: at,
            kind,
        });
        at += length;
    }
}

fn run(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

fn number_length(rest: &str) -> usize {
    let whole = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
    let behind = rest.get(whole..).unwrap_or_default();
    let fraction = behind
        .strip_prefix('.')
        .filter(|fraction| fraction.starts_with(|c: char| c.is_ascii_digit()));
    whole
        + fraction.map_or(0, |fraction| {
            1 + run(fraction, |c| c.is_ascii_alphanumeric())
        })
}

fn text_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn mark_length(rest: &str, first: char) -> usize {
    const LONG: [&str; 6] = ["==", "!=", "<=", ">=", "//", "**"];
    if LONG.iter().any(|mark| rest.starts_with(mark)) {
        2
    } else {
        first.len_utf8()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<Vec<Vec<&str>>> {
        tags(text).ok().map(|tags| {
            tags.iter()
                .map(|tag| tag.words.iter().map(|word| word.text).collect())
                .collect()
        })
    }

    #[test]
    fn tags_are_split_into_words_and_text_is_skipped() {
        assert_eq!(
            shown("a {{ x.y|f(1.5, 'a}}b') -}} b {# {{ no }} #} {%- if a<=b %}"),
            Some(vec![
                vec!["x", ".", "y", "|", "f", "(", "1.5", ",", "'a}}b'", ")"],
                vec!["if", "a", "<=", "b"]
            ])
        );
        assert_eq!(
            shown("{{ {'a': {'b': 1}}.a }}").map(|tags| tags.len()),
            Some(1)
        );
        assert_eq!(
            shown("{% raw %}{{ no }}{% endraw %}{{ yes }}"),
            Some(vec![vec!["raw"], vec!["yes"]])
        );
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for text in ["{{ a", "{{ 'a }}", "{{ (a] }}", "{% raw %} x", "{# x"] {
            assert_eq!(tags(text).err(), Some(Unclear::Malformed), "{text}");
        }
        for text in [
            "1 + ".repeat(600),
            "(".repeat(70),
            "-".repeat(70),
            "not ".repeat(70),
        ] {
            assert_eq!(
                tags(&format!("{{{{ {text}")).err(),
                Some(Unclear::TooMuch),
                "{text}"
            );
        }
    }
}
