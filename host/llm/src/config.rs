//! How a tier becomes a model.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::anthropic::Anthropic;
use crate::bedrock::Bedrock;
use crate::counted::Counted;
use crate::endpoint::Endpoint;
use crate::gemini::Gemini;
use crate::ollama::Ollama;
use crate::openai::OpenAi;
use crate::prompted::Prompted;
use crate::providers::Wire;
use crate::{AccessKey, LlmError, Model, Price, RetryPolicy, Script, Scripted, Secret};

/// Everything a connection needs. Reading the environment is the caller's business: the key comes as a value.
#[derive(Clone)]
pub struct ModelConfig {
    /// A row of [`crate::PROVIDERS`], or any name with `api_base`, which is then taken to speak OpenAI's protocol.
    pub provider: String,
    /// The model's name. `provider/model` is understood too.
    pub model: String,
    /// Where to reach it, when not at the provider's own address.
    pub api_base: Option<String>,
    /// The key.
    pub api_key: Option<Secret>,
    /// An access key, where the provider takes requests that are signed; the key goes before it.
    pub access_key: Option<AccessKey>,
    /// The replies of the provider `scripted`.
    pub script: Option<Script>,
    /// What it costs, instead of the listed price.
    pub price: Option<Price>,
    /// `Some(false)`: the model knows no native tool calling; tools are described in the prompt instead.
    pub tool_calling: Option<bool>,
    /// The longest a call may take, retries not counted; also the longest wait for the first byte.
    pub timeout: Duration,
    /// The longest silence within a reply that comes in pieces.
    pub idle_timeout: Duration,
    /// The largest reply read, in bytes after decompression.
    pub max_reply_bytes: u64,
    /// When to try again.
    pub retry: RetryPolicy,
    /// A proxy's address, secret because it may hold a password. `None`: none, whatever the environment says.
    pub proxy: Option<Secret>,
}

/// Shows what cannot hold a secret: people do paste keys into addresses.
impl fmt::Debug for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelConfig")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("has_script", &self.script.is_some())
            .finish_non_exhaustive()
    }
}

impl ModelConfig {
    /// The defaults for a provider and a model.
    #[must_use]
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            api_base: None,
            api_key: None,
            access_key: None,
            script: None,
            price: None,
            tool_calling: None,
            // A long reasoned answer takes minutes; a stream that is silent for two is a dead connection.
            timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(120),
            // The longest replies of today's models are below 1 MiB of text; streaming multiplies that.
            max_reply_bytes: 32 << 20,
            retry: RetryPolicy::default(),
            proxy: None,
        }
    }

    /// A scripted model from text.
    #[must_use]
    pub fn scripted(name: impl Into<String>, text: impl Into<String>) -> Self {
        let script = Script::Text {
            name: name.into(),
            text: text.into(),
        };
        Self {
            script: Some(script),
            ..Self::new("scripted", "scripted")
        }
    }
}

/// Makes a model. Opens no connection: that happens with the first call.
///
/// # Errors
/// [`LlmError::Config`] when provider, address or key are missing or wrong, [`LlmError::Script`] for a bad script.
pub fn connect(config: ModelConfig) -> Result<Arc<dyn Model>, LlmError> {
    if config.provider == "scripted" {
        let Some(script) = &config.script else {
            return Err(LlmError::Config {
                what: "a tier of the provider `scripted` has no script".into(),
                hint: "add `script: replies.yml` to the tier".into(),
            });
        };
        let model = Scripted::new(config.model, script, config.price, config.retry)?;
        return Ok(Arc::new(model));
    }
    let endpoint = Endpoint::new(&config)?;
    let price = endpoint.price;
    let model: Arc<dyn Model> = match endpoint.wire {
        Wire::Anthropic => Arc::new(Anthropic::new(&config, endpoint)?),
        Wire::Ollama => Arc::new(Ollama::connect(&config, endpoint)?),
        Wire::Gemini => Arc::new(Gemini::connect(&config, endpoint)?),
        Wire::Bedrock => Arc::new(Bedrock::connect(&config, endpoint)?),
        Wire::OpenAi | Wire::Scripted => Arc::new(OpenAi::new(&config, endpoint)?),
    };
    let model: Arc<dyn Model> = Arc::new(Counted::new(model, price));
    Ok(match config.tool_calling {
        Some(false) => Arc::new(Prompted::new(model)),
        _ => model,
    })
}
