//! `specs/README.md` lists the engine's codes as its table has them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail tests"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes one file of the repository"
)]

use std::{collections::BTreeSet, fmt::Write as _};

use armature_engine::PlanCode;
use armature_spec::Code;

const BEGIN: &str = "<!-- generated from the engine's table; see host/engine/tests/codes.rs -->";
const END: &str = "<!-- end of what the engine generates -->";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/README.md");

/// The reference with its table made anew.
fn reference() -> String {
    let text = std::fs::read_to_string(FILE).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let mut table = String::from("| code | severity | when |\n|---|---|---|\n");
    for code in PlanCode::ALL {
        let _ = writeln!(table, "| `{code}` | {} | {} |", code.severity(), code.doc());
    }
    format!("{before}{BEGIN}\n\n{table}\n{END}{after}")
}

#[test]
#[ignore = "writes the file: cargo test -p armature-engine --test codes -- --ignored"]
fn regenerate() {
    std::fs::write(FILE, reference()).unwrap();
}

#[test]
fn the_engines_codes_in_the_reference_are_those_of_its_table() {
    assert!(
        std::fs::read_to_string(FILE).unwrap() == reference(),
        "specs/README.md is out of date; run: cargo test -p armature-engine --test codes -- --ignored"
    );
}

#[test]
fn no_two_codes_of_the_two_tables_are_one() {
    let spec = Code::ALL.iter().map(|code| code.as_str());
    let engine = PlanCode::ALL.iter().map(|code| code.as_str());
    let all: BTreeSet<&str> = spec.chain(engine).collect();
    assert_eq!(all.len(), Code::ALL.len() + PlanCode::ALL.len());
    assert!(PlanCode::ALL.iter().all(|code| code.doc().ends_with('.')));
}
