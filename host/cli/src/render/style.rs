//! Colours, each with one meaning. Nothing is said by colour alone: a stream without colour loses none of it.

use owo_colors::{OwoColorize as _, Style};

/// It went well.
pub(crate) fn good(text: &str) -> String {
    paint(Style::new().green(), text)
}

/// It did not.
pub(crate) fn bad(text: &str) -> String {
    paint(Style::new().red(), text)
}

/// It deserves a look.
pub(crate) fn doubtful(text: &str) -> String {
    paint(Style::new().yellow(), text)
}

/// A name, a heading.
pub(crate) fn name(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// Less important than what is around it.
pub(crate) fn faint(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

fn paint(style: Style, text: &str) -> String {
    text.style(style).to_string()
}
