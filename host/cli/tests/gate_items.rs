//! Gates that ask more than once: over the items of a list, and pass by pass. Each question is answered by itself.

use serde_json::{Value, json};

use crate::{
    command::{Place, Ran, shows},
    going_on::parked,
};

const ITEMS: &str = "name: items
stages:
  - { id: each, gate: human, fan_out: 3, partition_source: \"{{ ['a', 'b', 'c'] }}\", present: \"Send {{ item }}?\" }
  - { id: out, depends_on: [each], tool_call: { name: file_write, args: { path: out.md, content: x } } }
";

fn json_of(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn each_item_of_a_gate_over_a_list_is_shown_and_answered_by_itself() {
    let (place, run) = parked(ITEMS, &[]);
    let waiting = json_of(&place.run(&["gates", "--format", "json"]));
    let of = |at: usize| (waiting[at]["stage"].clone(), waiting[at]["message"].clone());
    assert_eq!(of(0), (json!("each[0]"), json!("Send a?")));
    assert_eq!(of(2), (json!("each[2]"), json!("Send c?")));
    // The name of all is no answer to one …
    shows!(
        "approve-one-of-items",
        place.run(&["approve", &run, "each", "--no", "Not this"])
    );
    // … and an answer to one is for that one.
    let ran = place.run(&["approve", &run, "each[1]", "--no", "Not this"]);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    assert!(ran.err.contains("Send b?"), "{}", ran.err);
    let ran = place.run(&["approve", &run, "each", "--yes", "--all", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let yes = json!({"approved": true, "feedback": null});
    let no = json!({"approved": false, "feedback": "Not this"});
    assert_eq!(json_of(&ran)["each"], json!([yes, no, yes]));
    assert!(!place.work().join("out.md").exists());
}

#[test]
fn items_of_a_gate_are_answered_beforehand_together_and_by_themselves() {
    let place = Place::with_spec(ITEMS);
    let answers = ["--approve", "each=yes", "--approve", "each[2]=no:Later"];
    let ran = place.run(&[&["run", "spec.yml", "-q"][..], &answers[..]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let each = &json_of(&ran)["each"];
    assert_eq!(each[1]["approved"], json!(true));
    assert_eq!(each[2]["feedback"], json!("Later"));
}

#[test]
fn an_answer_to_one_pass_is_not_taken_for_that_to_another() {
    let spec = "name: passes
stages:
  - { id: g, gate: human, present: \"Pass {{ _iteration.num }}, you said {{ feedback }}\", loop: { max_iterations: 3, until: \"{{ approved }}\", carry_forward: [feedback] } }
";
    let (place, run) = parked(spec, &[]);
    let ran = place.run(&["approve", &run, "--no", "Shorter"]);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    assert!(
        ran.err.contains("Pass 2, you said Shorter"),
        "{}",
        ran.shown()
    );
    let ran = place.run(&["approve", &run, "--yes", "-q", "--events", "e.jsonl"]);
    assert_eq!(json_of(&ran)["g"]["approved"], json!(true));
    let events = place.read("e.jsonl");
    let passes = events.matches("\"loop_iteration\"").count();
    assert_eq!(passes, 2, "{events}");
}

#[cfg(unix)]
#[test]
fn at_a_terminal_one_item_is_asked_about_when_the_last_is_answered() {
    let place = Place::with_spec(ITEMS);
    let mut terminal = crate::terminal::Terminal::start(&place, &["run", "spec.yml"]);
    for _ in 0..3 {
        terminal.sees("approve?");
        // The reason belongs to the question before it: no other one comes between.
        terminal.seen.clear();
        terminal.types("no\n");
        terminal.sees("why?");
        assert!(!terminal.seen.contains("Send"), "{}", terminal.seen);
        terminal.seen.clear();
        terminal.types("\n");
    }
    assert_eq!(terminal.ends(), Some(0));
}
