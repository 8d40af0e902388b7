//! Commands and scripts in components: the compiled component from the cache, and a call in a fresh instance, beside the
//! same in the host's own shell, in a container for each, and in a container that is kept.
//!
//! Containers are measured where an engine answers to `docker` and has the image that ARMATURE_BENCH_IMAGE names
//! (`busybox` without it; it needs `sh`, `sort`, `uniq`, `awk` and `head`).

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use armature_grants::Limits;
use armature_sandbox::{Plugin, Sandbox};
use armature_tests::{Guest, Host};
use serde_json::{Value, json};

use crate::row::{Rounds, Row, median, not_measured, p50, show};

/// What the shell does.
const LINE: &str = "sort words | uniq -c | sort -rn | awk '{print $2, $1}' | head -3";

/// A language: its plugin, what it runs, and the targets for a call and for the compiled component, in milliseconds.
struct Language {
    plugin: &'static str,
    code: &'static str,
    call: &'static str,
    call_target: (&'static str, u64),
    load: &'static str,
    load_target: (&'static str, u64),
}

const LANGUAGES: [Language; 3] = [
    Language {
        plugin: "shell",
        code: LINE,
        call: "shell, a pipeline of five, fresh instance",
        call_target: ("≤ 3 ms", 3),
        load: "shell from the compiled cache",
        load_target: ("–", u64::MAX),
    },
    Language {
        plugin: "javascript",
        code: "result = context.words.map(w => w.length).reduce((a, b) => a + b, 0)",
        call: "JavaScript, three lines, fresh instance",
        call_target: ("≤ 2 ms", 2),
        load: "JavaScript from the compiled cache",
        load_target: ("≤ 2 ms", 2),
    },
    Language {
        plugin: "python",
        code: "result = sum(len(word) for word in context['words'])",
        call: "Python, three lines, fresh instance",
        call_target: ("≤ 15 ms", 15),
        load: "Python from the compiled cache",
        load_target: ("≤ 15 ms", 15),
    },
];

/// A packed plugin as the program has it.
fn packed(sandbox: &Arc<Sandbox>, name: &str) -> Arc<Plugin> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let zstd = root.join(format!("plugins/compiled/{name}.wasm.zst"));
    let read = |name: String| std::fs::read_to_string(root.join(name)).unwrap();
    sandbox
        .packed(
            std::fs::read(zstd).unwrap().leak(),
            &read(format!("plugins/compiled/{name}.json")),
            &read(format!("plugins/{name}/plugin.toml")),
        )
        .unwrap()
}

fn sandbox(cache: &Path) -> Arc<Sandbox> {
    let limits = Limits {
        compile_s: 600_000,
        ..Limits::standard()
    };
    Sandbox::new(Some(cache.to_owned()), limits).unwrap()
}

pub(crate) async fn measure(rounds: &Rounds) -> Vec<Row> {
    let cache = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for language in &LANGUAGES {
        rows.push(loading(rounds, cache.path(), language).await);
        let (took, host) = calling(rounds, cache.path(), language).await;
        let (target, most) = language.call_target;
        let most = Duration::from_millis(most);
        rows.push(Row::time(language.call, took, target, most, None));
        if language.plugin == "shell" {
            rows.extend(elsewhere(
                rounds,
                &host.workspace(),
                took,
                tool_call(rounds).await,
            ));
        }
    }
    rows
}

/// A sandbox of its own each time, as every process has.
async fn loading(rounds: &Rounds, cache: &Path, language: &Language) -> Row {
    let first = sandbox(cache);
    first
        .prepare(&packed(&first, language.plugin))
        .await
        .unwrap();
    // The file has to have rested before it is vouched for, and is vouched for when it is next read.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut times = Vec::new();
    for _ in 0..rounds.of(50) + 1 {
        let sandbox = sandbox(cache);
        let plugin = packed(&sandbox, language.plugin);
        let started = Instant::now();
        sandbox.prepare(&plugin).await.unwrap();
        times.push(started.elapsed());
    }
    let (target, most) = language.load_target;
    let mut row = Row::time(
        language.load,
        median(times.split_off(1)),
        target,
        Duration::from_millis(most),
        None,
    );
    row.met = row.met.filter(|_| most < u64::MAX);
    row
}

async fn calling(rounds: &Rounds, cache: &Path, language: &Language) -> (Duration, Host) {
    let sandbox = sandbox(cache);
    let plugin = packed(&sandbox, language.plugin);
    let limits = Limits::standard()
        .with(&plugin.manifest().limits, None)
        .unwrap();
    let host = Host::new()
        .granting(&json!({"fs": {"read": ["."], "write": ["."]}}))
        .limited(|all| *all = limits);
    let words: String = (0..1_000).map(|at| format!("word{}\n", at % 7)).collect();
    std::fs::write(host.workspace().join("words"), words).unwrap();
    let config: Value = match language.plugin {
        "shell" => json!({"cmd": language.code}),
        _ => json!({"code": language.code, "file": "bench", "function": null, "args": {}}),
    };
    let context = json!({"words": ["one", "two", "three"]});
    let count = rounds.of(300);
    let mut times = Vec::with_capacity(count);
    for round in 0..count + count / 10 {
        let call = host.call_with();
        let started = Instant::now();
        let outcome = sandbox.run_adapter(&plugin, &config, &context, call).await;
        let took = started.elapsed();
        outcome.result.expect("an answer");
        if round >= count / 10 {
            times.push(took);
        }
    }
    (median(times), host)
}

/// The smallest call of a tool: what a container for each stands beside.
async fn tool_call(rounds: &Rounds) -> Duration {
    let host = Host::new();
    let plugin = host.load(&Guest::echo().build());
    let mut times = Vec::new();
    for _ in 0..rounds.of(2_000) {
        let started = Instant::now();
        let outcome = host.call(&plugin, "t", &json!({})).await;
        times.push(started.elapsed());
        outcome.result.expect("an answer");
    }
    median(times)
}

/// The line of the shell on the host, and in containers; and a tool's call beside a container for it.
fn elsewhere(rounds: &Rounds, workspace: &Path, ours: Duration, call: Duration) -> Vec<Row> {
    const CALL: &str = "`docker run` of the same line, beside a tool call";
    const RUN: &str = "the same line by `docker run`, beside it";
    const EXEC: &str = "the same line by `docker exec` in a kept container, beside it";
    let host = p50(rounds.of(300), || {
        done(Command::new("sh").args(["-c", LINE]).current_dir(workspace));
    });
    let host = Row {
        what: "the same line by the host's own `sh -c`, for comparison",
        figure: show(host),
        target: "–",
        ratio: None,
        met: None,
    };
    let image = std::env::var("ARMATURE_BENCH_IMAGE").unwrap_or_else(|_| "busybox".to_owned());
    let has = docker().args(["image", "inspect", &image]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        let why = format!("no container engine answers here, or it has no image `{image}`");
        return vec![
            host,
            not_measured(CALL, "≥ 5,000×", &why),
            not_measured(RUN, "≥ 80×", &why),
            not_measured(EXEC, "≥ 20×", &why),
        ];
    }
    let mount = format!("{}:/workspace", workspace.display());
    let usual = ["--network", "none", "-w", "/workspace", "-v", &mount];
    let run = p50(rounds.of(50), || {
        let mut run = docker();
        done(
            run.args(["run", "--rm"])
                .args(usual)
                .args([&image, "sh", "-c", LINE]),
        );
    });
    let kept = Kept::start(&usual, &image);
    let exec = p50(rounds.of(50), || {
        done(docker().args(["exec", &kept.0, "sh", "-c", LINE]));
    });
    let beside = |what, target, times: f64, took: Duration, ours: Duration| {
        let ratio = took.as_secs_f64() / ours.as_secs_f64();
        Row {
            what,
            figure: format!("{}: {ratio:.0}×", show(took)),
            target,
            ratio: None,
            met: Some(ratio >= times),
        }
    };
    vec![
        host,
        beside(CALL, "≥ 5,000×", 5_000.0, run, call),
        beside(RUN, "≥ 80×", 80.0, run, ours),
        beside(EXEC, "≥ 20×", 20.0, exec, ours),
    ]
}

fn docker() -> Command {
    Command::new("docker")
}

fn done(command: &mut Command) {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// A container that waits, until it is dropped.
struct Kept(String);

impl Kept {
    fn start(usual: &[&str], image: &str) -> Self {
        let mut run = docker();
        run.args(["run", "--rm", "--detach"]).args(usual);
        let output = run.args([image, "sleep", "3600"]).output().unwrap();
        Self(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(docker().args(["rm", "--force", &self.0]).output());
    }
}
