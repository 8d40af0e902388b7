//! The seam: what the engine knows of a model.
//!
//! The trait is object safe and boxed by hand, so that a run holds `Arc<dyn Model>` per tier and tests hold the scripted
//! one. Dropping the returned future cancels the call, its retries and its sleeps.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::{LlmError, Reply, Request};

/// A future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Receives the pieces of text while they arrive. What it was given, joined, is the reply's text.
pub type OnToken<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Something that answers requests.
pub trait Model: Send + Sync {
    /// Answers one request. Tries again where trying again can help; see [`crate::RetryPolicy`].
    ///
    /// A call that has already handed out text is never repeated: the text would come twice.
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        on_token: Option<OnToken<'a>>,
    ) -> BoxFuture<'a, Result<Reply, LlmError>>;

    /// `provider/model`, with `@host` when the address is not the provider's own. Shown in traces, part of cache keys.
    fn id(&self) -> &str;

    /// The key under which a reply to this request may be kept. Two requests with one key would get one answer.
    fn cache_key(&self, request: &Request) -> String {
        request.cache_key(self.id())
    }
}

impl fmt::Debug for dyn Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Model({})", self.id())
    }
}
