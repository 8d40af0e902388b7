//! A server that gives prepared answers in order and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use armature_llm::{Model, ModelConfig, RetryPolicy, connect};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use futures::StreamExt;
use serde_json::Value;

/// The key every test sends. It must show up nowhere but in the header.
pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

/// One prepared answer.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Payload,
    /// How long the first byte takes.
    after: Duration,
}

enum Payload {
    Whole(Vec<u8>),
    /// Sent one by one; `None` breaks the connection.
    Pieces(Vec<Option<Vec<u8>>>),
    /// Sent, and then nothing more, though the connection stays.
    Stuck(Vec<u8>),
    /// Never answered.
    Silence,
}

impl Answer {
    pub(crate) fn json(body: &Value) -> Self {
        Self::text(200, &body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn bytes(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Payload::Whole(body.to_vec()),
            after: Duration::ZERO,
        }
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::bytes(status, body.as_bytes())
    }

    pub(crate) fn silence() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Payload::Silence,
            after: Duration::ZERO,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// An event stream, cut every `size` bytes wherever that falls.
    pub(crate) fn events(stream: &str, size: usize) -> Self {
        Self::stream("text/event-stream", stream, size)
    }

    /// The same for streams of another kind.
    pub(crate) fn stream(kind: &str, stream: impl AsRef<[u8]>, size: usize) -> Self {
        let pieces = stream
            .as_ref()
            .chunks(size)
            .map(|piece| Some(piece.to_vec()))
            .collect();
        Self {
            status: 200,
            headers: Vec::new(),
            body: Payload::Pieces(pieces),
            after: Duration::ZERO,
        }
        .header("content-type", kind)
    }

    /// A stream that begins and goes no further.
    pub(crate) fn stuck(kind: &str, stream: impl AsRef<[u8]>) -> Self {
        Self {
            body: Payload::Stuck(stream.as_ref().to_vec()),
            ..Self::stream(kind, "", 1)
        }
    }

    /// The same answer, later.
    pub(crate) fn late(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// An event stream after which the connection breaks.
    pub(crate) fn broken_events(stream: &str) -> Self {
        let mut answer = Self::events(stream, usize::MAX);
        if let Payload::Pieces(pieces) = &mut answer.body {
            pieces.push(None);
        }
        answer
    }

    async fn response(self) -> Response<Body> {
        if !self.after.is_zero() {
            tokio::time::sleep(self.after).await;
        }
        let body = match self.body {
            Payload::Whole(bytes) => Body::from(bytes),
            Payload::Pieces(pieces) => {
                Body::from_stream(futures::stream::iter(pieces).then(|piece| async {
                    // Lets each piece go out by itself.
                    tokio::task::yield_now().await;
                    piece
                        .map(Bytes::from)
                        .ok_or_else(|| std::io::Error::other("broken"))
                }))
            }
            Payload::Stuck(bytes) => Body::from_stream(
                futures::stream::once(async { Ok::<_, std::io::Error>(Bytes::from(bytes)) })
                    .chain(futures::stream::pending()),
            ),
            Payload::Silence => std::future::pending().await,
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }
}

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

#[derive(Clone)]
struct Shared {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: String,
    shared: Shared,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let shared = Shared {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// A tier that points here and does not wait between tries.
    pub(crate) fn config(&self, provider: &str) -> ModelConfig {
        let mut config = ModelConfig::new(provider, "m-1");
        config.api_base = Some(format!("{}/v1", self.address));
        config.api_key = Some(KEY.into());
        config.retry = RetryPolicy {
            base: Duration::ZERO,
            ..RetryPolicy::default()
        };
        config
    }

    pub(crate) fn model(&self, provider: &str) -> Arc<dyn Model> {
        connect(self.config(provider)).unwrap()
    }
}

async fn answer(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    shared.asked.lock().unwrap().push(Asked {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let next = shared.answers.lock().unwrap().pop_front();
    next.unwrap_or_else(|| Answer::text(418, "no answer was prepared for this request"))
        .response()
        .await
}
