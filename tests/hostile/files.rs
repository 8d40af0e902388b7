//! Files: every way out of the workspace, through the real `file` plugin and through guests of our own.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use armature_grants::LimitId;
use armature_sandbox::{Outcome, ToolError};
use armature_tests::{Guest, Host, compiled, tool_error};
use serde_json::{Value, json};

fn everything() -> Value {
    json!({"fs": {"read": ["."], "write": ["."]}})
}

async fn read(host: &Host, path: &str) -> Outcome<Value> {
    let plugin = host.load(&compiled("file"));
    host.attack_with(&plugin, "file_read", &json!({"path": path}))
        .await
}

async fn write(host: &Host, path: &str, content: &str) -> Outcome<Value> {
    let plugin = host.load(&compiled("file"));
    host.attack_with(
        &plugin,
        "file_write",
        &json!({"path": path, "content": content}),
    )
    .await
}

/// Nothing of the file outside came back, whatever the answer was.
fn is_refused(outcome: &Outcome<Value>, path: &str) {
    match &outcome.result {
        Ok(value) => assert!(value.get("error").is_some(), "{path}: {value}"),
        Err(_) => drop(tool_error(outcome)),
    }
    assert!(
        !format!("{:?}", outcome.result).contains("OUTSIDE"),
        "{path}"
    );
}

const OUT: &[&str] = &[
    "../outside",
    "a/../../outside",
    "./../outside",
    "..",
    "../",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "..\\outside",
    "C:\\outside",
    "a:b",
    "file:///etc/passwd",
    "x\0y",
    "x\ny",
    "",
];

#[tokio::test]
async fn a_path_that_leads_out_of_the_workspace_is_no_path() {
    let host = Host::new().granting(&everything());
    for path in OUT {
        let outcome = read(&host, path).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::InvalidArguments(_)),
            "{path:?}: {outcome:?}"
        );
        let outcome = write(&host, path, "x").await;
        assert!(
            matches!(tool_error(&outcome), ToolError::InvalidArguments(_)),
            "{path:?}: {outcome:?}"
        );
    }
    let outside = std::fs::read_to_string(host.directory().join("outside")).unwrap();
    assert_eq!(outside, "OUTSIDE");
}

#[tokio::test]
async fn a_trailing_slash_or_dot_opens_nothing_more() {
    let host = Host::new().granting(&everything());
    symlink("..", host.workspace().join("up")).unwrap();
    symlink("../outside", host.workspace().join("link")).unwrap();
    for path in [
        "link/",
        "link/.",
        "link//",
        "up/outside",
        "up/./outside",
        "up//outside",
        "./up/outside/",
    ] {
        is_refused(&read(&host, path).await, path);
        let outcome = write(&host, path, "x").await;
        assert!(outcome.result.is_err(), "{path}: {outcome:?}");
    }
    let outside = std::fs::read_to_string(host.directory().join("outside")).unwrap();
    assert_eq!(outside, "OUTSIDE");
}

#[tokio::test]
async fn a_link_to_a_file_is_never_followed() {
    let host = Host::new().granting(&everything());
    symlink("../outside", host.workspace().join("link")).unwrap();
    symlink("/etc/passwd", host.workspace().join("absolute")).unwrap();
    symlink("nowhere", host.workspace().join("dangling")).unwrap();
    for path in ["link", "absolute", "dangling"] {
        let outcome = read(&host, path).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Failed(_)),
            "{path}: {outcome:?}"
        );
        let outcome = write(&host, path, "x").await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Failed(_)),
            "{path}: {outcome:?}"
        );
    }
    assert!(!host.workspace().join("nowhere").exists());
}

#[tokio::test]
async fn a_link_to_a_directory_is_never_followed() {
    let host = Host::new().granting(&everything());
    std::fs::create_dir(host.workspace().join("inside")).unwrap();
    std::fs::write(host.workspace().join("inside/file"), "inside").unwrap();
    symlink("inside", host.workspace().join("same")).unwrap();
    symlink("/etc", host.workspace().join("etc")).unwrap();
    for path in ["same/file", "etc/passwd"] {
        is_refused(&read(&host, path).await, path);
        assert!(write(&host, path, "x").await.result.is_err(), "{path}");
    }
    let inside = std::fs::read_to_string(host.workspace().join("inside/file")).unwrap();
    assert_eq!(inside, "inside");
}

