//! Resident memory after ten thousand calls, against what it was after the first thousand; and the most there was.

use armature_tests::{Guest, Host};
use serde_json::json;

use crate::row::{Rounds, Row};

/// Resident pages of this process, where the system tells.
fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

/// Forgets the most memory that this process has had, so that [`peak`] tells of what comes now. Linux alone can.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process has had, in MB.
pub(crate) fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
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
