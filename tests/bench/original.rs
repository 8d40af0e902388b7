//! The same spec on the Python original, on the same machine, one after the other: start of the process to its end.
//!
//! The original is used where ARMATURE_ORIGINAL_PYTHON names the python of an environment that has it
//! (`pip install armature-agents==0.2.0`); its command is looked for beside that python.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    program::{command, program, timed},
    row::{Rounds, Row, not_measured, show},
};

/// The variable that names the original's python.
const PYTHON: &str = "ARMATURE_ORIGINAL_PYTHON";

/// One stage that reads a file.
const ONE: &str =
    "name: one\nstages: [{ id: a, tool_call: { name: file_read, args: { path: x } } }]\n";

/// A hundred stages that sleep a tenth of a second each, none after another.
fn wide() -> String {
    let mut spec = String::from("name: wide\nstages:\n");
    for at in 0..100 {
        spec.push_str(&format!(
            "  - {{ id: s{at}, tool_call: {{ name: shell, args: {{ cmd: sleep 0.1 }} }} }}\n"
        ));
    }
    spec
}

/// What is compared: what it is, its spec, how many times as quick it should be, and the words for that.
fn shapes() -> [(&'static str, String, f64, &'static str); 2] {
    [
        (
            "a run with one stage, start to end, beside the original",
            ONE.to_owned(),
            100.0,
            "≥ 100×",
        ),
        (
            "100 stages of `sleep 0.1` side by side, beside the original",
            wide(),
            50.0,
            "≥ 50×",
        ),
    ]
}

/// The original's command.
fn original() -> Result<PathBuf, String> {
    let Some(python) = std::env::var_os(PYTHON) else {
        return Err(format!(
            "the original is not installed ({PYTHON} is not set)"
        ));
    };
    let command = PathBuf::from(python).with_file_name("armature");
    if command.is_file() {
        Ok(command)
    } else {
        Err(format!(
            "the original is not installed: there is no {}",
            command.display()
        ))
    }
}

/// Does this command do this spec?
fn works(mut command: Command) -> bool {
    command
        .args(["run", "spec.yml", "-q"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub(crate) fn measure(rounds: &Rounds) -> Vec<Row> {
    let found = original().and_then(|original| {
        let ours = program().ok_or_else(|| "build the program first".to_owned())?;
        Ok((ours, original))
    });
    shapes()
        .into_iter()
        .map(|(what, spec, least, target)| {
            found
                .clone()
                .and_then(|(ours, original)| beside(&ours, &original, &spec, rounds))
                .map_or_else(
                    |why| not_measured(what, target, &why),
                    |(took, theirs)| {
                        let ratio = theirs.as_secs_f64() / took.as_secs_f64();
                        Row {
                            what,
                            figure: format!("{}, there {}: {ratio:.0}×", show(took), show(theirs)),
                            target,
                            ratio: None,
                            met: Some(ratio >= least),
                        }
                    },
                )
        })
        .collect()
}

/// How long both take. Each has done it once before: caches are filled on both sides.
fn beside(
    ours: &Path,
    original: &Path,
    spec: &str,
    rounds: &Rounds,
) -> Result<(Duration, Duration), String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("spec.yml"), spec).unwrap();
    std::fs::write(dir.path().join("x"), "x").unwrap();
    let theirs = || {
        let mut theirs = Command::new(original);
        theirs
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .stdin(Stdio::null());
        theirs
    };
    if !works(command(ours, dir.path())) {
        return Err("this spec does not run here; see `armature run`".to_owned());
    }
    if !works(theirs()) {
        return Err("this spec does not run on the original".to_owned());
    }
    let count = rounds.of(30);
    let took = timed(count, || assert!(works(command(ours, dir.path()))));
    let started = Instant::now();
    assert!(works(theirs()));
    Ok((took, started.elapsed()))
}
