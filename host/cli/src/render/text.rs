//! Small pieces of text: made harmless, shortened, counted.

use std::borrow::Cow;

use armature_grants::show_bytes;

/// Characters of a stranger's text shown where a person has to decide about it.
pub(crate) const MAX_ASKED: usize = 4_000;

/// Characters of a reason shown on a progress line.
pub(crate) const MAX_REASON: usize = 600;

/// A text whose control characters are written out, so that it cannot move the cursor, set colours, or pretend to be
/// another text. Lines and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // A line that ends as some systems end them.
            '\r' if rest.peek() == Some(&'\n') => {}
            c if is_hidden(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Does a terminal act on it, or a reader not see it?
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        c => matches!(u32::from(c),
            0x061C | 0x180E | 0x200B | 0x200E | 0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF | 0xE0000..=0xE0FFF),
    }
}

/// Visible, on one line, and not longer than this.
pub(crate) fn line(text: &str, longest: usize) -> String {
    let text = visible(text);
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    bounded(&words, longest).into_owned()
}

/// Not longer than this; what is missing is said.
pub(crate) fn bounded(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or(text);
            let more = text.chars().count().saturating_sub(longest);
            Cow::Owned(format!("{kept}… ({more} more characters)"))
        }
    }
}

/// Every line after the first indented like the first.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    text.replace('\n', &format!("\n{indent}"))
}

/// Somebody else's text, every line with a bar before it: no line of it passes for one of ours.
pub(crate) fn barred(text: &str) -> String {
    format!("  │ {}", indented(text, "  │ "))
}

/// `1 stage`, `2 stages`.
pub(crate) fn count(number: impl Into<u64>, noun: &str) -> String {
    match number.into() {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// A length, as `usize` counts it.
pub(crate) fn length(number: usize, noun: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

/// `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment as people read it: `2025-01-31 12:05:09`, in UTC as it is kept.
pub(crate) fn moment(timestamp: &str) -> String {
    let moment: String = timestamp.chars().take(19).collect();
    line(&moment.replace('T', " "), 19)
}

/// Bytes as people read them.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1024 => format!("{number} B"),
        1024..1_048_576 => format!("{:.1} KiB", thousandth(number, 1024)),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", thousandth(number, 1_048_576)),
        _ => show_bytes(number),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn thousandth(number: u64, unit: u64) -> f64 {
    number as f64 / unit as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_stranger_cannot_drive_the_terminal() {
        assert_eq!(visible("\u{1b}[2Jgone\u{7}"), "\\u{1b}[2Jgone\\u{7}");
        assert_eq!(visible("a\u{9b}31mb"), "a\\u{9b}31mb");
        assert_eq!(visible("safe\r\nrm -rf\rok"), "safe\nrm -rf\\rok");
        assert_eq!(visible("user\u{202e}gnp.exe"), "user\\u{202e}gnp.exe");
        assert!(matches!(
            visible("[plain] text, ünïcode 😀\n\tkept"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn long_texts_end_and_say_so() {
        assert_eq!(line("a\n  b\tc", 10), "a b c");
        assert_eq!(bounded("äöü", 3), "äöü");
        assert_eq!(bounded("äöüß!", 3), "äöü… (2 more characters)");
    }

    #[test]
    fn a_moment_is_shown_to_the_second() {
        assert_eq!(
            moment("2025-01-31T12:05:09.123456+00:00"),
            "2025-01-31 12:05:09"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            (thousands(7), thousands(1234), thousands(1_234_567)),
            ("7".into(), "1,234".into(), "1,234,567".into())
        );
        assert_eq!(
            (bytes(12), bytes(1536)),
            ("12 B".to_owned(), "1.5 KiB".to_owned())
        );
    }
}
