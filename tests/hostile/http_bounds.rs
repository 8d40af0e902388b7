//! How much and how long: servers that stall, trickle, never end, or unpack to more than they sent.

use std::time::{Duration, Instant};

use armature_grants::LimitId;
use armature_sandbox::ToolError;
use armature_tests::{Fetch, Guest, Host, Server, compiled, free_port, tool_error};
use axum::{Router, body::Body, http::header, routing::any};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Reads a request's beginning, so that an answer is an answer.
async fn request_of(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0; 4096]).await;
}

fn granting(server: &Server) -> Host {
    Host::new().granting(&json!({"http": [server.pattern()]}))
}

#[tokio::test]
async fn a_body_that_never_ends_is_stopped_by_its_bytes() {
    let server = Server::start(Router::new().fallback(any(|| async {
        Body::from_stream(futures::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])
        }))
    })))
    .await;
    let host = granting(&server).deadline(20_000);
    let outcome = host
        .stops(&Fetch::get(server.url("/")).guest(), LimitId::HttpDown)
        .await;
    assert!(
        outcome.usage.http_down > 4 << 20 && outcome.usage.http_down < 6 << 20,
        "{:?}",
        outcome.usage
    );
}

#[tokio::test]
async fn a_bomb_is_stopped_while_it_unpacks() {
    // Stored blocks would be honest; these are 100 MiB of zeros in 100 KiB.
    let bomb = gzip_of_zeros(100 << 20);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let server = Server::start(Router::new().fallback(any(move || async move {
        ([(header::CONTENT_ENCODING, "gzip")], bomb)
    })))
    .await;
    let host = granting(&server).deadline(20_000);
    let outcome = host
        .stops(&Fetch::get(server.url("/")).guest(), LimitId::HttpDown)
        .await;
    assert!(outcome.usage.http_down < 8 << 20, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_server_that_trickles_is_given_up() {
    let server = Server::raw(|mut stream| async move {
        request_of(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            .await;
        loop {
            tokio::time::sleep(Duration::from_millis(700)).await;
            if stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    })
    .await;
    let host = granting(&server)
        .deadline(10_000)
        .limited(|limits| limits.http_idle_s = 200);
    let started = Instant::now();
    let outcome = host.attack(&Fetch::get(server.url("/")).guest()).await;
    assert_eq!(tool_error(&outcome), ToolError::Timeout("timeout".into()));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_trickle_that_is_just_quick_enough_ends_at_the_deadline() {
    let server = Server::raw(|mut stream| async move {
        request_of(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            .await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    granting(&server)
        .deadline(400)
        .stops(&Fetch::get(server.url("/")).guest(), LimitId::Timeout)
        .await;
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_given_up() {
    let server = Server::raw(|mut stream| async move {
        request_of(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
    })
    .await;
    let host = granting(&server).deadline(20_000).limited(|limits| {
        limits.http_connect_s = 200;
        limits.http_first_byte_s = 200;
    });
    let started = Instant::now();
    let outcome = host.attack(&Fetch::get(server.url("/")).guest()).await;
    assert_eq!(tool_error(&outcome), ToolError::Timeout("timeout".into()));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_connection_that_never_stands_is_given_up_in_its_own_time() {
    // A listener whose queue is full: further connections are neither taken nor refused.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream);
    }
    let url = format!("http://{address}/");
    let host = Host::new()
        .granting(&json!({"http": [format!("GET http://127.0.0.1:{}/**", address.port())]}))
        .deadline(30_000)
        .limited(|limits| limits.http_connect_s = 300);
    let started = Instant::now();
    let outcome = host.attack(&Fetch::get(url).guest()).await;
    assert_eq!(tool_error(&outcome), ToolError::Timeout("timeout".into()));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable_and_no_more_is_said() {
    let port = free_port();
    let host = Host::new().granting(&json!({"http": [format!("GET http://127.0.0.1:{port}/**")]}));
    let outcome = host
        .attack(&Fetch::get(format!("http://127.0.0.1:{port}/")).guest())
        .await;
    assert_eq!(
        tool_error(&outcome),
        ToolError::Unavailable("no connection".into())
    );
}

#[tokio::test]
async fn requests_are_counted_redirects_included() {
    let server = Server::start(Router::new().fallback(any(|| async { "1" }))).await;
    let host = granting(&server).limited(|limits| limits.http_requests = 5);
    host.stops(
        &Fetch::get(server.url("/")).guest_that_calls(100),
        LimitId::HttpRequests,
    )
    .await;
    assert_eq!(server.seen(), 5);
}

#[tokio::test]
async fn what_is_sent_is_counted_url_and_headers_too() {
    let server = Server::start(Router::new().fallback(any(|| async { "1" }))).await;
    for request in [
        Fetch::get(server.url("/"))
            .method("POST")
            .body(vec![b'x'; 1_000]),
        Fetch::get(server.url(&format!("/{}", "x".repeat(1_000)))),
        Fetch::get(server.url("/")).header("x-data", &"x".repeat(1_000)),
        Fetch::get(server.url(&format!("/?{}", "x".repeat(1_000)))),
    ] {
        let host = granting(&server).limited(|limits| limits.http_up = 1_000);
        let before = server.seen();
        host.stops(&request.guest(), LimitId::HttpUp).await;
        assert_eq!(server.seen(), before, "it is counted before it leaves");
    }
}

#[tokio::test]
async fn what_comes_is_counted_over_all_requests_together() {
    let server = Server::start(
        Router::new().fallback(any(|| async { format!("\"{}\"", "x".repeat(300_000)) })),
    )
    .await;
    let host = granting(&server).limited(|limits| limits.http_down = 1_000_000);
    host.stops(
        &Fetch::get(server.url("/")).guest_that_calls(10),
        LimitId::HttpDown,
    )
    .await;
    assert_eq!(server.seen(), 4);
}

#[tokio::test]
async fn headers_without_end_are_not_handed_to_the_guest() {
    let server = Server::raw(|mut stream| async move {
        request_of(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        for at in 0..1_000_000 {
            if stream
                .write_all(format!("x-{at}: {}\r\n", "y".repeat(100)).as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    })
    .await;
    let outcome = granting(&server)
        .deadline(20_000)
        .attack(&Fetch::get(server.url("/")).guest())
        .await;
    assert!(
        matches!(tool_error(&outcome), ToolError::Unavailable(_)),
        "{:?}",
        outcome.result
    );
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_an_error_of_the_connection() {
    for answer in [
        b"".as_slice(),
        b"\0\0\0\0",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    ] {
        let server = Server::raw(move |mut stream| async move {
            request_of(&mut stream).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let outcome = granting(&server)
            .deadline(10_000)
            .attack(&Fetch::get(server.url("/")).guest())
            .await;
        assert!(
            matches!(tool_error(&outcome), ToolError::Unavailable(_)),
            "{answer:?}: {:?}",
            outcome.result
        );
    }
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    // The variable cannot be set inside a test without racing with others: a child process has it from its start.
    const MARK: &str = "ARMATURE_TEST_PROXY";
    if std::env::var_os(MARK).is_some() {
        let server = Server::start(Router::new().fallback(any(|| async { "1" }))).await;
        let outcome = granting(&server)
            .attack(&Fetch::get(server.url("/")).guest())
            .await;
        assert_eq!(outcome.result.unwrap(), json!(1));
        assert_eq!(server.seen(), 1);
        return;
    }
    let proxy = Server::start(Router::new().fallback(any(|| async { "\"proxied\"" }))).await;
    let test = "http_bounds::proxies_of_the_environment_are_not_used";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(MARK, "1");
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, proxy.url(""));
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let done = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
    assert_eq!(proxy.seen(), 0);
}

#[tokio::test]
async fn the_http_plugin_obeys_the_same_limits() {
    let server = Server::start(Router::new().fallback(any(|| async {
        Body::from_stream(futures::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])
        }))
    })))
    .await;
    let host = granting(&server).deadline(20_000);
    let plugin = host.load(&compiled("http"));
    let outcome = host
        .attack_with(&plugin, "http_get", &json!({"url": server.url("/")}))
        .await;
    host.was_stopped(&outcome, LimitId::HttpDown);
}

#[tokio::test]
async fn a_request_with_more_headers_than_any_needs_is_refused() {
    let mut request = Fetch::get("http://127.0.0.1/");
    for at in 0..201 {
        request = request.header(&format!("x-{at}"), "y");
    }
    let outcome = Host::new().attack(&request.guest()).await;
    assert_eq!(tool_error(&outcome), ToolError::Failed("too-large".into()));
    let long = Fetch::get(format!("http://127.0.0.1/{}", "x".repeat(20_000))).guest();
    let outcome = Host::new().attack(&long).await;
    assert_eq!(tool_error(&outcome), ToolError::Failed("too-large".into()));
    drop(Guest::echo());
}

/// gzip of this many zeros: deflate with the fixed code, one literal and then matches of 258.
fn gzip_of_zeros(count: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut bits, mut filled) = (0u64, 0u32);
    let mut put = |value: u64, length: u32, out: &mut Vec<u8>| {
        bits |= value << filled;
        filled += length;
        while filled >= 8 {
            out.push(u8::try_from(bits & 0xff).unwrap());
            bits >>= 8;
            filled -= 8;
        }
    };
    // Final block, fixed code; the literal 0 is 00110000, most significant bit first.
    put(0b011, 3, &mut out);
    put(0b0000_1100, 8, &mut out);
    for _ in 0..count / 258 {
        // Length 258 is symbol 285, 11000101; distance 1 is symbol 0, five zeros.
        put(0b1010_0011, 8, &mut out);
        put(0, 5, &mut out);
    }
    put(0, 7, &mut out);
    put(0, 7, &mut out);
    // The checksum is wrong on purpose: nobody may get that far.
    out.extend_from_slice(&[0; 8]);
    out
}
