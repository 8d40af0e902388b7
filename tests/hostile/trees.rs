//! Directories: what of the host's could be moved, removed or replaced together with them, through guests of our own.

use std::os::unix::fs::symlink;

use armature_grants::LimitId;
use armature_sandbox::{Outcome, ToolError};
use armature_tests::{Guest, Host, tool_error};
use serde_json::{Value, json};

fn everything() -> Value {
    json!({"fs": {"read": ["."], "write": ["."]}})
}

/// Answers null where the operation was done, else the case of the contract's error: 0 denied, 1 not-found,
/// 2 invalid-path, 3 not-a-file, 4 exists, 5 not-empty, 6 too-large, 7 other.
const ANSWER: &str = "(if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (call $null))))
     (i32.store8 (i32.const 1000) (i32.add (i32.const 48) (i32.load8_u (i32.const 520))))
     (call $fail (i32.const 1000) (i32.const 1))";

fn remove(path: &str, recursive: bool) -> Guest {
    Guest::tool(&format!(
        "(call $remove (i32.const 1024) (i32.const {}) (i32.const {}) (i32.const 512)) {}",
        path.len(),
        u8::from(recursive),
        ANSWER.replace("520", "516"),
    ))
    .import("fs", "remove", "remove", "(param i32 i32 i32 i32)")
    .data(1024, path.as_bytes())
}

fn rename(old: &str, new: &str) -> Guest {
    Guest::tool(&format!(
        "(call $rename (i32.const 1024) (i32.const {}) (i32.const 4096) (i32.const {}) (i32.const 512)) {}",
        old.len(),
        new.len(),
        ANSWER.replace("520", "516"),
    ))
    .import("fs", "rename", "rename", "(param i32 i32 i32 i32 i32)")
    .data(1024, old.as_bytes())
    .data(4096, new.as_bytes())
}

fn make(path: &str) -> Guest {
    Guest::tool(&format!(
        "(call $make (i32.const 1024) (i32.const {}) (i32.const 512)) {}",
        path.len(),
        ANSWER.replace("520", "516"),
    ))
    .import("fs", "make-directory", "make", "(param i32 i32 i32)")
    .data(1024, path.as_bytes())
}

fn append(path: &str, text: &str, times: u32) -> Guest {
    Guest::tool(&format!(
        "(loop $again
           (call $append (i32.const 1024) (i32.const {}) (i32.const 4096) (i32.const {}) (i32.const 512))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.and (i32.eqz (i32.load8_u (i32.const 512))) (i32.lt_u (local.get $i) (i32.const {times})))))
         {}",
        path.len(),
        text.len(),
        ANSWER.replace("520", "516"),
    ))
    .import("fs", "append", "append", "(param i32 i32 i32 i32 i32)")
    .data(1024, path.as_bytes())
    .data(4096, text.as_bytes())
}

fn stat(path: &str) -> Guest {
    Guest::tool(&format!(
        "(call $stat (i32.const 1024) (i32.const {}) (i32.const 512)) {ANSWER}",
        path.len()
    ))
    .import("fs", "stat", "stat", "(param i32 i32 i32)")
    .data(1024, path.as_bytes())
}

fn date(path: &str) -> Guest {
    Guest::tool(&format!(
        "(call $date (i32.const 1024) (i32.const {}) (i64.const 1000000) (i32.const 512)) {}",
        path.len(),
        ANSWER.replace("520", "516"),
    ))
    .import("fs", "set-modified", "date", "(param i32 i32 i64 i32)")
    .data(1024, path.as_bytes())
}

/// Every operation of the interface that names one path, as an attack on it.
fn on(path: &str) -> Vec<(&'static str, Guest)> {
    vec![
        ("stat", stat(path)),
        ("make-directory", make(path)),
        ("remove", remove(path, false)),
        ("remove all", remove(path, true)),
        ("rename from", rename(path, "elsewhere")),
        ("rename to", rename("mine", path)),
        ("append", append(path, "x", 1)),
        ("set-modified", date(path)),
    ]
}

