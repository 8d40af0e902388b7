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

/// The lines of a stream of events.
fn events(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

const TALKING: [&str; 7] = [
    "run_start",
    "stage_start",
    "model_intent",
    "model_result",
    "stage_complete",
    "run_summary",
    "run_complete",
];

#[test]
fn events_are_lines_of_json_with_place_time_run_and_a_known_type() {
    let place = talking("fine");
    let ran = place.run(&["run", "spec.yml", "--events", "events.jsonl"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "fine\n"));
    let events = events(&place.read("events.jsonl"));
    assert_eq!(types(&events), TALKING);
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], json!(place + 1));
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
        assert_eq!(event["run"], events[0]["run"]);
        assert!(event["data"].is_object(), "{event}");
        let kind = event["type"].as_str().unwrap();
        assert!(
            armature_store::KINDS.iter().any(|row| row.name == kind),
            "{kind}"
        );
    }
}

#[test]
fn events_on_standard_output_are_alone_there() {
    let ran = talking("fine").run(&["run", "spec.yml", "--events", "-"]);
    assert_eq!(types(&events(&ran.out)), TALKING);
    assert!(ran.err.contains("✓ say"), "{}", ran.err);
    let both = talking("fine").run(&["run", "spec.yml", "-q", "--events", "-"]);
    assert_eq!(both.code, Some(2));
    assert!(
        both.err.contains("both want standard output"),
        "{}",
        both.err
    );
}

