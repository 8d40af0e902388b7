//! Runs a case with the real program, in a directory and a home of its own, and says what differs.

use std::{
    path::Path,
    process::{Command as Process, Output, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::{
    case::{Case, Command, folder},
    compare, compiled,
    server::Server,
};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_armature");

/// Files of a case that are about the case and no part of the project that is run.
const ABOUT: [&str; 2] = ["expected.json", "inputs.json"];

/// What is not as the case expects it; nothing if all is.
pub(crate) fn differences(case: &Case, server: &Server) -> Vec<String> {
    let project = tempfile::tempdir().unwrap();
    let work = project.path().join("work");
    copy(&case.dir, &work, server);
    if case.needs.as_deref() == Some("shell") {
        compiled::shell(Path::new(PROGRAM));
    }
    let home = project.path().join("home");
    compiled::lend(&home);
    for plugin in &case.plugins {
        install(plugin, &work);
    }
    std::fs::create_dir(project.path().join("inputs")).unwrap();
    let mut said = Vec::new();
    if case.findings.is_some() || case.risk.is_some() || case.command == Command::Validate {
        let mut program = program(case, project.path());
        program.args(["validate", "spec.yml", "--format", "json"]);
        let output = program.output().unwrap();
        said.extend(found(case, &output));
    }
    if case.command == Command::Run {
        said.extend(run(case, server, project.path()));
    }
    compiled::keep(&home);
    for (name, expected) in &case.files {
        let text = std::fs::read_to_string(work.join(name))
            .ok()
            .map(Value::from);
        let place = format!("file {name}");
        if expected.is_null() {
            said.extend(text.map(|text| format!("{place}: expected none, found {text}")));
        } else {
            said.extend(compare::differences(&place, expected, text.as_ref()));
        }
    }
    said
}

/// The run itself.
fn run(case: &Case, server: &Server, project: &Path) -> Vec<String> {
    let mut last = None;
    for _ in 0..case.times.max(1) {
        let mut program = program(case, project);
        program.args(["run", "spec.yml", "-q"]);
        for (name, value) in &case.inputs {
            let value = server.named_in(value);
            if let (true, Some(text)) = (case.typed_inputs, value.as_str()) {
                program.arg("-i").arg(format!("{name}={text}"));
            } else {
                let file = project.join("inputs").join(format!("{name}.json"));
                std::fs::write(&file, value.to_string()).unwrap();
                program
                    .arg("-i")
                    .arg(format!("{name}:=@{}", file.display()));
            }
        }
        program.args(&case.arguments);
        let began = Instant::now();
        last = Some((program.output().unwrap(), began.elapsed().as_secs_f64()));
    }
    let (output, took) = last.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut said = Vec::new();
    if output.status.code() != Some(case.exit) {
        said.push(format!(
            "exit: expected {}, found {:?}",
            case.exit,
            output.status.code()
        ));
    }
    if stderr.contains("panicked at") {
        said.push("it panicked".to_owned());
    }
    for text in case.stderr.iter().filter(|text| !stderr.contains(*text)) {
        said.push(format!("standard error: expected {text:?} within it"));
    }
    if case.seconds.is_some_and(|most| took > most) {
        said.push(format!(
            "time: expected {:?} s at most, took {took:.2} s",
            case.seconds
        ));
    }
    if let Some(expected) = &case.result {
        let expected = server.named_in(expected);
        let found: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        said.extend(compare::differences("result", &expected, found.as_ref()));
    }
    if !said.is_empty() {
        said.push(format!("standard error was:\n{stderr}"));
    }
    said
}

/// The codes of `validate`, and its risk.
fn found(case: &Case, output: &Output) -> Vec<String> {
    let Ok(all) = serde_json::from_slice::<Value>(&output.stdout) else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return vec![format!("validate: no JSON on standard output; {stderr}")];
    };
    let mut said = Vec::new();
    let findings = all.as_array().or_else(|| all["findings"].as_array());
    if let Some(expected) = &case.findings {
        let mut codes: Vec<&str> = findings
            .into_iter()
            .flatten()
            .filter_map(|finding| finding["code"].as_str())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        expected.sort_unstable();
        if codes != expected {
            said.push(format!(
                "findings: expected {expected:?}, found {codes:?}\n{all:#}"
            ));
        }
    }
    if let Some(expected) = &case.risk {
        said.extend(compare::differences(
            "risk",
            expected,
            all["specs"][0].get("risk"),
        ));
    }
    if case.command == Command::Validate && output.status.code() != Some(case.exit) {
        said.push(format!(
            "exit: expected {}, found {:?}",
            case.exit,
            output.status.code()
        ));
    }
    said
}

fn program(case: &Case, project: &Path) -> Process {
    let mut program = Process::new(PROGRAM);
    program
        .current_dir(project.join("work"))
        .env_clear()
        .env("HOME", project.join("nobody"))
        .env("ARMATURE_HOME", project.join("home"))
        .envs(&case.environment)
        .stdin(Stdio::null());
    program
}

fn copy(from: &Path, to: &Path, server: &Server) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name), server);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(to.join(name), server.named_in_text(&text)).unwrap();
        } else if !ABOUT.iter().any(|about| name == *about) {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Puts one of the example plugins into `plugins`, where it is found without being asked for.
fn install(plugin: &str, work: &Path) {
    let from = folder().join("../../examples/plugins").join(plugin);
    let to = work.join("plugins").join(plugin);
    std::fs::create_dir_all(&to).unwrap();
    for name in ["plugin.toml".to_owned(), format!("{plugin}.wasm")] {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}
