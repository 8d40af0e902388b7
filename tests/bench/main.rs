//! What a call costs, beside what bare wasmtime costs in the same run on the same machine.
//!
//! ```console
//! cargo build --release -p armature-cli                # the rows about the program measure this
//! cargo bench -p armature-tests                       # a release build, minutes the first time
//! cargo bench -p armature-tests -- --quick            # fewer rounds
//! cargo bench -p armature-tests --profile dev -- --quick
//! ARMATURE_ORIGINAL_PYTHON=/somewhere/bin/python cargo bench -p armature-tests   # beside the Python original, too
//! ```
//!
//! One module a row. Times are medians of single operations; neighbours on a busy machine disturb both columns alike, so
//! the ratio says more than the figure.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench that cannot run has failed, and its output is a table"
)]

mod bare;
mod commands;
mod load;
mod memory;
mod original;
mod program;
mod row;
mod rule;
mod run;
mod start;
mod stop;
mod tool_call;

use row::{Rounds, Row};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let rounds = Rounds { quick };
    let rows: Vec<Row> = runtime.block_on(async {
        let mut rows = Vec::new();
        rows.push(start::measure(&rounds));
        rows.extend(tool_call::measure(&rounds).await);
        rows.extend(rule::measure(&rounds).await);
        rows.extend(commands::measure(&rounds).await);
        rows.push(load::measure(&rounds).await);
        rows.push(stop::measure(&rounds).await);
        rows.push(memory::measure(&rounds).await);
        rows.extend(run::measure(&rounds).await);
        rows.extend(program::measure(&rounds));
        rows.extend(original::measure(&rounds));
        rows
    });
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    println!("profile {profile}{}\n", if quick { ", quick" } else { "" });
    row::print(&rows);
}
