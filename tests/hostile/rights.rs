//! Rights that were not given: each capability has an allowed and a refused case, and a refusal says the line to add.

use armature_grants::{Capability, LimitId, PluginName};
use armature_sandbox::{Outcome, ToolError};
use armature_tests::{Fetch, Guest, Host, tool_error};
use serde_json::{Value, json};

/// Writes `k` (kv), or says which case of the error it got.
fn kv_set(key_len: u32, value_len: u32) -> Guest {
    Guest::tool(&format!(
        "(call $set (i32.const 1024) (i32.const {key_len}) (i32.const 2048) (i32.const {value_len}) (i32.const 512))
         (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (call $null))))
         (i32.store8 (i32.const 1000) (i32.add (i32.const 48) (i32.load8_u (i32.const 516))))
         (call $fail (i32.const 1000) (i32.const 1))"
    ))
    .import("kv", "set", "set", "(param i32 i32 i32 i32 i32)")
    .data(1024, &[b'k'; 1_000])
    .data(2048, b"\"kept\"")
}

/// The value of `k`, which is JSON, or null.
fn kv_get() -> Guest {
    Guest::tool(
        "(call $get (i32.const 1024) (i32.const 1) (i32.const 512))
         (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.load (i32.const 520)) (i32.load (i32.const 524))))))
         (if (i32.eqz (i32.load8_u (i32.const 516))) (then (return (call $null))))
         (call $ok (i32.load (i32.const 520)) (i32.load (i32.const 524)))",
    )
    .import("kv", "get", "get", "(param i32 i32 i32)")
    .data(1024, b"k")
}

/// Calls the tool of this name with these arguments and answers with its answer.
fn calling(tool: &[u8], args: &[u8]) -> Guest {
    Guest::tool(&format!(
        "(call $call_tool (i32.const 1024) (i32.const {}) (i32.const 8192) (i32.const {}) (i32.const 512))
         (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (call $ok (i32.load (i32.const 516)) (i32.load (i32.const 520))))))
         (call $error (i32.load8_u (i32.const 516)) (i32.load (i32.const 520)) (i32.load (i32.const 524)))",
        tool.len(),
        args.len()
    ))
    .import(
        "toolbox",
        "call-tool",
        "call_tool",
        "(param i32 i32 i32 i32 i32)",
    )
    .data(1024, tool)
    .data(8192, args)
}

fn reading(path: &[u8]) -> Guest {
    Guest::tool(&format!(
        "(call $read (i32.const 1024) (i32.const {}) (i32.const 512))
         (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (call $null))))
         (call $error (i32.const 2) (i32.load (i32.const 520)) (i32.load (i32.const 524)))",
        path.len()
    ))
    .import("fs", "read", "read", "(param i32 i32 i32)")
    .data(1024, path)
}

/// What an ungranted call leaves on record: capability and the line that would allow it.
fn on_record(outcome: &Outcome<Value>, capability: Capability, line: &str) {
    let [denial] = outcome.usage.denials.as_slice() else {
        panic!("one denial: {:?}", outcome.usage.denials)
    };
    assert_eq!(denial.capability, capability);
    assert_eq!(denial.line, line);
    assert!(denial.hint().contains(line), "{}", denial.hint());
}

