//! The one way out of this crate.
//!
//! Every client is built here with every limit set: no redirects (a key must not follow one), no proxy from the
//! environment, timeouts for connecting, for silence and for the whole, a cap on the bytes of a reply after decompression.
//! What a server says about a failure is cut, made printable and scrubbed of the key before it becomes an error.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Proxy, Response, StatusCode, redirect};
use serde_json::Value;
use url::Url;

use crate::failure::{Refusal, refused};
use crate::{AccessKey, LlmError, ModelConfig, Request, Secret};

/// Reaching a server takes less than this or will not work.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a failed answer is read to find its message.
const MAX_ERROR_BYTES: u64 = 64 << 10;

/// A connection to one provider.
pub(crate) struct Http {
    client: OnceLock<Client>,
    url: Url,
    headers: HeaderMap,
    key: Option<Secret>,
    /// Signs requests where there is no key.
    access_key: Option<AccessKey>,
    model_id: String,
    timeout: Duration,
    idle_timeout: Duration,
    max_reply_bytes: u64,
    proxy: Option<Secret>,
}

impl Http {
    /// `headers` hold the key in the form the provider wants, marked sensitive.
    pub(crate) fn new(
        config: &ModelConfig,
        model_id: &str,
        url: Url,
        mut headers: HeaderMap,
    ) -> Self {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self {
            client: OnceLock::new(),
            url,
            headers,
            key: config.api_key.clone(),
            access_key: config
                .access_key
                .clone()
                .filter(|_| config.api_key.is_none()),
            model_id: model_id.to_owned(),
            timeout: config.timeout,
            idle_timeout: config.idle_timeout,
            max_reply_bytes: config.max_reply_bytes,
            proxy: config.proxy.clone(),
        }
    }

    /// Sends a request and checks the status. The body is still to be read.
    pub(crate) async fn post(&self, body: &Value) -> Result<Body<'_>, LlmError> {
        self.post_to(self.url.clone(), body).await
    }

    /// The same to another method of the same server.
    pub(crate) async fn post_to(&self, url: Url, body: &Value) -> Result<Body<'_>, LlmError> {
        let body = body.to_string();
        let mut headers = self.headers.clone();
        if let Some(key) = &self.access_key {
            let signed = key.headers(&url, &body).map_err(|why| LlmError::Config {
                what: format!("{}: {}", self.model_id, self.clean(&why)),
                hint: "check the access key and `api_base`".into(),
            })?;
            headers.extend(signed);
        }
        let request = self
            .client()?
            .post(url)
            .headers(headers)
            .timeout(self.timeout);
        let response = request
            .body(body)
            .send()
            .await
            .map_err(|error| self.broken(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Body {
                http: self,
                response,
                left: self.max_reply_bytes,
            });
        }
        Err(self.refusal(status, response).await)
    }

    /// `provider/model`.
    pub(crate) fn model_id(&self) -> &str {
        &self.model_id
    }

    /// The key under which a reply to a request may be kept. The whole address is part of it: two tenants, deployments
    /// or versions behind one host give two answers, and an answer that came unprotected is not one that did not.
    pub(crate) fn cache_key(&self, request: &Request) -> String {
        request.cache_key(&format!("{} {}", self.model_id, self.url))
    }

    /// An error that the server reported inside a reply that began well.
    pub(crate) fn reported(&self, status: u16, body: &str) -> LlmError {
        refused(
            &self.model_id,
            &Refusal {
                status,
                body: &self.clean(body),
                headers: &HeaderMap::new(),
            },
        )
    }

    /// A reply that is not what it should be.
    pub(crate) fn bad_reply(&self, detail: impl AsRef<str>) -> LlmError {
        LlmError::BadReply {
            model: self.model_id.clone(),
            detail: self.clean(detail.as_ref()),
        }
    }

    /// A prompt that the provider would not give to the model.
    pub(crate) fn filtered(&self, detail: impl AsRef<str>) -> LlmError {
        LlmError::Filtered {
            model: self.model_id.clone(),
            detail: self.clean(detail.as_ref()),
        }
    }

    /// A reply that stopped before its end.
    pub(crate) fn cut_off(&self) -> LlmError {
        LlmError::Connect {
            model: self.model_id.clone(),
            detail: "the stream ended before the reply was complete".into(),
            tries: 1,
        }
    }

    fn clean(&self, text: &str) -> String {
        match (&self.key, &self.access_key) {
            (Some(key), _) => key.scrub(text),
            (None, Some(key)) => key.scrub(text),
            (None, None) => text.to_owned(),
        }
    }

    /// Built with the first call: reading the system's certificates takes longer than starting a run may.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the crate's one module that builds clients"
    )]
    fn client(&self) -> Result<&Client, LlmError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // An error means that the process has chosen its cryptography already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("armature/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy();
        let builder = match &self.proxy {
            Some(address) => {
                builder.proxy(Proxy::all(address.expose()).map_err(|_| LlmError::Config {
                    what: format!("{}: the proxy's address is not a URL", self.model_id),
                    hint: "write it as http://HOST:PORT".into(),
                })?)
            }
            None => builder,
        };
        let client = builder.build().map_err(|error| LlmError::Config {
            what: format!(
                "{}: no HTTP client can be made: {}",
                self.model_id,
                root_cause(&error)
            ),
            hint: "check that the system's certificates are installed (Debian: ca-certificates)"
                .into(),
        })?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn refusal(&self, status: StatusCode, response: Response) -> LlmError {
        let headers = response.headers().clone();
        let mut body = Body {
            http: self,
            response,
            left: MAX_ERROR_BYTES,
        };
        let mut bytes = Vec::new();
        // The status says enough: a body that breaks off or never ends must not hide it.
        while let Ok(Some(chunk)) = body.chunk().await {
            bytes.extend_from_slice(&chunk);
        }
        let text = self.clean(&String::from_utf8_lossy(&bytes));
        refused(
            &self.model_id,
            &Refusal {
                status: status.as_u16(),
                body: &text,
                headers: &headers,
            },
        )
    }

    /// All the time that a call has is over. Another try would take as long, and may be billed again.
    fn too_late(&self, detail: String) -> LlmError {
        LlmError::Timeout {
            model: self.model_id.clone(),
            detail,
            tries: 1,
            is_final: true,
        }
    }

    fn broken(&self, error: reqwest::Error) -> LlmError {
        let model = self.model_id.clone();
        let host = self.url.host_str().unwrap_or_default();
        let error = error.without_url();
        if error.is_timeout() {
            if error.is_connect() {
                return LlmError::Connect {
                    model,
                    detail: format!(
                        "`{host}` did not accept a connection within {CONNECT_TIMEOUT:?}"
                    ),
                    tries: 1,
                };
            }
            return self.too_late(format!("nothing in {:?}", self.timeout));
        }
        if error.is_builder() {
            return LlmError::Config {
                what: format!(
                    "{model}: the request cannot be made: {}",
                    self.clean(&root_cause(&error))
                ),
                hint: "check `api_base`".into(),
            };
        }
        // A body that breaks off is reported as one that cannot be decoded, so the two are not told apart here.
        LlmError::Connect {
            model,
            detail: self.clean(&format!("`{host}`: {}", root_cause(&error))),
            tries: 1,
        }
    }
}

