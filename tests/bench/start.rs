//! Starting the engine: what a process pays once, when its first plugin is needed.

use std::time::Duration;

use armature_sandbox::Sandbox;

use crate::{
    bare,
    row::{Rounds, Row, p50},
};

pub(crate) fn measure(rounds: &Rounds) -> Row {
    let count = rounds.of(50);
    let ours = p50(count, || {
        drop(Sandbox::new(None, armature_grants::Limits::standard()).unwrap());
    });
    let theirs = p50(count, || drop(bare::engine()));
    Row::time(
        "engine start, once a process",
        ours,
        "≤ 10 ms",
        Duration::from_millis(10),
        Some(theirs),
    )
}
