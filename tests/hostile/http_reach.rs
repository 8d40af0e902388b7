//! Where requests may go: addresses, names, spellings, redirects. Servers are real and on loopback.

use armature_sandbox::{Outcome, ToolError};
use armature_tests::{Fetch, Host, Server, compiled, tool_error};
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use serde_json::{Value, json};

/// Answers everything with the headers and the body that came.
fn mirror() -> Router {
    Router::new().fallback(any(|headers: HeaderMap, body: String| async move {
        let headers: serde_json::Map<String, Value> = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into(),
                )
            })
            .collect();
        axum::Json(json!({"headers": headers, "body": body}))
    }))
}

fn redirect(status: u16, to: String) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::LOCATION, to)],
    )
        .into_response()
}

async fn fetch(host: &Host, fetch: &Fetch) -> Outcome<Value> {
    host.attack(&fetch.guest()).await
}

async fn denied(host: &Host, url: &str) {
    let outcome = fetch(host, &Fetch::get(url)).await;
    assert!(
        matches!(tool_error(&outcome), ToolError::Denied(_)),
        "{url}: {:?}",
        outcome.result
    );
    assert!(
        !outcome.usage.denials.is_empty(),
        "{url}: the refusal is on record"
    );
}

#[tokio::test]
async fn a_server_on_loopback_answers_where_a_grant_names_it() {
    let server = Server::start(mirror()).await;
    let host = Host::new().granting(&json!({"http": [server.pattern()]}));
    let outcome = fetch(
        &host,
        &Fetch::get(server.url("/x")).method("POST").body("hello"),
    )
    .await;
    assert_eq!(outcome.result.unwrap()["body"], "hello");
    assert!(
        outcome.usage.http_up > 10 && outcome.usage.http_down > 10,
        "{:?}",
        outcome.usage
    );
}