fn case(outcome: &Outcome<Value>) -> String {
    match &outcome.result {
        Ok(_) => "done".into(),
        Err(_) => match tool_error(outcome) {
            ToolError::Failed(case) => case,
            other => format!("{other:?}"),
        },
    }
}

fn workspace(host: &Host) {
    let root = host.workspace();
    std::fs::create_dir_all(root.join("project/.git")).unwrap();
    std::fs::write(root.join("project/.git/config"), "kept").unwrap();
    std::fs::write(root.join("project/code"), "kept").unwrap();
    std::fs::create_dir_all(root.join("mine/deep")).unwrap();
    std::fs::write(root.join("mine/deep/file"), "x").unwrap();
}

#[tokio::test]
async fn no_operation_takes_a_path_that_leads_out_of_the_workspace() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    for path in ["../outside", "/etc", "mine/../..", "a\\b", "c:d", ""] {
        for (what, guest) in on(path) {
            assert_eq!(case(&host.attack(&guest).await), "2", "{what} {path:?}");
        }
    }
    assert!(host.directory().join("outside").exists());
}

#[tokio::test]
async fn nothing_of_the_hosts_is_touched_by_any_operation() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    for path in [
        "project/.git",
        "project/.GIT/config",
        ".armature/policy.toml",
        ".git./x",
    ] {
        for (what, guest) in on(path) {
            assert_eq!(case(&host.attack(&guest).await), "0", "{what} {path:?}");
        }
    }
    let config = host.workspace().join("project/.git/config");
    assert_eq!(std::fs::read_to_string(config).unwrap(), "kept");
}

#[tokio::test]
async fn a_directory_around_something_of_the_hosts_is_neither_removed_nor_moved() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    std::fs::write(host.workspace().join("mine/armature.lock"), "kept").unwrap();
    for guest in [
        remove("project", true),
        rename("project", "other"),
        remove("mine", true),
        rename("mine", "other"),
    ] {
        assert_eq!(case(&host.attack(&guest).await), "0");
    }
    assert!(host.workspace().join("project/code").exists());
    assert!(host.workspace().join("mine/deep/file").exists());
}

#[tokio::test]
async fn the_workspace_itself_stays_where_it_is() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    for guest in [
        remove(".", true),
        remove(".", false),
        remove("./", true),
        rename(".", "x"),
        rename("mine", "."),
    ] {
        assert_eq!(case(&host.attack(&guest).await), "7");
    }
    assert!(host.workspace().join("mine/deep/file").exists());
}

#[tokio::test]
async fn a_link_is_removed_and_never_what_it_leads_to() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    let outside = host.directory().join("outside");
    let root = host.workspace();
    symlink(&outside, root.join("file-link")).unwrap();
    symlink(host.directory(), root.join("directory-link")).unwrap();
    symlink(host.directory(), root.join("mine/deep/up")).unwrap();
    // Through a link: nothing.
    for (what, guest) in on("directory-link/outside") {
        assert_eq!(case(&host.attack(&guest).await), "3", "{what}");
    }
    for guest in [
        append("file-link", "x", 1),
        rename("file-link", "x"),
        rename("mine/deep/file", "file-link"),
        rename("mine", "directory-link"),
        date("file-link"),
    ] {
        assert_eq!(case(&host.attack(&guest).await), "3");
    }
    for guest in [
        remove("file-link", false),
        remove("directory-link", true),
        remove("mine", true),
    ] {
        assert_eq!(case(&host.attack(&guest).await), "done");
    }
    assert!(std::fs::symlink_metadata(root.join("file-link")).is_err());
    assert!(!root.join("mine").exists());
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "OUTSIDE");
}