#[tokio::test]
async fn version_control_and_our_own_files_are_closed_whatever_is_granted() {
    let host = Host::new()
        .granting(&everything())
        .protecting("plugins")
        .protecting("flow.yml");
    std::fs::create_dir_all(host.workspace().join(".git/hooks")).unwrap();
    std::fs::write(host.workspace().join(".git/config"), "OUTSIDE").unwrap();
    for path in [
        ".git/config",
        ".GIT/config",
        ".git./config",
        ".git /config",
        "a/.git/config",
        ".armature/policy.toml",
        ".Armature/x",
    ] {
        assert!(
            matches!(tool_error(&read(&host, path).await), ToolError::Denied(_)),
            "{path}"
        );
        assert!(
            matches!(
                tool_error(&write(&host, path, "x").await),
                ToolError::Denied(_)
            ),
            "{path}"
        );
    }
    for path in [
        ".git/hooks/pre-commit",
        "plugins/evil.wasm",
        "Plugins/evil.wasm",
        "plugins./evil.wasm",
        "plugins",
        "flow.yml",
        "FLOW.YML",
        "armature.lock",
        "Armature.Lock",
    ] {
        assert!(
            matches!(
                tool_error(&write(&host, path, "x").await),
                ToolError::Denied(_)
            ),
            "{path}"
        );
    }
    assert!(!host.workspace().join("plugins").exists());
}

#[tokio::test]
async fn a_pipe_is_no_file_and_nobody_waits_for_its_other_end() {
    let host = Host::new().granting(&everything()).deadline(5_000);
    let pipe = host.workspace().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        tool_error(&read(&host, "pipe").await),
        ToolError::Failed(_)
    ));
    assert!(matches!(
        tool_error(&write(&host, "pipe", "x").await),
        ToolError::Failed(_)
    ));
}

#[tokio::test]
async fn a_directory_is_no_file() {
    let host = Host::new().granting(&everything());
    std::fs::create_dir(host.workspace().join("dir")).unwrap();
    assert!(matches!(
        tool_error(&read(&host, "dir").await),
        ToolError::Failed(_)
    ));
    assert!(matches!(
        tool_error(&write(&host, "dir", "x").await),
        ToolError::Failed(_)
    ));
    assert!(tool_error(&read(&host, ".").await).to_string().len() < 300);
}

#[tokio::test]
async fn a_grant_for_one_directory_is_none_for_its_neighbours() {
    let host = Host::new().granting(&json!({"fs": {"read": ["data"], "write": ["out"]}}));
    for (dir, file) in [("data", "a"), ("database", "b"), ("out", "c")] {
        std::fs::create_dir(host.workspace().join(dir)).unwrap();
        std::fs::write(host.workspace().join(dir).join(file), "OUTSIDE").unwrap();
    }
    assert!(read(&host, "data/a").await.result.is_ok());
    // Writing does not include reading, and a name that begins alike is another name.
    for path in ["database/b", "out/c", "data/../out/c"] {
        is_refused(&read(&host, path).await, path);
    }
    assert!(write(&host, "out/new", "x").await.result.is_ok());
    for path in ["data/a", "outer", "x"] {
        let outcome = write(&host, path, "x").await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Denied(_)),
            "{path}: {outcome:?}"
        );
        assert!(
            outcome.usage.denials[0].line.contains(path),
            "{:?}",
            outcome.usage.denials
        );
    }
}

#[tokio::test]
async fn files_are_read_up_to_their_limit() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_read = 1_000);
    std::fs::write(host.workspace().join("small"), vec![b'x'; 1_000]).unwrap();
    std::fs::write(host.workspace().join("large"), vec![b'x'; 1_001]).unwrap();
    assert!(read(&host, "small").await.result.is_ok());
    let outcome = read(&host, "large").await;
    assert!(
        tool_error(&outcome).to_string().contains("large"),
        "{outcome:?}"
    );
    // Sparse, and therefore enormous at no cost.
    let sparse = std::fs::File::create(host.workspace().join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert!(read(&host, "sparse").await.result.is_err());
}

#[tokio::test]
async fn bytes_written_are_limited() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_written = 1_000);
    assert!(
        write(&host, "fits", &"x".repeat(1_000))
            .await
            .result
            .is_ok()
    );
    let outcome = write(&host, "toomuch", &"x".repeat(1_001)).await;
    host.was_stopped(&outcome, LimitId::FileWritten);
    assert!(
        !host.workspace().join("toomuch").exists(),
        "it is counted before it is written"
    );
}

