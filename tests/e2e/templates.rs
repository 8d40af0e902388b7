//! The workflows that ship, as somebody runs them who has put a real provider in place of the script.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    project::{Project, Said, repository},
    scripted_server::ScriptedServer,
};

/// Copies every file of specs/ into the project, with its tiers pointing to the server.
fn with_a_real_provider(server: &ScriptedServer) -> Project {
    let project = Project::new();
    for file in yaml_files() {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| match line.split_once("script: ") {
            Some((before, after)) if !line.trim_start().starts_with('#') => {
                let rest = after.split_once(".model.yml").unwrap().1;
                let before = before.replace("provider: scripted", "provider: openai");
                format!("{before}api_base: \"{}\"{rest}", server.base)
            }
            _ => line.replace("provider: scripted", "provider: openai"),
        });
        project.write(&name, &lines.collect::<Vec<_>>().join("\n"));
    }
    project
}

fn yaml_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("specs")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "yml"))
        .collect()
}

/// The workflows, without the scripts of their models.
fn workflows() -> Vec<PathBuf> {
    let mut workflows = yaml_files();
    workflows.retain(|path| !path.to_str().unwrap().ends_with(".model.yml"));
    workflows
}

fn run(project: &Project, spec: &str, more: &[&str]) -> Said {
    let args = [&["run", spec, "-q"], more].concat();
    project.run_with(&args, &[("OPENAI_API_KEY", "sk-test")])
}

#[test]
fn the_research_pipeline_runs_against_a_server_that_speaks_openais_wire_format() {
    let spec = repository().join("specs/research.yml");
    let server = ScriptedServer::start(&[spec]);
    let project = with_a_real_provider(&server);
    let said = run(&project, "research.yml", &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    let result = said.json();
    assert_eq!(result["findings"].as_array().unwrap().len(), 3);
    assert_eq!(result["findings"][1]["findings"][0]["confidence"], 0.7);
    assert_eq!(result["verdict"]["score"], 0.88);
    let report = project.read("out/report.md").unwrap();
    assert!(report.ends_with("Reviewed: 0.88 of 1."), "{report}");
    let asked = server.asked();
    assert_eq!((asked["plan"], asked["verdict"]), (1, 1));
    assert!(
        asked["findings"] > 3,
        "the part that failed was tried again"
    );
}

#[test]
fn every_shipped_workflow_gives_the_same_result_over_the_wire_as_from_its_script() {
    let server = ScriptedServer::start(&workflows());
    let real = with_a_real_provider(&server);
    let scripted = Project::new();
    for spec in workflows() {
        let name = spec.file_name().unwrap().to_str().unwrap();
        let approve = match name {
            "human-in-the-loop.yml" => "review=yes",
            "starter.yml" => "sign_off=yes",
            _ => "",
        };
        let more = if approve.is_empty() {
            vec![]
        } else {
            vec!["--approve", approve]
        };
        let over_the_wire = run(&real, name, &more);
        assert_eq!(over_the_wire.code, 0, "{name}: {}", over_the_wire.all());
        let from_its_script = run(&scripted, spec.to_str().unwrap(), &more);
        let without_ids = |said: &Said| {
            let mut result = said.json();
            forget_ids(&mut result);
            result
        };
        assert_eq!(
            without_ids(&over_the_wire),
            without_ids(&from_its_script),
            "{name}"
        );
    }
}

/// Takes out the ids of the run and of those within it.
fn forget_ids(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("run_id");
            map.values_mut().for_each(forget_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_ids),
        _ => {}
    }
}
