//! Inputs of a run: whatever is given arrives as it is, or is refused in one clear line.

use serde_json::{Value, json};

use crate::command::{Place, Ran, shows};

/// Texts that mean something to a shell, to YAML, to a template or to a terminal, and nothing to armature.
const ODD: [&str; 12] = [
    "{{ 7*7 }}",
    "{{ env.HOME }}{% for x in range(9) %}x{% endfor %}",
    "\"",
    "'; DROP TABLE runs; --",
    "stages: []",
    "line\nline\r\n\ttab",
    "---\n- !!python/object:os.system x\n...",
    "$(id) `id` %s %n ${x}",
    "@file",
    "a=b=c",
    "\u{202e}\u{1b}[2J\u{7}",
    "",
];

/// A model that is told the input, and a file that holds it.
fn telling() -> Place {
    let place = Place::with_spec(
        "name: tell
model_tiers: {small: {provider: scripted, model: m, script: m.yml}}
stages:
  - id: say
    role: {name: A, type: worker, description: \"About {{ topic }}.\"}
  - id: keep
    tool_call: {name: file_write, args: {path: kept.txt, content: \"{{ topic }}\"}}
",
    );
    place.write("m.yml", "- text: fine\n");
    place
}

fn outputs(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.shown()))
}

#[test]
fn odd_texts_arrive_verbatim_in_a_result_a_prompt_and_a_file() {
    for odd in ODD {
        let place = telling();
        // The model answers only a prompt that holds exactly this; its role says more about it.
        let script = json!([{"contains": odd, "text": "seen"}, {"text": "not seen"}]);
        place.write("m.yml", script.to_string());
        let ran = place.run(&["run", "spec.yml", "-q", "-i", &format!("topic={odd}")]);
        if let Some(file) = odd.strip_prefix('@') {
            assert!(
                ran.err.contains(&format!("cannot read `{file}`")),
                "{}",
                ran.err
            );
            continue;
        }
        assert_eq!(ran.code, Some(0), "{odd:?}: {}", ran.shown());
        assert_eq!(outputs(&ran)["topic"], json!(odd));
        assert_eq!(place.read("kept.txt"), odd);
        assert_eq!(outputs(&ran)["say"]["content"], json!("seen"), "{odd:?}");
    }
}

#[test]
fn a_megabyte_and_a_nul_arrive_verbatim_from_a_file() {
    let place = telling();
    let large = "é {{ 7*7 }} \"\n".repeat(80_000);
    for content in [large.as_str(), "a\0b"] {
        place.write("topic.txt", content);
        let ran = place.run(&["run", "spec.yml", "-q", "-i", "topic=@topic.txt"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert_eq!(outputs(&ran)["topic"], json!(content));
        assert!(place.read("kept.txt") == content);
    }
}

#[test]
fn text_that_is_no_utf_8_is_refused_in_one_line() {
    let place = telling();
    place.write("topic.txt", b"caf\xe9 x");
    let ran = place.run(&["run", "spec.yml", "-i", "topic=@topic.txt"]);
    shows!("inputs-no-utf8", ran);
    assert!(!place.home().exists());
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = telling();
    let odd = std::ffi::OsStr::from_bytes(b"topic=caf\xe9");
    let ran = place.run_with(|command| command.args(["run", "spec.yml", "-i"]).arg(odd));
    assert_eq!(ran.code, Some(2), "{}", ran.shown());
    assert!(ran.err.contains("UTF-8"), "{}", ran.err);
    assert!(!place.home().exists());
}

#[test]
fn inputs_come_from_files_and_keep_their_types() {
    let place = telling();
    place.write("data.json", "[{\"text\": \"fine\"}]");
    let ran = place.run(&[
        "run",
        "spec.yml",
        "-q",
        "-i",
        "topic=tea",
        "-i",
        "data:=@data.json",
        "-i",
        "n:=3",
    ]);
    let all = outputs(&ran);
    assert_eq!(
        (&all["data"][0]["text"], &all["n"]),
        (&json!("fine"), &json!(3))
    );
}

#[test]
fn a_file_gives_many_inputs_and_those_by_name_win() {
    let place = telling();
    for (name, text) in [
        ("in.json", "{\"topic\": \"{{ tea }}\", \"n\": 1}"),
        ("in.yml", "topic: '{{ tea }}'\nn: 1\n"),
        ("in.yaml", "{\"topic\": \"{{ tea }}\", \"n\": 1}"),
        ("in", "topic: '{{ tea }}'\nn: 1\n"),
    ] {
        place.write(name, text);
        let ran = place.run(&[
            "run", "spec.yml", "-q", "--inputs", name, "-i", "n=2", "-i", "n:=3",
        ]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        let all = outputs(&ran);
        assert_eq!(
            (&all["topic"], &all["n"]),
            (&json!("{{ tea }}"), &json!(3)),
            "{name}"
        );
    }
}

#[test]
fn inputs_come_from_standard_input_once() {
    let place = telling();
    let given = "{\"topic\": \"tea\"}";
    let ran = place.run_reading(&["run", "spec.yml", "-q", "--inputs", "-"], given);
    assert_eq!(outputs(&ran)["topic"], json!("tea"));
    let ran = place.run_reading(&["run", "spec.yml", "-q", "-i", "topic=@-"], given);
    assert_eq!(outputs(&ran)["topic"], json!(given));
    let ran = place.run_reading(
        &["run", "spec.yml", "--inputs", "-", "-i", "topic=@-"],
        given,
    );
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("standard input can be read only once"),
        "{}",
        ran.err
    );
}

#[test]
fn a_file_of_inputs_that_is_none_is_told_with_its_place() {
    let place = telling();
    place.write("list.yml", "- a\n");
    place.write("broken.yml", "topic: tea\nn: [1\n");
    place.write("broken.json", "{\"topic\": }");
    place.write("deep.yml", "[".repeat(5000));
    let said: String = [
        "list.yml",
        "broken.yml",
        "broken.json",
        "deep.yml",
        "missing.yml",
    ]
    .iter()
    .map(|file| {
        let ran = place.run(&["run", "spec.yml", "--inputs", file]);
        assert_eq!(ran.code, Some(2), "{file}: {}", ran.err);
        ran.err
    })
    .collect();
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("inputs-files", said);
    });
    assert!(!place.home().exists());
}

#[test]
fn inputs_that_are_missing_are_named_with_what_they_are_and_how_to_give_them() {
    let spec = "name: x
contracts:
  inputs:
    - {name: topic, required: true, description: What it is about}
    - {name: count, required: true, type: integer}
    - {name: tone}
stages: [{id: a, gate: human}]
";
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
