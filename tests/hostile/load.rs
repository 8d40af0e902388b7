//! Files that are no plugin, or one that should not be compiled.

use std::{
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use armature_grants::{LIMITS, LimitId, Limits};
use armature_sandbox::{CallError, LoadError, Sandbox};
use armature_tests::{Guest, Host, compiled};
use serde_json::json;

/// Each file is refused with this kind of error, and the sandbox goes on.
async fn refused(host: &Host, wasm: &[u8], is: impl Fn(&LoadError) -> bool) {
    let error = match host.try_load(wasm) {
        Err(error) => error,
        Ok(plugin) => host.sandbox.prepare(&plugin).await.unwrap_err(),
    };
    assert!(is(&error), "{error:?}");
    let echo = host.load(&Guest::echo().build());
    host.still_serves(&echo).await;
}

#[tokio::test]
async fn bytes_that_are_no_component_are_refused_and_told_apart() {
    let host = Host::new();
    for (bytes, why) in [
        (b"".as_slice(), "empty"),
        (b"\x7fELF\x02\x01\x01", "do not begin like WebAssembly"),
        (&wat::parse_str("(module)").unwrap(), "core module"),
    ] {
        refused(&host, bytes, |error| {
            matches!(error, LoadError::NotAComponent { why: text, .. } if text.contains(why))
        })
        .await;
    }
}

#[tokio::test]
async fn a_component_cut_short_anywhere_is_refused() {
    let host = Host::new();
    let whole = Guest::echo().build();
    for length in (1..whole.len() - 1).step_by(97) {
        let cut = host.try_load(&whole[..length]);
        assert!(
            matches!(
                cut,
                Err(LoadError::NotAComponent { .. } | LoadError::NothingExported { .. })
            ),
            "{length}: {cut:?}"
        );
    }
}

#[tokio::test]
async fn a_component_with_a_flipped_byte_is_refused_or_harmless() {
    let host = Host::new().deadline(2_000);
    let whole = Guest::echo().build();
    for at in (8..whole.len()).step_by(41) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x15;
        let Ok(plugin) = host.try_load(&bytes) else {
            continue;
        };
        // It may run; it may not take anything down.
        let _ = host.call(&plugin, "t", &json!({})).await;
    }
    host.still_serves(&host.load(&whole)).await;
}

