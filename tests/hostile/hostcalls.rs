//! Guests that make the host work: too many calls, too much in one call, calls that wait.

use std::time::{Duration, Instant};

use armature_grants::LimitId;
use armature_sandbox::{CallError, ToolError};
use armature_tests::{Fetch, Guest, Host, Server, tool_error};
use serde_json::json;

#[tokio::test]
async fn a_storm_of_cheap_calls_into_the_host_is_counted_and_stopped() {
    let guest = Guest::tool(
        "(loop $again (drop (call $exists (i32.const 16) (i32.const 1))) (br $again)) unreachable",
    )
    .import(
        "secrets",
        "exists",
        "exists",
        "(param i32 i32) (result i32)",
    );
    let outcome = Host::new().stops(&guest, LimitId::HostCalls).await;
    assert_eq!(outcome.usage.host_calls, 10_001);
}

#[tokio::test]
async fn a_huge_text_to_the_host_is_not_copied() {
    let guest = Guest::tool("(drop (call $exists (i32.const 0) (i32.const 50331648))) unreachable")
        .import(
            "secrets",
            "exists",
            "exists",
            "(param i32 i32) (result i32)",
        )
        .memory("800");
    Host::new().stops(&guest, LimitId::HostCallBytes).await;
}

#[tokio::test]
async fn a_list_for_the_host_that_repeats_the_same_bytes_is_not_multiplied() {
    // A request with a hundred thousand headers, all of them the same megabyte.
    let guest = Guest::tool(
        "(loop $next
           (local.set $j (i32.add (i32.const 2097152) (i32.mul (local.get $i) (i32.const 16))))
           (i32.store (local.get $j) (i32.const 65536)) (i32.store offset=4 (local.get $j) (i32.const 1048576))
           (i32.store offset=8 (local.get $j) (i32.const 65536)) (i32.store offset=12 (local.get $j) (i32.const 1048576))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $next (i32.lt_u (local.get $i) (i32.const 100000))))
         (call $fetch (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1)
           (i32.const 2097152) (i32.const 100000) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
           (i32.const 0) (i32.const 512))
         unreachable",
    )
    .import("http", "fetch", "fetch", "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)")
    .memory("100");
    Host::new().stops(&guest, LimitId::HostCallBytes).await;
}

#[tokio::test]
async fn arguments_over_the_limit_never_reach_the_guest() {
    let host = Host::new().limited(|limits| limits.input = 100);
    let plugin = host.load(&Guest::echo().build());
    let outcome = host
        .call(&plugin, "t", &json!({"long": "x".repeat(200)}))
        .await;
    host.was_stopped(&outcome, LimitId::Input);
    assert_eq!(outcome.usage.fuel, 0);
    assert!(outcome.usage.bytes_in > 200);
}

#[tokio::test]
async fn the_deadline_holds_over_a_server_that_never_answers() {
    let server = Server::raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        drop(stream);
    })
    .await;
    let host = Host::new()
        .granting(&json!({"http": [server.pattern()]}))
        .deadline(300);
    host.stops(&Fetch::get(server.url("/")).guest(), LimitId::Timeout)
        .await;
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn the_deadline_holds_over_a_request_with_a_longer_timeout_of_its_own() {
    let server = Server::raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        drop(stream);
    })
    .await;
    let host = Host::new()
        .granting(&json!({"http": [server.pattern()]}))
        .deadline(300);
    let guest = Fetch::get(server.url("/")).timeout_ms(3_600_000).guest();
    host.stops(&guest, LimitId::Timeout).await;
}

#[tokio::test]
async fn a_request_gives_up_at_its_own_timeout_and_the_guest_goes_on() {
    let server = Server::raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        drop(stream);
    })
    .await;
    let host = Host::new()
        .granting(&json!({"http": [server.pattern()]}))
        .deadline(5_000);
    let started = Instant::now();
    let guest = Fetch::get(server.url("/")).timeout_ms(100).guest();
    let outcome = host.attack(&guest).await;
    assert_eq!(tool_error(&outcome), ToolError::Timeout("timeout".into()));
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn files_that_are_refused_a_thousand_times_do_not_fill_the_host() {
    // Each refusal is remembered for the record; the record has an end.
    let guest = Guest::tool(
        "(loop $again
           (i32.store8 (i32.const 1024) (i32.add (i32.const 97) (i32.rem_u (local.get $i) (i32.const 26))))
           (call $read (i32.const 1024) (i32.const 900) (i32.const 512))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 5000))))
         (call $null)",
    )
    .import("fs", "read", "read", "(param i32 i32 i32)")
    .data(1024, &[b'x'; 900]);
    let outcome = Host::new().attack(&guest).await;
    assert_eq!(outcome.result.unwrap(), json!(null));
    let kept: usize = outcome
        .usage
        .denials
        .iter()
        .map(|denial| denial.asked.len())
        .sum();
    assert!(
        !outcome.usage.denials.is_empty() && kept < 200_000,
        "{kept} bytes of denials"
    );
}

#[tokio::test]
async fn a_panic_in_a_guest_is_a_crash_of_the_guest_alone() {
    // What a panic of Rust comes to in a component: a message and `unreachable`.
    let guest =
        Guest::tool("(call $log (i32.const 3) (i32.const 1024) (i32.const 17)) unreachable")
            .import("log", "write", "log", "(param i32 i32 i32)")
            .data(1024, b"panicked at lib.r");
    let host = Host::new();
    let outcome = host.attack(&guest).await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { .. })),
        "{:?}",
        outcome.result
    );
    assert_eq!(outcome.usage.host_calls, 1);
    assert_eq!(
        host.log.lines.lock().unwrap().len(),
        1,
        "what it said before is kept"
    );
}

#[tokio::test]
async fn a_tool_that_does_not_exist_is_said_to_be_unknown() {
    let host = Host::new();
    let typed = host.load(&Guest::typed(
        "package a:b; world w { export f: func() -> u32; }",
        "(module (func (export \"f\") (result i32) i32.const 1))",
    ));
    let outcome = host.call(&typed, "g", &json!({})).await;
    assert_eq!(tool_error(&outcome), ToolError::UnknownTool("g".into()));
    let adapter = host.load(&Guest::adapter("(call $null)").build());
    let outcome = host.call(&adapter, "t", &json!({})).await;
    assert!(
        matches!(outcome.result, Err(CallError::NoSuchExport { .. })),
        "{:?}",
        outcome.result
    );
}