#[tokio::test]
async fn moving_needs_the_right_to_read_and_write_the_one_place_and_to_write_the_other() {
    let rights = json!({"fs": {"read": ["in", "both"], "write": ["out", "both"]}});
    let host = Host::new().granting(&rights);
    for name in ["in", "out", "both", "none"] {
        std::fs::create_dir(host.workspace().join(name)).unwrap();
        std::fs::write(host.workspace().join(name).join("f"), "x").unwrap();
    }
    for (old, new) in [
        ("in/f", "out/g"),
        ("out/f", "both/g"),
        ("none/f", "both/g"),
        ("both/f", "in/g"),
        ("both/f", "none/g"),
    ] {
        assert_eq!(
            case(&host.attack(&rename(old, new)).await),
            "0",
            "{old} → {new}"
        );
    }
    assert_eq!(case(&host.attack(&rename("both/f", "out/g")).await), "done");
    assert_eq!(
        case(&host.attack(&stat("out/g")).await),
        "0",
        "writing is not seeing"
    );
    assert_eq!(case(&host.attack(&remove("in/f", false)).await), "0");
    assert_eq!(case(&host.attack(&make("in/x")).await), "0");
    assert_eq!(case(&host.attack(&append("in/f", "x", 1)).await), "0");
    assert_eq!(case(&host.attack(&date("in/f")).await), "0");
}

#[tokio::test]
async fn a_directory_does_not_bring_its_content_to_where_the_hosts_is_expected() {
    // `plugins/x` belongs to the host and is not there yet.
    let host = Host::new()
        .granting(&everything())
        .protecting("plugins/x")
        .protecting("spec.yml");
    workspace(&host);
    std::fs::write(host.workspace().join("mine/x"), "evil").unwrap();
    for guest in [
        rename("mine", "plugins"),
        rename("mine", "Plugins"),
        rename("mine/x", "spec.yml"),
        remove("spec.yml", false),
        make("plugins/x"),
    ] {
        assert_eq!(case(&host.attack(&guest).await), "0");
    }
    assert!(!host.workspace().join("plugins").exists());
}

#[tokio::test]
async fn a_tree_with_more_entries_than_allowed_stays_whole() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_entries = 10);
    std::fs::create_dir(host.workspace().join("many")).unwrap();
    for at in 0..11 {
        std::fs::write(host.workspace().join(format!("many/{at}")), "").unwrap();
    }
    for guest in [remove("many", true), rename("many", "moved")] {
        assert_eq!(case(&host.attack(&guest).await), "6");
    }
    assert_eq!(
        std::fs::read_dir(host.workspace().join("many"))
            .unwrap()
            .count(),
        11
    );
}

#[tokio::test]
async fn what_is_appended_is_counted_and_stopped() {
    let host = Host::new()
        .granting(&everything())
        .limited(|limits| limits.file_written = 1000);
    host.stops(&append("log", &"x".repeat(100), 1000), LimitId::FileWritten)
        .await;
    assert_eq!(
        std::fs::metadata(host.workspace().join("log"))
            .unwrap()
            .len(),
        1000
    );
}

#[tokio::test]
async fn appending_to_a_file_with_several_names_changes_one_of_them() {
    let host = Host::new().granting(&everything());
    let outside = host.directory().join("outside");
    std::fs::hard_link(&outside, host.workspace().join("inside")).unwrap();
    assert_eq!(case(&host.attack(&append("inside", "!", 1)).await), "done");
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "OUTSIDE");
    let inside = std::fs::read_to_string(host.workspace().join("inside")).unwrap();
    assert_eq!(inside, "OUTSIDE!");
}

#[tokio::test]
async fn directories_are_made_removed_and_moved_as_anybody_expects() {
    let host = Host::new().granting(&everything());
    workspace(&host);
    let root = host.workspace();
    for (guest, expected) in [
        (make("a/b/c"), "done"),
        (make("a/b/c"), "done"),
        (make("mine/deep/file"), "4"),
        (remove("a", false), "5"),
        (remove("missing", true), "1"),
        (rename("missing", "b"), "1"),
        (rename("a", "missing/b"), "1"),
        (rename("mine/deep/file", "a"), "4"),
        (rename("mine", "a"), "5"),
        (rename("a/b", "a/d"), "done"),
        (rename("mine", "a/d/c"), "done"),
        (rename("a/d/c/deep/file", "file"), "done"),
        (stat("file"), "done"),
        (date("file"), "done"),
        (remove("a", true), "done"),
    ] {
        assert_eq!(case(&host.attack(&guest).await), expected);
    }
    assert!(!root.join("a").exists());
    let changed = std::fs::metadata(root.join("file"))
        .unwrap()
        .modified()
        .unwrap();
    let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_secs(), 1000);
}
