//! The command line as people meet it: the real binary, real files, real plugins, a scripted model.
//!
//! One binary for all of it. A test shows exit code, standard output and standard error together, in a snapshot under
//! `snapshots/`, with what differs from machine to machine cut out (see `command.rs`).

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a test that cannot go on fails; tests start the binary and write the files that it reads"
)]

mod command;
mod ending;
mod example;
mod explain;
mod gate_items;
mod going_on;
mod granting;
mod help;
mod inputs;
mod memory;
mod new;
mod plugin;
mod readme;
mod run;
mod stream;
mod targets;
mod terminal;
mod trust;
mod validate;
#[path = "../../../tests/warm.rs"]
mod warm;

#[test]
fn no_test_file_is_forgotten() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let listed = include_str!("runner.rs");
    for entry in std::path::Path::new(here).read_dir().unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "rs") && stem != "runner" {
            assert!(
                listed.contains(&format!("mod {stem};")),
                "{stem}.rs is in no test binary"
            );
        }
    }
}
