//! Where results and events go: what would lose something is refused before anything runs.

use serde_json::{Value, json};

use crate::command::Place;

const SPEC: &str = "name: x
adapters: { clean: { type: python, fn: 'scripts/clean.py:clean' } }
model_tiers: { small: { provider: scripted, model: m, script: m.yml } }
stages:
  - { id: say, role: { name: A, type: worker, description: Say. } }
  - { id: sub, subagent_spec: child.yml }
";

fn place() -> Place {
    let place = Place::with_spec(SPEC);
    place.write("m.yml", "- text: said\n");
    place.write("scripts/clean.py", "def clean(context): return {}\n");
    place.write("child.yml", "name: child\nstages: []\n");
    place
}

#[test]
fn no_result_takes_the_place_of_what_the_workflow_is_made_from() {
    let place = place();
    for file in [
        "spec.yml",
        "m.yml",
        "scripts/../scripts/clean.py",
        "child.yml",
    ] {
        let before = place.read(file);
        for flag in ["--output", "--events"] {
            let ran = place.run(&["run", "spec.yml", flag, file]);
            assert_eq!(ran.code, Some(2), "{}", ran.shown());
            assert!(
                ran.err.contains("the workflow is read from it"),
                "{}",
                ran.err
            );
            assert_eq!(place.read(file), before);
        }
    }
}

#[test]
fn two_results_do_not_share_a_file_and_one_without_a_place_is_told_before_the_run() {
    let place = place();
    for (flags, why) in [
        (vec!["-o", "r", "--events", "./r"], "both want `r`"),
        (vec!["-o", "-"], "--quiet writes the results"),
        (
            vec!["--events", "nowhere/e"],
            "its directory does not exist",
        ),
        (vec!["-o", "scripts"], "it is a directory"),
    ] {
        let ran = place.run(&[&["run", "spec.yml"], &flags[..]].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.shown());
        assert!(ran.err.contains(why), "{}", ran.err);
        assert!(!ran.err.contains("→ say"), "{}", ran.err);
    }
    let ran = place.run(&["run", "spec.yml", "-o", "r", "--events", "e"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let results: Value = serde_json::from_str(&place.read("r")).unwrap();
    assert_eq!(results["say"], json!({"content": "said"}));
}

/// What a person sees and what programs read may go to one place: a line is written at once, so that none is cut by
/// another. Each write to this pipe is read by itself.
#[cfg(target_os = "linux")]
#[test]
fn each_line_of_either_stream_is_written_at_once() {
    use std::io::Read as _;

    use rustix::pipe::{PipeFlags, pipe_with};

    let place = place();
    let (read, write) = pipe_with(PipeFlags::DIRECT | PipeFlags::CLOEXEC).unwrap();
    let mut child = place.start_with(&["run", "spec.yml", "--events", "-"], |command| {
        command.stdout(write.try_clone().unwrap()).stderr(write)
    });
    let (mut read, mut bytes) = (std::fs::File::from(read), [0; 65_536]);
    let (mut events, mut others) = (0, 0);
    loop {
        let count = read.read(&mut bytes).unwrap();
        let Some(text) = bytes.get(..count).filter(|text| !text.is_empty()) else {
            break;
        };
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.ends_with('\n'), "{text:?}");
        if text.starts_with('{') {
            serde_json::from_str::<Value>(text).unwrap();
            events += 1;
        } else {
            others += 1;
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(events > 5 && others > 3, "{events} {others}");
}
