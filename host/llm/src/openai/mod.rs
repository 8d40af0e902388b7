//! OpenAI's chat completions, as OpenAI and a dozen others speak it.
//!
//! [`encode`] writes a request, [`decode`] reads a whole reply, [`stream`] one that comes in pieces. Servers that claim this
//! protocol differ in the details; reading is lenient about those (missing ids, arguments as objects, content in parts)
//! and strict about what decides a run (that there is a reply at all).

mod decode;
mod encode;
mod stream;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::http::Http;
use crate::model::{BoxFuture, Model, OnToken};
use crate::names::{WireNames, fill_ids};
use crate::providers::{Provider, bare_model};
use crate::retry::{Failure, retrying};
use crate::schema::{ObjectSchema, strict_form, without_nulls};
use crate::sse::SseReader;
use crate::{LlmError, ModelConfig, Output, Price, Reply, Request, RetryPolicy, Secret};

/// A model behind chat completions.
pub(crate) struct OpenAi {
    http: Http,
    provider: &'static Provider,
    model: String,
    price: Option<Price>,
    retry: RetryPolicy,
}

impl OpenAi {
    pub(crate) fn new(config: &ModelConfig, endpoint: Endpoint) -> Result<Self, LlmError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &config.api_key {
            let (name, value) = key_header(endpoint.provider, key)
                .ok_or_else(|| LlmError::bad_key(&endpoint.id))?;
            headers.insert(name, value);
        }
        let url = endpoint.url_of("chat/completions");
        Ok(Self {
            http: Http::new(config, &endpoint.id, url, headers),
            provider: endpoint.provider,
            price: endpoint.price,
            model: endpoint.model,
            retry: config.retry,
        })
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        on_token: Option<OnToken<'_>>,
    ) -> Result<Reply, Failure> {
        let mut body = self.http.post(&call.body).await?;
        let streamed = on_token.filter(|_| body.is_event_stream());
        let (reply, shown) = match streamed {
            None => (
                decode::reply(&self.http, &body.json().await?, &call.names)?,
                false,
            ),
            Some(on_token) => {
                // A value that is still to be unwrapped or rid of nulls is shown after that.
                let is_final =
                    !(call.is_wrapped() || self.provider.strict && call.schema.is_some());
                let mut pieces = stream::Pieces::new(&self.http, is_final.then_some(on_token));
                let read = async {
                    let mut reader = SseReader::default();
                    while let Some(bytes) = body.chunk().await? {
                        for event in reader.push(&bytes) {
                            pieces.take(&event.data)?;
                        }
                    }
                    reader
                        .finish()
                        .map_or(Ok(()), |event| pieces.take(&event.data))
                };
                let read: Result<(), LlmError> = read.await;
                let shown = pieces.shown();
                let whole = read.and_then(|()| pieces.finish(&call.names));
                (whole.map_err(|error| Failure { error, shown })?, shown)
            }
        };
        let reply = self.settle(call, reply);
        if let Some(on_token) = on_token.filter(|_| !shown && !reply.text.is_empty()) {
            on_token(&reply.text);
        }
        Ok(reply)
    }

    /// Unwraps, prices and names a reply.
    fn settle(&self, call: &Call<'_>, mut reply: Reply) -> Reply {
        if let Some(schema) = &call.schema {
            if self.provider.strict && strict_form(&schema.schema).is_some() {
                reply.text = without_nulls(reply.text, &schema.schema);
            }
            reply.text = schema.unwrap(reply.text);
        }
        fill_ids(call.turn, &mut reply.tool_calls);
        if reply.model.is_empty() {
            call.model.clone_into(&mut reply.model);
        }
        // A cost that the provider itself reports is exact.
        let listed = || self.price.map(|price| price.cost(reply.usage));
        reply.cost_usd = reply.cost_usd.or_else(listed);
        reply
    }
}

/// One request, written.
struct Call<'r> {
    body: Value,
    model: &'r str,
    turn: u32,
    names: WireNames,
    schema: Option<ObjectSchema>,
}

impl<'r> Call<'r> {
    fn new(
        provider: &Provider,
        own_model: &'r str,
        request: &'r Request,
        is_streaming: bool,
    ) -> Self {
        let model = if request.model.is_empty() {
            own_model
        } else {
            bare_model(provider.name, &request.model)
        };
        let names = WireNames::new(&request.tools);
        let schema = match &request.output {
            Output::Schema { schema, .. } => Some(ObjectSchema::new(schema)),
            Output::Text | Output::Json => None,
        };
        let body = encode::body(
            provider,
            &encode::Parts {
                request,
                model,
                names: &names,
                schema: schema.as_ref(),
            },
            is_streaming,
        );
        Self {
            body,
            model,
            turn: request.turn,
            names,
            schema,
        }
    }

    fn is_wrapped(&self) -> bool {
        self.schema.as_ref().is_some_and(ObjectSchema::is_wrapped)
    }
}

impl Model for OpenAi {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let call = Call::new(self.provider, &self.model, request, on_token.is_some());
            retrying(&self.retry, || self.attempt(&call, on_token)).await
        })
    }

    fn id(&self) -> &str {
        self.http.model_id()
    }

    fn cache_key(&self, request: &Request) -> String {
        self.http.cache_key(request)
    }
}

fn key_header(provider: &Provider, key: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let (name, text) = if provider.api_key_header {
        (HeaderName::from_static("api-key"), key.expose().to_owned())
    } else {
        (AUTHORIZATION, format!("Bearer {}", key.expose()))
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
