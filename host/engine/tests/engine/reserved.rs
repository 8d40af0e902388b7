//! What no tool touches, whatever it was granted: armature's home, plugins, and what a run is made from.

use serde_json::json;

use crate::world::World;

fn write(path: &str) -> String {
    format!(
        "stages:\n  - {{ id: w, tool_call: {{ name: file_write, args: {{ path: '{path}', content: evil }} }} }}\n"
    )
}

/// Runs a spec that must be stopped because a path belongs to armature.
async fn is_stopped(world: &World, spec: &str) {
    let error = world.run(spec, json!({})).await.unwrap_err().to_string();
    assert!(error.contains("armature"), "{error}");
}

#[tokio::test]
async fn a_plugin_directory_that_is_not_there_yet_is_not_made_by_a_tool() {
    let world = World::at("home", Some("work/plugins"));
    is_stopped(&world, &write("plugins/evil.txt")).await;
    assert_eq!(world.read("plugins/evil.txt"), None);
}

#[tokio::test]
async fn a_workspace_in_a_plugin_directory_is_for_reading_only() {
    let world = World::at("home", Some("."));
    world.file("work/a.txt", "inside");
    let read = "stages:\n  - { id: r, tool_call: { name: file_read, args: { path: a.txt } } }\n";
    world.outputs(read, json!({})).await;
    is_stopped(&world, &write("a.txt")).await;
    assert_eq!(world.read("a.txt").as_deref(), Some("inside"));
}

#[tokio::test]
async fn nobody_works_in_armatures_home_or_below_it() {
    for home in ["work", "."] {
        let world = World::at(home, None);
        assert!(
            world
                .codes(&write("policy.toml"))
                .await
                .contains(&"WORKSPACE_IN_HOME"),
            "{home}"
        );
    }
}

#[tokio::test]
async fn armatures_home_in_the_workspace_is_neither_read_nor_written() {
    let world = World::at("work/state", None);
    world.file("work/state/policy.toml", "");
    let read = "stages:\n  - { id: r, tool_call: { name: file_read, args: { path: state/policy.toml } } }\n";
    is_stopped(&world, read).await;
    is_stopped(&world, &write("state/policy.toml")).await;
}

#[tokio::test]
async fn no_run_writes_what_any_run_of_its_tree_is_made_from() {
    let world = World::new();
    world.file("work/skill.md", "be good");
    world.file("work/script.yml", "replies:\n  - { text: x }\n");
    world.file("work/child.yml", "name: child\nstages: []\n");
    let work = world.dir.path().join("work");
    let other = world.file(
        "other.yml",
        &format!(
            "name: other\nsandbox: {{ host_workspace: '{}' }}\n{}",
            work.display(),
            write("child.yml")
        ),
    );
    let base = "model_tiers: { small: { provider: scripted, model: m, script: work/script.yml } }\nskill_library: { s: { id: s, description: d, path: work/skill.md } }\n";
    let child = "  - { id: c, subagent_spec: work/child.yml }\n";
    for path in ["child.yml", "skill.md", "script.yml"] {
        is_stopped(&world, &format!("{base}{}{child}", write(path))).await;
    }
    let nested = format!(
        "stages:\n{child}  - {{ id: o, subagent_spec: '{}' }}\n",
        other.display()
    );
    is_stopped(&world, &nested).await;
    let child = world.read("child.yml").unwrap();
    assert!(!child.contains("evil"), "{child}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_through_which_a_spec_is_read_is_neither_removed_nor_moved() {
    use std::os::unix::fs::symlink;
    let world = World::with_shell().await;
    let work = world.dir.path().join("work");
    world.file("work/real/child.yml", "name: child\nstages: []\n");
    symlink("real", work.join("dir")).unwrap();
    symlink("dir/child.yml", work.join("child.yml")).unwrap();
    for held in ["child.yml", "dir", "real/child.yml", "real"] {
        for command in [format!("rm -r {held}"), format!("mv {held} elsewhere")] {
            let spec = format!(
                "stages:\n  - {{ id: c, subagent_spec: work/child.yml }}\n  - {{ id: w, depends_on: [c], tool_call: {{ name: shell, args: {{ cmd: '{command}' }} }} }}\n"
            );
            // Some are refused as the destructive commands that they are: what counts is that nothing is gone.
            let _ = world.run(&spec, json!({})).await;
            assert!(work.join(held).symlink_metadata().is_ok(), "{command}");
        }
    }
}
