//! `armature run`: what goes where, and with which exit code.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{Place, Ran, shows};

/// A workflow with one model stage and one reply.
fn talking(reply: &str) -> Place {
    let place = Place::with_spec(
        "name: talk\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - id: say\n    role: {name: A, type: worker, description: \"About {{ topic }}\"}\n",
    );
    place.write(
        "m.yml",
        serde_json::to_string(&json!([{"text": reply}])).unwrap(),
    );
    place
}

fn outputs(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.shown()))
}

#[test]
fn the_result_goes_to_one_stream_and_everything_about_it_to_the_other() {
    let ran = talking("[bold]kept[/bold] as it is").run(&["run", "spec.yml", "-i", "topic=tea"]);
    shows!("run-plain", ran);
}

#[test]
fn quiet_prints_the_results_as_json_and_nothing_else() {
    let place = talking("fine");
    let ran = place.run(&[
        "run",
        "spec.yml",
        "--quiet",
        "-i",
        "topic={{ 7*7 }}",
        "-i",
        "n:=3",
        "-o",
        "out.json",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let all = outputs(&ran);
    assert_eq!(
        (&all["topic"], &all["n"], &all["say"]["content"]),
        (&json!("{{ 7*7 }}"), &json!(3), &json!("fine"))
    );
    assert_eq!(place.read("out.json"), ran.out);
}

#[test]
fn a_result_that_could_not_be_written_is_refused_before_the_run() {
    let place = talking("fine");
    shows!(
        "run-no-place-for-output",
        place.run(&["run", "spec.yml", "-o", "nowhere/out.json"])
    );
    assert!(!place.home().exists());
}

#[test]
fn a_reply_may_hold_control_characters_in_a_pipe() {
    let ran = talking("a\u{1b}[31mb").run(&["run", "spec.yml"]);
    assert_eq!(ran.out, "a\u{1b}[31mb\n");
}

#[test]
fn inputs_come_from_files_too() {
    let place = talking("fine");
    place.write("topic.txt", "say \"hi\"\nstages: []");
    let ran = place.run(&[
        "run",
        "spec.yml",
        "-q",
        "-i",
        "topic=@topic.txt",
        "-i",
        "data:=@m.yml",
    ]);
    let all = outputs(&ran);
    assert_eq!(all["topic"], json!("say \"hi\"\nstages: []"));
    assert_eq!(all["data"][0]["text"], json!("fine"));
}

#[test]
fn an_input_that_is_missing_is_named() {
    let spec = "name: x\ncontracts: {inputs: [{name: topic, required: true, description: What it is about}]}\nstages: [{id: a, gate: human}]\n";
    shows!(
        "run-missing-input",
        Place::with_spec(spec).run(&["run", "spec.yml"])
    );
}

#[test]
fn an_input_that_is_none_is_refused_before_anything_is_read() {
    shows!(
        "run-no-input",
        Place::new().run(&["run", "spec.yml", "-i", "topic"])
    );
}

#[test]
fn a_spec_that_is_wrong_is_shown_like_by_validate() {
    shows!(
        "run-invalid",
        Place::with_spec("name: x\nstages: [{id: a, adapter: nope}]\n").run(&["run", "spec.yml"])
    );
}

#[test]
fn a_stage_that_fails_ends_the_run_and_leaves_code_1() {
    let spec = "name: x\nstages:\n  - id: write\n    tool_call: {name: file_write, args: {path: taken, content: x}}\n";
    let place = Place::with_spec(spec);
    place.write("taken/by-a-directory", "");
    shows!("run-failing", place.run(&["run", "spec.yml"]));
}

const GATE: &str = "name: gated\nstages:\n  - id: review\n    gate: human\n    present: Look at this\n  - id: after\n    depends_on: [review]\n    tool_call: {name: file_write, args: {path: out.txt, content: done}}\n";

#[test]
fn a_gate_that_nobody_can_answer_parks_the_run_with_code_3() {
    shows!(
        "run-parked",
        Place::with_spec(GATE).run(&["run", "spec.yml"])
    );
}

#[test]
fn a_gate_is_answered_beforehand_in_the_persons_own_words() {
    let place = Place::with_spec(GATE);
    let ran = place.run(&["run", "spec.yml", "-q", "--approve", "review=yes"]);
    assert_eq!(
        (ran.code, place.read("out.txt").as_str()),
        (Some(0), "done"),
        "{}",
        ran.shown()
    );
    let place = Place::with_spec(GATE);
    let ran = place.run(&[
        "run",
        "spec.yml",
        "-q",
        "--approve",
        "review=no:Use the OTHER title",
    ]);
    assert_eq!(
        outputs(&ran)["review"],
        json!({"approved": false, "feedback": "Use the OTHER title"})
    );
    assert!(!place.work().join("out.txt").exists());
}

#[test]
fn what_a_rule_blocks_leaves_code_4() {
    let spec = "name: x\nsafety_rules:\n  - {plugin: deny-pattern, config: {pattern: secret}}\nstages:\n  - id: write\n    tool_call: {name: file_write, args: {path: a.txt, content: a secret}}\n";
    let place = Place::with_spec(spec);
    shows!("run-blocked", place.run(&["run", "spec.yml"]));
    assert!(!place.work().join("a.txt").exists());
}

#[test]
fn what_the_operator_denies_leaves_code_4() {
    let place = Place::with_spec(
        "name: x\nstages:\n  - id: a\n    tool_call: {name: file_read, args: {path: x}}\n",
    );
    place.write_home("policy.toml", "[ceiling]\n");
    shows!("run-denied-by-policy", place.run(&["run", "spec.yml"]));
    place.write_home("policy.toml", "ceiling = 1\n");
    shows!("run-policy-wrong", place.run(&["run", "spec.yml"]));
}

#[test]
fn a_dry_run_shows_the_plan_and_does_nothing() {
    let place = Place::with_spec(GATE);
    shows!("run-dry", place.run(&["run", "spec.yml", "--dry-run"]));
    assert!(!place.work().join("out.txt").exists());
    assert!(!place.home().join("traces.db").exists());
}

#[test]
fn events_are_lines_of_json() {
    let ran = talking("fine").run(&["run", "spec.yml", "--events"]);
    let kinds: Vec<String> = ran
        .err
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "run_start",
            "stage_start",
            "model_intent",
            "model_result",
            "stage_complete",
            "run_summary",
            "run_complete"
        ]
    );
    assert_eq!(ran.out, "fine\n");
}

