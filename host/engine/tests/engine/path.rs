//! The one path of a call, whoever takes it.

use std::sync::Arc;

use armature_engine::{
    Answer, Builtin, CallRequest, Engine, EngineConfig, Failure, GateAnswer, RunError,
};
use armature_grants::{LimitRequest, Policy};
use armature_store::Event;
use serde_json::json;

use crate::world::{BUILTINS, Person, World};

const WRITE: &str = r#"
stages:
  - id: write
    tool_call: { name: file_write, args: { path: out/a.txt, content: "{{ text }}" } }
"#;

#[tokio::test]
async fn a_tool_call_stage_writes_into_the_workspace_and_leaves_a_trace() {
    let world = World::new();
    let report = world.run(WRITE, json!({"text": "hello"})).await.unwrap();
    assert_eq!(report.outputs["write"], json!({"written": "out/a.txt"}));
    assert_eq!(world.read("out/a.txt").as_deref(), Some("hello"));
    let rows = world.traces(&report.run_id);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (
            rows[0].kind.as_str(),
            rows[0].success,
            rows[0].plugin.as_deref()
        ),
        ("tool_call", true, Some("file"))
    );
    assert!(
        rows[0].fuel > Some(0) && rows[0].host_calls > Some(0) && rows[0].memory_peak > Some(0)
    );
    assert_eq!(
        world.watcher.names(),
        [
            "run_start -",
            "stage_start write",
            "tool_intent write",
            "tool_result write",
            "stage_complete write",
            "run_summary -",
            "run_complete -"
        ]
    );
}

#[tokio::test]
async fn the_run_is_its_event_log() {
    let world = World::new();
    let report = world.run(WRITE, json!({"text": "hello"})).await.unwrap();
    let last = world.engine.last_result("test").unwrap().unwrap();
    assert_eq!(last.run_id, report.run_id);
    assert_eq!(last.results["write"], report.outputs["write"]);
}

