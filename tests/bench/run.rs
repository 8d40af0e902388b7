//! Whole runs through the engine: what a stage costs beyond its tool call, with and without the event log, and whether
//! ten thousand of them cost ten thousand times as much.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use armature_engine::{Engine, EngineConfig, RunRequest};
use armature_grants::Policy;
use armature_tests::{Guest, Host};
use serde_json::{Map, Value, json};

use crate::{
    memory,
    row::{Rounds, Row, median, show},
};

/// An engine whose one plugin is `echo`, with the tool `t`.
fn engine(dir: &Path, persist: bool) -> Engine {
    let plugins = dir.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join("echo.wasm"), Guest::echo().build()).unwrap();
    Engine::open(EngineConfig {
        home: dir.join("home"),
        plugin_dirs: vec![plugins],
        policy: Policy::default(),
        environment: Arc::new(|_| None),
        persist,
        builtins: Vec::new(),
    })
    .unwrap()
}

/// Each stage calls the tool after the one before it.
fn chain(stages: usize) -> String {
    let mut spec = String::from("name: chain\ntools: [{ plugin: echo }]\nstages:\n");
    for at in 0..stages {
        let after = if at == 0 {
            String::new()
        } else {
            format!(" depends_on: [s{}],", at - 1)
        };
        spec.push_str(&format!(
            "  - {{ id: s{at},{after} tool_call: {{ name: t, args: {{ text: x }} }} }}\n"
        ));
    }
    spec
}

const WIDE: &str = "name: wide\ntools: [{ plugin: echo }]\nstages:\n  - { id: f, fan_out: 64, partition_source: \"{{ list }}\", tool_call: { name: t, args: { text: \"{{ item }}\" } } }\n";

/// A hundred stages that wait a tenth of a second each for their model, none for another.
fn side_by_side(dir: &Path) -> String {
    let script = dir.join("waits.yml");
    std::fs::write(&script, "- { text: done, delay_ms: 100 }\n").unwrap();
    let mut spec = format!(
        "name: wide\nmodel_tiers: {{ small: {{ provider: scripted, model: m, script: '{}' }} }}\nstages:\n",
        script.display()
    );
    for at in 0..100 {
        spec.push_str(&format!(
            "  - {{ id: s{at}, role: {{ name: W, type: worker, description: Wait. }} }}\n"
        ));
    }
    spec
}

/// How long a run of this spec takes, the plan not counted.
async fn run(engine: &Engine, spec: &str, inputs: &Map<String, Value>) -> Duration {
    let document = armature_spec::parse("bench.yml", spec).unwrap();
    let plan = engine.plan(document).await.unwrap();
    let started = Instant::now();
    engine
        .run(&plan, RunRequest::new(inputs.clone()))
        .await
        .unwrap();
    started.elapsed()
}

/// What one call costs by itself.
async fn call_alone(count: usize) -> Duration {
    let host = Host::new();
    let plugin = host.load(&Guest::echo().build());
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        host.call(&plugin, "t", &json!({"text": "x"}))
            .await
            .result
            .unwrap();
        times.push(started.elapsed());
    }
    median(times)
}

pub(crate) async fn measure(rounds: &Rounds) -> Vec<Row> {
    let alone = call_alone(rounds.of(2_000)).await;
    let few = rounds.of(2_000);
    let many = few * 5;
    let dir = tempfile::tempdir().unwrap();
    let none = Map::new();
    let mut rows = Vec::new();
    let overheads = [
        ("stage overhead, not kept", false, "≤ 20 µs", 20),
        ("stage overhead, with the event log", true, "≤ 100 µs", 100),
    ];
    for (what, persist, target, most) in overheads {
        let engine = engine(dir.path(), persist);
        run(&engine, &chain(10), &none).await;
        let whole = run(&engine, &chain(few), &none).await;
        let each = whole / u32::try_from(few).unwrap();
        let over = each.saturating_sub(alone);
        rows.push(Row::time(
            what,
            over,
            target,
            Duration::from_micros(most),
            Some(alone),
        ));
    }
    let engine = engine(dir.path(), false);
    let list = |count: usize| {
        Map::from_iter([(
            "list".to_owned(),
            (0..count).map(|at| at.to_string()).collect(),
        )])
    };
    run(&engine, WIDE, &list(10)).await;
    let shapes = [
        (
            "a chain",
            [chain(few), chain(many)],
            [none.clone(), none.clone()],
        ),
        (
            "a fan-out",
            [WIDE.to_owned(), WIDE.to_owned()],
            [list(few), list(many)],
        ),
    ];
    for (shape, [short_spec, long_spec], [short_inputs, long_inputs]) in shapes {
        let short = run(&engine, &short_spec, &short_inputs).await;
        memory::forget_peak();
        let long = run(&engine, &long_spec, &long_inputs).await;
        let peak = memory::peak().map_or_else(String::new, |peak| format!(", {peak} MB at most"));
        let growth = long.as_secs_f64() / short.as_secs_f64() / 5.0;
        let met = long <= Duration::from_secs(2) && growth < 1.5;
        rows.push(Row {
            what: if shape == "a chain" {
                "a chain of 10,000 stages (quick: 1,000)"
            } else {
                "a fan-out over 10,000 items (quick: 1,000)"
            },
            figure: format!("{} for {many}, ×{growth:.2} a piece{peak}", show(long)),
            target: "≤ 2 s, linear",
            ratio: None,
            met: Some(met),
        });
    }
    let waited = run(&engine, &side_by_side(dir.path()), &none).await;
    rows.push(Row::time(
        "100 stages of 0.1 s side by side",
        waited,
        "< 600 ms",
        Duration::from_millis(600),
        None,
    ));
    rows
}
