//! Colours and signs, each with one meaning. Nothing is said by colour alone: a stream without colour loses none of it.

use owo_colors::{OwoColorize as _, Style};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It deserves a look.
    Doubtful,
    /// A name.
    Name,
    /// Less important than what is around it.
    Faint,
}

/// A text in its look.
pub(crate) fn paint(look: Look, text: &str) -> String {
    let style = match look {
        Look::Good => Style::new().green(),
        Look::Bad => Style::new().red(),
        Look::Doubtful => Style::new().yellow(),
        Look::Name => Style::new().bold(),
        Look::Faint => Style::new().dimmed(),
    };
    text.style(style).to_string()
}
