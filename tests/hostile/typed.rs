//! Components that were made for somebody else's host: typed exports become tools, and their limits are the same.

use armature_grants::LimitId;
use armature_sandbox::{CallError, ToolError};
use armature_tests::{Guest, Host, tool_error};
use serde_json::json;

const WIT: &str = "
    package shop:prices@1.0.0;
    /// Prices of things.
    interface prices {
        /// What one thing costs, in cents.
        enum kind { retail, trade }
        record line { name: string, count: u32, kind: option<kind> }
        /// Adds two amounts.
        add: func(a: u32, b: u32) -> u32;
        /// Repeats a line.
        repeat: func(line: line) -> line;
        /// Fails with what it was given.
        fail: func(why: string) -> result<u32, string>;
        /// Gives a list of this many numbers.
        many: func(count: u32) -> list<u64>;
    }
    world shop { export prices; export ping: func() -> string; }
";

/// Records and lists as the canonical ABI lays them out.
fn shop() -> Vec<u8> {
    Guest::typed(
        WIT,
        r#"(module
          (memory (export "memory") 2)
          (global $heap (mut i32) (i32.const 4096))
          (data (i32.const 16) "pong")
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
            (global.set $heap (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
          (func (export "ping") (result i32)
            (i32.store (i32.const 256) (i32.const 16)) (i32.store (i32.const 260) (i32.const 4)) (i32.const 256))
          (func (export "shop:prices/prices@1.0.0#add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
          (func (export "shop:prices/prices@1.0.0#repeat") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (i32.const 256) (local.get 0)) (i32.store (i32.const 260) (local.get 1))
            (i32.store (i32.const 264) (local.get 2))
            (i32.store8 (i32.const 268) (local.get 3)) (i32.store8 (i32.const 269) (local.get 4)) (i32.const 256))
          (func (export "shop:prices/prices@1.0.0#fail") (param i32 i32) (result i32)
            (i32.store8 (i32.const 256) (i32.const 1))
            (i32.store (i32.const 260) (local.get 0)) (i32.store (i32.const 264) (local.get 1)) (i32.const 256))
          (func (export "shop:prices/prices@1.0.0#many") (param i32) (result i32)
            (if (i32.gt_u (local.get 0) (i32.const 16384))
              (then (drop (memory.grow (i32.div_u (local.get 0) (i32.const 8192))))))
            (i32.store (i32.const 256) (i32.const 0)) (i32.store (i32.const 260) (local.get 0)) (i32.const 256)))"#,
    )
}

#[tokio::test]
async fn typed_exports_are_tools_with_a_schema_from_their_types() {
    let host = Host::new();
    let plugin = host.load(&shop());
    assert!(plugin.kinds().tool);
    let tools = host.sandbox.tools(&plugin).await.unwrap();
    let mut names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["add", "fail", "many", "ping", "repeat"]);
    let repeat = tools
        .iter()
        .find(|tool| tool.name.as_str() == "repeat")
        .unwrap();
    assert_eq!(
        repeat.input_schema,
        json!({
            "type": "object",
            "properties": {"line": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "count": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
                    "kind": {"anyOf": [{"type": "string", "enum": ["retail", "trade"]}, {"type": "null"}]},
                },
                "required": ["name", "count"],
                "additionalProperties": false,
            }},
            "required": ["line"],
            "additionalProperties": false,
        })
    );
}

#[tokio::test]
async fn typed_exports_take_and_give_json() {
    let host = Host::new();
    let plugin = host.load(&shop());
    let add = host
        .attack_with(&plugin, "add", &json!({"a": 2, "b": 40}))
        .await;
    assert_eq!(add.result.unwrap(), json!(42));
    assert_eq!(add.usage.bytes_out, 2);
    let line = json!({"line": {"name": "nails", "count": 7, "kind": "trade"}});
    let repeated = host.attack_with(&plugin, "repeat", &line).await;
    assert_eq!(repeated.result.unwrap(), line["line"]);
    assert_eq!(
        host.attack_with(&plugin, "ping", &json!({}))
            .await
            .result
            .unwrap(),
        "pong"
    );
    let failed = host
        .attack_with(&plugin, "fail", &json!({"why": "no \u{1b}[31mstock"}))
        .await;
    assert_eq!(
        tool_error(&failed),
        ToolError::Failed("no [31mstock".into())
    );
}

#[tokio::test]
async fn documentation_comments_become_descriptions() {
    let host = Host::new();
    let tools = host
        .sandbox
        .tools(&host.load(&Guest::documented(WIT, &shop())))
        .await
        .unwrap();
    let add = tools
        .iter()
        .find(|tool| tool.name.as_str() == "add")
        .unwrap();
    assert_eq!(add.description, "Adds two amounts.");
}

