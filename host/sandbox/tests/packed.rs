//! What is written down about a packed component is what the component says, and its bytes are those that are named.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes files of the repository"
)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{io::Read as _, path::PathBuf};

use armature_grants::Limits;
use armature_sandbox::{About, LoadError, Sandbox};

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugins")
        .join(name)
}

/// What the component says of itself.
async fn asked(name: &str) -> About {
    let zstd = std::fs::read(place(&format!("compiled/{name}.wasm.zst"))).unwrap();
    let manifest = std::fs::read_to_string(place(&format!("{name}/plugin.toml"))).unwrap();
    let mut wasm = Vec::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&zstd[..]).unwrap();
    decoder.read_to_end(&mut wasm).unwrap();
    // Under the names that everything finds again: compiled once, for all tests.
    let cache = place("../target/test-cache");
    let limits = Limits {
        memory: 256 << 20,
        compile_s: 600_000,
        ..Limits::standard()
    };
    let sandbox = Sandbox::new(Some(cache), limits).unwrap();
    let plugin = sandbox.builtin(&wasm, &manifest).unwrap();
    sandbox.about(&plugin).await.unwrap()
}

/// The packed components: every `.wasm.zst` beside the others.
fn packed() -> Vec<String> {
    let files = std::fs::read_dir(place("compiled")).unwrap();
    let mut names: Vec<String> = files
        .filter_map(|file| file.unwrap().file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".wasm.zst").map(str::to_owned))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

#[tokio::test]
async fn what_is_written_down_about_a_packed_component_is_what_it_says() {
    for name in packed() {
        let written = std::fs::read_to_string(place(&format!("compiled/{name}.json"))).unwrap();
        let written: About = serde_json::from_str(&written).unwrap();
        assert_eq!(
            written,
            asked(&name).await,
            "run: cargo test -p armature-sandbox --test packed -- --ignored"
        );
    }
}

#[tokio::test]
#[ignore = "writes plugins/compiled/*.json; plugins/build.sh runs it"]
async fn write_down_what_packed_components_say() {
    for name in packed() {
        let text = serde_json::to_string_pretty(&asked(&name).await).unwrap();
        std::fs::write(place(&format!("compiled/{name}.json")), text + "\n").unwrap();
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_that_are_named_are_never_compiled() {
    let about = std::fs::read_to_string(place("compiled/shell.json")).unwrap();
    let manifest = std::fs::read_to_string(place("shell/plugin.toml")).unwrap();
    let mut wrong: About = serde_json::from_str(&about).unwrap();
    wrong.size = 100;
    let zstd = std::fs::read(place("compiled/shell.wasm.zst")).unwrap();
    let sandbox = Sandbox::new(None, Limits::standard()).unwrap();
    let wrong = serde_json::to_string(&wrong).unwrap();
    let cut = zstd.get(..zstd.len() / 2).unwrap().to_vec();
    for (zstd, about) in [(zstd, &wrong), (cut, &about), (b"nothing".to_vec(), &about)] {
        let plugin = sandbox.packed(zstd.leak(), about, &manifest).unwrap();
        let refused = sandbox.prepare(&plugin).await;
        assert!(
            matches!(refused, Err(LoadError::NotAComponent { .. })),
            "{refused:?}"
        );
    }
}
