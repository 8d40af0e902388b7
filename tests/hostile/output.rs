//! Guests that say too much: results, lists, logs, progress.

use armature_grants::LimitId;
use armature_sandbox::CallError;
use armature_tests::{Guest, Host};
use serde_json::json;

const LOG: (&str, &str, &str, &str) = ("log", "write", "log", "(param i32 i32 i32)");

fn logging(body: &str) -> Guest {
    Guest::tool(body).import(LOG.0, LOG.1, LOG.2, LOG.3)
}

#[tokio::test]
async fn a_result_larger_than_memory_is_refused() {
    // 500 MB are claimed where there are two pages.
    let outcome = Host::new()
        .attack(&Guest::tool(
            "(call $ok (i32.const 0) (i32.const 500000000))",
        ))
        .await;
    assert!(
        matches!(outcome.result, Err(CallError::Trap { .. })),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn a_result_over_the_limit_is_not_copied_out() {
    // 48 MiB that are really there.
    let guest = Guest::tool("(call $ok (i32.const 0) (i32.const 50331648))").memory("800");
    let outcome = Host::new().attack(&guest).await;
    assert!(
        matches!(
            outcome.result,
            Err(CallError::Limit {
                limit: LimitId::HostCallBytes,
                ..
            })
        ),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn a_result_just_over_its_limit_is_refused_by_name() {
    let host = Host::new().limited(|limits| limits.output = 1_000);
    let guest = Guest::tool("(call $ok (i32.const 1024) (i32.const 1001))")
        .data(1024, &[b' '; 1000])
        .data(2024, b"1");
    let outcome = host.stops(&guest, LimitId::Output).await;
    assert_eq!(outcome.usage.bytes_out, 1_001);
}

#[tokio::test]
async fn a_list_whose_items_are_all_the_same_bytes_is_not_multiplied() {
    // list-tools gives 10,000 tools, each with the same megabyte as its description.
    let guest = Guest::echo()
        .listing(
            "(loop $next
               (call $tool_at (i32.add (i32.const 2097152) (i32.mul (local.get $i) (i32.const 40))))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $next (i32.lt_u (local.get $i) (i32.const 10000))))
             (i32.store (i32.const 256) (i32.const 2097152))
             (i32.store (i32.const 260) (i32.const 10000))
             (i32.const 256)",
        )
        .item(
            "(func $tool_at (param $at i32)
               (i32.store offset=8 (local.get $at) (i32.const 65536))
               (i32.store offset=12 (local.get $at) (i32.const 1048576)))",
        )
        .memory("100");
    let host = Host::new();
    let plugin = host.load(&guest.build());
    let error = host.sandbox.tools(&plugin).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Limit {
                limit: LimitId::HostCallBytes,
                ..
            }
        ),
        "{error:?}"
    );
    host.still_serves(&plugin).await;
}

