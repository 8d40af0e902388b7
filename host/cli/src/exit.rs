//! The exit codes: one table. Help prints it, commands return from it, nothing else decides about them.

use std::process::ExitCode;

macro_rules! exits {
    ($($name:ident $code:literal $doc:literal;)*) => {
        /// How a command ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Exit { $(#[doc = $doc] $name = $code,)* }

        impl Exit {
            /// All of them.
            const ALL: &'static [Self] = &[$(Self::$name),*];

            /// When it is returned.
            const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc),* }
            }
        }
    };
}

exits! {
    Done 0 "It did what it was asked.";
    Failed 1 "It could not: a stage failed, a plugin failed, a file cannot be written.";
    Usage 2 "What it was asked is wrong: arguments, an input, the spec.";
    Parked 3 "The run waits for a person and nobody could be asked here.";
    Denied 4 "A safety rule, a missing grant or the operator's policy said no.";
    Interrupted 130 "It was interrupted, and has stopped what it had begun.";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table, for the end of the help.
pub(crate) fn table() -> String {
    let mut text = String::from("Exit codes:");
    for exit in Exit::ALL {
        text.push_str(&format!("\n  {:<4} {}", *exit as u8, exit.doc()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<u8> = Exit::ALL.iter().map(|e| *e as u8).collect();
        assert_eq!(codes.len(), Exit::ALL.len());
    }

    #[test]
    fn the_tour_has_the_same_table() {
        let tour = include_str!("../../README.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", *exit as u8, exit.doc());
            assert!(tour.contains(&row), "host/README.md lacks: {row}");
        }
    }
}
