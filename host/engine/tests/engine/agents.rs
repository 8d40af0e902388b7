//! Agents: roles in files of their own, with their skills and rules.

use serde_json::json;

use crate::world::World;

const SPEC: &str = r#"
model_tiers: { small: { provider: scripted, model: m, script: script.yml } }
agent_library: { scribe: { path: agents/scribe/agent.yml, version: "2.1" } }
stages:
  - { id: a, agent: scribe }
"#;

const AGENT: &str = r#"
name: Scribe
role: { type: worker, description: "Write about {{ topic }}.", tools: [file_write], skills: [plain, brief] }
skill_library:
  plain: { id: plain, description: Plain words, path: plain.md }
  brief: { id: brief, description: Be brief, content: Ten words at most. }
safety_rules:
  - { tool: file_write, condition: { field: path, op: equals, value: x.txt }, action: block, message: only below out/ }
  - { tool: "*", action: allow }
"#;

fn world() -> World {
    let world = World::new();
    world.file(
        "script.yml",
        "replies:\n  - { turn: 1, tool_calls: [{ name: file_write, arguments: { path: x.txt, content: y } }] }\n  - { turn: 2, text: done }\n",
    );
    world.file("agents/scribe/agent.yml", AGENT);
    world.file("agents/scribe/plain.md", "Short words, short sentences.");
    world
}

#[tokio::test]
async fn a_stage_with_an_agent_has_its_role_its_skills_and_its_rules() {
    let world = world();
    let (outputs, prompts) = world.prompts(SPEC, json!({"topic": "tea"})).await;
    assert_eq!(outputs["a"], json!({"content": "done"}));
    let system = prompts[0]["system_prompt"].as_str().unwrap();
    for text in [
        "Write about tea.",
        "Short words, short sentences.",
        "Ten words at most.",
    ] {
        assert!(system.contains(text), "{system}");
    }
    assert_eq!(prompts[0]["role_name"], "scribe");
    assert_eq!(world.read("x.txt"), None, "the agent's rule holds");
    let run = armature_store::RunId::new(outputs["run_id"].as_str().unwrap()).unwrap();
    let rows = world.traces(&run);
    let row = rows.iter().find(|row| row.kind == "llm").unwrap();
    assert_eq!(row.agent_id.as_deref(), Some("scribe"));
    assert_eq!(row.agent_version.as_deref(), Some("2.1"));
}

#[tokio::test]
async fn an_agents_rules_hold_for_the_whole_workflow_and_what_it_allows_is_not_allowed() {
    let world = world();
    let spec = format!(
        "safety_mode: strict\n{SPEC}  - {{ id: w, fail_as_value: true, tool_call: {{ name: file_write, args: {{ path: x.txt, content: y }} }} }}\n  - {{ id: o, fail_as_value: true, tool_call: {{ name: file_write, args: {{ path: out/x.txt, content: y }} }} }}\n"
    );
    let outputs = world.outputs(&spec, json!({"topic": "tea"})).await;
    let reason = |stage: &str| {
        outputs[stage]["_failed_reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(reason("w").contains("only below out/"), "{}", reason("w"));
    assert!(reason("o").contains("strict"), "{}", reason("o"));
}

#[tokio::test]
async fn the_specs_own_skill_wins_and_that_is_told() {
    let world = world();
    let spec = format!(
        "skill_library: {{ brief: {{ id: brief, description: B, content: As long as you like. }} }}\n{SPEC}"
    );
    assert!(world.codes(&spec).await.contains(&"AGENT_SKILL_SHADOWED"));
    let (_, prompts) = world.prompts(&spec, json!({"topic": "tea"})).await;
    let system = prompts[0]["system_prompt"].as_str().unwrap();
    assert!(
        system.contains("As long as you like.") && !system.contains("Ten words"),
        "{system}"
    );
}

#[tokio::test]
async fn an_agents_file_is_in_the_specs_directory_links_followed() {
    let world = World::new();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(
        elsewhere.path().join("agent.yml"),
        "role: { type: worker, description: d }",
    )
    .unwrap();
    std::fs::create_dir_all(world.dir.path().join("agents/scribe")).unwrap();
    std::os::unix::fs::symlink(
        elsewhere.path().join("agent.yml"),
        world.dir.path().join("agents/scribe/agent.yml"),
    )
    .unwrap();
    let problems = world.plan(SPEC).await.unwrap_err().to_string();
    assert!(
        problems.contains("UNREADABLE_AGENT") && problems.contains("it is not in"),
        "{problems}"
    );
}

#[tokio::test]
async fn what_is_wrong_in_an_agents_file_is_shown_where_it_is() {
    let world = world();
    world.file(
        "agents/scribe/agent.yml",
        "role: { type: boss, description: d }\ncolour: red\n",
    );
    let problems = world.plan(SPEC).await.unwrap_err().to_string();
    assert!(
        problems.contains("agent.yml:1:15: error[INVALID_VALUE]"),
        "{problems}"
    );
    assert!(
        problems.contains("agent.yml:2:1: warning[UNKNOWN_KEY]"),
        "{problems}"
    );
}

#[tokio::test]
async fn an_agent_that_was_changed_makes_another_plan() {
    let world = world();
    let before = *world.plan(SPEC).await.unwrap().digest();
    world.file(
        "agents/scribe/agent.yml",
        &AGENT.replace("Ten words", "Five words"),
    );
    assert_ne!(*world.plan(SPEC).await.unwrap().digest(), before);
}
