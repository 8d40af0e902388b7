//! One path: a rule that blocks a tool blocks it for everybody.

use crate::project::Project;

const SPEC: &str = r#"
name: four-callers
safety_rules:
RULE
adapters:
  outline: { name: outline, type: plugin, plugin: outline, args: { text: Tea is green., save_to: forbidden/adapter.md } }
tools:
  - plugin: outline
    grants: { tools: [file_write] }
  - plugin: notes
    grants: { kv: run, tools: [file_write] }
model_tiers:
  small: { provider: scripted, model: scripted, script: model.yml }
stages:
  - id: by_stage
    tool_call: { name: file_write, args: { path: forbidden/stage.md, content: x } }
    fail_as_value: true
  - id: by_model
    role: { name: Writer, type: worker, description: Write it down., tools: [file_write] }
    fail_as_value: true
  - id: by_adapter
    adapter: outline
    fail_as_value: true
  - id: by_plugin
    tool_call: { name: note_export, args: { path: forbidden/plugin.md } }
    fail_as_value: true
"#;

const MODEL: &str = r"
- stage: by_model
  turn: 1
  tool_calls: [{ name: file_write, arguments: { path: forbidden/model.md, content: x } }]
- stage: by_model
  turn: 2
  text: It was not allowed.
";

const DSL: &str = "  - { tool: file_write, condition: { field: path, op: contains, value: forbidden }, action: block, message: keep out }";
const COMPONENT: &str = "  - { plugin: deny-pattern, tool: file_write, config: { pattern: ^forbidden/, message: keep out } }";

fn project(rule: &str) -> Project {
    let project = Project::new();
    project.install("outline").install("notes");
    project
        .write("spec.yml", &SPEC.replace("RULE", rule))
        .write("model.yml", MODEL);
    project
}

#[test]
fn a_rule_blocks_a_tool_for_a_stage_a_model_an_adapter_and_another_plugin() {
    for rule in [DSL, COMPONENT] {
        let project = project(rule);
        let said = project.run(&["run", "spec.yml", "-q"]);
        let result = said.json();
        for stage in ["by_stage", "by_adapter", "by_plugin"] {
            assert_eq!(
                result[stage]["_failed"], true,
                "{stage} with {rule}: {result}"
            );
            let reason = result[stage]["_failed_reason"].as_str().unwrap();
            assert!(reason.contains("keep out"), "{stage}: {reason}");
        }
        assert_eq!(result["by_model"]["content"], "It was not allowed.");
        assert!(
            !project.path("work/forbidden").exists(),
            "something was written with {rule}"
        );
        let shown = project.run(&["run", "spec.yml"]).all();
        assert!(shown.contains("4 blocked"), "{shown}");
    }
}

#[test]
fn without_the_rule_the_same_four_callers_write() {
    let project = project("  []");
    let spec = SPEC.replace("safety_rules:\nRULE\n", "");
    project.write("spec.yml", &spec);
    project.result();
    for name in ["stage", "model", "adapter", "plugin"] {
        assert!(
            project.read(&format!("forbidden/{name}.md")).is_some(),
            "{name}"
        );
    }
}

#[test]
fn strict_mode_denies_what_no_rule_allows() {
    let project =
        project("  - { tool: file_read, condition: { field: path, op: truthy }, action: allow }");
    project.write(
        "spec.yml",
        &format!("safety_mode: strict\n{}", project.read("spec.yml").unwrap()),
    );
    let result = project.run(&["run", "spec.yml", "-q"]).json();
    for stage in ["by_stage", "by_adapter", "by_plugin"] {
        assert_eq!(result[stage]["_failed"], true, "{stage}: {result}");
    }
    assert!(!project.path("work/forbidden").exists());
}
