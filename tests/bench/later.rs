//! Rows that need the engine or the program. Each becomes a module of its own here, and leaves this list.

use crate::row::Row;

/// What is still to be measured, and what it must come to.
const ROWS: &[(&str, &str)] = &[
    ("stage overhead, not kept", "≤ 20 µs"),
    ("stage overhead, with the event log", "≤ 100 µs"),
    ("`armature --version`", "≤ 10 ms"),
    ("`armature validate`, 20 stages", "≤ 20 ms"),
    (
        "`armature run`, 5 stages, 5 cached plugins, to the first stage",
        "≤ 30 ms",
    ),
    ("resident memory of a run with one stage", "≤ 40 MB"),
    ("a chain of 10,000 stages", "≤ 2 s, linear"),
    ("a fan-out over 10,000 items", "≤ 2 s, linear"),
];

pub(crate) fn rows() -> impl Iterator<Item = Row> {
    ROWS.iter().map(|(what, target)| Row {
        what,
        figure: "not measured yet".into(),
        target,
        ratio: None,
        met: None,
    })
}
