//! WASI 0.2 is there for languages that need it to start, and there is nothing behind it.

use armature_grants::LimitId;
use armature_sandbox::{CallError, LogLevel};
use armature_tests::{Guest, Host};
use serde_json::json;

const STREAMS: &str = "wasi:io/streams@0.2.0";
const STDOUT: &str = "wasi:cli/stdout@0.2.0";
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.0";

/// A tool that can print; `$print` takes pointer and length and gives the case: 0 for written.
fn printing(body: &str) -> Guest {
    Guest::tool(body)
        .import(STDOUT, "get-stdout", "stdout", "(result i32)")
        .import(
            STREAMS,
            "[method]output-stream.blocking-write-and-flush",
            "write",
            "(param i32 i32 i32 i32)",
        )
        .item(
            "(func $print (param $out i32) (param $at i32) (param $len i32) (result i32)
               (call $write (local.get $out) (local.get $at) (local.get $len) (i32.const 512))
               (i32.load8_u (i32.const 512)))",
        )
}

#[tokio::test]
async fn standard_output_becomes_lines_of_log() {
    let guest = printing(
        "(drop (call $print (call $stdout) (i32.const 1024) (i32.const 20))) (call $null)",
    )
    .data(1024, b"one\n\x1b[31mtwo\nthe rest");
    let host = Host::new();
    host.attack(&guest).await.result.unwrap();
    let lines = host.log.lines.lock().unwrap();
    let texts: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(texts, ["one", "[31mtwo", "the res"]);
    assert!(lines.iter().all(|(level, _)| *level == LogLevel::Info));
}

#[tokio::test]
async fn standard_output_for_ever_is_stopped_by_the_bytes_of_the_log() {
    let guest = printing(
        "(local.set $i (call $stdout))
         (loop $again (drop (call $print (local.get $i) (i32.const 1024) (i32.const 4096))) (br $again))
         unreachable",
    )
    .data(1024, &[b'x'; 4096]);
    Host::new().stops(&guest, LimitId::LogBytes).await;
}

#[tokio::test]
async fn standard_output_for_ever_is_stopped_by_the_lines_of_the_log() {
    let guest = printing(
        "(local.set $i (call $stdout))
         (loop $again (drop (call $print (local.get $i) (i32.const 1024) (i32.const 100))) (br $again))
         unreachable",
    )
    .data(1024, &[b'\n'; 100]);
    let host = Host::new();
    host.stops(&guest, LimitId::LogLines).await;
    assert!(host.log.lines.lock().unwrap().len() <= 1_000);
}

#[tokio::test]
async fn a_full_log_stops_also_a_guest_that_returns_at_once() {
    // Too quick for the clock: over the limit, and back with an answer.
    let guest = printing(
        "(local.set $i (call $stdout))
         (loop $again
           (drop (call $print (local.get $i) (i32.const 1024) (i32.const 100)))
           (local.set $j (i32.add (local.get $j) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $j) (i32.const 12))))
         (call $null)",
    )
    .data(1024, &[b'\n'; 100]);
    Host::new().stops(&guest, LimitId::LogLines).await;
}

#[tokio::test]
async fn the_two_ways_to_log_share_one_limit() {
    let guest = printing(
        "(local.set $i (call $stdout))
         (loop $again
           (call $log (i32.const 1) (i32.const 16) (i32.const 1))
           (local.set $j (i32.add (local.get $j) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $j) (i32.const 950))))
         (drop (call $print (local.get $i) (i32.const 1024) (i32.const 100)))
         (call $null)",
    )
    .import("log", "write", "log", "(param i32 i32 i32)")
    .data(1024, &[b'\n'; 100]);
    Host::new().stops(&guest, LimitId::LogLines).await;
}

#[tokio::test]
async fn calls_to_wasi_are_counted_like_any_other() {
    let guest = Guest::tool("(loop $again (drop (call $now)) (br $again)) unreachable").import(
        CLOCK,
        "now",
        "now",
        "(result i64)",
    );
    Host::new().stops(&guest, LimitId::HostCalls).await;
}

