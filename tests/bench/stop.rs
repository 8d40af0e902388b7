//! A guest that never returns: how long after its deadline it is stopped.

use std::time::{Duration, Instant};

use armature_tests::{Guest, Host};
use serde_json::json;

use crate::row::{Rounds, Row, median};

const DEADLINE: Duration = Duration::from_millis(50);

pub(crate) async fn measure(rounds: &Rounds) -> Row {
    let host = Host::new().deadline(50);
    let plugin = host.load(&Guest::tool("(loop $for_ever (br $for_ever)) unreachable").build());
    host.sandbox.prepare(&plugin).await.unwrap();
    let mut late = Vec::new();
    for _ in 0..rounds.of(50) {
        let started = Instant::now();
        host.call(&plugin, "t", &json!({}))
            .await
            .result
            .expect_err("it was stopped");
        late.push(started.elapsed().saturating_sub(DEADLINE));
    }
    Row::time(
        "a guest that never returns, stopped after its deadline",
        median(late),
        "≤ 15 ms",
        Duration::from_millis(15),
        None,
    )
}