#[tokio::test]
async fn more_functions_than_allowed_are_refused_before_they_are_compiled() {
    let host = Host::new();
    let functions = "(func (type $t))".repeat(200_001);
    let started = Instant::now();
    let wasm = wat::parse_str(format!(
        "(component (core module $m (type $t (func)) {functions}))"
    ))
    .unwrap();
    refused(&host, &wasm, |error| {
        matches!(
            error,
            LoadError::TooLarge {
                limit: LimitId::ComponentFunctions,
                ..
            }
        )
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn components_within_components_without_end_are_refused() {
    let host = Host::new();
    for depth in [20, 900, 5_000] {
        // Written as bytes: a parser of text would fall over its own stack.
        let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
        for _ in 0..depth {
            let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
            let mut length = wasm.len();
            while length >= 0x80 {
                outer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
                length >>= 7;
            }
            outer.push(u8::try_from(length).unwrap());
            outer.extend_from_slice(&wasm);
            wasm = outer;
        }
        let started = Instant::now();
        refused(&host, &wasm, |error| {
            matches!(
                error,
                LoadError::TooLarge {
                    limit: LimitId::ComponentNesting,
                    ..
                } | LoadError::NotAComponent { .. }
            )
        })
        .await;
        assert!(started.elapsed() < Duration::from_secs(10), "{depth}");
    }
}

#[tokio::test]
async fn a_type_that_unfolds_to_millions_is_not_unfolded() {
    // Sixteen records, each of two of the one before: 65,536 leaves in a hundred bytes.
    let mut wit = String::from("package a:b; interface i { record r0 { a: u8, b: u8 }\n");
    for at in 1..16 {
        wit.push_str(&format!("record r{at} {{ a: r{0}, b: r{0} }}\n", at - 1));
    }
    wit.push_str("f: func() -> list<r15>; g: func(); } world w { export i; }");
    let host = Host::new();
    let started = Instant::now();
    let plugin = host.load(&Guest::typed(
        &wit,
        "(module (memory (export \"memory\") 1)
           (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0)
           (func (export \"a:b/i#f\") (result i32) i32.const 0) (func (export \"a:b/i#g\")))",
    ));
    let tools = host.sandbox.tools(&plugin).await.unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        ["g"],
        "what JSON cannot reasonably describe is no tool"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
    host.still_serves(&plugin).await;
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_not_read_to_its_end() {
    let host = Host::new();
    let path = host.directory().join("huge.wasm");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(LimitId::ComponentBytes.row().default + 1)
        .unwrap();
    let error = host.sandbox.read(&path).unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::TooLarge {
                limit: LimitId::ComponentBytes,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_pipe_or_a_device_in_the_place_of_a_plugin_is_refused_at_once() {
    let host = Host::new();
    let pipe = host.directory().join("pipe.wasm");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let zero = host.directory().join("zero.wasm");
    symlink("/dev/zero", &zero).unwrap();
    for path in [pipe, zero] {
        // A thread of its own, which nobody waits for: if this fails it never ends.
        let (sandbox, (done, read)) = (host.sandbox.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || done.send(sandbox.read(&path)));
        let error = read
            .recv_timeout(Duration::from_secs(5))
            .expect("nobody waits for the other end")
            .unwrap_err();
        assert!(matches!(error, LoadError::Unreadable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn another_version_of_the_contract_is_named_with_ours() {
    let host = Host::new();
    for text in [
        "(component (import \"armature:plugin/log@0.9.0\" (instance)))",
        "(component (import \"armature:plugin/http@9.0.0\" (instance)))",
        "(component (instance $i) (export \"armature:plugin/tools@0.2.0\" (instance $i)))",
    ] {
        refused(&host, &wat::parse_str(text).unwrap(), |error| {
            let text = error.to_string();
            matches!(error, LoadError::UnknownImport { .. }) && text.contains("0.1.0")
        })
        .await;
    }
}

#[tokio::test]
async fn an_import_that_nobody_has_is_named() {
    let host = Host::new();
    for import in [
        "acme:net/sockets@1.0.0",
        "armature:plugin/shell@0.1.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:sockets/tcp@0.3.0",
        "wasi:nn/graph@0.2.0",
        "env",
    ] {
        let text = format!(
            "(component (import \"{import}\" (instance (export \"x\" (func))))
               (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
               (func (export \"f\") (canon lift (core func $i \"f\"))))"
        );
        refused(&host, &wat::parse_str(text).unwrap(), |error| {
            error
                .to_string()
                .contains(import.split('@').next().unwrap())
        })
        .await;
    }
}

#[tokio::test]
async fn proposals_that_are_not_pinned_are_refused() {
    let host = Host::new();
    for (module, word) in [
        ("(memory i64 1)", "memory64"),
        ("(memory 1) (memory 1)", "memor"),
        ("(memory 1 1 shared)", "threads"),
        ("(func (return_call 0))", "tail"),
        ("(type (struct))", "gc"),
        ("(tag)", "exceptions"),
    ] {
        // It exports something, so that nothing but the proposal is wrong with it.
        let text = format!(
            "(component (core module {module}) (component $c) (export \"x\" (component $c)))"
        );
        let wasm = wat::parse_str(text).unwrap();
        refused(
            &host,
            &wasm,
            |error| matches!(error, LoadError::NotAComponent { why, .. } if why.contains(word)),
        )
        .await;
    }
}

#[tokio::test]
async fn a_manifest_that_asks_for_what_does_not_exist_is_refused() {
    let host = Host::new();
    let wasm = Guest::echo().build();
    for manifest in [
        "name = \"x\"\n[requests]\nprocess = [\"sh\"]",
        "name = \"../x\"",
        "name = \"x\"\nrights = \"all\"",
        "name = \"X\"",
        "name = \"x\"\n[limits]\nfuel = 0",
        "name = \"x\"\n[requests]\nfs = { read = [\"../..\"] }",
    ] {
        let error = host.sandbox.builtin(&wasm, manifest).unwrap_err();
        assert!(
            matches!(error, LoadError::Manifest { .. }),
            "{manifest}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_manifest_does_not_reach_out_of_its_directory() {
    let host = Host::new();
    let dir = host.directory().join("p");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(host.directory().join("other.wasm"), Guest::echo().build()).unwrap();
    for name in [
        "../other.wasm",
        "/etc/passwd",
        "..",
        ".",
        "a/../../other.wasm",
    ] {
        std::fs::write(
            dir.join("plugin.toml"),
            format!("name = \"p\"\ncomponent = \"{name}\""),
        )
        .unwrap();
        assert!(host.sandbox.read(&dir).is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_plugin_is_its_bytes_at_the_moment_it_was_read() {
    let host = Host::new();
    let path = host.directory().join("swap.wasm");
    std::fs::write(&path, Guest::echo().build()).unwrap();
    let plugin = host.sandbox.read(&path).unwrap();
    let digest = *plugin.digest();
    // Swapped between the look and the first call.
    std::fs::write(&path, Guest::tool("unreachable").build()).unwrap();
    let outcome = host.call(&plugin, "t", &json!({"a": 1})).await;
    assert_eq!(outcome.result.unwrap(), json!({"a": 1}));
    assert_ne!(*host.sandbox.read(&path).unwrap().digest(), digest);
}

#[tokio::test]
async fn a_changed_manifest_is_another_plugin() {
    let host = Host::new();
    let wasm = Guest::echo().build();
    let digest = |manifest: &str| *host.sandbox.builtin(&wasm, manifest).unwrap().digest();
    let plain = digest("name = \"x\"");
    assert_eq!(plain, digest("name = \"x\""));
    assert_ne!(plain, digest("name = \"x\"\n[requests]\nkv = \"run\""));
}

#[tokio::test]
async fn a_plugin_cannot_call_itself_by_another_name_in_its_errors() {
    let host = Host::new();
    let plugin = host.load(&Guest::tool("unreachable").build());
    let outcome = host.call(&plugin, "t", &json!({})).await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { plugin, .. }) if plugin == host.plugin.as_str())
    );
}

#[tokio::test]
async fn what_the_operator_allows_for_loading_holds_for_every_plugin() {
    const MANIFEST: &str = "name = \"echo\"";
    let wasm = Guest::echo().build();
    let sandbox = |change: fn(&mut Limits)| {
        let mut limits = Limits::standard();
        change(&mut limits);
        Sandbox::new(None, limits).unwrap()
    };
    let refused = sandbox(|limits| limits.component_functions = 1).builtin(&wasm, MANIFEST);
    assert!(
        matches!(
            refused,
            Err(LoadError::TooLarge {
                limit: LimitId::ComponentFunctions,
                ..
            })
        ),
        "{refused:?}"
    );
    let impatient = sandbox(|limits| limits.compile_s = 1);
    let plugin = impatient.builtin(&wasm, MANIFEST).unwrap();
    let refused = impatient.prepare(&plugin).await;
    assert!(
        matches!(refused, Err(LoadError::CompileTimeout { .. })),
        "{refused:?}"
    );
    let frugal = sandbox(|limits| limits.fuel = 1);
    let plugin = frugal.builtin(&wasm, MANIFEST).unwrap();
    let refused = frugal.tools(&plugin).await;
    assert!(
        matches!(
            refused,
            Err(CallError::Limit {
                limit: LimitId::Fuel,
                allowed: 1,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn every_limit_of_the_table_is_named_in_an_attack() {
    // A limit that no test runs into may be decoration.
    let tests = [
        include_str!("time.rs"),
        include_str!("memory.rs"),
        include_str!("output.rs"),
        include_str!("hostcalls.rs"),
        include_str!("wasi.rs"),
        include_str!("load.rs"),
        include_str!("files.rs"),
        include_str!("http_bounds.rs"),
        include_str!("http_reach.rs"),
        include_str!("rights.rs"),
    ]
    .concat();
    // A tool that calls tools is the engine's business; two minutes of compiling are nobody's test.
    let elsewhere = ["call_depth", "compile_s"];
    let missing: Vec<&str> = LIMITS
        .iter()
        .filter(|row| {
            !tests.contains(&format!("LimitId::{:?}", row.id))
                && !tests.contains(&format!("limits.{}", row.name))
                && !elsewhere.contains(&row.name)
        })
        .map(|row| row.name)
        .collect();
    assert!(missing.is_empty(), "no attack runs into {missing:?}");
}

#[tokio::test]
async fn the_committed_plugins_load_and_ask_for_no_wasi() {
    let host = Host::new();
    for name in ["file", "http", "deny-pattern", "spending-cap", "text-stats"] {
        let plugin = host.load(&compiled(name));
        assert!(
            plugin
                .imports()
                .iter()
                .all(|import| import.starts_with("armature:plugin/")),
            "{name}"
        );
    }
}
