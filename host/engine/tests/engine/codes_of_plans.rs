//! One spec for each code of the engine's table, wrong in that way, and its nearest neighbour that is not.

use std::collections::BTreeSet;

use armature_engine::PlanCode;
use armature_grants::RunLimit;
use armature_tests::Guest;

use crate::world::World;

/// Code, a spec that has it, and the nearest one that has not.
const CASES: &[(PlanCode, &str, &str)] = &[
    (
        PlanCode::UnknownPlugin,
        "tools: [{ plugin: nowhere }]\nstages: []",
        "tools: [{ plugin: units }]\nstages: []",
    ),
    (
        PlanCode::DeniedPlugin,
        "tools: [{ plugin: spending-cap }]\nstages: []",
        "tools: [{ plugin: units }]\nstages: []",
    ),
    (
        PlanCode::UnknownTool,
        "stages: [{ id: a, tool_call: { name: conver } }]",
        "stages: [{ id: a, tool_call: { name: convert, args: { value: 1, from: km, to: m } } }]",
    ),
    (
        PlanCode::NotAnAdapter,
        "adapters: { b: { type: plugin, plugin: file } }\nstages: [{ id: a, adapter: b }]",
        "adapters: { b: { type: plugin, plugin: text-stats } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::NotARule,
        "safety_rules: [{ plugin: file }]\nstages: []",
        "safety_rules: [{ plugin: deny-pattern, config: { patterns: [x] } }]\nstages: []",
    ),
    (
        PlanCode::LimitTooHigh,
        "adapters: { b: { type: plugin, plugin: text-stats, limits: { memory: 64GiB } } }\nstages: [{ id: a, adapter: b }]",
        "adapters: { b: { type: plugin, plugin: text-stats, limits: { memory: 64MiB } } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::DeniedSandbox,
        "sandbox: { mode: docker, image: other }\nadapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
        "sandbox: { mode: docker, image: listed }\nadapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::InvalidSandbox,
        "sandbox: { mode: docker, image: listed, runtime: ./docker }\nadapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
        "sandbox: { mode: docker, image: listed, runtime: podman }\nadapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::HostShell,
        "sandbox: { mode: none }\nadapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
        "adapters: { b: { type: script, cmd: ls } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::UnreadableScript,
        "adapters: { b: { type: python, fn: 'no.py:f' } }\nstages: [{ id: a, adapter: b }]",
        "adapters: { b: { type: plugin, plugin: text-stats } }\nstages: [{ id: a, adapter: b }]",
    ),
    (
        PlanCode::NotYet,
        "mcp_servers: [{ name: s, transport: stdio, command: c }]\nstages: []",
        "mcp_servers: []\nstages: []",
    ),
    (
        PlanCode::NotYet,
        "stages: [{ id: a, gate: human, evaluate: [is kind] }]",
        "stages: [{ id: a, gate: human }]",
    ),
    (
        PlanCode::ImplicitDependency,
        "stages:\n- { id: a, gate: human }\n- { id: b, gate: human }\n- { id: c, depends_on: [b], gate: human, present: '{{ a }}' }",
        "stages:\n- { id: a, gate: human }\n- { id: b, gate: human }\n- { id: c, depends_on: [a, b], gate: human, present: '{{ a }}' }",
    ),
    (
        PlanCode::UnseenStage,
        "stages:\n- { id: a, gate: human }\n- { id: b, gate: human, present: '{{ a }}' }",
        "stages:\n- { id: a, gate: human }\n- { id: b, depends_on: [a], gate: human, present: '{{ a }}' }",
    ),
    (
        PlanCode::UnreadableSkill,
        "model_tiers: { small: { provider: ollama, model: m } }\nskill_library: { s: { id: s, description: d, path: nowhere.md } }\nstages: [{ id: a, role: { type: worker, description: d, skills: [s] } }]",
        "model_tiers: { small: { provider: ollama, model: m } }\nskill_library: { s: { id: s, description: d, content: c } }\nstages: [{ id: a, role: { type: worker, description: d, skills: [s] } }]",
    ),
    (
        PlanCode::UnreadableSubagent,
        "stages: [{ id: a, subagent_spec: nowhere.yml }]",
        "stages: [{ id: a, subagent_spec: child.yml }]",
    ),
    (
        PlanCode::CircularSubagent,
        "stages: [{ id: a, subagent_spec: circle.yml }]",
        "stages: [{ id: a, subagent_spec: child.yml }]",
    ),
    (
        PlanCode::RecursiveSubagent,
        "stages: [{ id: a, subagent_spec: spiral.yml }]",
        "stages: [{ id: a, subagent_spec: child.yml, condition: '{{ x }}' }]",
    ),
    (
        PlanCode::InvalidArguments,
        "stages: [{ id: a, tool_call: { name: file_read, args: { path: [x] } } }]",
        "stages: [{ id: a, tool_call: { name: file_read, args: { path: x } } }]",
    ),
    (
        PlanCode::InvalidDefault,
        "contracts: { inputs: [{ name: n, type: integer, default: many }] }\nstages: []",
        "contracts: { inputs: [{ name: n, type: integer, default: '3' }] }\nstages: []",
    ),
    (
        PlanCode::UnusableModel,
        "model_tiers: { small: { provider: nobody, model: m } }\nstages: [{ id: a, role: { type: worker, description: d } }]",
        "model_tiers: { small: { provider: ollama, model: m } }\nstages: [{ id: a, role: { type: worker, description: d } }]",
    ),
    (
        PlanCode::UnknownRuleTool,
        "safety_rules: [{ tool: nothing, action: block }]\nstages: []",
        "safety_rules: [{ tool: file_read, action: block }]\nstages: []",
    ),
    (
        PlanCode::UnplaceableSecret,
        "stages: [{ id: a, tool_call: { name: http_get, args: { url: '{{ where }}', headers: { X: '{{ env.KEY }}' } } } }]",
        "stages: [{ id: a, tool_call: { name: http_get, args: { url: 'https://a.com/', headers: { X: '{{ env.KEY }}' } } } }]",
    ),
    (
        PlanCode::NoModel,
        "stages: [{ id: a, role: { type: worker, description: d } }]",
        "model_tiers: { small: { provider: ollama, model: m } }\nstages: [{ id: a, role: { type: worker, description: d } }]",
    ),
    (
        PlanCode::UngrantedRequest,
        "tools: [{ plugin: notes }]\nstages: []",
        "tools: [{ plugin: notes, grants: { kv: workflow } }]\nstages: []",
    ),
];

