//! A terminal of the test's own: what a person types, and what the person sees.

#![cfg(unix)]

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    process::{Child, Stdio},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::command::Place;

/// A program at a terminal.
pub(crate) struct Terminal {
    person: File,
    pub(crate) seen: String,
    child: Child,
}

impl Terminal {
    /// Starts the program there; what it gives goes nowhere.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::begin(place, arguments, false)
    }

    /// Starts the program there, with what it gives.
    pub(crate) fn with_all(place: &Place, arguments: &[&str]) -> Self {
        Self::begin(place, arguments, true)
    }

    fn begin(place: &Place, arguments: &[&str], with_results: bool) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let screen = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let mut size = rustix::termios::tcgetwinsize(&screen).unwrap();
        (size.ws_row, size.ws_col) = (40, 120);
        rustix::termios::tcsetwinsize(&screen, size).unwrap();
        let end = || Stdio::from(screen.as_fd().try_clone_to_owned().unwrap());
        let child = place.start_with(arguments, |command| {
            let results = if with_results { end() } else { Stdio::null() };
            command.stdin(end()).stderr(end()).stdout(results)
        });
        Self {
            person: File::from(person),
            seen: String::new(),
            child,
        }
    }

    /// Waits until this is to be read.
    pub(crate) fn sees(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.seen.contains(text) {
            // The last end of a terminal that is closed is an error on Linux.
            let count = self.person.read(&mut bytes).unwrap_or(0);
            assert!(
                count > 0,
                "the terminal was closed before `{text}`:\n{}",
                self.seen
            );
            self.seen
                .push_str(&String::from_utf8_lossy(bytes.get(..count).unwrap()));
        }
    }

    /// Waits until this is to be read once more, after what was seen so far.
    pub(crate) fn sees_again(&mut self, text: &str) {
        self.seen = match self.seen.rsplit_once("answer once") {
            Some((_, rest)) => rest.to_owned(),
            None => String::new(),
        };
        self.sees(text);
    }

    /// Types, as it is.
    pub(crate) fn types(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end, and says with which code.
    pub(crate) fn ends(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        drop(self.person);
        code
    }
}