#[test]
fn a_place_for_events_that_cannot_be_written_stops_the_run_before_it_begins() {
    let ran = talking("fine").run(&["run", "spec.yml", "--events", "nowhere/e.jsonl"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(
        ran.err.contains("cannot write `nowhere/e.jsonl`"),
        "{}",
        ran.err
    );
}

#[test]
fn every_kind_of_event_is_explained_where_the_stream_is() {
    let tour =
        std::fs::read_to_string(crate::command::repository().join("host/README.md")).unwrap();
    for kind in armature_store::KINDS {
        let row = format!("| `{}` | {} |", kind.name, kind.meaning);
        assert!(tour.contains(&row), "host/README.md lacks: {row}");
    }
}

#[test]
fn the_stream_of_a_run_that_parks_ends_with_that() {
    let place = Place::with_spec(GATE);
    let ran = place.run(&["run", "spec.yml", "--events", "e.jsonl"]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        types(&events(&place.read("e.jsonl"))).last(),
        Some(&"run_parked")
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
    assert_eq!(place.run(&["last"]).code, Some(2));
    place.run(&["run", "spec.yml", "-i", "topic=tea"]);
    shows!("last", place.run(&["last"]));
    assert_eq!(
        place.run(&["last", "spec.yml", "--stage", "say"]).out,
        "fine\n"
    );
    assert_eq!(
        place.run(&["last", "talk", "--stage", "nope"]).code,
        Some(2)
    );
}

#[test]
fn the_last_run_of_a_file_is_found_whatever_its_name_was_then() {
    let place = Place::with_spec(
        "name: \"about {{ topic }}\"\nstages:\n  - { id: say, tool_call: { name: file_write, args: { path: \"{{ topic }}\", content: x } } }\n",
    );
    assert_eq!(place.run(&["last", "spec.yml"]).code, Some(2));
    for topic in ["tea", "milk"] {
        let ran = place.run(&["run", "spec.yml", "-i", &format!("topic={topic}")]);
        assert_eq!(ran.code, Some(0), "{}", ran.shown());
        let told = place.run(&["last", "spec.yml", "--format", "json"]);
        let told: Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(told["workflow"], format!("about {topic}"));
    }
    // Another file with a name of its own is not mistaken for it.
    place.write("other.yml", "name: other\nstages: []\n");
    assert_eq!(place.run(&["run", "other.yml"]).code, Some(0));
    let told = place.run(&["last", "spec.yml", "--stage", "say"]);
    assert!(told.out.contains("milk"), "{}", told.shown());
}

#[test]
fn the_last_run_is_json_for_programs() {
    let place = talking("fine");
    place.run(&["run", "spec.yml", "-i", "topic=tea"]);
    let told: Value = serde_json::from_str(&place.run(&["last", "--format", "json"]).out).unwrap();
    assert_eq!(
        (&told["workflow"], &told["status"], &told["results"]["say"]),
        (
            &json!("talk"),
            &json!("completed"),
            &json!({"content": "fine"})
        )
    );
    let stage = place.run(&["last", "talk", "-s", "say", "--format", "json"]);
    let stage: Value = serde_json::from_str(&stage.out).unwrap();
    assert_eq!(stage, json!({"content": "fine"}));
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

#[test]
fn what_a_model_asks_for_and_is_not_given_is_shown_and_counted() {
    let place = Place::with_spec(
        "name: x\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages:\n  - id: a\n    role: {name: A, type: worker, description: d, tools: [file_read]}\n",
    );
    let reads = |at| json!({"name": "file_read", "arguments": {"path": format!("f{at}")}});
    let calls: Vec<Value> = (0..70).map(reads).collect();
    let large = json!({"name": "file_read", "arguments": {"path": "x".repeat(2 << 20)}});
    let model = json!([
        {"turn": 1, "tool_calls": [{"name": "file_write", "arguments": {"path": "made", "content": "x"}}]},
        {"turn": 2, "tool_calls": calls},
        {"turn": 3, "tool_calls": [large]},
        {"turn": 4, "text": "done"},
    ]);
    place.write("m.yml", model.to_string());
    let ran = place.run(&["run", "spec.yml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    for line in [
        "model may not use tools: file_write",
        "tools: [file_write]",
        "6 calls more in one answer than the 64 of `calls_of_a_turn`",
        "`file_read` with 2097163 bytes of arguments",
        "3 blocked",
    ] {
        assert!(ran.err.contains(line), "{line}: {}", ran.shown());
    }
    assert_eq!(ran.out, "done\n");
}

#[test]
fn what_models_used_is_said_also_of_a_run_that_ends_at_its_limit() {
    let place = Place::with_spec(
        "name: x\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml, price: {input_per_million: 1000, output_per_million: 1000}}}\ncontracts: {max_cost_usd: 0.001}\nstages:\n  - {id: a, role: {name: A, type: worker, description: d}}\n  - {id: b, depends_on: [a], role: {name: A, type: worker, description: d}}\n",
    );
    let usage = json!({"input_tokens": 1000, "output_tokens": 234, "cached_input_tokens": 900, "reasoning_tokens": 30});
    place.write(
        "m.yml",
        json!([{"text": "fine", "usage": usage}]).to_string(),
    );
    let ran = place.run(&["run", "spec.yml", "-v"]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(
        ran.err
            .contains("until then: 1,234 tokens (900 cached, 30 reasoning) · $"),
        "{}",
        ran.shown()
    );
    assert!(ran.err.contains("1,234 tokens, $"), "{}", ran.shown());
    assert!(
        ran.err
            .contains("raise `contracts.max_cost_usd` and run again")
    );
    assert!(!ran.err.contains("armature resume"), "{}", ran.shown());
}

#[test]
fn a_key_that_a_child_or_a_judge_needs_is_missed_before_the_first_stage() {
    let writes = "  - {id: first, tool_call: {name: file_write, args: {path: made, content: x}}}\n";
    let groq = "model_tiers: {small: {provider: groq, model: m}}\n";
    let child =
        format!("name: child\n{groq}stages: [{{id: a, role: {{type: worker, description: d}}}}]\n");
    let scripted = "{provider: scripted, model: m, script: m.yml}";
    for spec in [
        format!(
            "name: x\nstages:\n{writes}  - {{id: sub, depends_on: [first], subagent_spec: child.yml}}\n"
        ),
        format!(
            "name: x\nmodel_tiers: {{small: {scripted}, frontier: {{provider: groq, model: m}}}}\nstages:\n{writes}  - {{id: many, depends_on: [first], fan_out: 2, partition_source: '{{{{ [1, 2] }}}}', partition_key: n, fan_in: consensus, role: {{type: worker, description: d}}}}\n"
        ),
    ] {
        let place = Place::with_spec(&spec);
        place.write("child.yml", child.as_bytes());
        place.write("m.yml", "- text: x\n");
        let ran = place.run(&["run", "spec.yml"]);
        assert_eq!(ran.code, Some(1), "{}", ran.shown());
        assert!(ran.err.contains("set `GROQ_API_KEY`"), "{}", ran.shown());
        let in_child = spec.contains("child.yml");
        let of_child = ran.err.contains("stage `a` of `child.yml`");
        assert_eq!(of_child, in_child, "{}", ran.shown());
        assert!(!place.work().join("made").exists(), "{}", ran.shown());
    }
}

#[test]
fn a_limit_on_cost_wants_the_price_of_every_model_that_may_be_asked() {
    let place = Place::with_spec(
        "name: x\ncontracts: {max_cost_usd: 1}\nstages: [{id: sub, subagent_spec: child.yml}]\n",
    );
    let unpriced = "{provider: custom, model: m, api_base: 'http://127.0.0.1:9/v1'}";
    place.write(
        "child.yml",
        format!("name: child\nmodel_tiers: {{small: {unpriced}}}\nstages: [{{id: a, role: {{type: worker, description: d}}}}]\n"),
    );
    let said = |place: &Place| {
        let ran = place.run(&["validate", "spec.yml"]);
        assert_eq!(ran.code, Some(2), "{}", ran.shown());
        assert!(
            ran.err.contains("nobody knows what this model costs"),
            "{}",
            ran.shown()
        );
    };
    said(&place);
    // With an address of its own a model's name is no other provider's, and has not its price.
    place.write(
        "child.yml",
        "name: child\nmodel_tiers: {small: {provider: openai, model: groq/llama-3.1-8b-instant, api_base: 'http://127.0.0.1:9/v1'}}\nstages: [{id: a, role: {type: worker, description: d}}]\n",
    );
    said(&place);
    // The limit of a child holds for what it runs itself.
    place.write(
        "spec.yml",
        "name: x\nstages: [{id: sub, subagent_spec: middle.yml}]\n",
    );
    place.write("middle.yml", "name: middle\ncontracts: {max_cost_usd: 1}\nstages: [{id: sub, subagent_spec: child.yml}]\n");
    said(&place);
    place.write(
        "spec.yml",
        format!("name: x\ncontracts: {{max_cost_usd: 1}}\nmodel_tiers: {{tiny: {unpriced}}}\nmemory: {{extract_knowledge: true}}\nstages: []\n"),
    );
    said(&place);
    place.write(
        "spec.yml",
        "name: x\ncontracts: {max_cost_usd: -1}\nstages: []\n",
    );
    let ran = place.run(&["validate", "spec.yml"]);
    assert!(
        ran.err.contains("no run can cost less than nothing"),
        "{}",
        ran.shown()
    );
}

#[test]
fn a_reply_that_was_cut_off_is_said_and_not_kept() {
    let place = Place::with_spec(
        "name: x\nmodel_tiers: {small: {provider: scripted, model: m, script: m.yml}}\nstages: [{id: a, role: {type: worker, description: d}}]\n",
    );
    place.write("m.yml", "- {text: Once upon, finish: length}\n");
    for _ in 0..2 {
        let ran = place.run(&["run", "spec.yml"]);
        assert!(
            ran.err
                .contains("the reply was cut off; raise `max_tokens`"),
            "{}",
            ran.shown()
        );
        assert!(!ran.err.contains("cache"), "{}", ran.shown());
    }
}