#[tokio::test]
async fn a_disk_is_not_filled_by_writing_the_same_file_again() {
    let guest = Guest::tool(
        "(loop $again (call $write (i32.const 16) (i32.const 1) (i32.const 1024) (i32.const 60000) (i32.const 512)) (br $again))
         unreachable",
    )
    .import("fs", "write", "write", "(param i32 i32 i32 i32 i32)");
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_written = 1 << 20);
    let outcome = host.stops(&guest, LimitId::FileWritten).await;
    assert!(outcome.usage.file_written >= 1 << 20);
}

/// A guest that writes this many empty files, `1024` of them at most, each with another name of four letters.
fn many_files(count: u32) -> Guest {
    Guest::tool(&format!(
        "(loop $again
           (i32.store8 (i32.const 1024) (i32.add (i32.const 97) (i32.and (local.get $i) (i32.const 15))))
           (i32.store8 (i32.const 1025) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $i) (i32.const 4)) (i32.const 15))))
           (i32.store8 (i32.const 1026) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $i) (i32.const 8)) (i32.const 15))))
           (call $write (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 512))
           (if (i32.load8_u (i32.const 512)) (then unreachable))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
         (call $null)"
    ))
    .import("fs", "write", "write", "(param i32 i32 i32 i32 i32)")
}

#[tokio::test]
async fn files_created_are_limited_in_number_and_counted_right() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_entries = 50);
    assert_eq!(
        host.attack(&many_files(50)).await.result.unwrap(),
        json!(null)
    );
    assert_eq!(std::fs::read_dir(host.workspace()).unwrap().count(), 50);
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_entries = 50);
    host.stops(&many_files(51), LimitId::FileEntries).await;
    assert_eq!(std::fs::read_dir(host.workspace()).unwrap().count(), 50);
}

#[tokio::test]
async fn directories_on_the_way_count_too() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_entries = 50);
    let deep = "d/".repeat(60) + "x";
    let outcome = write(&host, &deep, "x").await;
    host.was_stopped(&outcome, LimitId::FileEntries);
    assert!(!host.workspace().join("d").exists());
}

#[tokio::test]
async fn a_directory_with_more_entries_than_allowed_is_not_listed() {
    let guest = Guest::tool(
        "(call $list (i32.const 1024) (i32.const 1) (i32.const 512))
         (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (call $null))))
         (i32.store8 (i32.const 1030) (i32.add (i32.const 48) (i32.load8_u (i32.const 516))))
         (call $fail (i32.const 1030) (i32.const 1))",
    )
    .import("fs", "list", "list", "(param i32 i32 i32)")
    .data(1024, b".");
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_entries = 20);
    for at in 0..20 {
        std::fs::write(host.workspace().join(format!("f{at}")), "").unwrap();
    }
    assert_eq!(host.attack(&guest).await.result.unwrap(), json!(null));
    std::fs::write(host.workspace().join("one-more"), "").unwrap();
    // Case 6 of the contract: too-large.
    assert_eq!(
        tool_error(&host.attack(&guest).await),
        ToolError::Failed("6".into())
    );
}

#[tokio::test]
async fn a_name_as_long_as_the_system_allows_can_be_written() {
    let host = Host::new().granting(&everything());
    let long = "ä".repeat(127);
    assert!(write(&host, &long, "x").await.result.is_ok());
    assert!(host.workspace().join(&long).exists());
}

#[tokio::test]
async fn an_error_about_a_file_says_nothing_about_the_host() {
    let host = Host::new().granting(&everything());
    let secret_place = host.directory().to_string_lossy().into_owned();
    std::fs::write(host.workspace().join("plain"), "x").unwrap();
    let long = "y".repeat(256);
    for path in ["missing", "plain/below", "../x", ".git/x", long.as_str()] {
        for outcome in [read(&host, path).await, write(&host, path, "x").await] {
            let text = format!("{:?}", outcome.result);
            assert!(
                !text.contains(&secret_place) && !text.contains("/tmp"),
                "{path}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn writing_keeps_the_permissions_of_what_it_replaces() {
    let host = Host::new().granting(&everything());
    let path = host.workspace().join("private");
    std::fs::write(&path, "x").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    write(&host, "private", "y").await.result.unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn without_a_grant_there_are_no_files_at_all() {
    let host = Host::new();
    std::fs::write(host.workspace().join("file"), "OUTSIDE").unwrap();
    for path in ["file", ".", "missing"] {
        let outcome = read(&host, path).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Denied(_)),
            "{path}: {outcome:?}"
        );
        assert_eq!(outcome.usage.denials.len(), 1);
    }
}