/// Codes whose cases need more than a spec, and the test that has one.
const ELSEWHERE: &[(PlanCode, &str)] = &[
    (
        PlanCode::UnusablePlugin,
        "below, with a plugin that does not answer",
    ),
    (
        PlanCode::AmbiguousTool,
        "below, with two plugins that have one tool",
    ),
    (
        PlanCode::InvalidToolSchema,
        "below, with a plugin whose schema is none",
    ),
    (
        PlanCode::TooManyStages,
        "below, with a spec that is written by the test",
    ),
    (
        PlanCode::WorkspaceInHome,
        "a workspace in the home: reserved.rs",
    ),
    (PlanCode::UnreadableAgent, "agents.rs"),
    (PlanCode::AgentSkillShadowed, "agents.rs"),
    (PlanCode::SrcFileNotFound, "layers.rs"),
    (
        PlanCode::CircularUse,
        "src/plan/order.rs: validation of the spec refuses circles first",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_code_of_a_plan_is_found_with_what_to_do_and_not_in_the_nearest_neighbour() {
    let world = World::with(
        "deny_plugins = [\"spending-cap\"]\n[sandbox]\nallow = [\"docker\", \"none\"]\nimages = [\"listed\"]\n",
        &[],
    );
    world.file("child.yml", "name: child\nstages: []\n");
    world.file(
        "circle.yml",
        "name: circle\nstages: [{ id: a, subagent_spec: circle.yml }]\n",
    );
    world.file(
        "spiral.yml",
        "name: spiral\nstages: [{ id: a, subagent_spec: spiral.yml, condition: '{{ more }}' }]\n",
    );
    for (code, wrong, right) in CASES {
        is_found(&world, *code, wrong, right).await;
    }
}

/// One spec has it, with what to do, and the other has not.
async fn is_found(world: &World, code: PlanCode, wrong: &str, right: &str) {
    let found = match world.plan(wrong).await {
        Ok(plan) => plan.warnings().to_vec(),
        Err(found) => found.0,
    };
    // A spec may be longer than anybody wants to see.
    let shown = |spec: &str| spec.chars().take(1000).collect::<String>();
    let finding = found
        .iter()
        .find(|finding| finding.code == code)
        .unwrap_or_else(|| panic!("{code} is not found in:\n{}\n{found:#?}", shown(wrong)));
    assert_eq!(finding.severity, code.severity(), "{finding}");
    assert!(finding.at.is_some_and(|at| at.line >= 2), "{finding:?}");
    assert!(
        finding.file.is_some() && finding.hint.is_some(),
        "{finding:?}"
    );
    let codes = world.codes(right).await;
    assert!(
        !codes.contains(&code.as_str()),
        "{code} is found in:\n{}",
        shown(right)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_plugins_is_found_in_the_spec_that_uses_them() {
    let schema = br#"{"type":"objekt"}"#;
    let length = schema.len();
    let odd = format!(
        "(drop (call $one_tool)) (i32.store (i32.const 416) (i32.const 2048))
         (i32.store (i32.const 420) (i32.const {length})) (i32.const 256)"
    );
    let world = World::with_plugins(&[
        ("echo", Guest::echo().build()),
        ("again", Guest::tool("(call $null)").build()),
        ("mute", Guest::echo().listing("unreachable").build()),
        (
            "odd",
            Guest::echo().data(2048, schema).listing(&odd).build(),
        ),
    ]);
    let using = |plugins: &[&str]| {
        let entries: Vec<String> = plugins
            .iter()
            .map(|name| format!("{{ plugin: {name} }}"))
            .collect();
        format!(
            "tools: [{}]\nstages: [{{ id: a, tool_call: {{ name: t }} }}]",
            entries.join(", ")
        )
    };
    let right = using(&["echo"]);
    for (code, plugins) in [
        (PlanCode::UnusablePlugin, ["echo", "mute"].as_slice()),
        (PlanCode::AmbiguousTool, ["echo", "again"].as_slice()),
        (PlanCode::InvalidToolSchema, ["odd"].as_slice()),
    ] {
        is_found(&world, code, &using(plugins), &right).await;
    }
    assert_eq!(world.codes(&right).await, [""; 0]);
}

#[tokio::test]
async fn a_spec_of_more_stages_than_there_may_be_is_refused_before_any_is_looked_at() {
    let most = usize::try_from(RunLimit::amount_of("stages")).unwrap();
    let of = |count: usize| {
        let stages: String = (0..count)
            .map(|number| format!("- {{ id: s{number}, gate: human }}\n"))
            .collect();
        format!("stages:\n{stages}")
    };
    is_found(
        &World::new(),
        PlanCode::TooManyStages,
        &of(most + 1),
        &of(2),
    )
    .await;
}

#[test]
fn no_code_of_a_plan_is_without_a_case() {
    let covered = CASES.iter().map(|(code, ..)| *code);
    let elsewhere = ELSEWHERE.iter().map(|(code, _)| *code);
    let covered: BTreeSet<PlanCode> = covered.chain(elsewhere).collect();
    let all: BTreeSet<PlanCode> = PlanCode::ALL.iter().copied().collect();
    assert_eq!(covered, all);
}
