//! What is known to be wrong before anything runs.

use armature_spec::Severity;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn an_unknown_tool_is_found_with_its_place_and_the_one_that_was_meant() {
    let world = World::new();
    let problems = world
        .plan("stages:\n  - id: a\n    tool_call: { name: file_raed, args: {} }\n")
        .await
        .unwrap_err();
    let problem = problems.errors().next().unwrap();
    assert_eq!(
        (problem.code, problem.stage.as_deref()),
        ("UNKNOWN_TOOL", Some("a"))
    );
    assert_eq!(problem.at.map(|at| at.line), Some(5));
    assert_eq!(problem.hint.as_deref(), Some("did you mean `file_read`?"));
}

#[tokio::test]
async fn everything_is_reported_at_once() {
    let world = World::new();
    let spec = r#"sandbox: { mode: docker, runtime: ./evil }
tools: [{ plugin: nowhere }, { module: myapp.tools.units }]
adapters:
  a: { type: python, fn: "missing.py:f" }
  b: { type: plugin, plugin: file }
  c: { type: plugin, plugin: text-stats, limits: { memory: 64GiB } }
safety_rules: [{ plugin: file, config: {} }]
stages:
  - { id: a, adapter: a }
  - { id: b, adapter: b }
  - { id: c, adapter: c }
  - { id: d, tool_call: { name: file_read, args: { path: x } } }
  - { id: e, role: { name: n, type: worker, description: d } }
  - { id: f, subagent_spec: missing.yml }
  - { id: g, tool_call: { name: shell, args: { cmd: ls } } }
"#;
    let codes = world.codes(spec).await;
    for code in [
        "UNKNOWN_PLUGIN",
        "UNREADABLE_SCRIPT",
        "INVALID_SANDBOX",
        "NOT_AN_ADAPTER",
        "NOT_A_RULE",
        "LIMIT_TOO_HIGH",
        "NO_MODEL",
    ] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

#[tokio::test]
async fn a_python_module_means_the_plugin_of_that_name() {
    let world = World::new();
    let spec = "tools: [{ module: myapp.tools.units }]\nstages:\n  - id: a\n    tool_call: { name: convert, args: { value: 2, from: km, to: m } }\n";
    let outputs = world.outputs(spec, serde_json::json!({})).await;
    assert_eq!(outputs["a"], 2000.0);
}

#[tokio::test]
async fn a_stage_waits_for_what_its_templates_mention_when_the_original_would_have_had_it() {
    let world = World::new();
    let spec = r#"
stages:
  - { id: a, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }
  - { id: b, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }
  - { id: c, depends_on: [b], tool_call: { name: convert, args: { value: "{{ a }}", from: m, to: km } } }
  - { id: d, tool_call: { name: file_write, args: { path: d, content: "[{{ c }}]" } } }
"#;
    let plan = world.plan(spec).await.unwrap();
    let codes: Vec<_> = plan
        .warnings()
        .iter()
        .map(|problem| (problem.code, problem.stage.as_deref()))
        .collect();
    assert_eq!(
        codes,
        [
            ("IMPLICIT_DEPENDENCY", Some("c")),
            ("UNSEEN_STAGE", Some("d"))
        ]
    );
    assert_eq!(plan.needs("c"), ["a", "b"]);
    let outputs = world.outputs(spec, serde_json::json!({})).await;
    assert_eq!(outputs["c"], 1.0);
}

#[tokio::test]
async fn a_plugin_that_asks_for_rights_and_gets_none_is_told_with_the_lines() {
    let world = World::new();
    let plan = world
        .plan("tools: [{ plugin: notes }]\nstages: []\n")
        .await
        .unwrap();
    let warning = plan
        .warnings()
        .iter()
        .find(|problem| problem.code == "UNGRANTED_REQUEST")
        .unwrap();
    assert_eq!(warning.severity, Severity::Warning);
    assert!(
        warning.hint.as_ref().unwrap().contains("kv: \"workflow\""),
        "{warning:?}"
    );
}

#[tokio::test]
async fn the_operator_can_deny_a_plugin() {
    let world = World::with("deny_plugins = [\"notes\"]\n", &[]);
    assert_eq!(
        world
            .codes("tools: [{ plugin: notes }]\nstages: []\n")
            .await,
        ["DENIED_PLUGIN"]
    );
}

#[tokio::test]
async fn written_arguments_are_checked_and_templates_are_left_to_the_run() {
    let world = World::new();
    for (args, wrong) in [
        ("{ value: 1, from: km, to: m }", None),
        ("{ value: '{{ x }}', from: '{{ y }}', to: m }", None),
        ("{ value: many, from: km, to: m }", Some("/value")),
        (
            "{ value: 1, from: km }",
            Some("\"to\" is a required property"),
        ),
        (
            "{ value: '{{ x }}', from: km }",
            Some("\"to\" is a required property"),
        ),
    ] {
        let spec =
            format!("stages:\n  - id: a\n    tool_call: {{ name: convert, args: {args} }}\n");
        match (world.plan(&spec).await, wrong) {
            (Ok(_), None) => {}
            (Err(found), Some(says)) => {
                let finding = found.errors().next().unwrap();
                assert_eq!(
                    (finding.code, found.errors().count()),
                    ("INVALID_ARGUMENTS", 1)
                );
                assert!(finding.message.contains(says), "{finding}");
                assert_eq!(finding.at.map(|at| at.line), Some(5), "{finding}");
                assert!(finding.hint.is_some());
            }
            (planned, _) => panic!("{args}: {planned:?}"),
        }
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_as_it_is_written_is_found_before_the_run() {
    let world = World::new();
    let spec = |tier: &str| {
        format!(
            "model_tiers: {{ small: {tier}, large: {{ provider: nobody, model: m }} }}\nstages:\n  - {{ id: a, role: {{ name: r, type: worker, description: d }}, output_mode: text }}\n"
        )
    };
    for (tier, says) in [
        (
            "{ provider: opnai, model: m }",
            "there is no provider `opnai`",
        ),
        ("{ provider: scripted, model: m }", "no script"),
        (
            "{ provider: scripted, model: m, script: nowhere.yml }",
            "nowhere.yml",
        ),
    ] {
        let found = world.plan(&spec(tier)).await.unwrap_err();
        let finding = found
            .errors()
            .find(|finding| finding.message.contains(says))
            .unwrap_or_else(|| panic!("{tier}: {found}"));
        assert_eq!(finding.code, "UNUSABLE_MODEL");
        assert!(finding.hint.is_some(), "{finding}");
        assert_eq!(finding.at.map(|at| at.line), Some(3), "{finding}");
    }
    // Nobody asks this one.
    let unused = "model_tiers: { large: { provider: nobody, model: m } }\nstages: [{ id: a, gate: human }]\n";
    assert!(world.plan(unused).await.is_ok());
    let own = "model_tiers: { small: { provider: nobody, model: m, api_base: 'http://localhost:1/v1' } }\nstages: [{ id: a, role: { name: r, type: worker, description: d } }]\n";
    assert!(world.plan(own).await.is_ok());
}

#[tokio::test]
async fn a_rule_about_a_tool_that_nobody_has_is_doubtful() {
    let world = World::new();
    let rule = |tool: &str| {
        format!(
            "safety_rules: [{{ tool: {tool}, action: block }}]\nadapters: {{ own: {{ type: plugin, plugin: text-stats }} }}\nstages: []\n"
        )
    };
    assert_eq!(
        world.codes(&rule("fiel_write")).await,
        ["UNKNOWN_RULE_TOOL"]
    );
    for tool in ["file_write", "'*'", "own"] {
        assert_eq!(world.codes(&rule(tool)).await, Vec::<&str>::new(), "{tool}");
    }
}

#[tokio::test]
async fn a_spec_puts_no_file_from_elsewhere_into_a_prompt() {
    let world = World::new();
    world.file("skill.md", "be brief");
    let spec = |path: &str| {
        format!(
            "model_tiers: {{ small: {{ provider: scripted, model: m, script: s.yml }} }}\nskill_library: {{ s: {{ id: s, description: d, path: '{path}' }} }}\nstages: [{{ id: m, role: {{ name: r, type: worker, description: d, skills: [s] }} }}]\n"
        )
    };
    world.file("s.yml", "replies: [{ text: x }]\n");
    assert!(
        !world
            .codes(&spec("skill.md"))
            .await
            .contains(&"UNREADABLE_SKILL")
    );
    // The last one would never come to an end.
    for path in ["/etc/hostname", "../../../etc/hostname", "/dev/zero"] {
        let codes = world.codes(&spec(path)).await;
        assert!(codes.contains(&"UNREADABLE_SKILL"), "{path}: {codes:?}");
    }
}

#[tokio::test]
async fn no_server_of_tools_is_started_while_nobody_can_call_it_and_that_is_said() {
    let world = World::new();
    let mark = world.dir.path().join("started");
    let spec = format!(
        "mcp_servers: [{{ name: s, transport: stdio, command: touch, args: ['{}'] }}]\nstages: [{{ id: w, tool_call: {{ name: file_write, args: {{ path: x, content: y }} }} }}]\n",
        mark.display()
    );
    assert_eq!(world.codes(&spec).await, ["NOT_YET"]);
    world.outputs(&spec, json!({})).await;
    assert_eq!(world.read("x").as_deref(), Some("y"));
    assert!(!mark.exists(), "no session was opened that nothing closes");
}
