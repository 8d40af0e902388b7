use std::sync::Mutex;
use std::time::Duration;

use armature_llm::{
    AccessKey, LlmError, Message, ModelConfig, Reply, Request, RetryPolicy, connect,
};
use serde_json::json;

use crate::server::{Answer, KEY, Server};

const PROVIDERS: [&str; 2] = ["openai", "anthropic"];

fn asking() -> Request {
    Request::new("draft", vec![Message::User("?".into())])
}

fn fine(provider: &str) -> Answer {
    match provider {
        "anthropic" => {
            Answer::json(&json!({"type": "message", "content": [{"type": "text", "text": "fine"}]}))
        }
        _ => Answer::json(&json!({"choices": [{"message": {"content": "fine"}}]})),
    }
}

async fn ask(config: ModelConfig) -> Result<Reply, LlmError> {
    connect(config).unwrap().complete(&asking(), None).await
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_the_server_asks() {
    for provider in PROVIDERS {
        let server = Server::start([
            Answer::text(429, "slow").header("retry-after", "0"),
            fine(provider),
        ])
        .await;
        let mut config = server.config(provider);
        // Only the server's own word can be what ends the wait.
        config.retry = RetryPolicy {
            base: Duration::from_secs(3600),
            cap: Duration::from_secs(3600),
            ..RetryPolicy::default()
        };
        assert_eq!(ask(config).await.unwrap().text, "fine");
        assert_eq!(server.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_wait_longer_than_the_policy_allows_fails_at_once_and_says_how_long() {
    let server = Server::start([Answer::text(429, "slow").header("retry-after", "7200")]).await;
    let error = ask(server.config("openai")).await.unwrap_err();
    assert!(
        matches!(error, LlmError::RateLimited { retry_after: Some(wait), tries: 1, .. } if wait.as_secs() == 7200)
    );
    assert!(error.to_string().contains("wait 7200 s"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_outage_is_reported_after_the_configured_tries() {
    let server = Server::start((0..5).map(|_| Answer::text(503, "down"))).await;
    let error = ask(server.config("openai")).await.unwrap_err();
    assert!(
        matches!(
            error,
            LlmError::Overloaded {
                status: 503,
                tries: 3,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn what_another_try_cannot_mend_is_asked_once() {
    for status in [400, 401, 403, 404, 422] {
        let server =
            Server::start([Answer::text(status, "{\"error\": {\"message\": \"no\"}}")]).await;
        let error = ask(server.config("openai")).await.unwrap_err();
        assert!(
            !error.is_retryable() && !error.hint().is_empty(),
            "{status}: {error:?}"
        );
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_key_is_in_no_error_even_when_the_server_repeats_it() {
    let echo = format!("{{\"error\": {{\"message\": \"bad key {KEY} for Bearer {KEY}\"}}}}");
    let answers = [
        Answer::text(401, &echo),
        Answer::text(400, &format!("<html>{KEY}")),
        Answer::text(200, &echo),
        Answer::text(200, &format!("not json {KEY}")),
        Answer::text(302, "").header("location", format!("/login?key={KEY}")),
    ];
    for provider in PROVIDERS {
        let server = Server::start([]).await;
        let config = server.config(provider);
        assert!(!format!("{config:?}").contains(KEY));
        assert!(!format!("{:?}", connect(config).unwrap()).contains(KEY));
    }
    let count = answers.len();
    let server = Server::start(answers).await;
    for _ in 0..count {
        let mut config = server.config("openai");
        config.retry = RetryPolicy::none();
        let error = ask(config).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}"), error.hint()] {
            assert!(
                !text.contains(KEY) && !text.contains("0123456789"),
                "{text}"
            );
        }
    }
    assert_eq!(server.asked().len(), count);
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("authorization").ends_with(KEY))
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_the_key_stays_where_it_was_sent() {
    let thief = Server::start([fine("openai")]).await;
    let server =
        Server::start([Answer::text(307, "")
            .header("location", format!("{}/v1/chat/completions", thief.address))])
        .await;
    let error = ask(server.config("openai")).await.unwrap_err();
    assert!(
        matches!(error, LlmError::BadRequest { status: 307, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("api_base"), "{error}");
    assert!(thief.asked().is_empty());
}

#[tokio::test]
async fn a_reply_larger_than_allowed_is_refused() {
    let long = "x".repeat(20_000);
    let whole = Answer::json(&json!({"choices": [{"message": {"content": long}}]}));
    let streamed = format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": long}}]})
    );
    let server = Server::start([whole, Answer::events(&streamed, 1000)]).await;
    let mut config = server.config("openai");
    config.max_reply_bytes = 10_000;
    let model = connect(config).unwrap();
    let push = |_: &str| {};
    for on_token in [None, Some(&push as &(dyn Fn(&str) + Send + Sync))] {
        let error = model.complete(&asking(), on_token).await.unwrap_err();
        assert!(
            matches!(&error, LlmError::BadReply { detail, .. } if detail.contains("larger than 10000 bytes")),
            "{error:?}"
        );
    }
    assert_eq!(server.asked().len(), 2);
}

/// 100,000 spaces, packed by gzip.
const BOMB: [u8; 133] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00,
    0x00, 0xc2, 0xa0, 0x2a, 0xeb, 0x9f, 0xd2, 0x1a, 0x1e, 0x40, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xaf, 0x06, 0x2d, 0xf0, 0x79,
    0xca, 0xa0, 0x86, 0x01, 0x00,
];

#[tokio::test]
async fn a_small_reply_that_unpacks_to_a_large_one_is_refused() {
    let bomb = Answer::bytes(200, &BOMB).header("content-encoding", "gzip");
    let server = Server::start([bomb]).await;
    let mut config = server.config("openai");
    config.max_reply_bytes = 10_000;
    let error = ask(config).await.unwrap_err();
    assert!(
        matches!(&error, LlmError::BadReply { detail, .. } if detail.contains("larger than")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_without_the_encryption_it_is_asked_for_is_a_failed_connection() {
    let server = Server::start([]).await;
    let mut config = server.config("openai");
    config.api_base = Some(server.address.replace("http://", "https://"));
    let error = ask(config).await.unwrap_err();
    assert!(
        matches!(error, LlmError::Connect { tries: 3, .. }),
        "{error:?}"
    );
    assert!(server.asked().is_empty(), "nothing was sent in the clear");
}

#[tokio::test]
async fn garbage_is_a_bad_reply_and_is_not_asked_for_twice() {
    for garbage in [
        "<html>hello</html>",
        "{\"choices\": [",
        "{}",
        "[]",
        "null",
        "{\"choices\": []}",
        "{\"choices\": [7]}",
    ] {
        for provider in PROVIDERS {
            let server = Server::start([Answer::text(200, garbage)]).await;
            let error = ask(server.config(provider)).await.unwrap_err();
            assert!(
                matches!(error, LlmError::BadReply { .. }),
                "{provider} {garbage}: {error:?}"
            );
            assert_eq!(server.asked().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_before_any_text_is_tried_again() {
    for provider in PROVIDERS {
        let server = Server::start([
            Answer::broken_events(": hello\n\n"),
            Answer::events(": bye\n\n", 99),
            fine(provider),
        ])
        .await;
        let reply = server
            .model(provider)
            .complete(&asking(), Some(&|_: &str| {}))
            .await
            .unwrap();
        assert_eq!(reply.text, "fine");
        assert_eq!(server.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_after_text_is_not_shown_twice() {
    let openai = format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": "Once"}}]})
    );
    let anthropic = format!(
        "data: {}\n\ndata: {}\n\n",
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Once"}})
    );
    for (provider, stream) in [("openai", openai), ("anthropic", anthropic)] {
        let server = Server::start([Answer::broken_events(&stream), fine(provider)]).await;
        let shown = Mutex::new(String::new());
        let push = |piece: &str| shown.lock().unwrap().push_str(piece);
        let error = server
            .model(provider)
            .complete(&asking(), Some(&push))
            .await
            .unwrap_err();
        assert!(
            matches!(error, LlmError::Connect { tries: 1, .. }),
            "{provider}: {error:?}"
        );
        assert_eq!(
            (shown.lock().unwrap().as_str(), server.asked().len()),
            ("Once", 1)
        );
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let server = Server::start([Answer::silence()]).await;
    let mut config = server.config("openai");
    config.timeout = Duration::from_millis(30);
    config.retry = RetryPolicy::none();
    let error = ask(config).await.unwrap_err();
    assert!(matches!(error, LlmError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_to_check() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut config = ModelConfig::new("ollama", "m");
    config.api_base = Some(format!("http://{address}"));
    config.retry = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let error = ask(config).await.unwrap_err();
    assert!(
        matches!(error, LlmError::Connect { tries: 3, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with(&format!("ollama/m@{address}: ")),
        "{error}"
    );
    assert!(error.hint().contains("api_base"));
}

#[tokio::test]
async fn dropping_the_call_ends_its_wait_for_another_try() {
    let server = Server::start([Answer::text(503, "down"), fine("openai")]).await;
    let mut config = server.config("openai");
    config.retry = RetryPolicy {
        base: Duration::from_secs(3600),
        cap: Duration::from_secs(3600),
        ..RetryPolicy::default()
    };
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, ask(config)).await.is_err());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_signed_carries_no_secret_and_its_refusal_shows_none() {
    let values = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE"),
        "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI/K7MDENG"),
        _ => Some("session-token-1"),
    };
    let repeated = "{\"message\": \"AKIDEXAMPLE and session-token-1 are not known\"}";
    let reply = json!({"output": {"message": {"content": [{"text": "fine"}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1}});
    let server = Server::start([Answer::json(&reply), Answer::text(403, repeated)]).await;
    let mut config = ModelConfig::new("bedrock", "anthropic.claude-v1:0");
    config.api_base = Some(server.address.clone());
    config.access_key = AccessKey::read(values);
    assert_eq!(ask(config.clone()).await.unwrap().text, "fine");
    let error = ask(config).await.unwrap_err();
    assert!(matches!(error, LlmError::Auth { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("[secret] and [secret] are not known"),
        "{error}"
    );
    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/model/anthropic.claude-v1%3A0/converse");
    assert!(
        asked
            .header("authorization")
            .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{asked:?}"
    );
    assert_eq!(asked.header("x-amz-security-token"), "session-token-1");
    assert!(!format!("{asked:?}").contains("wJalrXUtn"));
}