#[tokio::test]
async fn a_value_that_looks_like_a_template_or_a_number_stays_text() {
    let world = World::new();
    for text in [
        "{{ 7*7 }}",
        "123",
        "[1, 2]",
        "say \"hi\"\nstages: []",
        "{% for",
    ] {
        world.outputs(WRITE, json!({"text": text})).await;
        assert_eq!(world.read("out/a.txt").as_deref(), Some(text));
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_the_schema_never_reach_the_tool() {
    let world = World::new();
    let spec = "stages:\n  - id: r\n    tool_call: { name: convert, args: { value: '{{ words }}', from: km, to: m } }\n";
    let error = world.run(spec, json!({"words": "many"})).await.unwrap_err();
    assert!(
        matches!(error.failure(), Some(Failure::Arguments { .. })),
        "{error}"
    );
    assert_eq!(world.watcher.count("tool_intent"), 0);
}

#[tokio::test]
async fn the_same_rule_blocks_a_stage_a_model_an_adapter_and_a_person() {
    let rule = "safety_rules:\n  - { tool: \"*\", condition: { field: path, op: contains, value: secret }, action: block, message: not there }\n";
    let world = World::new();

    let stage = format!(
        "{rule}stages:\n  - id: r\n    tool_call: {{ name: file_read, args: {{ path: 'a/{{{{ what }}}}.txt' }} }}\n"
    );
    let error = world
        .run(&stage, json!({"what": "secret"}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `r` failed: Tool 'file_read' blocked: not there"
    );

    let adapter = format!(
        "{rule}adapters:\n  stats: {{ type: plugin, plugin: text-stats, args: {{ text: x, path: secret }} }}\nstages:\n  - {{ id: s, adapter: stats }}\n"
    );
    let error = world.run(&adapter, json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "stage `s` failed: Tool 'stats' blocked: not there"
    );

    world.file(
        "script.yml",
        "replies:\n  - { turn: 1, tool_calls: [{ name: file_read, arguments: { path: secret.txt } }] }\n  - { turn: 2, contains: not there, text: I was not allowed. }\n",
    );
    let model = format!(
        "{rule}model_tiers: {{ small: {{ provider: scripted, model: m, script: script.yml }} }}\nstages:\n  - id: m\n    role: {{ name: r, type: worker, description: d, tools: [file_read] }}\n"
    );
    let report = world.run(&model, json!({})).await.unwrap();
    assert_eq!(
        report.outputs["m"],
        json!({"content": "I was not allowed."})
    );
    assert_eq!(report.summary.rogue_signals, 1);
    let verdicts = world
        .watcher
        .all()
        .into_iter()
        .filter(|event| matches!(event, Event::RuleVerdict(_)))
        .count();
    assert_eq!(verdicts, 3, "each block was written down");
}

#[tokio::test]
async fn a_rule_plugin_sees_the_rendered_arguments_and_blocks() {
    let world = World::new();
    let spec = r#"
safety_rules:
  - { plugin: deny-pattern, tool: file_write, config: { pattern: "rm +-rf", message: no deleting } }
stages:
  - id: w
    tool_call: { name: file_write, args: { path: a.sh, content: "rm {{ flags }} /" } }
"#;
    world.outputs(spec, json!({"flags": "-i"})).await;
    let error = world.run(spec, json!({"flags": "-rf"})).await.unwrap_err();
    assert!(
        matches!(error.failure(), Some(Failure::Blocked { .. })),
        "{error}"
    );
    assert_eq!(world.read("a.sh").as_deref(), Some("rm -i /"));
}

#[tokio::test]
async fn strict_mode_needs_an_allow_rule() {
    let world = World::new();
    let strict = format!("safety_mode: strict\n{WRITE}");
    let error = world.run(&strict, json!({"text": "x"})).await.unwrap_err();
    assert!(error.to_string().contains("safety_mode"), "{error}");
    assert_eq!(world.read("out/a.txt"), None);
    let allowed =
        format!("safety_rules: [{{ tool: file_write, action: allow, message: '' }}]\n{strict}");
    world.outputs(&allowed, json!({"text": "x"})).await;
}

#[tokio::test]
async fn an_approval_is_asked_with_the_digest_of_exactly_this_call() {
    let world = World::new();
    let spec = format!(
        "safety_rules: [{{ tool: file_write, action: require_approval, message: look }}]\n{WRITE}"
    );
    let mut digests = Vec::new();
    for text in ["one", "two", "one"] {
        let person = Person::new(Answer::Approved, GateAnswer::Unavailable);
        let mut request = world.request(json!({"text": text}));
        request.approver = person.clone();
        world.run_with(&spec, request).await.unwrap();
        let asked = person.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].args["content"], text);
        digests.push(asked[0].digest.clone());
    }
    assert_eq!(digests[0], digests[2]);
    assert_ne!(digests[0], digests[1]);
}

#[tokio::test]
async fn calls_that_look_alike_to_a_person_have_different_digests() {
    let world = World::with("", &[("KEY", "open-sesame")]);
    let rules =
        "safety_rules: [{ tool: '*', action: require_approval, message: look }]\n".to_owned();
    let ask = async |spec: String, inputs| {
        let person = Person::new(Answer::Approved, GateAnswer::Unavailable);
        let mut request = world.request(inputs);
        request.approver = person.clone();
        world.run_with(&spec, request).await.unwrap();
        let asked = person.asked.lock().unwrap();
        asked
            .iter()
            .map(|ask| (ask.args.clone(), ask.digest.clone()))
            .collect::<Vec<_>>()
    };
    // The value of a secret, and the text that stands in its place.
    let write = "stages:\n  - { id: w, tool_call: { name: file_write, args: { path: a, content: '{{ text }}' } } }\n  - { id: k, condition: 'false', tool_call: { name: file_write, args: { path: '{{ env.KEY }}', content: x } } }\n";
    let value = ask(format!("{rules}{write}"), json!({"text": "open-sesame"})).await;
    let mark = ask(format!("{rules}{write}"), json!({"text": "[secret KEY]"})).await;
    assert_eq!(value[0].0, mark[0].0);
    assert_ne!(value[0].1, mark[0].1);
    // An adapter that sees something else.
    let adapter = format!(
        "{rules}adapters: {{ stats: {{ type: plugin, plugin: text-stats, args: {{ text: x }} }} }}\nstages:\n  - {{ id: s, adapter: stats }}\n"
    );
    let one = ask(adapter.clone(), json!({"seen": 1})).await;
    let two = ask(adapter, json!({"seen": 2})).await;
    assert_eq!(one[0].0, two[0].0);
    assert_ne!(one[0].1, two[0].1);
    // Two items.
    let items = format!(
        "{rules}stages:\n  - id: f\n    fan_out: 2\n    partition_source: '{{{{ list }}}}'\n    tool_call: {{ name: file_write, args: {{ path: a, content: x }} }}\n"
    );
    let asked = ask(items, json!({"list": [1, 2]})).await;
    assert_eq!(asked[0].0, asked[1].0);
    assert_ne!(asked[0].1, asked[1].1);
}

#[tokio::test]
async fn without_an_approval_nothing_happens() {
    let world = World::new();
    let spec = format!(
        "safety_rules: [{{ tool: file_write, action: require_approval, message: look }}]\n{WRITE}"
    );
    let error = async |answer| {
        let mut request = world.request(json!({"text": "x"}));
        request.approver = Person::new(answer, GateAnswer::Unavailable);
        let error = world.run_with(&spec, request).await.unwrap_err();
        assert!(error.hint().is_some());
        error
    };
    let refused = error(Answer::Refused).await;
    let why = refused.failure();
    assert!(
        matches!(why, Some(Failure::NotApproved { .. })),
        "{refused}"
    );
    let waits = error(Answer::Unavailable).await;
    assert!(matches!(waits, RunError::Parked { .. }), "{waits}");
    assert_eq!(world.read("out/a.txt"), None);
    assert_eq!(world.watcher.count("tool_intent"), 0);
}

#[tokio::test]
async fn a_stage_narrows_what_its_tool_may_do_and_the_refusal_names_the_line() {
    let world = World::new();
    let spec = r#"
stages:
  - id: w
    grants: { fs: { write: [out] } }
    tool_call: { name: file_write, args: { path: "{{ path }}", content: x } }
"#;
    world.outputs(spec, json!({"path": "out/x"})).await;
    let error = world
        .run(spec, json!({"path": "elsewhere/x"}))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("elsewhere/x")
            || error.hint().is_some_and(|h| h.contains("elsewhere/x")),
        "{error}"
    );
    assert_eq!(world.read("elsewhere/x"), None);
    assert_eq!(world.watcher.count("denied"), 1);
}

