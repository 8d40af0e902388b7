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

    /// `provider/model`, with `@host` when the address is not the provider's own. Shown in traces, and no secret.
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

#[cfg(test)]
mod tests {
    use crate::{Message, ModelConfig, Request, Secret, connect};

    #[test]
    fn models_at_different_addresses_do_not_share_kept_replies() {
        let request = Request::new("draft", vec![Message::User("?".into())]);
        let keys = [
            ("custom", "https://gw.test/a/v1"),
            ("custom", "https://gw.test/b/v1"),
            ("custom", "http://gw.test/a/v1"),
            (
                "azure",
                "https://gw.test/openai/deployments/d?api-version=1",
            ),
            (
                "azure",
                "https://gw.test/openai/deployments/d?api-version=2",
            ),
            (
                "azure",
                "https://gw.test/openai/deployments/e?api-version=2",
            ),
            ("anthropic", "https://gw.test/a/v1"),
            ("anthropic", "https://gw.test/b/v1"),
        ]
        .map(|(provider, base)| {
            let mut config = ModelConfig::new(provider, "m");
            config.api_base = Some(base.to_owned());
            config.api_key = Some(Secret::new("k"));
            connect(config).unwrap().cache_key(&request)
        });
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
