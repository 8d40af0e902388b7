//! Anthropic's messages.
//!
//! What differs from chat completions: instructions stand apart from the conversation, turns must alternate, a tool's
//! answer is part of the user's turn, the longest reply must be named, and JSON is had by offering the answer itself as a
//! tool that must be called. With other tools present the model must call one of them or give its answer.

mod decode;
mod encode;
mod stream;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::http::Http;
use crate::model::{BoxFuture, Model, OnToken};
use crate::names::{WireNames, fill_ids};
use crate::providers::bare_model;
use crate::retry::{Failure, retrying};
use crate::schema::ObjectSchema;
use crate::sse::SseReader;
use crate::{Finish, LlmError, ModelConfig, Output, Price, Reply, Request, RetryPolicy};

/// The version of the protocol spoken here. Newer fields come as betas; none is used.
const VERSION: &str = "2023-06-01";

/// A model behind the messages API.
pub(crate) struct Anthropic {
    http: Http,
    model: String,
    price: Option<Price>,
    retry: RetryPolicy,
}

impl Anthropic {
    pub(crate) fn new(config: &ModelConfig, endpoint: Endpoint) -> Result<Self, LlmError> {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static(VERSION),
        );
        if let Some(key) = &config.api_key {
            let mut value =
                HeaderValue::from_str(key.expose()).map_err(|_| LlmError::bad_key(&endpoint.id))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-api-key"), value);
        }
        let http = Http::new(config, &endpoint.id, endpoint.url_of("messages"), headers);
        Ok(Self {
            http,
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
        let (message, shown) = match streamed {
            None => (body.json().await?, false),
            Some(on_token) => {
                // Beside a forced answer the text is chatter, so nothing is shown before the answer is known.
                let mut pieces =
                    stream::Pieces::new(&self.http, call.answer.is_none().then_some(on_token));
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
                let whole = read.and_then(|()| pieces.finish());
                (whole.map_err(|error| Failure { error, shown })?, shown)
            }
        };
        let reply = self.settle(call, decode::reply(&self.http, &message, &call.names)?);
        if let Some(on_token) = on_token.filter(|_| !shown && !reply.text.is_empty()) {
            on_token(&reply.text);
        }
        Ok(reply)
    }

    /// Takes the answer out of the tool that carried it; prices and names the reply.
    fn settle(&self, call: &Call<'_>, mut reply: Reply) -> Reply {
        if let Some(answer) = &call.answer {
            let (given, wanted): (Vec<_>, Vec<_>) = reply
                .tool_calls
                .drain(..)
                .partition(|made| made.name == answer.tool);
            reply.tool_calls = wanted;
            if reply.tool_calls.is_empty()
                && let Some(given) = given.into_iter().next()
            {
                let text = given
                    .arguments
                    .map_or_else(|raw| raw, |value| value.to_string());
                reply.text = answer.schema.unwrap(text);
                if reply.finish == Finish::ToolCalls {
                    reply.finish = Finish::Stop;
                }
            }
        }
        fill_ids(call.turn, &mut reply.tool_calls);
        if reply.model.is_empty() {
            call.model.clone_into(&mut reply.model);
        }
        reply.cost_usd = self.price.map(|price| price.cost(reply.usage));
        reply
    }
}

/// One request, written.
struct Call<'r> {
    body: Value,
    model: &'r str,
    turn: u32,
    names: WireNames,
    answer: Option<Answer>,
}

/// The tool that carries a structured answer.
struct Answer {
    tool: String,
    schema: ObjectSchema,
}

impl<'r> Call<'r> {
    fn new(own_model: &'r str, request: &'r Request, is_streaming: bool) -> Self {
        let model = if request.model.is_empty() {
            own_model
        } else {
            bare_model("anthropic", &request.model)
        };
        let names = WireNames::new(&request.tools);
        let answer = match &request.output {
            Output::Schema { schema, .. } => Some(Answer {
                tool: answer_tool(&names, request),
                schema: ObjectSchema::new(schema),
            }),
            Output::Text | Output::Json => None,
        };
        let parts = encode::Parts {
            request,
            model,
            names: &names,
            answer: answer.as_ref(),
        };
        let body = encode::body(&parts, is_streaming);
        Self {
            body,
            model,
            turn: request.turn,
            names,
            answer,
        }
    }
}

/// A name that none of the request's tools has.
fn answer_tool(names: &WireNames, request: &Request) -> String {
    let mut name = "give_answer".to_owned();
    while request
        .tools
        .iter()
        .any(|tool| tool.name == name || names.wire(&tool.name) == name)
    {
        name.push('_');
    }
    name
}

impl Model for Anthropic {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let call = Call::new(&self.model, request, on_token.is_some());
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