#[tokio::test]
async fn every_capability_that_is_not_granted_is_refused_with_the_line_to_add() {
    let host = Host::new();
    for capability in Capability::ALL {
        let (guest, line) = match capability {
            Capability::Fs => (reading(b"data/x"), r#"fs: { read: ["data/x"] }"#),
            Capability::Http => (
                Fetch::get("https://api.example.com/v1/x?secret=1").guest(),
                r#"http: ["GET https://api.example.com/**"]"#,
            ),
            Capability::Kv => (kv_set(1, 1), "kv: run"),
            Capability::Tool => (calling(b"inner", b"{}"), "tools: [\"inner\"]"),
            // There is nothing to refuse: a secret that is not granted does not exist. See `secrets`.
            Capability::Secret => continue,
            other => panic!("{other:?} has no attack"),
        };
        let outcome = host.attack(&guest).await;
        drop(tool_error(&outcome));
        on_record(&outcome, *capability, line);
        assert!(
            !outcome.usage.denials[0].asked.contains("secret=1"),
            "no query in the record"
        );
    }
}

#[tokio::test]
async fn every_capability_that_is_granted_works() {
    let host =
        Host::new().granting(&json!({"fs": {"read": ["data"]}, "kv": "run", "tools": ["inner"]}));
    std::fs::create_dir(host.workspace().join("data")).unwrap();
    std::fs::write(host.workspace().join("data/x"), "1").unwrap();
    assert_eq!(
        host.attack(&reading(b"data/x")).await.result.unwrap(),
        json!(null)
    );
    assert_eq!(
        host.attack(&kv_set(1, 6)).await.result.unwrap(),
        json!(null)
    );
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!("kept"));
    let answer = host.attack(&calling(b"inner", br#"{"a": 1}"#)).await;
    assert_eq!(answer.result.unwrap(), json!({"a": 1}));
}

#[tokio::test]
async fn a_guest_is_told_no_and_not_what_would_help() {
    let outcome = Host::new().attack(&reading(b"data/x")).await;
    assert_eq!(
        tool_error(&outcome),
        ToolError::Denied("not granted: fs read data/x".into())
    );
}

#[tokio::test]
async fn a_tool_is_called_by_a_name_that_is_a_name_and_with_json() {
    let host = Host::new().granting(&json!({"tools": ["inner"]}));
    for name in [
        b"INNER".as_slice(),
        b"inner ",
        b"inner\0",
        b"",
        b"../inner",
        b"\x1b]0;x\x07",
        "i\u{200b}nner".as_bytes(),
        &[b'a'; 5_000],
    ] {
        let outcome = host.attack(&calling(name, b"{}")).await;
        let error = tool_error(&outcome);
        assert!(
            matches!(error, ToolError::Denied(_) | ToolError::UnknownTool(_)),
            "{error:?}"
        );
        for denial in &outcome.usage.denials {
            assert!(
                denial.asked.len() <= 200 && !denial.asked.contains('\u{1b}'),
                "{denial:?}"
            );
        }
    }
    for arguments in [b"".as_slice(), b"{", b"not json"] {
        let outcome = host.attack(&calling(b"inner", arguments)).await;
        assert!(matches!(
            tool_error(&outcome),
            ToolError::InvalidArguments(_)
        ));
    }
}

#[tokio::test]
async fn a_refusal_cannot_be_made_to_suggest_a_wider_grant() {
    // The name of the file would end the text and begin another: the whole workspace.
    let host = Host::new();
    let outcome = host.attack(&reading(br#"x", "."#)).await;
    let denial = &outcome.usage.denials[0];
    let line = denial
        .line
        .trim_start_matches("fs: { read: [")
        .trim_end_matches("] }");
    let path: String = serde_json::from_str(line).expect("one text, quoted as JSON quotes it");
    assert_eq!(path, r#"x", "."#);
}

#[tokio::test]
async fn no_plugin_sees_what_another_one_keeps() {
    let mut host = Host::new().granting(&json!({"kv": "run"}));
    host.attack(&kv_set(1, 6)).await.result.unwrap();
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!("kept"));
    host.plugin = PluginName::new("another").unwrap();
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!(null));
}

#[tokio::test]
async fn no_run_sees_what_another_one_keeps_unless_the_grant_says_so() {
    let mut host = Host::new().granting(&json!({"kv": "run"}));
    host.attack(&kv_set(1, 6)).await.result.unwrap();
    host.context.run_id = "run-2".into();
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!(null));

    let mut host = host.granting(&json!({"kv": "workflow"}));
    host.attack(&kv_set(1, 6)).await.result.unwrap();
    host.context.run_id = "run-3".into();
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!("kept"));
    host.context.workflow = "other".into();
    assert_eq!(host.attack(&kv_get()).await.result.unwrap(), json!(null));
}

#[tokio::test]
async fn a_store_has_room_for_so_many_bytes_and_keys() {
    // Cases of the contract: 1 invalid-key, 2 too-large.
    let full = ToolError::Failed("2".into());
    let no_key = ToolError::Failed("1".into());
    let host = Host::new()
        .granting(&json!({"kv": "run"}))
        .limited(|limits| limits.kv_bytes = 100);
    assert_eq!(tool_error(&host.attack(&kv_set(1, 100)).await), full);
    assert_eq!(
        host.attack(&kv_set(1, 99)).await.result.unwrap(),
        json!(null)
    );
    let host = Host::new()
        .granting(&json!({"kv": "run"}))
        .limited(|limits| limits.kv_entries = 1);
    assert_eq!(
        host.attack(&kv_set(1, 1)).await.result.unwrap(),
        json!(null)
    );
    assert_eq!(
        host.attack(&kv_set(1, 2)).await.result.unwrap(),
        json!(null),
        "the same key again"
    );
    assert_eq!(tool_error(&host.attack(&kv_set(2, 1)).await), full);
    for length in [0, 513] {
        assert_eq!(tool_error(&host.attack(&kv_set(length, 1)).await), no_key);
    }
    assert_eq!(LimitId::KvEntries.row().default, 1_000);
}
