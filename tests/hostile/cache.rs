//! The compiled cache is native code: whoever can write to it is the host. End to end, with the file system as it is.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use armature_tests::{Guest, Host};
use serde_json::json;

async fn answers(host: &Host) {
    let plugin = host.load(&Guest::echo().build());
    let outcome = host.call(&plugin, "t", &json!({"a": 1})).await;
    assert_eq!(outcome.result.unwrap(), json!({"a": 1}));
}

fn compiled_files(cache: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "compiled")
        })
        .collect();
    files.sort();
    files
}

/// A cache with the echo guest in it, and the directory that holds it.
async fn filled() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    answers(&Host::with_cache(Some(cache.clone()))).await;
    assert_eq!(compiled_files(&cache).len(), 1);
    (dir, cache)
}

#[tokio::test]
async fn a_cache_is_readable_by_its_owner_alone() {
    let (_dir, cache) = filled().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    for entry in std::fs::read_dir(&cache).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn a_poisoned_cache_is_compiled_again_and_repaired() {
    let (_dir, cache) = filled().await;
    let file = compiled_files(&cache).remove(0);
    let good = std::fs::read(&file).unwrap();
    let poisons: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("cut short", good[..good.len() / 2].to_vec()),
        ("garbage", vec![0x90; good.len()]),
        ("one byte changed", {
            let mut bytes = good.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }),
        ("longer", [good.as_slice(), b"more"].concat()),
    ];
    for (what, poison) in poisons {
        std::fs::write(&file, poison).unwrap();
        answers(&Host::with_cache(Some(cache.clone()))).await;
        let again = std::fs::read(&file).unwrap();
        assert_eq!(again.len(), good.len(), "{what}: it was written anew");
    }
}

#[tokio::test]
async fn compiled_code_of_one_plugin_is_not_used_for_another() {
    let (_dir, cache) = filled().await;
    let echo = compiled_files(&cache).remove(0);
    let host = Host::with_cache(Some(cache.clone()));
    let other = Guest::tool("(call $null)").build();
    host.try_prepare(&other).await.unwrap();
    let of_other = compiled_files(&cache)
        .into_iter()
        .find(|path| *path != echo)
        .unwrap();
    std::fs::copy(&of_other, &echo).unwrap();
    answers(&Host::with_cache(Some(cache))).await;
}

#[tokio::test]
async fn a_link_in_the_cache_is_not_followed() {
    let (dir, cache) = filled().await;
    let file = compiled_files(&cache).remove(0);
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    answers(&Host::with_cache(Some(cache))).await;
    assert!(
        std::fs::symlink_metadata(&file).unwrap().is_file(),
        "the link was replaced"
    );
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_not_trusted() {
    let (_dir, cache) = filled().await;
    let file = compiled_files(&cache).remove(0);
    std::fs::remove_file(&file).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o770)).unwrap();
    answers(&Host::with_cache(Some(cache))).await;
    assert!(!file.exists(), "it is neither read nor written");
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_not_trusted() {
    let (_dir, cache) = filled().await;
    let file = compiled_files(&cache).remove(0);
    std::fs::remove_file(&file).unwrap();
    let nobody = std::process::Command::new("chown")
        .arg("65534")
        .arg(&cache)
        .output()
        .unwrap();
    if !nobody.status.success() {
        eprintln!("skipped: only root can give a directory away");
        return;
    }
    assert_eq!(std::fs::metadata(&cache).unwrap().uid(), 65_534);
    answers(&Host::with_cache(Some(cache))).await;
    assert!(!file.exists(), "it is neither read nor written");
}

#[tokio::test]
async fn a_cache_that_cannot_be_made_costs_time_and_not_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    answers(&Host::with_cache(Some(file.join("cache")))).await;
    answers(&Host::with_cache(Some(file))).await;
}