#[tokio::test]
async fn the_operators_policy_is_a_ceiling() {
    let world = World::with("[plugins.file]\nfs = { read = [\".\"] }\n", &[]);
    let error = world.run(WRITE, json!({"text": "x"})).await.unwrap_err();
    assert!(
        error.to_string().contains("denied") || error.to_string().contains("policy"),
        "{error}"
    );
    assert_eq!(world.read("out/a.txt"), None);
}

#[tokio::test]
async fn a_tool_can_be_called_outside_a_workflow() {
    let world = World::new();
    let call = |tool: &str, args| CallRequest {
        plugin: "units".into(),
        tool: tool.into(),
        args,
        grants: None,
        limits: LimitRequest::default(),
        run: world.request(json!({})),
    };
    let tools: Vec<String> = world
        .engine
        .sandbox()
        .tools(world.engine.plugins().get("units").unwrap())
        .await
        .unwrap()
        .iter()
        .map(|t| t.name.to_string())
        .collect();
    assert!(tools.contains(&"convert".to_owned()), "{tools:?}");
    let value = world
        .engine
        .call_tool(call(
            "convert",
            json!({"value": 1.0, "from": "km", "to": "m"}),
        ))
        .await
        .unwrap();
    assert_eq!(value, json!(1000.0));
    let error = world
        .engine
        .call_tool(call("convret", json!({})))
        .await
        .unwrap_err();
    assert!(
        error.hint().is_some_and(|hint| hint.contains("convert")),
        "{error}"
    );
    let error = world
        .engine
        .call_tool(call("convert", json!({"value": "x"})))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("wrong"), "{error}");
}

