//! Guests that take: memory, tables, instances, and what is left when they trap.

use armature_grants::LimitId;
use armature_sandbox::{CallError, LoadError};
use armature_tests::{Guest, Host};
use serde_json::json;

/// A typed component of many core instances, each of this module.
fn many(count: usize, module: &str) -> Vec<u8> {
    let instances: String = (0..count)
        .map(|at| format!("(core instance $i{at} (instantiate $m))\n"))
        .collect();
    wat::parse_str(format!(
        "(component
           (core module $m {module} (func (export \"f\") (result i32) i32.const 1))
           {instances}
           (func (export \"f\") (result u32) (canon lift (core func $i0 \"f\"))))"
    ))
    .unwrap()
}

async fn instantiating(host: &Host, wasm: &[u8]) -> CallError {
    let plugin = host.load(wasm);
    let outcome = host.call(&plugin, "f", &json!({})).await;
    host.still_serves(&plugin).await;
    outcome.result.unwrap_err()
}

fn is_limit(error: &CallError, wanted: LimitId) -> bool {
    matches!(error, CallError::Limit { limit, .. } if *limit == wanted)
}

#[tokio::test]
async fn memory_that_grows_for_ever_ends_at_its_limit() {
    let guest =
        Guest::tool("(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable");
    let outcome = Host::new().stops(&guest, LimitId::Memory).await;
    assert!(
        outcome.usage.memory_peak > 60 << 20 && outcome.usage.memory_peak <= 64 << 20,
        "the peak is reported: {}",
        outcome.usage.memory_peak
    );
}

#[tokio::test]
async fn memory_that_is_large_from_the_start_is_refused() {
    Host::new()
        .stops(&Guest::echo().memory("1025"), LimitId::Memory)
        .await;
}

#[tokio::test]
async fn growing_beyond_ones_own_maximum_is_refused_and_costs_nothing() {
    let guest = Guest::tool(
        "(loop $again
           (if (i32.ne (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 100))))
         (call $null)",
    )
    .memory("2 3");
    let outcome = Host::new().attack(&guest).await;
    assert_eq!(outcome.result.unwrap(), json!(null));
    assert!(
        outcome.usage.memory_peak <= 3 << 16,
        "{}",
        outcome.usage.memory_peak
    );
}

#[tokio::test]
async fn many_memories_count_together() {
    // Nine of 8 MiB each: every one is small, all are too much.
    let host = Host::new();
    let error = instantiating(&host, &many(9, "(memory 128)")).await;
    assert!(is_limit(&error, LimitId::Memory), "{error:?}");
}

#[tokio::test]
async fn more_memories_than_allowed_are_refused() {
    let host = Host::new();
    let error = instantiating(&host, &many(17, "(memory 1)")).await;
    assert!(is_limit(&error, LimitId::Memories), "{error:?}");
}

#[tokio::test]
async fn more_tables_than_allowed_are_refused() {
    let host = Host::new();
    let error = instantiating(&host, &many(65, "(table 1 funcref)")).await;
    assert!(is_limit(&error, LimitId::Tables), "{error:?}");
}

#[tokio::test]
async fn more_instances_than_allowed_are_refused() {
    let host = Host::new();
    let error = instantiating(&host, &many(101, "")).await;
    assert!(is_limit(&error, LimitId::Instances), "{error:?}");
}

#[tokio::test]
async fn more_instances_than_there_can_ever_be_are_refused() {
    let host = Host::new();
    let error = host.try_prepare(&many(1_001, "")).await.unwrap_err();
    assert!(
        matches!(error, LoadError::NotAComponent { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn more_calls_than_there_is_room_for_are_told_so_and_the_rest_goes_on() {
    // Each takes sixteen of the places for memories, and holds them until it is stopped.
    let instances: String = (0..16)
        .map(|at| format!("(core instance $i{at} (instantiate $m))"))
        .collect();
    let wasm = wat::parse_str(format!(
        "(component
           (core module $m (memory 1)
             (func (export \"f\") (result i32) (loop $for_ever (br $for_ever)) unreachable))
           {instances}
           (func (export \"f\") (result u32) (canon lift (core func $i0 \"f\"))))"
    ))
    .unwrap();
    let host = Host::new().deadline(1_500);
    let plugin = host.load(&wasm);
    host.sandbox.prepare(&plugin).await.unwrap();
    let args = json!({});
    let calls = (0..100).map(|_| host.call(&plugin, "f", &args));
    let outcomes = futures::future::join_all(calls).await;
    let busy = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.result, Err(CallError::Busy { .. })))
        .count();
    let stopped = outcomes
        .iter()
        .filter(
            |outcome| matches!(&outcome.result, Err(error) if is_limit(error, LimitId::Timeout)),
        )
        .count();
    assert!(busy > 0 && stopped > 0, "{busy} busy, {stopped} stopped");
    assert_eq!(busy + stopped, 100, "{outcomes:?}");
    host.still_serves(&plugin).await;
}

#[tokio::test]
async fn a_table_that_grows_for_ever_ends_at_its_limit() {
    let guest = Guest::tool(
        "(loop $more (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $more)) unreachable",
    )
    .item("(table $t 1 funcref)");
    Host::new().stops(&guest, LimitId::TableElements).await;
}

#[tokio::test]
async fn a_crash_is_told_without_a_word_about_the_host() {
    for (body, why) in [
        ("unreachable", "unreachable"),
        ("(i32.load (i32.const -4))", "out of bounds"),
        ("(i32.div_u (i32.const 1) (local.get $i))", "divide by zero"),
        ("(call $ok (i32.const 0) (i32.const -1))", ""),
        ("(i32.const 3)", ""),
        ("(i32.const -4)", ""),
    ] {
        let host = Host::new();
        let outcome = host.attack(&Guest::tool(body)).await;
        let error = outcome.result.unwrap_err();
        let CallError::Trap { why: text, .. } = &error else {
            panic!("{body}: {error:?}");
        };
        assert!(text.contains(why), "{body}: {text}");
        for leak in [
            env!("CARGO_MANIFEST_DIR"),
            "/src",
            ".rs",
            "0x",
            "wasm-function",
            "rustc",
        ] {
            assert!(!error.to_string().contains(leak), "{body}: {error}");
        }
    }
}

#[tokio::test]
async fn nothing_of_one_call_is_seen_by_the_next() {
    // Counts its own calls, in memory and in a global.
    let guest = Guest::tool(
        "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
         (i32.store (i32.const 2048) (i32.add (i32.load (i32.const 2048)) (i32.const 1)))
         (i32.store8 (i32.const 1024)
           (i32.add (i32.const 48) (i32.add (global.get $seen) (i32.load (i32.const 2048)))))
         (call $ok (i32.const 1024) (i32.const 1))",
    )
    .item("(global $seen (mut i32) (i32.const 0))");
    let host = Host::new();
    let plugin = host.load(&guest.build());
    for _ in 0..20 {
        let outcome = host.attack_with(&plugin, "t", &json!({})).await;
        assert_eq!(outcome.result.unwrap(), json!(2));
    }
}