#[tokio::test]
async fn more_tools_than_a_plugin_may_have_are_refused() {
    let guest = Guest::echo().listing(
        "(i32.store (i32.const 256) (i32.const 2048)) (i32.store (i32.const 260) (i32.const 201)) (i32.const 256)",
    );
    let host = Host::new();
    let error = host
        .sandbox
        .tools(&host.load(&guest.build()))
        .await
        .unwrap_err();
    let CallError::BadResult { why, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(why.contains("201") && why.contains("200"), "{why}");
}

#[tokio::test]
async fn a_result_that_is_not_json_is_a_bad_answer() {
    let deep: Vec<u8> = [b'['; 100_000].to_vec();
    for text in [
        b"".as_slice(),
        b"{",
        b"nul",
        b"\xff\xfe",
        b"1e999999x",
        &deep[..20_000],
    ] {
        let guest = Guest::tool(&format!(
            "(call $ok (i32.const 1024) (i32.const {}))",
            text.len()
        ))
        .data(1024, text);
        let outcome = Host::new().attack(&guest).await;
        let error = outcome.result.unwrap_err();
        match text {
            // Not even text: the boundary itself refuses it.
            b"\xff\xfe" => assert!(matches!(error, CallError::Trap { .. }), "{error:?}"),
            _ => assert!(matches!(error, CallError::BadResult { .. }), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_log_that_never_ends_is_stopped_by_its_lines() {
    let guest = logging(
        "(loop $again (call $log (i32.const 1) (i32.const 16) (i32.const 1)) (br $again)) unreachable",
    );
    let host = Host::new();
    host.stops(&guest, LimitId::LogLines).await;
    assert_eq!(host.log.lines.lock().unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_log_that_never_ends_is_stopped_by_its_bytes() {
    let guest = logging(
        "(loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 60000)) (br $again)) unreachable",
    )
    .data(1024, &[b'x'; 60_000]);
    let host = Host::new();
    host.stops(&guest, LimitId::LogBytes).await;
    let lines = host.log.lines.lock().unwrap();
    assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() <= 262_144);
}

#[tokio::test]
async fn one_log_line_larger_than_all_is_stopped_before_it_is_copied() {
    let guest = logging("(call $log (i32.const 1) (i32.const 0) (i32.const 50331648)) unreachable")
        .memory("800");
    let host = Host::new();
    host.stops(&guest, LimitId::HostCallBytes).await;
    assert!(host.log.lines.lock().unwrap().is_empty());
}

#[tokio::test]
async fn log_lines_carry_no_control_characters_and_no_hidden_text() {
    let text = "\u{1b}]52;c;ZXZpbA==\u{7}a\rfake\n\u{202e}rtl\u{200b}\u{e0041}z";
    let guest = logging(&format!(
        "(call $log (i32.const 3) (i32.const 1024) (i32.const {})) (call $null)",
        text.len()
    ))
    .data(1024, text.as_bytes());
    let host = Host::new();
    host.attack(&guest).await.result.unwrap();
    let lines = host.log.lines.lock().unwrap();
    assert_eq!(lines[0].1, "]52;c;ZXZpbA==afake rtlz");
}

#[tokio::test]
async fn progress_is_counted_and_short_whatever_the_guest_says() {
    let guest = Guest::tool(
        "(loop $again
           (call $report (i64.const 1) (i32.const 0) (i64.const 0) (i32.const 1024) (i32.const 60000))
           (br $again))
         unreachable",
    )
    .import("progress", "report", "report", "(param i64 i32 i64 i32 i32)")
    .data(1024, &[b'x'; 60_000]);
    let host = Host::new().limited(|limits| limits.host_calls = 50);
    let outcome = host.stops(&guest, LimitId::HostCalls).await;
    assert_eq!(outcome.usage.host_calls, 51);
    let messages = host.log.progress.lock().unwrap();
    assert_eq!(messages.len(), 50);
    assert!(
        messages.iter().all(|message| message.len() <= 1_000),
        "{}",
        messages[0].len()
    );
}

#[tokio::test]
async fn the_error_of_a_tool_is_cut_and_cleaned() {
    let mut text = b"\x1b[31mred\x1b[0m".to_vec();
    text.resize(50_000, b'x');
    let guest = Guest::tool("(call $fail (i32.const 1024) (i32.const 50000))").data(1024, &text);
    let outcome = Host::new().attack(&guest).await;
    let message = armature_tests::tool_error(&outcome).to_string();
    assert!(message.starts_with("[31mred[0m"), "{message:.40}");
    assert!(message.len() <= 4_000);
}

#[tokio::test]
async fn hidden_text_in_a_definition_does_not_reach_a_model() {
    let schema = "{\"type\":\"object\",\"properties\":{\"a\":{\"description\":\"x\u{e0041}\u{200b}\u{202e}y\"}}}";
    let guest = Guest::echo()
        .data(1024, schema.as_bytes())
        .data(2048, "de\u{1b}\u{200b}sc".as_bytes())
        .listing(&format!(
            "(drop (call $one_tool))
             (i32.store (i32.const 408) (i32.const 2048)) (i32.store (i32.const 412) (i32.const 8))
             (i32.store (i32.const 416) (i32.const 1024)) (i32.store (i32.const 420) (i32.const {}))
             (i32.const 256)",
            schema.len()
        ));
    let host = Host::new();
    let tools = host
        .sandbox
        .tools(&host.load(&guest.build()))
        .await
        .unwrap();
    assert_eq!(tools[0].description, "desc");
    assert_eq!(
        tools[0].input_schema["properties"]["a"]["description"],
        json!("xy")
    );
}

#[tokio::test]
async fn a_schema_that_points_to_another_place_is_refused() {
    let schema = r#"{"properties":{"a":{"$ref":"http://example.com/evil.json"}}}"#;
    let guest = Guest::echo()
        .data(1024, schema.as_bytes())
        .listing(&format!(
            "(drop (call $one_tool))
         (i32.store (i32.const 416) (i32.const 1024)) (i32.store (i32.const 420) (i32.const {}))
         (i32.const 256)",
            schema.len()
        ));
    let host = Host::new();
    let error = host
        .sandbox
        .tools(&host.load(&guest.build()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::BadResult { why, .. } if why.contains("another document")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_schema_that_takes_for_ever_to_check_is_refused() {
    // Each of forty lines refers twice to the next: 2⁴⁰ looks at one value.
    let mut schema = String::from(r##"{"$ref":"#/$defs/a0","$defs":{"a40":{}"##);
    for level in 0..40 {
        let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, level + 1);
        schema.push_str(&format!(r#","a{level}":{{"allOf":[{next},{next}]}}"#));
    }
    schema.push_str("}}");
    let guest = Guest::echo()
        .data(1024, schema.as_bytes())
        .listing(&format!(
            "(drop (call $one_tool))
         (i32.store (i32.const 416) (i32.const 1024)) (i32.store (i32.const 420) (i32.const {}))
         (i32.const 256)",
            schema.len()
        ));
    let host = Host::new();
    let error = host
        .sandbox
        .tools(&host.load(&guest.build()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::BadResult { why, .. } if why.contains("refer less often")),
        "{error:?}"
    );
}
