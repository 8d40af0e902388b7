//! `--stream`: the answer of a stage while it comes.

use serde_json::{Value, json};

use crate::command::{Place, shows};

fn talking(reply: &str, more: &str) -> Place {
    let place = Place::with_spec(&format!(
        "name: talk\nmodel_tiers: {{small: {{provider: scripted, model: m, script: m.yml}}}}\nstages:\n  - {{id: say, response_stage: true, {more}role: {{name: A, type: worker, description: Talk.}}}}\n  - {{id: after, depends_on: [say], tool_call: {{name: file_write, args: {{path: out.txt, content: '{{{{ say.content }}}}'}}}}}}\n"
    ));
    place.write(
        "m.yml",
        serde_json::to_string(&json!([{"text": reply}])).unwrap(),
    );
    place
}

#[test]
fn the_answer_is_shown_once_and_as_it_is() {
    let place = talking("one two three", "");
    let ran = place.run(&["run", "spec.yml", "--stream"]);
    shows!("stream", ran);
    // A kept reply comes at once, and is shown in the same way.
    let again = place.run(&["run", "spec.yml", "--stream"]);
    assert_eq!(again.out, "one two three\n");
    assert_eq!(
        place.run(&["run", "spec.yml"]).out,
        "one two three\n",
        "as without"
    );
    let cut = talking("one two three", "output_max_chars: 3, ");
    let out = cut.run(&["run", "spec.yml", "--stream"]).out;
    assert!(out.starts_with("one two three\n"), "{out}");
    assert!(
        out.contains("one...[truncated]"),
        "what is not the result is not taken for it: {out}"
    );
}

#[test]
fn each_piece_is_an_event() {
    let place = talking("one two three", "");
    let ran = place.run(&["run", "spec.yml", "--events", "e.jsonl"]);
    assert_eq!(ran.out, "one two three\n");
    let pieces: Vec<String> = place
        .read("e.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["type"] == "token")
        .map(|event| event["data"]["text"].as_str().unwrap().to_owned())
        .collect();
    assert!(pieces.len() > 1, "{pieces:?}");
    assert_eq!(pieces.concat(), "one two three");
}

#[test]
fn one_thing_alone_has_standard_output() {
    let place = talking("x", "");
    for with in [&["--quiet"][..], &["--events", "-"], &["--dry-run"]] {
        let ran = place.run(&[&["run", "spec.yml", "--stream"], with].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{with:?}");
    }
    let ran = place.run(&["run", "spec.yml", "--stream", "-o", "all.json"]);
    assert_eq!(ran.out, "x\n");
    let all: Value = serde_json::from_str(&place.read("all.json")).unwrap();
    assert_eq!(all["say"]["content"], "x");
}

#[test]
fn a_workflow_without_such_a_stage_is_told_so() {
    let place = Place::with_spec("name: x\nstages: []\n");
    let ran = place.run(&["run", "spec.yml", "--stream"]);
    assert!(
        ran.err.contains("no stage has `response_stage: true`"),
        "{}",
        ran.err
    );
}

#[cfg(unix)]
#[test]
fn control_characters_are_visible_at_a_terminal() {
    let place = talking("a\u{1b}[31m b\u{7} c", "");
    let mut terminal =
        crate::terminal::Terminal::with_all(&place, &["run", "spec.yml", "--stream"]);
    terminal.sees("a\\u{1b}[31m b\\u{7} c");
    terminal.sees("Done in");
    let seen = terminal.seen.clone();
    assert_eq!(terminal.ends(), Some(0));
    assert_eq!(seen.matches("b\\u{7}").count(), 1, "{seen:?}");
    assert!(!seen.contains('\u{7}'), "{seen:?}");
}
