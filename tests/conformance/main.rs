//! Specs as they were written for the Python original, run by the real program, and what must come of them.
//!
//! Each directory here that has an `expected.json` is a case, and a test of its own name; README.md says how one is
//! written and where its expected values come from. The test is built with `host/cli`, because it needs the program.
//! Cases that need a part which is not there yet are listed by name as ignored, with the reason in the name's kind.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test has files of its own and starts the program"
)]

mod case;
mod compare;
mod compiled;
mod program;
mod readme;
mod server;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use server::Server;

fn main() {
    let arguments = Arguments::from_args();
    let server = Arc::new(Server::start());
    let names = case::names();
    let mut trials: Vec<Trial> = readme::trials(&names);
    trials.extend(names.into_iter().map(|name| trial(&name, &server)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// One case as a test.
fn trial(name: &str, server: &Arc<Server>) -> Trial {
    let read = Case::read(name);
    let (missing, known) = match &read {
        Ok(case) => (case.missing_part(), case.known.clone()),
        Err(_) => (None, None),
    };
    let server = Arc::clone(server);
    let test = move || {
        let case = read.map_err(Failed::from)?;
        let differences = program::differences(&case, &server);
        match (&case.known, differences.is_empty()) {
            (None, true) | (Some(_), false) => Ok(()),
            (Some(why), true) => Err(Failed::from(format!(
                "it works now; take `known` ({why}) out of its expected.json"
            ))),
            (None, false) => Err(Failed::from(differences.join("\n"))),
        }
    };
    let trial = Trial::test(name, test);
    if let Some(part) = missing {
        return trial
            .with_ignored_flag(true)
            .with_kind(format!("needs {part}"));
    }
    match known {
        Some(why) => trial.with_kind(format!("known: {why}")),
        None => trial,
    }
}
