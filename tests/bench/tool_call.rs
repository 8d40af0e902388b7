//! A tool call in a fresh instance, every limit on, 1 KiB of JSON in and out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use armature_grants::ToolName;
use armature_sandbox::Plugin;
use armature_tests::{Guest, Host, compiled};
use serde_json::{Value, json};

use crate::{
    bare,
    row::{Rounds, Row, median, p50},
};

/// The median of so many calls, one after another.
async fn calls(
    host: &Host,
    plugin: &Arc<Plugin>,
    tool: &str,
    arguments: &Value,
    count: usize,
) -> Duration {
    let tool = ToolName::new(tool).unwrap();
    let call = host.call_with();
    let mut times = Vec::with_capacity(count);
    for round in 0..count + count / 10 {
        let call = call.clone();
        let started = Instant::now();
        let outcome = host.sandbox.call_tool(plugin, &tool, arguments, call).await;
        let took = started.elapsed();
        outcome.result.expect("an answer");
        if round >= count / 10 {
            times.push(took);
        }
    }
    median(times)
}

pub(crate) async fn measure(rounds: &Rounds) -> Vec<Row> {
    let count = rounds.of(5_000);
    let echo = Guest::echo().build();
    let arguments = json!({"text": "x".repeat(1_010)});
    let text = arguments.to_string();

    let host = Host::new();
    let ours = calls(&host, &host.load(&echo), "t", &arguments, count).await;

    let engine = bare::engine();
    let pre = bare::prepared(&engine, &echo);
    let indices = bare::tool::ToolExportsIndices::new(&pre).unwrap();
    let theirs = p50(count, || {
        assert_eq!(bare::call_tool(&pre, &indices, &text).len(), text.len());
    });

    let files = Host::new().granting(&json!({"fs": {"read": ["."]}}));
    std::fs::write(files.workspace().join("note"), "x".repeat(1_000)).unwrap();
    let plugin = files.load(&compiled("file"));
    let reading = calls(
        &files,
        &plugin,
        "file_read",
        &json!({"path": "note"}),
        count,
    )
    .await;

    vec![
        Row::time(
            "tool call, fresh instance, all limits, 1 KiB JSON in and out",
            ours,
            "≤ 25 µs",
            Duration::from_micros(25),
            Some(theirs),
        ),
        Row {
            what: "`file_read` of 1 KB, the real plugin and the real file",
            figure: crate::row::show(reading),
            target: "–",
            ratio: Some(reading.as_secs_f64() / theirs.as_secs_f64()),
            met: None,
        },
    ]
}
