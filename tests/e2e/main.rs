//! The program as a person uses it: the real binary, real components, real servers on loopback, a directory of its own.
//!
//! `project.rs` is what every test stands on. Each of the others holds one promise of the README, as a person would
//! try it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test has files of its own, starts the program, and says what it skips"
)]

mod callers;
mod children;
mod containers;
mod first_run;
mod outside;
mod plugins;
mod project;
mod refusals;
mod scripted_server;
mod scripts;
mod templates;
#[path = "../warm.rs"]
mod warm;
mod wire;
mod workspace;

#[test]
fn every_file_of_this_folder_is_part_of_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e");
    let own = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || own.contains(&format!("mod {module};")),
            "{name} is not listed"
        );
    }
}
