//! A reply whose server says nothing of tokens is counted by its length, as people do by hand: a quarter of the
//! characters of what was sent and of what came. Too little for a bill, enough for a limit: one on tokens or money would
//! otherwise never be reached.

use std::sync::Arc;

use crate::model::{BoxFuture, Model, OnToken};
use crate::{LlmError, Message, Price, Reply, Request, Usage};

/// A model whose replies always have a usage.
pub(crate) struct Counted {
    model: Arc<dyn Model>,
    price: Option<Price>,
}

impl Counted {
    pub(crate) fn new(model: Arc<dyn Model>, price: Option<Price>) -> Self {
        Self { model, price }
    }
}

impl Model for Counted {
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let mut reply = self.model.complete(request, on_token).await?;
            if reply.usage == Usage::default() {
                reply.usage = estimate(request, written(&reply));
                reply.cost_usd = self.price.map(|price| price.cost(reply.usage));
            }
            Ok(reply)
        })
    }

    fn id(&self) -> &str {
        self.model.id()
    }

    fn cache_key(&self, request: &Request) -> String {
        self.model.cache_key(request)
    }
}

/// Characters of what a model wrote.
fn written(reply: &Reply) -> usize {
    let calls = reply.tool_calls.iter().map(|call| match &call.arguments {
        Ok(arguments) => arguments.to_string().chars().count(),
        Err(raw) => raw.chars().count(),
    });
    reply.text.chars().count() + calls.sum::<usize>()
}

/// Tokens of a request and of a reply of so many characters: four characters a token, the usual rule of thumb.
pub(crate) fn estimate(request: &Request, written: usize) -> Usage {
    let read = request.messages.iter().map(|message| match message {
        Message::System(text) | Message::User(text) | Message::Assistant { text, .. } => {
            text.chars().count()
        }
        Message::Tool { content, .. } => content.chars().count(),
    });
    Usage {
        input_tokens: read.sum::<usize>().div_ceil(4) as u64,
        output_tokens: written.div_ceil(4) as u64,
        ..Usage::default()
    }
}
