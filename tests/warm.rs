//! The shell, compiled once for all tests: compiling it takes seconds, and every test has a home of its own.
//!
//! Included by path where it is needed.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and has files of its own"
)]

use std::path::{Path, PathBuf};

use armature_sandbox::Sandbox;

/// Puts what is compiled already into the cache of a home, and compiles the shell if nobody has.
pub(crate) async fn warm(home: &Path) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = root
        .ancestors()
        .find(|dir| dir.join("plugins/compiled").is_dir())
        .expect("the repository");
    let shared = root.join("plugins/target/test-cache");
    let limits = armature_grants::Limits {
        compile_s: 600_000,
        ..armature_grants::Limits::standard()
    };
    let sandbox = Sandbox::new(Some(shared.clone()), limits).expect("an engine");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect(name);
    let zstd = std::fs::read(root.join("plugins/compiled/shell.wasm.zst")).expect("the shell");
    let plugin = sandbox
        .packed(
            zstd.leak(),
            &read("plugins/compiled/shell.json"),
            &read("plugins/shell/plugin.toml"),
        )
        .expect("the shell");
    if sandbox.is_to_be_compiled(&plugin) {
        sandbox.prepare(&plugin).await.expect("the shell compiles");
    }
    let cache = home.join("cache");
    std::fs::create_dir_all(&cache).expect("a home");
    #[cfg(unix)]
    for dir in [home, &cache] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).expect("a home");
    }
    for entry in std::fs::read_dir(&shared).expect("the cache") {
        let path = entry.expect("the cache").path();
        let name = path.file_name().unwrap_or_default();
        // Another process may be writing there: what is not whole yet has another name.
        let is_whole = name == "key"
            || path
                .extension()
                .is_some_and(|end| end == "compiled" || end == "seal");
        if is_whole && !cache.join(name).exists() {
            let linked = std::fs::hard_link(&path, cache.join(name));
            linked
                .or_else(|_| std::fs::copy(&path, cache.join(name)).map(drop))
                .expect("a cache");
        }
    }
}