/// How the pieces of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON value a line.
    Lines,
    /// Amazon's frames.
    Frames,
}

/// A reply being read.
pub(crate) struct Body<'h> {
    http: &'h Http,
    response: Response,
    left: u64,
}

impl Body<'_> {
    /// Whether the server streams, whatever it was asked for.
    pub(crate) fn is_event_stream(&self) -> bool {
        self.framing() == Some(Framing::Events)
    }

    /// How the server streams, if it does.
    pub(crate) fn framing(&self) -> Option<Framing> {
        let kind = self.response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.trim_start().to_ascii_lowercase();
        let known = [
            ("text/event-stream", Framing::Events),
            ("application/x-ndjson", Framing::Lines),
            ("application/vnd.amazon.eventstream", Framing::Frames),
        ];
        let found = known.into_iter().find(|(name, _)| kind.starts_with(name));
        found.map(|(_, framing)| framing)
    }

    /// The next bytes, `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LlmError> {
        // A reply that comes in pieces is never silent for long. One that comes whole is silent until it is done.
        let silence = match self.framing() {
            Some(_) => self.http.idle_timeout,
            None => self.http.timeout,
        };
        let read = tokio::time::timeout(silence, self.response.chunk()).await;
        let Some(chunk) = read
            .map_err(|_| {
                self.http
                    .too_late(format!("{silence:?} of silence within the reply"))
            })?
            .map_err(|error| self.http.broken(error))?
        else {
            return Ok(None);
        };
        let Some(left) = self.left.checked_sub(chunk.len() as u64) else {
            return Err(self.http.bad_reply(format!(
                "it is larger than {} bytes",
                self.http.max_reply_bytes
            )));
        };
        self.left = left;
        Ok(Some(chunk.to_vec()))
    }

    /// All of it, as JSON.
    pub(crate) async fn json(mut self) -> Result<Value, LlmError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let start: String = String::from_utf8_lossy(&bytes).chars().take(80).collect();
            self.http
                .bad_reply(format!("it is no JSON ({error}); it begins with {start:?}"))
        })
    }
}

/// The innermost reason: the layers above repeat that sending failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