#[test]
fn an_input_that_the_workflow_does_not_have_is_doubted() {
    let spec = "name: x\ncontracts: {inputs: [{name: topic}]}\nstages: []\n";
    let ran = Place::with_spec(spec).run(&["run", "spec.yml", "-i", "topci=tea"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(
        ran.err
            .contains("warning: `topci` is no input of this workflow; it has topic"),
        "{}",
        ran.err
    );
}

#[test]
fn the_end_of_a_run_that_failed_is_an_event_too() {
    let spec = "name: x\ncontracts: {inputs: [{name: topic, required: true}]}\nstages: []\n";
    let ran = Place::with_spec(spec).run(&["run", "spec.yml", "--events"]);
    let last: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["data"]["exit"]),
        (&json!("error"), &json!(2))
    );
}

#[test]
fn the_last_run_says_why_it_failed() {
    let place = Place::with_spec(GATE);
    place.run(&["run", "spec.yml"]);
    shows!("last-parked", place.run(&["last"]));
}

#[test]
fn the_last_run_is_shown_again() {
    let place = talking("fine");
    assert_eq!(place.run(&["last"]).code, Some(1));
    place.run(&["run", "spec.yml", "-i", "topic=tea"]);
    shows!("last", place.run(&["last"]));
    assert_eq!(
        place.run(&["last", "spec.yml", "--stage", "say"]).out,
        "fine\n"
    );
    assert_eq!(
        place.run(&["last", "talk", "--stage", "nope"]).code,
        Some(1)
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_run_and_leaves_code_130() {
    let place = talking("late");
    place.write("m.yml", "- {text: late, delay_ms: 60000}\n");
    let began = Instant::now();
    let mut child = place.start(&["run", "spec.yml"]);
    // The line that says that the stage is at work.
    let mut err = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("say (llm)") {
        line.clear();
        assert_ne!(
            std::io::BufRead::read_line(&mut err, &mut line).unwrap(),
            0,
            "it ended too early"
        );
    }
    crate::command::interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(30));
}
