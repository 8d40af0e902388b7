//! Guests that never come back: every way into a guest is metered.

use armature_grants::{LimitId, Limits};
use armature_sandbox::CallError;
use armature_tests::{Guest, Host};
use serde_json::json;

const FOREVER: &str = "(loop $for_ever (br $for_ever)) unreachable";

#[tokio::test]
async fn a_tool_that_loops_is_stopped_by_its_fuel() {
    let host = Host::new().limited(|limits| limits.fuel = 10_000_000);
    let outcome = host.stops(&Guest::tool(FOREVER), LimitId::Fuel).await;
    assert_eq!(outcome.usage.fuel, 10_000_000);
}

#[tokio::test]
async fn a_tool_that_loops_is_stopped_at_its_deadline() {
    Host::new()
        .deadline(200)
        .stops(&Guest::tool(FOREVER), LimitId::Timeout)
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_loop_is_stopped_also_where_there_is_one_thread_for_everything() {
    Host::new()
        .deadline(200)
        .stops(&Guest::tool(FOREVER), LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn a_start_function_that_loops_is_stopped_by_its_fuel() {
    let host = Host::new().limited(|limits| limits.fuel = 10_000_000);
    let guest = Guest::echo().item("(func $begin (loop $for_ever (br $for_ever))) (start $begin)");
    host.stops(&guest, LimitId::Fuel).await;
}

#[tokio::test]
async fn a_start_function_that_loops_is_stopped_at_its_deadline() {
    let guest = Guest::echo().item("(func $begin (loop $for_ever (br $for_ever))) (start $begin)");
    Host::new()
        .deadline(200)
        .stops(&guest, LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn listing_tools_runs_under_the_limits_too() {
    let host = Host::new();
    let plugin = host.load(&Guest::echo().listing(FOREVER).build());
    let error = host.sandbox.tools(&plugin).await.unwrap_err();
    let allowed = Limits::standard().fuel;
    assert!(
        matches!(&error, CallError::Limit { limit: LimitId::Fuel, allowed: a, .. } if *a == allowed),
        "{error:?}"
    );
    host.still_serves(&plugin).await;
}

#[tokio::test]
async fn an_allocator_that_loops_is_stopped_by_its_fuel() {
    let host = Host::new().limited(|limits| limits.fuel = 10_000_000);
    host.stops(&Guest::echo().realloc(FOREVER), LimitId::Fuel)
        .await;
}

#[tokio::test]
async fn an_allocator_that_loops_is_stopped_at_its_deadline() {
    Host::new()
        .deadline(200)
        .stops(&Guest::echo().realloc(FOREVER), LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn code_that_runs_after_the_answer_is_stopped_by_its_fuel() {
    let host = Host::new().limited(|limits| limits.fuel = 10_000_000);
    let guest = Guest::echo().after("(loop $for_ever (br $for_ever))");
    host.stops(&guest, LimitId::Fuel).await;
}

#[tokio::test]
async fn code_that_runs_after_the_answer_is_stopped_at_its_deadline() {
    let guest = Guest::echo().after("(loop $for_ever (br $for_ever))");
    Host::new()
        .deadline(200)
        .stops(&guest, LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn recursion_without_end_is_stopped_by_the_stack() {
    let guest = Guest::tool("(call $deeper (i32.const 0))").item(
        "(func $deeper (param i32) (result i32)
           (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))",
    );
    Host::new().stops(&guest, LimitId::Stack).await;
}

#[tokio::test]
async fn work_that_is_cheap_in_fuel_and_dear_in_time_is_stopped_at_its_deadline() {
    // One instruction that fills 60 MiB, again and again.
    let guest = Guest::tool(
        "(loop $again
           (memory.fill (i32.const 65536) (local.get $i) (i32.const 62914560))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br $again))
         unreachable",
    )
    .memory("962");
    Host::new()
        .deadline(300)
        .stops(&guest, LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn many_guests_that_loop_are_all_stopped_and_do_not_stop_each_other() {
    let host = Host::new().deadline(300);
    let plugin = host.load(&Guest::tool(FOREVER).build());
    let args = json!({});
    let calls = (0..16).map(|_| host.call(&plugin, "t", &args));
    for outcome in futures::future::join_all(calls).await {
        host.was_stopped(&outcome, LimitId::Timeout);
    }
    host.still_serves(&plugin).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_nothing_behind() {
    let host = Host::new().deadline(60_000);
    let plugin = host.load(&Guest::tool(FOREVER).build());
    host.sandbox.prepare(&plugin).await.unwrap();
    let args = json!({});
    for _ in 0..200 {
        let given_up = tokio::time::timeout(
            std::time::Duration::from_millis(1),
            host.call(&plugin, "t", &args),
        );
        assert!(given_up.await.is_err());
    }
    host.still_serves(&plugin).await;
}