#[tokio::test]
async fn handles_that_are_never_given_back_end_at_their_limit() {
    let guest = Guest::tool(
        "(loop $again (drop (call $wait (i64.const 1000000000))) (br $again)) unreachable",
    )
    .import(
        CLOCK,
        "subscribe-duration",
        "wait",
        "(param i64) (result i32)",
    );
    Host::new().stops(&guest, LimitId::Handles).await;
}

#[tokio::test]
async fn sleeping_ends_at_the_deadline() {
    for nanoseconds in ["3600000000000", "-1"] {
        let guest = Guest::tool(&format!(
            "(call $block (call $wait (i64.const {nanoseconds}))) unreachable"
        ))
        .import(
            CLOCK,
            "subscribe-duration",
            "wait",
            "(param i64) (result i32)",
        )
        .import(
            "wasi:io/poll@0.2.0",
            "[method]pollable.block",
            "block",
            "(param i32)",
        );
        Host::new()
            .deadline(200)
            .stops(&guest, LimitId::Timeout)
            .await;
    }
}

#[tokio::test]
async fn the_clock_is_coarse_and_never_goes_back() {
    let guest = Guest::tool(
        "(local $before i64) (local $now i64)
         (loop $again
           (local.set $now (call $now))
           (if (i64.lt_u (local.get $now) (local.get $before)) (then unreachable))
           (if (i64.ne (i64.rem_u (local.get $now) (i64.const 1000000)) (i64.const 0)) (then unreachable))
           (local.set $before (local.get $now))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $i) (i32.const 5000))))
         (call $null)",
    )
    .import(CLOCK, "now", "now", "(result i64)");
    assert_eq!(
        Host::new().attack(&guest).await.result.unwrap(),
        json!(null)
    );
}

#[tokio::test]
async fn random_bytes_without_end_are_refused() {
    for count in ["-1", "1073741824", "65537"] {
        let guest = Guest::tool(&format!(
            "(call $random (i64.const {count}) (i32.const 512)) (call $null)"
        ))
        .import(
            "wasi:random/random@0.2.0",
            "get-random-bytes",
            "random",
            "(param i64 i32)",
        );
        let outcome = Host::new().attack(&guest).await;
        assert!(
            matches!(outcome.result, Err(CallError::Trap { .. })),
            "{count}: {:?}",
            outcome.result
        );
    }
}

#[tokio::test]
async fn there_are_no_arguments_no_environment_and_no_directory() {
    let guest = Guest::tool(
        "(call $environment (i32.const 512)) (call $arguments (i32.const 520)) (call $cwd (i32.const 528))
         (call $directories (i32.const 544))
         (if (i32.or (i32.load (i32.const 516)) (i32.or (i32.load (i32.const 524))
               (i32.or (i32.load8_u (i32.const 528)) (i32.load (i32.const 548)))))
           (then unreachable))
         (call $null)",
    )
    .import("wasi:cli/environment@0.2.0", "get-environment", "environment", "(param i32)")
    .import("wasi:cli/environment@0.2.0", "get-arguments", "arguments", "(param i32)")
    .import("wasi:cli/environment@0.2.0", "initial-cwd", "cwd", "(param i32)")
    .import("wasi:filesystem/preopens@0.2.0", "get-directories", "directories", "(param i32)");
    assert_eq!(
        Host::new().attack(&guest).await.result.unwrap(),
        json!(null)
    );
}

#[tokio::test]
async fn there_are_no_sockets() {
    let guest = Guest::tool(
        "(call $socket (i32.const 0) (i32.const 512))
         (if (i32.eqz (i32.load8_u (i32.const 512))) (then unreachable))
         (call $null)",
    )
    .import(
        "wasi:sockets/tcp-create-socket@0.2.0",
        "create-tcp-socket",
        "socket",
        "(param i32 i32)",
    );
    assert_eq!(
        Host::new().attack(&guest).await.result.unwrap(),
        json!(null)
    );
}

#[tokio::test]
async fn a_guest_that_exits_ends_itself_and_not_the_host() {
    for status in [0, 1] {
        let guest = Guest::tool(&format!("(call $exit (i32.const {status})) unreachable")).import(
            "wasi:cli/exit@0.2.0",
            "exit",
            "exit",
            "(param i32)",
        );
        let outcome = Host::new().attack(&guest).await;
        assert!(
            matches!(outcome.result, Err(CallError::Trap { .. })),
            "{:?}",
            outcome.result
        );
    }
}
