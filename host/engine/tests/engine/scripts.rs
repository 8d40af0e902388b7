//! Scripts and the shell: what a spec says of them, and what becomes of them.

use std::time::{Duration, Instant};

use armature_engine::{Answer, GateAnswer};
use serde_json::{Value, json};

use crate::world::{Person, World};

async fn result(world: &World, spec: &str, inputs: Value) -> Value {
    world.outputs(spec, inputs).await["s"].clone()
}

/// What stopped a run.
async fn failure(world: &World, spec: &str, inputs: Value) -> String {
    world.run(spec, inputs).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_script_answers_with_what_it_printed_and_its_exit_code() {
    let world = World::with_shell().await;
    let spec = r#"
adapters:
  a: { type: script, cmd: "echo out; echo err >&2; exit 3" }
stages: [{ id: s, adapter: a }]
"#;
    let value = result(&world, spec, json!({})).await;
    assert_eq!(
        value,
        json!({"stdout": "out\n", "stderr": "err\n", "exit_code": 3})
    );
}

#[tokio::test]
async fn the_shell_tool_answers_in_the_same_shape() {
    let world = World::with_shell().await;
    world.file("work/a.txt", "one\ntwo\n");
    let spec = r#"
stages: [{ id: s, tool_call: { name: shell, args: { cmd: "grep -c o a.txt && false" } } }]
"#;
    let value = result(&world, spec, json!({})).await;
    assert_eq!(
        value,
        json!({"stdout": "2\n", "stderr": "", "exit_code": 1})
    );
}

#[tokio::test]
async fn a_script_works_on_the_real_workspace_and_the_next_stage_finds_it() {
    let world = World::with_shell().await;
    let spec = r#"
adapters:
  a: { type: script, cmd: "mkdir -p out && seq 3 > out/n.txt" }
stages:
  - { id: first, adapter: a }
  - { id: s, depends_on: [first], tool_call: { name: file_read, args: { path: out/n.txt } } }
"#;
    let value = result(&world, spec, json!({})).await;
    assert_eq!(value, json!({"content": "1\n2\n3\n"}));
    assert_eq!(world.read("out/n.txt").as_deref(), Some("1\n2\n3\n"));
}

#[tokio::test]
async fn a_script_sees_the_context_as_a_variable_and_as_a_file_however_large_it_is() {
    let world = World::with_shell().await;
    let spec = r#"
adapters:
  a:
    type: script
    args: { GREETING: "hello {{ topic }}", N: 3 }
    cmd: |
      echo "$ARMATURE_CONTEXT" | jq -r .topic
      jq -r '.long | length' "$ARMATURE_CONTEXT_FILE"
      echo "$GREETING $N"
stages: [{ id: s, adapter: a }]
"#;
    // More than an environment of a process can hold (128 KiB), and more than an argument by default (4 MiB).
    for size in [200_000, 6_000_000] {
        let inputs = json!({"topic": "tea", "long": "x".repeat(size)});
        let value = result(&world, spec, inputs).await;
        assert_eq!(
            value["stdout"],
            format!("tea\n{size}\nhello tea 3\n"),
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_value_is_data_behind_the_filter_and_part_of_the_command_without_it() {
    let world = World::with_shell().await;
    let evil = "x; echo INJECTED $(echo RUN) > made";
    let with = r#"
adapters: { a: { type: script, cmd: "printf '%s\n' {{ value | sh }}" } }
stages: [{ id: s, adapter: a }]
"#;
    let value = result(&world, with, json!({ "value": evil })).await;
    assert_eq!(value["stdout"], format!("{evil}\n"));
    assert!(world.read("made").is_none());
    let without = with.replace("{{ value | sh }}", "{{ value }}");
    assert!(
        world
            .codes(&without)
            .await
            .contains(&"UNQUOTED_SHELL_VALUE")
    );
    result(&world, &without, json!({ "value": evil })).await;
    assert!(world.read("made").is_some(), "that is what it warns of");
}

#[tokio::test]
async fn rules_see_the_command_as_it_will_run_under_the_adapters_name() {
    let world = World::with_shell().await;
    let spec = r#"
safety_rules:
  - { tool: tidy, condition: { field: cmd, op: contains, value: "secret-dir" }, action: block, message: not that one }
adapters: { tidy: { type: script, cmd: "ls {{ dir | sh }}" } }
stages: [{ id: s, adapter: tidy }]
"#;
    let why = failure(&world, spec, json!({"dir": "secret-dir"})).await;
    assert!(why.contains("not that one"), "{why}");
    let value = result(&world, spec, json!({"dir": "."})).await;
    assert_eq!(value["exit_code"], 0);
}

#[tokio::test]
async fn a_command_that_destroys_needs_a_person_or_an_allow_rule() {
    let world = World::with_shell().await;
    let script = r#"
adapters: { a: { type: script, cmd: "cd . && rm -f {{ file | sh }}; echo gone" } }
stages: [{ id: s, adapter: a }]
"#;
    let tool = r#"
stages: [{ id: s, tool_call: { name: shell, args: { cmd: "sh -c 'rm x'; echo gone" } } }]
"#;
    for (spec, answer, is_done) in [
        (script, Answer::Approved, true),
        (script, Answer::Refused, false),
        (tool, Answer::Approved, true),
        (tool, Answer::Refused, false),
    ] {
        world.file("work/x", "x");
        let person = Person::new(answer, GateAnswer::Approved);
        let mut request = world.request(json!({"file": "x"}));
        request.approver = person.clone();
        let done = world.run_with(spec, request).await;
        assert_eq!(done.is_ok(), is_done, "{done:?}");
        assert_eq!(world.read("x").is_none(), is_done);
        let asked = person.asked.lock().unwrap();
        assert!(asked[0].message.contains("`rm`"), "{:?}", asked[0]);
    }
    let allowed = format!(
        "safety_rules: [{{ tool: a, condition: {{ field: cmd, op: contains, value: rm }}, action: allow }}]\n{script}"
    );
    world.file("work/x", "x");
    let value = result(&world, &allowed, json!({"file": "x"})).await;
    assert_eq!(value["stdout"], "gone\n");
}

#[tokio::test]
async fn parse_json_makes_what_is_printed_the_result_and_a_failure_a_failure() {
    let world = World::with_shell().await;
    let spec = |cmd: &str| {
        format!(
            "adapters: {{ a: {{ type: script, parse: json, cmd: {} }} }}\nstages: [{{ id: s, adapter: a }}]\n",
            json!(cmd)
        )
    };
    let value = result(&world, &spec("jq -n '{a: 1, b: [2]}'"), json!({})).await;
    assert_eq!(value, json!({"a": 1, "b": [2]}));
    for (cmd, words) in [
        ("echo no >&2; exit 4", ["exit code 4", "no"]),
        ("echo '[1]'", ["one JSON object", "[1]"]),
        ("echo hello", ["one JSON object", "hello"]),
        ("true", ["one JSON object", "a"]),
        ("echo why; exit 3", ["exit code 3", ": why"]),
        ("exit 3", ["exit code 3", "said nothing"]),
    ] {
        let why = failure(&world, &spec(cmd), json!({})).await;
        assert!(words.iter().all(|word| why.contains(word)), "{cmd}: {why}");
    }
    // The trace says what the stage says, and so does what the last stages are told.
    let spec = format!(
        "{}  - {{ id: z, post_run: true, tool_call: {{ name: file_write, args: {{ path: told.txt, content: '{{{{ _diagnostics }}}}' }} }} }}\n",
        spec("echo hello").replace(
            "stages: [{ id: s, adapter: a }]",
            "stages:\n  - { id: s, adapter: a, fail_as_value: true }"
        )
    );
    let report = world.run(&spec, json!({})).await.unwrap();
    let rows = world.traces(&report.run_id);
    let row = rows.iter().find(|row| row.stage_id == "s").unwrap();
    assert_eq!(
        (row.success, row.error_type.as_deref()),
        (false, Some("ValueError"))
    );
    let told = world.read("told.txt").unwrap();
    assert!(
        told.contains("ValueError") && !told.contains("\"\""),
        "{told}"
    );
}

#[tokio::test]
async fn four_scripts_that_wait_wait_side_by_side() {
    let world = World::with_shell().await;
    let spec = r#"
adapters: { a: { type: script, cmd: "sleep 0.5; echo done" } }
stages:
  - { id: s, adapter: a }
  - { id: b, adapter: a }
  - { id: c, adapter: a }
  - { id: d, adapter: a }
"#;
    // Once, so that the component is there.
    result(
        &world,
        "adapters: { a: { type: script, cmd: 'true' } }\nstages: [{ id: s, adapter: a }]",
        json!({}),
    )
    .await;
    let began = Instant::now();
    let value = result(&world, spec, json!({})).await;
    assert_eq!(value["stdout"], "done\n");
    assert!(
        began.elapsed() < Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_stages_timeout_and_an_adapters_end_a_script_that_waits_and_one_that_works() {
    let world = World::with_shell().await;
    result(
        &world,
        "adapters: { a: { type: script, cmd: 'true' } }\nstages: [{ id: s, adapter: a }]",
        json!({}),
    )
    .await;
    for cmd in ["sleep 20", "while :; do :; done"] {
        let of_stage = format!(
            "adapters: {{ a: {{ type: script, cmd: \"{cmd}\" }} }}\nstages: [{{ id: s, adapter: a, timeout_s: 0.3 }}]\n"
        );
        let began = Instant::now();
        let why = failure(&world, &of_stage, json!({})).await;
        assert!(why.contains("timed out after 0.3s"), "{why}");
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
        let of_adapter = format!(
            "adapters: {{ a: {{ type: script, timeout: 1, cmd: \"{cmd}\" }} }}\nstages: [{{ id: s, adapter: a }}]\n"
        );
        let began = Instant::now();
        let why = failure(&world, &of_adapter, json!({})).await;
        assert!(why.contains("timeout_s"), "{why}");
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn an_adapters_grants_and_limits_narrow_its_script() {
    let world = World::with_shell().await;
    world.file("work/open/a", "open");
    world.file("work/closed/b", "closed");
    let spec = r#"
adapters:
  a:
    type: script
    grants: { fs: { read: [open] } }
    cmd: "cat open/a; cat closed/b; echo x > open/new"
stages: [{ id: s, adapter: a }]
"#;
    let value = result(&world, spec, json!({})).await;
    assert_eq!(value["stdout"], "open");
    assert!(world.read("open/new").is_none());
    let limited = r#"
adapters: { a: { type: script, limits: { fuel: 1000 }, cmd: "seq 1000" } }
stages: [{ id: s, adapter: a }]
"#;
    let why = failure(&world, limited, json!({})).await;
    assert!(why.contains("`fuel`"), "{why}");
}

#[tokio::test]
async fn any_other_word_for_a_type_runs_as_a_script() {
    let world = World::with_shell().await;
    let spec = "adapters: { a: { type: bash, cmd: 'echo hi' } }\nstages: [{ id: s, adapter: a }]\n";
    assert!(world.codes(spec).await.contains(&"UNKNOWN_ADAPTER_TYPE"));
    assert_eq!(result(&world, spec, json!({})).await["stdout"], "hi\n");
}

#[tokio::test]
async fn a_plan_that_does_not_call_the_shell_does_not_unpack_it() {
    // Its cache is cold: compiling would take many times longer.
    let world = World::new();
    let began = Instant::now();
    for spec in [
        "adapters: { a: { type: script, cmd: ls } }\nstages: [{ id: s, adapter: a }]\n",
        "stages: [{ id: s, tool_call: { name: shell, args: { cmd: ls } } }]\n",
        "stages: [{ id: s, tool_call: { name: shell, args: { command: ls } } }]\n",
    ] {
        let _ = world.plan(spec).await;
    }
    let cached = std::fs::read_dir(world.dir.path().join("home/cache")).unwrap();
    let largest = cached
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .max();
    assert!(
        largest.unwrap_or(0) < 5_000_000,
        "{largest:?} in {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_trace_of_a_script_that_failed_says_so() {
    let world = World::with_shell().await;
    let spec =
        "adapters: { a: { type: script, cmd: 'exit 2' } }\nstages: [{ id: s, adapter: a }]\n";
    let report = world.run(spec, json!({})).await.unwrap();
    let rows = world.traces(&report.run_id);
    let of_script = |row: &&armature_store::TraceRow| row.role_type == "script";
    assert!(!rows.iter().find(of_script).unwrap().success);
}

#[tokio::test]
async fn a_rule_on_the_shell_holds_for_scripts_and_vouches_for_none() {
    let world = World::with_shell().await;
    let script = "adapters: { clean: { type: script, cmd: 'echo x > out.txt' } }\nstages: [{ id: s, adapter: clean }]\n";
    let rules = [
        "safety_rules: [{ tool: shell, action: block, message: no commands }]\n",
        "safety_rules: [{ plugin: deny-pattern, tool: shell, config: { pattern: 'echo' } }]\n",
        "safety_mode: strict\nsafety_rules: [{ tool: shell, action: allow }]\n",
    ];
    for rule in rules {
        let said = failure(&world, &format!("{rule}{script}"), json!({})).await;
        assert!(said.contains("blocked"), "{rule}: {said}");
        assert_eq!(world.read("out.txt"), None, "{rule}");
    }
}
