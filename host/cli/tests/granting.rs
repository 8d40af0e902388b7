//! Rights that the spec does not give: a person at a terminal is asked, and nobody else can give any.

#![cfg(unix)]

use crate::{
    command::{Place, repository},
    terminal::Terminal,
};

const NOTES: &str = "name: keep
tools: [{plugin: notes}]
stages:
  - {id: add, tool_call: {name: note_add, args: {text: Ada likes Assam}}}
";

const QUESTION: &str = "give it for this run?";

fn asked(spec: &str, answer: &str) -> (Place, Terminal) {
    let place = Place::with_spec(spec);
    let plugins = repository().join("examples/plugins").display().to_string();
    let mut terminal = Terminal::start(&place, &["run", "spec.yml", "--plugins", &plugins]);
    terminal.sees(QUESTION);
    assert!(terminal.seen.contains("kv workflow"), "{}", terminal.seen);
    terminal.types(answer);
    (place, terminal)
}

#[test]
fn what_a_person_gives_once_holds_for_this_run_alone() {
    let (place, mut terminal) = asked(NOTES, "maybe\n");
    terminal.sees("answer once, always or no");
    // The answer to a question is typed after it was shown.
    terminal.sees_again(QUESTION);
    terminal.types("Once\n");
    assert_eq!(terminal.ends(), Some(0));
    let plugins = repository().join("examples/plugins").display().to_string();
    let again = place.run(&["run", "spec.yml", "--plugins", &plugins]);
    assert_eq!(again.code, Some(4), "{}", again.shown());
    assert!(again.err.contains("kv: workflow"), "{}", again.err);
}

#[test]
fn always_shows_what_to_write_into_the_spec_and_that_is_then_enough() {
    let (place, mut terminal) = asked(NOTES, "always\n");
    terminal.sees("- plugin: notes");
    terminal.sees("grants: {\"kv\":\"workflow\"");
    assert_eq!(terminal.ends(), Some(0));
    let given = NOTES.replace(
        "{plugin: notes}",
        "{plugin: notes, grants: {\"kv\":\"workflow\",\"tools\":[\"file_write\"]}}",
    );
    place.write("spec.yml", given);
    let plugins = repository().join("examples/plugins").display().to_string();
    assert_eq!(
        place.run(&["run", "spec.yml", "--plugins", &plugins]).code,
        Some(0)
    );
}

#[test]
fn no_is_no_and_the_call_is_refused_with_the_line() {
    let (_place, mut terminal) = asked(NOTES, "no\n");
    terminal.sees("kv: workflow");
    assert_eq!(terminal.ends(), Some(4));
}

#[test]
fn what_the_operator_leaves_out_cannot_be_given_at_a_terminal() {
    let place = Place::with_spec(NOTES);
    place.write_home("policy.toml", "[ceiling]\n");
    let plugins = repository().join("examples/plugins").display().to_string();
    let mut terminal = Terminal::start(&place, &["run", "spec.yml", "--plugins", &plugins]);
    terminal.sees(QUESTION);
    terminal.types("always\n");
    assert_eq!(terminal.ends(), Some(4));
}
