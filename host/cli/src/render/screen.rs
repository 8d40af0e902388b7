//! The two output streams, and the only place that writes to them.
//!
//! Standard output carries what was asked for (a result, a list, a schema); standard error carries everything about it
//! (progress, warnings, errors). Colour goes only to a terminal that wants it. A reader who went away is no error: the
//! command goes on and ends with its own exit code.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};

use super::{style, text};
use crate::{environment, failure::Failure};

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The streams and what is known of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    out: ColorChoice,
    err: ColorChoice,
    out_is_terminal: bool,
    err_is_terminal: bool,
    in_is_terminal: bool,
}

impl Screen {
    /// Looks at the streams.
    pub(crate) fn new(colour: Colour) -> Self {
        let choice = |is_terminal: bool| match colour {
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
            Colour::Auto if is_terminal && environment::may_colour() => ColorChoice::Always,
            Colour::Auto => ColorChoice::Never,
        };
        let (out_is_terminal, err_is_terminal) =
            (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            out: choice(out_is_terminal),
            err: choice(err_is_terminal),
            out_is_terminal,
            err_is_terminal,
            in_is_terminal: io::stdin().is_terminal(),
        }
    }

    /// A line of what was asked for.
    pub(crate) fn print(&self, line: &str) {
        let mut stream = AutoStream::new(io::stdout().lock(), self.out);
        let _ = writeln!(stream, "{line}");
    }

    /// A line about it, written at once: where both streams go to one place, no line of the other comes between.
    pub(crate) fn say(&self, line: &str) {
        let mut bytes = AutoStream::new(Vec::new(), self.err);
        let _ = writeln!(bytes, "{line}");
        let _ = io::stderr().lock().write_all(&bytes.into_inner());
    }

    /// Text without the end of a line, shown at once: a question.
    pub(crate) fn ask(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.err);
        let _ = write!(stream, "{text}");
        let _ = stream.flush();
    }

    /// A result: byte for byte into a pipe or a file, made harmless on a terminal. Ends with a line's end.
    ///
    /// A result that cannot be written is not a result: that is a failure, unless whoever reads it has seen enough.
    pub(crate) fn result(&self, content: &str) -> Result<(), Failure> {
        let shown = if self.out_is_terminal {
            text::visible(content)
        } else {
            content.into()
        };
        let end = if shown.ends_with('\n') { "" } else { "\n" };
        let mut stream = io::stdout().lock();
        let written = write!(stream, "{shown}{end}").and_then(|()| stream.flush());
        match written {
            Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(format!(
                "the result cannot be written: {why}"
            ))
            .hint("the work itself is done and kept: `armature last` shows it again")),
            _ => Ok(()),
        }
    }

    /// A piece of a result, shown at once: in the same form as [`Screen::result`] shows the whole.
    pub(crate) fn piece(&self, content: &str) -> io::Result<()> {
        let shown = if self.out_is_terminal {
            text::visible(content)
        } else {
            content.into()
        };
        let mut stream = io::stdout().lock();
        write!(stream, "{shown}").and_then(|()| stream.flush())
    }

    /// One line and what to do about it.
    pub(crate) fn failure(&self, failure: &Failure) {
        let message = text::visible(&failure.message);
        self.say(&format!("{} {message}", style::bad("error:")));
        if let Some(hint) = &failure.hint {
            self.hint(hint);
        }
    }

    /// What a run waits for, which is no error, and what to do about it.
    pub(crate) fn parked(&self, waits: &Failure) {
        let message = text::visible(&waits.message);
        self.say(&format!("{} {message}", style::doubtful("parked:")));
        if let Some(hint) = &waits.hint {
            self.hint(hint);
        }
    }

    /// Something doubtful that stops nothing.
    pub(crate) fn warning(&self, message: &str) {
        let message = text::visible(message);
        self.say(&format!("{} {message}", style::doubtful("warning:")));
    }

    /// What to do next.
    pub(crate) fn hint(&self, hint: &str) {
        let hint = text::visible(hint);
        let hint = text::indented(&hint, "    ");
        self.say(&format!("  {} {hint}", style::name("hint:")));
    }

    /// Is somebody watching progress live?
    pub(crate) fn is_watched(&self) -> bool {
        self.err_is_terminal
    }

    /// Can somebody be asked?
    pub(crate) fn can_ask(&self) -> bool {
        self.in_is_terminal && self.err_is_terminal
    }

    /// May standard error have colour?
    pub(crate) fn err_has_colour(&self) -> bool {
        self.err != ColorChoice::Never
    }
}