#[tokio::test]
async fn arguments_of_the_wrong_type_are_told_where_they_are_wrong() {
    let host = Host::new();
    let plugin = host.load(&shop());
    for (tool, args, words) in [
        ("add", json!({"a": -1, "b": 1}), "`a` is -1"),
        (
            "add",
            json!({"a": 4_294_967_296_u64, "b": 1}),
            "`a` is 4294967296",
        ),
        (
            "add",
            json!({"a": 18_446_744_073_709_551_615_u64, "b": 1}),
            "`a`",
        ),
        ("add", json!({"a": 1.5, "b": 1}), "`a`"),
        ("add", json!({"a": "1", "b": 1}), "`a` should be"),
        ("add", json!({"a": 1}), "`b` should be"),
        (
            "repeat",
            json!({"line": {"name": "x", "count": 1, "more": 1}}),
            "`line` has no field `more`",
        ),
        (
            "repeat",
            json!({"line": {"name": "x", "count": 1, "kind": "gift"}}),
            "`line.kind` should be one of retail, trade",
        ),
        ("repeat", json!({"line": []}), "`line` should be an object"),
    ] {
        let outcome = host.call(&plugin, tool, &args).await;
        let ToolError::InvalidArguments(text) = tool_error(&outcome) else {
            panic!("{args}: {:?}", outcome.result)
        };
        assert!(text.contains(words), "{args}: {text}");
    }
}

#[tokio::test]
async fn a_typed_list_without_end_is_not_copied_out() {
    let host = Host::new();
    let plugin = host.load(&shop());
    let few = host
        .attack_with(&plugin, "many", &json!({"count": 1_000}))
        .await;
    assert_eq!(few.result.unwrap().as_array().unwrap().len(), 1_000);
    let outcome = host
        .attack_with(&plugin, "many", &json!({"count": 4_000_000}))
        .await;
    host.was_stopped(&outcome, LimitId::HostCallBytes);
    let outcome = host
        .attack_with(&plugin, "many", &json!({"count": 4_294_967_295_u32}))
        .await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { .. })),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn a_typed_export_that_loops_is_stopped() {
    let wasm = Guest::typed(
        "package a:b; world w { export f: func() -> u32; }",
        "(module (func (export \"f\") (result i32) (loop $for_ever (br $for_ever)) unreachable))",
    );
    let host = Host::new().deadline(200);
    let plugin = host.load(&wasm);
    let outcome = host.attack_with(&plugin, "f", &json!({})).await;
    host.was_stopped(&outcome, LimitId::Timeout);
}

#[tokio::test]
async fn a_typed_export_with_handles_is_no_tool() {
    let wasm = wat::parse_str(
        r#"(component
             (type $r (resource (rep i32)))
             (export $e "thing" (type $r))
             (core module $m (func (export "f") (param i32)) (func (export "g") (result i32) i32.const 5))
             (core instance $i (instantiate $m))
             (func (export "take") (param "it" (own $e)) (canon lift (core func $i "f")))
             (func (export "give") (result u32) (canon lift (core func $i "g"))))"#,
    )
    .unwrap();
    let host = Host::new();
    let plugin = host.load(&wasm);
    let tools = host.sandbox.tools(&plugin).await.unwrap();
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0].name.as_str(), "give");
}

/// Two components in one, as a linker of components makes them: the outer one passes a text from its memory into the
/// memory of the inner one.
const COMPOSED: &str = r#"(component
  (component $inner
    (core module $m
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))
      (func (export "length") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "length") (param "text" string) (result u32)
      (canon lift (core func $i "length") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
  (component $outer
    (import "length" (func $length (param "text" string) (result u32)))
    (core module $data (memory (export "memory") 1) (data (i32.const 0) "hello"))
    (core instance $data (instantiate $data))
    (core func $lowered (canon lower (func $length) (memory (core memory $data "memory"))))
    (core module $m
      (import "" "length" (func $length (param i32 i32) (result i32)))
      (func (export "count") (result i32) (call $length (i32.const 0) (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "length" (func $lowered))))))
    (func (export "count") (result u32) (canon lift (core func $i "count"))))
  (instance $a (instantiate $inner))
  (instance $b (instantiate $outer (with "length" (func $a "length"))))
  (export "count" (func $b "count")))"#;

#[tokio::test]
async fn a_component_that_is_composed_of_two_is_compiled_and_called() {
    let host = Host::new();
    let plugin = host.load(&wat::parse_str(COMPOSED).unwrap());
    let outcome = host.call(&plugin, "count", &json!({})).await;
    assert_eq!(outcome.result.unwrap(), json!(5));
}
