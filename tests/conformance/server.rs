//! A server on loopback for the specs that speak HTTP.
//!
//! `/echo` answers with what it was sent, as JSON; `/status/N` with that code; `/moved` with a redirect to `/echo`; `/key`
//! lets in who has the key. The word SERVER in a case's specs and inputs stands for its address.

use axum::{
    Json, Router,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::any,
};
use serde_json::{Map, Value, json};

/// It serves until the process ends.
pub(crate) struct Server {
    address: String,
}

impl Server {
    /// On a thread of its own, so that no test waits for another.
    pub(crate) fn start() -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let router = Router::new()
                    .route("/echo", any(echo))
                    .route("/status/{code}", any(status))
                    .route("/key", any(key))
                    .route("/moved", any(|| async { Redirect::temporary("/echo") }));
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        let address = format!("http://{}", told.recv().unwrap());
        Self { address }
    }

    /// A value in which SERVER has become the address.
    pub(crate) fn named_in(&self, value: &Value) -> Value {
        serde_json::from_str(&self.named_in_text(&value.to_string())).unwrap()
    }

    /// A text in which SERVER has become the address.
    pub(crate) fn named_in_text(&self, text: &str) -> String {
        text.replace("SERVER", &self.address)
    }
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let headers: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                json!(String::from_utf8_lossy(value.as_bytes())),
            )
        })
        .collect();
    let body =
        serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)));
    Json(
        json!({"method": method.as_str(), "path": uri.to_string(), "headers": headers, "body": body}),
    )
}

async fn status(Path(code): Path<u16>) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    (code, code.to_string()).into_response()
}

async fn key(headers: HeaderMap) -> (StatusCode, &'static str) {
    match headers.get("authorization") {
        Some(value) if value == "Bearer k-1234567890" => (StatusCode::OK, "welcome"),
        _ => (StatusCode::UNAUTHORIZED, "who are you?"),
    }
}
