//! One exchange over a wire that is neither OpenAI's nor Anthropic's: written, sent, read whole or in pieces.
//!
//! A provider's own module is a [`Codec`]: how a request is written, how a whole reply is read, and how pieces become
//! the reply that would have come whole, so that there is one reader for both. Addresses, limits, tries, prices and what
//! may be shown while it arrives are the same for all of them and live here.

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::endpoint::Endpoint;
use crate::http::Http;
use crate::model::{BoxFuture, Model, OnToken};
use crate::names::{WireNames, fill_ids};
use crate::pieces::Lines;
use crate::providers::bare_model;
use crate::retry::{Failure, retrying};
use crate::schema::ObjectSchema;
use crate::{LlmError, ModelConfig, Output, Price, Reply, Request, RetryPolicy};

/// What a codec writes a request from.
pub(crate) struct Asking<'a> {
    pub(crate) request: &'a Request,
    pub(crate) model: &'a str,
    pub(crate) names: &'a WireNames,
    pub(crate) schema: Option<&'a ObjectSchema>,
    pub(crate) is_streaming: bool,
}

/// A wire.
pub(crate) trait Codec: Send + Sync + 'static {
    /// The method's path below the base, and its query.
    fn path(&self, model: &str, is_streaming: bool) -> (String, Option<&'static str>);

    /// The body.
    fn write(&self, asking: &Asking<'_>) -> Value;

    /// A whole reply.
    fn read(&self, http: &Http, whole: &Value, names: &WireNames) -> Result<Reply, LlmError>;

    /// Puts a piece to those before it, which are `Null` at first; gives the text in it.
    fn join(&self, whole: &mut Value, piece: Value) -> String;

    /// Whether the pieces so far are a whole reply.
    fn is_complete(&self, whole: &Value) -> bool;
}

/// A model behind such a wire.
pub(crate) struct Exchange<C> {
    codec: C,
    http: Http,
    endpoint: Endpoint,
    price: Option<Price>,
    retry: RetryPolicy,
}

/// One request, written.
struct Call<'r> {
    url: Url,
    body: Value,
    model: &'r str,
    turn: u32,
    names: WireNames,
    schema: Option<ObjectSchema>,
}

impl<C: Codec> Exchange<C> {
    pub(crate) fn new(
        config: &ModelConfig,
        endpoint: Endpoint,
        headers: HeaderMap,
        codec: C,
    ) -> Self {
        let (path, _) = codec.path(&endpoint.model, false);
        Self {
            http: Http::new(config, &endpoint.id, endpoint.url_of(&path), headers),
            codec,
            price: endpoint.price,
            endpoint,
            retry: config.retry,
        }
    }

    fn call<'r>(&'r self, request: &'r Request, is_streaming: bool) -> Call<'r> {
        let model = if request.model.is_empty() {
            self.endpoint.model.as_str()
        } else {
            bare_model(self.endpoint.provider.name, &request.model)
        };
        let names = WireNames::new(&request.tools);
        let schema = match &request.output {
            Output::Schema { schema, .. } => Some(ObjectSchema::new(schema)),
            Output::Text | Output::Json => None,
        };
        let body = self.codec.write(&Asking {
            request,
            model,
            names: &names,
            schema: schema.as_ref(),
            is_streaming,
        });
        let (path, query) = self.codec.path(model, is_streaming);
        let mut url = self.endpoint.url_of(&path);
        if let Some(query) = query {
            url.set_query(Some(query));
        }
        Call {
            url,
            body,
            model,
            turn: request.turn,
            names,
            schema,
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        on_token: Option<OnToken<'_>>,
    ) -> Result<Reply, Failure> {
        let mut body = self.http.post_to(call.url.clone(), &call.body).await?;
        let streamed = on_token.and_then(|on_token| Some((on_token, body.framing()?)));
        let mut shown = false;
        let whole = match streamed {
            None => body.json().await?,
            Some((on_token, framing)) => {
                // A wrapped value is shown when it has been unwrapped.
                let wrapped = call.schema.as_ref().is_some_and(ObjectSchema::is_wrapped);
                let mut pieces = Pieces {
                    exchange: self,
                    show: (!wrapped).then_some(on_token),
                    whole: Value::Null,
                    shown: false,
                };
                let read = async {
                    let mut lines = Lines::new(framing);
                    while let Some(bytes) = body.chunk().await? {
                        let told = lines.push(&bytes);
                        for data in told.map_err(|why| self.http.bad_reply(why))? {
                            pieces.take(&data)?;
                        }
                    }
                    lines.finish().map_or(Ok(()), |data| pieces.take(&data))
                };
                let read: Result<(), LlmError> = read.await;
                shown = pieces.shown;
                let whole = read.and_then(|()| {
                    if self.codec.is_complete(&pieces.whole) {
                        Ok(pieces.whole)
                    } else {
                        Err(self.http.cut_off())
                    }
                });
                whole.map_err(|error| Failure { error, shown })?
            }
        };
        let read = self.codec.read(&self.http, &whole, &call.names);
        let mut reply = read.map_err(|error| Failure { error, shown })?;
        if let Some(schema) = &call.schema {
            reply.text = schema.unwrap(reply.text);
        }
        fill_ids(call.turn, &mut reply.tool_calls);
        if reply.model.is_empty() {
            call.model.clone_into(&mut reply.model);
        }
        reply.cost_usd = self.price.map(|price| price.cost(reply.usage));
        if let Some(on_token) = on_token.filter(|_| !shown && !reply.text.is_empty()) {
            on_token(&reply.text);
        }
        Ok(reply)
    }
}

/// A reply being put together.
struct Pieces<'h, C> {
    exchange: &'h Exchange<C>,
    show: Option<OnToken<'h>>,
    whole: Value,
    shown: bool,
}

impl<C: Codec> Pieces<'_, C> {
    fn take(&mut self, data: &str) -> Result<(), LlmError> {
        let http = &self.exchange.http;
        let piece: Value = serde_json::from_str(data).map_err(|error| {
            http.bad_reply(format!("a piece of the stream is no JSON ({error})"))
        })?;
        if piece.get("error").is_some_and(|error| !error.is_null()) {
            return Err(http.reported(200, data));
        }
        let text = self.exchange.codec.join(&mut self.whole, piece);
        if let Some(show) = self.show.filter(|_| !text.is_empty()) {
            self.shown = true;
            show(&text);
        }
        Ok(())
    }
}

impl<C: Codec> Model for Exchange<C> {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let call = self.call(request, on_token.is_some());
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