#[tokio::test]
async fn an_adapter_calls_a_tool_only_when_it_is_granted_and_on_the_same_path() {
    let world = World::new();
    let spec = |grants: &str, rules: &str| {
        format!(
            "{rules}\nadapters:\n  outline: {{ type: plugin, plugin: outline, args: {{ text: \"# One\", save_to: out.md }}{grants} }}\nstages:\n  - {{ id: o, adapter: outline }}\n"
        )
    };
    let error = world.run(&spec("", ""), json!({})).await.unwrap_err();
    assert!(error.to_string().contains("file_write"), "{error}");
    assert_eq!(world.read("out.md"), None);

    let granted = ", grants: { tools: [file_write] }";
    let report = world.run(&spec(granted, ""), json!({})).await.unwrap();
    assert!(world.read("out.md").is_some());
    let rows = world.traces(&report.run_id);
    let callers: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row.kind.as_str(), row.caller.as_str()))
        .collect();
    assert_eq!(callers, [("tool", "adapter"), ("script", "stage")]);

    let rule = "safety_rules: [{ tool: file_write, action: block, message: not that }]";
    let error = world
        .run(&spec(granted, rule), json!({}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not that"), "{error}");
}

#[tokio::test]
async fn an_optional_argument_that_is_null_is_left_out_and_a_required_one_is_missed() {
    let world = World::new();
    let spec = "tools: [{ plugin: notes, grants: { kv: run } }]\nstages:\n  - { id: n, tool_call: { name: note_add, args: { text: '{{ text }}', tags: '{{ tags }}' } } }\n";
    world.outputs(spec, json!({"text": "tea"})).await;
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(
        matches!(error.failure(), Some(Failure::Arguments { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_outside_a_workflow_stands_in_the_log_and_may_call_what_it_is_granted() {
    let world = World::new();
    let grants = serde_json::from_value(json!({"kv": "workflow"})).unwrap();
    let request = CallRequest {
        plugin: "notes".into(),
        tool: "note_add".into(),
        args: json!({"text": "tea"}),
        grants: Some(grants),
        limits: LimitRequest::default(),
        run: world.request(json!({})),
    };
    world.engine.call_tool(request.clone()).await.unwrap();
    let names = world.watcher.names();
    let names: Vec<&str> = names
        .iter()
        .map(|name| name.trim())
        .filter(|name| *name != "plugin_log")
        .collect();
    assert_eq!(
        names,
        [
            "run_start -",
            "tool_intent",
            "tool_result",
            "run_complete -"
        ]
    );
    let error = world
        .engine
        .call_tool(CallRequest {
            grants: None,
            ..request
        })
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("kv") || error.hint().is_some_and(|hint| hint.contains("kv")),
        "{error}"
    );
}

#[tokio::test]
async fn a_spending_cap_counts_the_calls_before_this_one() {
    let world = World::new();
    let spec = |cap: u32| {
        format!(
            "safety_rules: [{{ plugin: spending-cap, config: {{ max_tool_calls: {cap} }} }}]\nstages:\n  - {{ id: a, tool_call: {{ name: file_read, args: {{ path: x }} }} }}\n  - {{ id: b, depends_on: [a], tool_call: {{ name: file_read, args: {{ path: x }} }} }}\n"
        )
    };
    world.outputs(&spec(2), json!({})).await;
    let error = world.run(&spec(1), json!({})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("stage `b` failed: Tool 'file_read' blocked"),
        "{error}"
    );
}

#[tokio::test]
async fn a_built_in_that_is_given_nothing_may_do_nothing() {
    let world = World::new();
    let spec = format!("tools: [{{ plugin: file, grants: {{}} }}]\n{WRITE}");
    let error = world.run(&spec, json!({"text": "x"})).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not granted: fs write out/a.txt"),
        "{error}"
    );
    assert_eq!(world.read("out/a.txt"), None);
    let call = CallRequest {
        plugin: "file".into(),
        tool: "file_write".into(),
        args: json!({"path": "out/a.txt", "content": "x"}),
        grants: Some(Default::default()),
        limits: LimitRequest::default(),
        run: world.request(json!({})),
    };
    world.engine.call_tool(call).await.unwrap_err();
    world
        .outputs(
            &format!("tools: [{{ plugin: file }}]\n{WRITE}"),
            json!({"text": "x"}),
        )
        .await;
}

#[tokio::test]
async fn an_adapter_that_keeps_values_has_effects_outside() {
    let mut world = World::new();
    let kept = Builtin {
        manifest: concat!(
            include_str!("../../../../plugins/text-stats/plugin.toml"),
            "\n[requests]\nkv = \"run\"\n"
        ),
        ..BUILTINS
            .iter()
            .find(|builtin| builtin.manifest.contains("text-stats"))
            .copied()
            .unwrap()
    };
    world.engine = Engine::open(EngineConfig {
        home: world.dir.path().join("other"),
        plugin_dirs: Vec::new(),
        policy: Policy::default(),
        environment: Arc::new(|_| None),
        persist: true,
        builtins: vec![kept],
    })
    .unwrap();
    for (grants, expected) in [("{ kv: run }", true), ("{}", false)] {
        let spec = format!(
            "adapters:\n  stats: {{ type: plugin, plugin: text-stats, args: {{ text: x }}, grants: {grants} }}\nstages:\n  - {{ id: s, adapter: stats }}\n"
        );
        world.watcher = Arc::default();
        world.outputs(&spec, json!({})).await;
        let outside: Vec<bool> = world
            .watcher
            .all()
            .iter()
            .filter_map(|event| match event {
                Event::ToolIntent(intent) => Some(intent.outside),
                _ => None,
            })
            .collect();
        assert_eq!(outside, [expected], "{grants}");
    }
}

#[tokio::test]
async fn a_limit_that_the_operator_set_is_said_to_be_the_operators() {
    let spec = "stages: [{ id: w, tool_call: { name: file_write, args: { path: x, content: more than five } } }]";
    let world = World::with("[limits]\nfile_written = 5\n", &[]);
    let error = world.run(spec, json!({})).await.unwrap_err();
    assert!(error.to_string().contains("`file_written`"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("policy.toml"), "{hint}");
    assert!(!hint.contains("in the spec"), "{hint}");
}
