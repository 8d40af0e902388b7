//! Resident memory after ten thousand calls, against what it was after the first thousand.

use armature_tests::{Guest, Host};
use serde_json::json;

use crate::row::{Rounds, Row};

/// Resident pages of this process, where the system tells.
fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

pub(crate) async fn measure(rounds: &Rounds) -> Row {
    let host = Host::new();
    let plugin = host.load(&Guest::echo().build());
    let arguments = json!({"text": "x".repeat(1_010)});
    let count = rounds.of(10_000);
    let mut before = None;
    for at in 0..count {
        host.call(&plugin, "t", &arguments)
            .await
            .result
            .expect("an answer");
        if at == count / 10 {
            before = resident();
        }
    }
    let growth = before
        .zip(resident())
        .map(|(before, after)| (after / before - 1.0) * 100.0);
    Row {
        what: "growth of resident memory over 10,000 calls",
        figure: growth.map_or_else(
            || "unknown here".to_owned(),
            |growth| format!("{growth:+.1} %"),
        ),
        target: "≤ 5 %",
        ratio: None,
        met: growth.map(|growth| growth <= 5.0),
    }
}
