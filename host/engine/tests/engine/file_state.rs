//! `file_state`: a workspace for each run.

use serde_json::{Value, json};

use crate::world::World;

const WRITE: &str = "stages:\n  - { id: w, tool_call: { name: file_write, args: { path: 'out/{{ name }}.txt', content: hello } } }\n  - { id: r, depends_on: [w], tool_call: { name: file_read, args: { path: out/one.txt } } }\n";

#[tokio::test]
async fn each_run_has_a_workspace_of_its_own_and_leaves_a_list_of_its_files() {
    let world = World::new();
    let spec = format!("file_state: {{ enabled: true }}\n{WRITE}");
    world.run(&spec, json!({"name": "one"})).await.unwrap();
    let report = world.run(&spec, json!({"name": "two"})).await.unwrap();
    assert_eq!(
        report.outputs["r"],
        json!({"error": "File not found: out/one.txt"}),
        "what another run wrote is not there"
    );
    let own = world
        .dir
        .path()
        .join("home/runs")
        .join(report.run_id.as_str());
    assert!(own.join("workspace/out/two.txt").is_file());
    assert_eq!(world.read("out/two.txt"), None);
    assert_eq!(report.manifest, Some(own.join("manifest.json")));
    let list: Value =
        serde_json::from_slice(&std::fs::read(own.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(list["run_id"], report.run_id.as_str());
    assert_eq!(list["complete"], true);
    assert_eq!(list["files"][0]["path"], "out/two.txt");
    assert_eq!(list["files"][0]["bytes"], 5);
    assert!(list["files"][0]["digest"].as_str().unwrap().len() > 32);
    assert_eq!(list["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_that_fails_leaves_its_list_too() {
    let world = World::new();
    let spec = "file_state: { enabled: true, base: kept }\nstages:\n  - { id: w, tool_call: { name: file_write, args: { path: a.txt, content: x } } }\n  - { id: b, depends_on: [w], tool_call: { name: convert, args: { value: 1, from: km, to: parsec } } }\n";
    let error = world.run(spec, json!({})).await.unwrap_err();
    let own = format!("kept/{}", error.run_id().unwrap());
    assert_eq!(
        world.read(&format!("{own}/workspace/a.txt")).as_deref(),
        Some("x")
    );
    let list = world.read(&format!("{own}/manifest.json")).unwrap();
    assert!(list.contains("\"path\": \"a.txt\""), "{list}");
}

#[tokio::test]
async fn a_spec_cannot_put_the_directory_elsewhere() {
    let world = World::new();
    for settings in [
        "base: '~/.armature/'",
        "base: '~/.armature/plugins/{{run_id}}'",
        "base: '~/.armature/runs/../plugins'",
        "base: ../elsewhere",
        "base: /tmp",
        "workspace: .",
        "workspace: ../..",
        "manifest: ../../policy.toml",
        "manifest: workspace/list.json",
    ] {
        let spec = format!("file_state: {{ enabled: true, {settings} }}\n{WRITE}");
        let error = world.run(&spec, json!({"name": "x"})).await.unwrap_err();
        assert!(
            matches!(error, armature_engine::RunError::Workspace { .. }),
            "{settings}: {error}"
        );
        assert_eq!(world.watcher.count("run_start"), 0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_workspace_leads_no_run_elsewhere() {
    let world = World::new();
    let elsewhere = world.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.dir.path().join("work/lnk")).unwrap();
    let spec = format!("file_state: {{ enabled: true, base: lnk }}\n{WRITE}");
    let error = world.run(&spec, json!({})).await.unwrap_err().to_string();
    assert!(error.contains("link"), "{error}");
    let inside = walk(&elsewhere);
    assert!(inside.iter().all(|path| path.is_dir()), "{inside:?}");
}

/// Everything below a directory.
fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}
