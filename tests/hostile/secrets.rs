//! Secrets: put in by the host for the host they are meant for, and never seen by a guest in any form.

use armature_sandbox::{Outcome, ToolError};
use armature_tests::{Fetch, Guest, Host, Server, tool_error};
use axum::{
    Router,
    extract::RawQuery,
    http::{HeaderMap, StatusCode, Uri, header},
    response::IntoResponse as _,
    routing::any,
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::{Value, json};

const SECRET: &str = "s3cr\"et/va+lue-42";

/// Says whether the header came, without repeating it.
fn lock() -> Router {
    Router::new().fallback(any(|headers: HeaderMap| async move {
        let value = headers.get("x-key").map(|value| value.as_bytes().to_vec());
        axum::Json(json!({
            "has": value.is_some(),
            "right": value.as_deref() == Some(SECRET.as_bytes()),
            "authorization": headers.contains_key("authorization"),
        }))
    }))
}

fn to(server: &Server, more: &[&Server]) -> Value {
    let http: Vec<String> = std::iter::once(&server)
        .chain(more)
        .map(|server| server.pattern())
        .collect();
    json!({"http": http, "secrets": {"KEY": {"hosts": ["127.0.0.1"], "header": "X-Key: {}"}}})
}

fn knowing(grants: &Value) -> Host {
    Host::new().granting(grants).knowing(&[("KEY", SECRET)])
}

fn nowhere(outcome: &Outcome<Value>) {
    let text = format!("{outcome:?}");
    let forms = [
        SECRET.to_owned(),
        general_purpose::STANDARD.encode(SECRET),
        general_purpose::URL_SAFE_NO_PAD.encode(SECRET),
        SECRET.bytes().map(|b| format!("{b:02x}")).collect(),
        "s3cr%22et%2Fva%2Blue-42".to_owned(),
    ];
    for form in forms {
        assert!(!text.contains(&form), "{form} is in {text}");
    }
}

#[tokio::test]
async fn a_secret_goes_to_the_host_it_was_granted_for() {
    let server = Server::start(lock()).await;
    let outcome = knowing(&to(&server, &[]))
        .attack(&Fetch::get(server.url("/")).guest())
        .await;
    assert_eq!(outcome.result.as_ref().unwrap()["right"], true);
    nowhere(&outcome);
}

#[tokio::test]
async fn a_secret_goes_nowhere_else() {
    let server = Server::start(lock()).await;
    let mut grants = to(&server, &[]);
    grants["secrets"]["KEY"]["hosts"] = json!(["api.example.com"]);
    let outcome = knowing(&grants)
        .attack(&Fetch::get(server.url("/")).guest())
        .await;
    assert_eq!(outcome.result.unwrap()["has"], false);
}

#[tokio::test]
async fn a_secret_that_the_manifest_did_not_ask_for_is_not_sent() {
    use armature_grants::Layer;
    let server = Server::start(lock()).await;
    let mut host = knowing(&to(&server, &[]));
    let asked = json!({"http": [server.pattern()]});
    host.layers[0] = (Layer::Manifest, armature_tests::grants(&asked));
    let outcome = host.attack(&Fetch::get(server.url("/")).guest()).await;
    assert_eq!(outcome.result.unwrap()["has"], false);
}

#[tokio::test]
async fn a_guest_cannot_set_the_header_of_a_secret() {
    let server = Server::start(lock()).await;
    let guest = Fetch::get(server.url("/"))
        .header("X-Key", "forged")
        .guest();
    let outcome = knowing(&to(&server, &[])).attack(&guest).await;
    assert_eq!(outcome.result.unwrap()["right"], true);
}

#[tokio::test]
async fn a_secret_is_not_carried_to_where_a_redirect_leads() {
    let other = Server::start(lock()).await;
    let target = format!("http://localhost:{}/", other.port());
    let first = Server::start(Router::new().fallback(any(move || async move {
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response()
    })))
    .await;
    let mut grants = to(&first, &[]);
    grants["http"] = json!([
        first.pattern(),
        format!("* http://localhost:{}/**", other.port())
    ]);
    let outcome = knowing(&grants)
        .attack(&Fetch::get(first.url("/")).guest())
        .await;
    assert_eq!(
        outcome.result.unwrap(),
        json!({"has": false, "right": false, "authorization": false})
    );
}

#[tokio::test]
async fn a_server_that_repeats_a_secret_in_any_form_is_cut() {
    let forms = |secret: &str| -> Vec<String> {
        vec![
            secret.to_owned(),
            general_purpose::STANDARD.encode(secret),
            general_purpose::URL_SAFE_NO_PAD.encode(secret),
            general_purpose::STANDARD.encode(format!("user:{secret}")),
            general_purpose::STANDARD.encode(format!("Bearer {secret} x")),
            secret.bytes().map(|b| format!("{b:02x}")).collect(),
            secret.bytes().map(|b| format!("{b:02X}")).collect(),
            secret.bytes().map(|b| format!("%{b:02X}")).collect(),
            secret.bytes().map(|b| format!("%{b:02x}")).collect(),
            "s3cr%22et%2Fva%2Blue-42".to_owned(),
            "s3cr%22et%2fva%2blue-42".to_owned(),
            "s3cr&quot;et/va+lue-42".to_owned(),
        ]
    };
    // Escapes of JSON itself: read as JSON these are the secret as it is.
    let escaped = [
        r"s3cr\u0022et\u002fva\u002blue-42",
        r#"s3cr\"et\/va+lue-42"#,
        r#"s3cr\"et/va+lue-42"#,
    ];
    let sent = json!(forms(SECRET)).to_string();
    let sent = format!(
        "{},\"{}\"]",
        sent.trim_end_matches(']'),
        escaped.join("\",\"")
    );
    let server = Server::start(Router::new().fallback(any(move || async move { sent }))).await;
    let outcome = knowing(&to(&server, &[]))
        .attack(&Fetch::get(server.url("/")).guest())
        .await;
    let kept: Vec<String> =
        serde_json::from_value(outcome.result.as_ref().unwrap().clone()).unwrap();
    assert_eq!(kept.len(), forms(SECRET).len() + escaped.len());
    assert!(!kept.iter().any(|text| text == SECRET), "{kept:?}");
    for (sent, kept) in forms(SECRET).iter().zip(&kept) {
        assert_ne!(sent, kept, "this form of a secret came back");
    }
    nowhere(&outcome);
}

#[tokio::test]
async fn an_error_page_and_a_redirect_that_repeat_a_secret_are_cut_too() {
    let server = Server::start(Router::new().fallback(any(|headers: HeaderMap| async move {
        let key = String::from_utf8_lossy(headers["x-key"].as_bytes()).into_owned();
        let body = json!(format!("wrong key: {key}")).to_string();
        (StatusCode::FORBIDDEN, [("x-echo", key)], body)
    })))
    .await;
    let outcome = knowing(&to(&server, &[]))
        .attack(&Fetch::get(server.url("/")).guest())
        .await;
    assert_eq!(
        outcome.result.as_ref().unwrap(),
        &json!("wrong key: [secret KEY]")
    );
    nowhere(&outcome);
}

#[tokio::test]
async fn a_secret_exists_only_for_those_it_was_granted_to() {
    let asking = |name: &str| {
        Guest::tool(&format!(
            "(i32.store8 (i32.const 600) (i32.add (i32.const 48) (call $exists (i32.const 1024) (i32.const {}))))
             (call $ok (i32.const 600) (i32.const 1))",
            name.len()
        ))
        .import("secrets", "exists", "exists", "(param i32 i32) (result i32)")
        .data(1024, name.as_bytes())
    };
    let grants = json!({"secrets": {"KEY": {"hosts": ["api.example.com"]}, "EMPTY": {"hosts": ["api.example.com"]}}});
    let host = Host::new()
        .granting(&grants)
        .knowing(&[("KEY", SECRET), ("OTHER", "another-value")]);
    for (name, exists) in [
        ("KEY", 1),
        ("OTHER", 0),
        ("EMPTY", 0),
        ("PATH", 0),
        ("key", 0),
        ("", 0),
    ] {
        assert_eq!(
            host.attack(&asking(name)).await.result.unwrap(),
            json!(exists),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_line_of_log_that_repeats_a_secret_is_cut() {
    let guest = Guest::tool(&format!(
        "(call $log (i32.const 1) (i32.const 1024) (i32.const {})) (call $null)",
        SECRET.len()
    ))
    .import("log", "write", "log", "(param i32 i32 i32)")
    .data(1024, SECRET.as_bytes());
    let host = Host::new().knowing(&[("KEY", SECRET)]);
    host.attack(&guest).await.result.unwrap();
    assert_eq!(host.log.lines.lock().unwrap()[0].1, "[secret KEY]");
}

const TOKEN: &str = "armature-placeholder-0123456789abcdef";

#[tokio::test]
async fn a_placeholder_becomes_its_secret_towards_its_host_only() {
    let server = Server::start(Router::new().fallback(any(
        |uri: Uri, RawQuery(query): RawQuery, headers: HeaderMap, body: String| async move {
            let query: String = query.unwrap_or_default();
            axum::Json(json!([
                headers
                    .get("x-key")
                    .is_some_and(|value| value.as_bytes() == SECRET.as_bytes()),
                query == "k=s3cr%22et%2Fva%2Blue-42",
                body == format!("key={SECRET}"),
                uri.path() == "/bots3cr%22et%2Fva%2Blue-42/send",
            ]))
        },
    )))
    .await;
    let grants =
        json!({"http": [server.pattern(), format!("* http://localhost:{}/**", server.port())]});
    let host = knowing(&grants).placeholder(TOKEN, "KEY", "127.0.0.1");
    let ask = |base: &str| {
        Fetch::get(format!("{base}bot{TOKEN}/send?k={TOKEN}"))
            .method("POST")
            .header("x-key", TOKEN)
            .body(format!("key={TOKEN}"))
            .guest()
    };
    let outcome = host.attack(&ask(&server.url("/"))).await;
    assert_eq!(
        outcome.result.as_ref().unwrap(),
        &json!([true, true, true, true])
    );
    nowhere(&outcome);
    let before = server.seen();
    let outcome = host
        .attack(&ask(&format!("http://localhost:{}/", server.port())))
        .await;
    assert!(
        matches!(tool_error(&outcome), ToolError::Denied(_)),
        "{:?}",
        outcome.result
    );
    assert_eq!(server.seen(), before, "nothing left the host");
}

#[tokio::test]
async fn a_secret_that_no_header_can_carry_is_an_error_without_its_value() {
    let server = Server::start(lock()).await;
    let host = Host::new()
        .granting(&to(&server, &[]))
        .knowing(&[("KEY", "line one\r\nX-Evil: 1")]);
    let outcome = host.attack(&Fetch::get(server.url("/")).guest()).await;
    let ToolError::InvalidArguments(text) = tool_error(&outcome) else {
        panic!("{:?}", outcome.result)
    };
    assert!(text.contains("KEY") && !text.contains("line one"), "{text}");
    assert_eq!(server.seen(), 0);
}