#[tokio::test]
async fn without_a_grant_no_request_leaves() {
    let server = Server::start(mirror()).await;
    denied(&Host::new(), &server.url("/")).await;
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn every_spelling_of_loopback_is_private() {
    let server = Server::start(mirror()).await;
    let port = server.port();
    let host = Host::new().granting(&json!({"http": ["* http://*:*/**", "* https://*:*/**"]}));
    for place in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "\u{ff11}27.0.0.1",
        "127\u{3002}0.0.1",
    ] {
        denied(&host, &format!("http://{place}:{port}/")).await;
    }
    // With a dot at its end a name is looked up as it stands; not every system has an answer.
    let outcome = fetch(&host, &Fetch::get(format!("http://localhost.:{port}/"))).await;
    assert!(matches!(
        tool_error(&outcome),
        ToolError::Denied(_) | ToolError::Unavailable(_)
    ));
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn metadata_services_and_private_networks_are_not_reached() {
    let host = Host::new()
        .granting(&json!({"http": ["* http://*:*/**"]}))
        .deadline(10_000);
    for place in [
        "169.254.169.254",
        "2852039166",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.100.100.200",
    ] {
        denied(&host, &format!("http://{place}/latest/meta-data/")).await;
    }
}

#[tokio::test]
async fn a_name_that_leads_to_loopback_needs_more_than_its_name() {
    // What rebinding comes to: the name is granted, and its answer is private.
    let server = Server::start(mirror()).await;
    let url = format!("http://localhost:{}/", server.port());
    let any = Host::new().granting(&json!({"http": ["GET http://*:*/**"]}));
    denied(&any, &url).await;
    assert_eq!(server.seen(), 0);
    let named = Host::new()
        .granting(&json!({"http": [format!("GET http://localhost:{}/**", server.port())]}));
    assert!(fetch(&named, &Fetch::get(&url)).await.result.is_ok());
    let private =
        Host::new().granting(&json!({"http": [{"allow": "GET http://*:*/**", "private": true}]}));
    assert!(fetch(&private, &Fetch::get(&url)).await.result.is_ok());
}

#[tokio::test]
async fn a_denial_for_a_private_address_says_which_line_would_allow_it() {
    let host = Host::new().granting(&json!({"http": ["GET http://*:*/**"]}));
    let outcome = fetch(&host, &Fetch::get("http://localhost:8/x")).await;
    let denial = &outcome.usage.denials[0];
    assert_eq!(
        denial.line,
        r#"http: [{ allow: "GET http://localhost:8/**", private: true }]"#
    );
    assert!(denial.to_string().contains("not public"), "{denial}");
}

#[tokio::test]
async fn method_scheme_port_and_path_are_all_part_of_a_grant() {
    let server = Server::start(mirror()).await;
    let (port, url) = (server.port(), |path: &str| server.url(path));
    let host =
        Host::new().granting(&json!({"http": [format!("GET http://127.0.0.1:{port}/v1/*")]}));
    assert!(
        fetch(&host, &Fetch::get(url("/v1/x?q=1#frag")))
            .await
            .result
            .is_ok()
    );
    for request in [
        Fetch::get(url("/v1/x")).method("POST"),
        Fetch::get(url("/v1/x")).method("get"),
        Fetch::get(url("/v1/x")).method("*"),
        Fetch::get(url("/v2/x")),
        Fetch::get(url("/v1/x/y")),
        Fetch::get(url("/v1")),
        Fetch::get(url("/v1/../v2/x")),
        Fetch::get(url("/v1/%2e%2e%2fv2")),
        Fetch::get(url("/v1/..%2fv2")),
        Fetch::get(url("/v1/x%5cy")),
        Fetch::get(url("/v1/x").replace("http:", "https:")),
        Fetch::get(format!("http://127.0.0.1:{}/v1/x", port ^ 1)),
        Fetch::get(format!("http://127.0.0.2:{port}/v1/x")),
    ] {
        let outcome = fetch(&host, &request).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Denied(_)),
            "{:?}",
            outcome.result
        );
    }
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn a_url_that_says_one_thing_and_means_another_is_refused() {
    let server = Server::start(mirror()).await;
    let port = server.port();
    let host = Host::new().granting(
        &json!({"http": ["* http://*.example.com:*/**", "* http://good.example.com/**"]}),
    );
    for url in [
        format!("http://good.example.com@127.0.0.1:{port}/"),
        format!("http://good.example.com:80@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@good.example.com/"),
        format!("http://127.0.0.1:{port}#@good.example.com/"),
        format!("http://127.0.0.1:{port}?.good.example.com"),
        format!("http:127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        "ftp://good.example.com/".to_owned(),
        "data:text/plain,x".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
        "unix:///var/run/docker.sock".to_owned(),
        "//good.example.com".to_owned(),
        "http://".to_owned(),
        "http://[::1".to_owned(),
        String::new(),
    ] {
        let outcome = fetch(&host, &Fetch::get(&url)).await;
        assert!(
            matches!(
                tool_error(&outcome),
                ToolError::Denied(_) | ToolError::InvalidArguments(_)
            ),
            "{url}: {:?}",
            outcome.result
        );
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn headers_of_the_connection_cannot_be_set() {
    let server = Server::start(mirror()).await;
    let host = Host::new().granting(&json!({"http": [server.pattern()]}));
    for (name, value) in [
        ("Host", "good.example.com"),
        ("host", "x"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("TE", "trailers"),
        ("Expect", "100-continue"),
        ("Proxy-Authorization", "x"),
    ] {
        let outcome = fetch(&host, &Fetch::get(server.url("/")).header(name, value)).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::InvalidArguments(_)),
            "{name}: {:?}",
            outcome.result
        );
    }
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn nothing_smuggles_a_second_request_or_header() {
    let server = Server::start(mirror()).await;
    let host = Host::new().granting(&json!({"http": [server.pattern()]}));
    for request in [
        Fetch::get(server.url("/")).header("x", "a\r\nHost: evil"),
        Fetch::get(server.url("/")).header("x\r\ny", "a"),
        Fetch::get(server.url("/")).header("x: y", "a"),
        Fetch::get(server.url("/")).header("", "a"),
        Fetch::get(server.url("/")).header("x", "a\0b"),
        Fetch::get(server.url("/")).method("GET / HTTP/1.1\r\nX:"),
        Fetch::get(server.url("/")).method(""),
        Fetch::get(server.url("/")).method("CONNECT"),
        Fetch::get(server.url("/")).method("TRACE"),
    ] {
        let outcome = fetch(&host, &request).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::InvalidArguments(_)),
            "{:?}",
            outcome.result
        );
    }
    assert_eq!(server.seen(), 0);
    // In a URL it is data: encoded, and one request.
    let outcome = fetch(&host, &Fetch::get(server.url("/a b%0d%0aHost:%20evil"))).await;
    assert_ne!(outcome.result.unwrap()["headers"]["host"], "evil");
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn a_redirect_is_checked_like_a_first_request() {
    let secret = Server::start(mirror()).await;
    let target = secret.url("/admin");
    let open = Server::start(Router::new().route(
        "/{status}",
        any(move |Path(status): Path<u16>| async move { redirect(status, target) }),
    ))
    .await;
    let host = Host::new().granting(&json!({"http": [open.pattern()]}));
    for status in [301, 302, 303, 307, 308] {
        denied(&host, &open.url(&format!("/{status}"))).await;
    }
    assert_eq!(secret.seen(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let secret = Server::start(mirror()).await;
    let target = format!("http://[::ffff:127.0.0.1]:{}/", secret.port());
    let port = secret.port();
    let open = Server::start(
        Router::new()
            .route("/mapped", any(move || async move { redirect(302, target) }))
            .route(
                "/name",
                any(move || async move { redirect(302, format!("http://localhost:{port}/")) }),
            )
            .route(
                "/meta",
                any(|| async { redirect(302, "http://169.254.169.254/".into()) }),
            )
            .route(
                "/file",
                any(|| async { redirect(302, "file:///etc/passwd".into()) }),
            )
            .route(
                "/user",
                any(|| async { redirect(302, "http://a:b@127.0.0.1/".into()) }),
            ),
    )
    .await;
    // The whole public internet and one server of our own.
    let host = Host::new().granting(&json!({"http": ["* http://*:*/**", open.pattern()]}));
    for path in ["/mapped", "/name", "/meta"] {
        denied(&host, &open.url(path)).await;
    }
    for path in ["/file", "/user"] {
        let outcome = fetch(&host, &Fetch::get(open.url(path))).await;
        assert!(
            matches!(tool_error(&outcome), ToolError::InvalidArguments(_)),
            "{path}: {:?}",
            outcome.result
        );
    }
    assert_eq!(secret.seen(), 0);
}

#[tokio::test]
async fn redirects_that_never_end_are_followed_so_often_and_no_further() {
    let server =
        Server::start(Router::new().fallback(any(|| async { redirect(302, "/again".into()) })))
            .await;
    let host = Host::new()
        .granting(&json!({"http": [server.pattern()]}))
        .limited(|limits| limits.http_redirects = 3);
    let outcome = fetch(&host, &Fetch::get(server.url("/")).redirects(1_000)).await;
    assert_eq!(
        tool_error(&outcome),
        ToolError::Failed("too-many-redirects".into())
    );
    assert_eq!(server.seen(), 4);
}

#[tokio::test]
async fn what_was_meant_for_one_origin_is_not_sent_to_another() {
    let other = Server::start(mirror()).await;
    let target = other.url("/");
    let first =
        Server::start(Router::new().route("/", any(move || async move { redirect(307, target) })))
            .await;
    let host = Host::new().granting(&json!({"http": [first.pattern(), other.pattern()]}));
    let request = Fetch::get(first.url("/"))
        .header("Authorization", "Bearer mine")
        .header("Cookie", "session=1")
        .header("X-Plain", "kept");
    let answer = fetch(&host, &request).await.result.unwrap();
    assert_eq!(answer["headers"]["x-plain"], "kept");
    assert!(answer["headers"].get("authorization").is_none(), "{answer}");
    assert!(answer["headers"].get("cookie").is_none(), "{answer}");
}

#[tokio::test]
async fn a_redirect_after_a_post_does_not_post_again_elsewhere() {
    let other = Server::start(mirror()).await;
    let target = other.url("/");
    let first =
        Server::start(Router::new().route("/", any(move || async move { redirect(302, target) })))
            .await;
    let host = Host::new().granting(&json!({"http": [first.pattern(), other.pattern()]}));
    let answer = fetch(
        &host,
        &Fetch::get(first.url("/")).method("POST").body("private"),
    )
    .await;
    assert_eq!(answer.result.unwrap()["body"], "");
}

#[tokio::test]
async fn the_http_plugin_follows_nothing_by_itself() {
    let server =
        Server::start(Router::new().route("/", get(|| async { redirect(302, "/next".into()) })))
            .await;
    let host = Host::new().granting(&json!({"http": [server.pattern()]}));
    let plugin = host.load(&compiled("http"));
    let outcome = host
        .attack_with(&plugin, "http_get", &json!({"url": server.url("/")}))
        .await;
    assert_eq!(outcome.result.unwrap()["status"], 302);
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn the_layers_of_a_grant_only_ever_narrow() {
    use armature_grants::Layer;
    let server = Server::start(mirror()).await;
    let wide = json!({"http": [server.pattern()]});
    for (narrow, layer) in [(1, Layer::Spec), (2, Layer::Policy), (3, Layer::Stage)] {
        let mut host = Host::new();
        host.layers = [Layer::Manifest, Layer::Spec, Layer::Policy, Layer::Stage]
            .into_iter()
            .enumerate()
            .map(|(at, layer)| {
                let text = if at == narrow {
                    json!({"http": ["GET https://example.com/**"]})
                } else {
                    wide.clone()
                };
                (layer, armature_tests::grants(&text))
            })
            .collect();
        let outcome = fetch(&host, &Fetch::get(server.url("/"))).await;
        assert!(matches!(tool_error(&outcome), ToolError::Denied(_)));
        assert_eq!(outcome.usage.denials[0].layer, layer);
    }
    assert_eq!(server.seen(), 0);
}
