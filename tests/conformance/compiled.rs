//! Compiled plugins, handed from case to case.
//!
//! A case has a home of its own, so that nothing of one is seen by another; but compiling an interpreter takes longer than
//! all cases together. What was compiled is native code with a key that vouches for it, and is the same for everybody: it is
//! linked into each new home and back out of it. Processes that run at one time wait for whoever compiles.

use std::{
    fs::{DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Scripts that do nothing, one for each interpreter that cases need.
const IDLE: &str = "name: idle\nadapters: { sh: { type: script, cmd: 'true' }, py: { type: python, cmd: pass } }\nstages: [{ id: sh, adapter: sh }, { id: py, adapter: py }]\n";

/// A busy machine and a compiler that is not optimised take longer than any user should wait.
const PATIENT: &str = "[limits]\ncompile_s = 600\n";

/// Where it is kept between cases, and by other tests.
fn shared() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/test-cache");
    private_dir(&dir);
    dir
}

fn private_dir(dir: &Path) {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .unwrap();
}

/// Puts what is there into a new home.
pub(crate) fn lend(home: &Path) {
    private_dir(home);
    let cache = home.join("cache");
    private_dir(&cache);
    for name in names(&shared()) {
        // Whatever cannot be lent is compiled again.
        let _ = std::fs::hard_link(shared().join(&name), cache.join(&name));
    }
}

/// Takes what is new out of it.
pub(crate) fn keep(home: &Path) {
    let (cache, shared) = (home.join("cache"), shared());
    let key = |dir: &Path| std::fs::read(dir.join("key")).ok();
    if key(&shared).is_none() {
        let _ = std::fs::hard_link(cache.join("key"), shared.join("key"));
    }
    // Of several that began with nothing the first one's key is kept; what another key vouches for is of no use.
    if key(&shared) != key(&cache) {
        return;
    }
    for name in names(&cache) {
        let _ = std::fs::hard_link(cache.join(&name), shared.join(&name));
    }
}

/// The key first: without it nothing else is believed.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name == "key" || name.ends_with(".compiled") || name.ends_with(".seal"))
        .collect();
    names.sort_by_key(|name| name != "key");
    names
}

/// Compiles the interpreters, unless this program's are there already.
pub(crate) fn shell(program: &Path) {
    let shared = shared();
    let lock = File::create(shared.join("lock")).unwrap();
    lock.lock().unwrap();
    let about = std::fs::metadata(program).unwrap();
    let stamp = format!("{} {:?}", about.len(), about.modified().unwrap());
    let marker = shared.join("shell");
    if std::fs::read_to_string(&marker).is_ok_and(|written| written == stamp) {
        return;
    }
    let project = tempfile::tempdir().unwrap();
    let home = project.path().join("home");
    lend(&home);
    std::fs::write(project.path().join("spec.yml"), IDLE).unwrap();
    std::fs::write(home.join("policy.toml"), PATIENT).unwrap();
    let done = Command::new(program)
        .args(["run", "spec.yml", "-q"])
        .current_dir(project.path())
        .env_clear()
        .env("ARMATURE_HOME", &home)
        .output()
        .unwrap();
    keep(&home);
    if done.status.success() {
        std::fs::write(marker, stamp).unwrap();
    }
}
