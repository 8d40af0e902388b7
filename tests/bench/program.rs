//! The program as a process: how long it takes to say its version, to validate, to reach the first stage, and how much
//! memory a small run needs. Needs the program beside this bench: `cargo build --release -p armature-cli` first.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::row::{Rounds, Row, median, not_measured, show};

/// The program that was built with this bench's profile.
pub(crate) fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let path = own.parent()?.parent()?.join("armature");
    path.is_file().then_some(path)
}

pub(crate) fn command(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env("ARMATURE_HOME", dir.join("home"))
        .stdin(Stdio::null());
    command
}

pub(crate) fn timed(rounds: usize, mut act: impl FnMut()) -> Duration {
    let once = |_| {
        let started = Instant::now();
        act();
        started.elapsed()
    };
    median((0..rounds).map(once).collect())
}

/// Twenty stages, each after the one before.
fn twenty() -> String {
    let mut spec = String::from("name: twenty\nstages:\n");
    for at in 0..20 {
        let after = if at == 0 {
            String::new()
        } else {
            format!(" depends_on: [s{}],", at - 1)
        };
        spec.push_str(&format!(
            "  - {{ id: s{at},{after} tool_call: {{ name: file_read, args: {{ path: a }} }} }}\n"
        ));
    }
    spec
}

/// Five stages over the five built-in plugins.
const FIVE: &str = r#"
name: five
adapters: { stats: { name: stats, type: plugin, plugin: text-stats, args: { text: a b } } }
safety_rules:
  - { plugin: deny-pattern, config: { pattern: never } }
  - { plugin: spending-cap, config: { max_usd: 1 } }
stages:
  - { id: a, tool_call: { name: file_read, args: { path: x } } }
  - { id: b, tool_call: { name: file_read, args: { path: x } } }
  - { id: c, adapter: stats }
  - { id: d, tool_call: { name: file_read, args: { path: x } } }
  - { id: e, condition: "false", tool_call: { name: http_get, args: { url: "https://example.com/" } } }
"#;

const ONE: &str =
    "name: one\nstages: [{ id: a, tool_call: { name: file_read, args: { path: x } } }]\n";

/// Until the first stage is announced.
fn to_first_stage(program: &Path, dir: &Path) -> Duration {
    let started = Instant::now();
    let mut child = command(program, dir)
        .args(["run", "five.yml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut reached = None;
    for line in lines.map_while(Result::ok) {
        if reached.is_none() && line.contains('→') {
            reached = Some(started.elapsed());
        }
    }
    child.wait().unwrap();
    reached.expect("a run that announces its stages")
}

/// The most memory that a process of this command had, in KB, as the system's `time` tells it.
fn resident(program: &Path, dir: &Path) -> Option<u64> {
    let output = command(Path::new("/usr/bin/time"), dir)
        .args(["-f", "%M"])
        .arg(program)
        .args(["run", "one.yml", "-q"])
        .stdout(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stderr)
        .ok()?
        .lines()
        .last()?
        .trim()
        .parse()
        .ok()
}

const NO_PROGRAM: &str = "build the program first";

pub(crate) fn measure(rounds: &Rounds) -> Vec<Row> {
    let rows = [
        ("`armature --version`", "≤ 10 ms", 10),
        ("`armature validate`, 20 stages", "≤ 20 ms", 20),
        (
            "`armature run`, 5 stages, 5 cached plugins, to the first stage",
            "≤ 30 ms",
            30,
        ),
    ];
    let memory = ("resident memory of a run with one stage", "≤ 40 MB");
    let Some(program) = program() else {
        let mut none: Vec<Row> = rows
            .iter()
            .map(|(what, target, _)| not_measured(what, target, NO_PROGRAM))
            .collect();
        none.push(not_measured(memory.0, memory.1, NO_PROGRAM));
        return none;
    };
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("twenty.yml", twenty()),
        ("five.yml", FIVE.into()),
        ("one.yml", ONE.into()),
        ("x", "x".into()),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let count = rounds.of(100).max(10);
    let quiet = |args: &[&str]| {
        let status = command(&program, dir.path())
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{args:?}");
    };
    // The first run fills the compiled cache.
    quiet(&["run", "five.yml", "-q"]);
    let bare = timed(count, || drop(Command::new("/bin/true").status()));
    let took = [
        timed(count, || quiet(&["--version"])),
        timed(count, || quiet(&["validate", "twenty.yml"])),
        median(
            (0..count)
                .map(|_| to_first_stage(&program, dir.path()))
                .collect(),
        ),
    ];
    let mut measured: Vec<Row> = rows
        .into_iter()
        .zip(took)
        .map(|((what, target, most), took)| Row {
            figure: format!("{} (/bin/true {})", show(took), show(bare)),
            ..Row::time(what, took, target, Duration::from_millis(most), None)
        })
        .collect();
    measured.push(match resident(&program, dir.path()) {
        None => not_measured(memory.0, memory.1, "/usr/bin/time is not there"),
        Some(kilobytes) => Row {
            what: memory.0,
            figure: format!("{} MB", kilobytes / 1024),
            target: memory.1,
            ratio: None,
            met: Some(kilobytes <= 40 * 1024),
        },
    });
    measured
}
