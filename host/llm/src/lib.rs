//! Models: one trait, the providers behind it, and nothing of the engine.
//!
//! The engine holds `Arc<dyn Model>` and speaks in [`Request`] and [`Reply`]; how a provider writes messages, tools,
//! schemas and streams on its wire stays in that provider's module. [`connect`] picks it by name. Retries, timeouts,
//! size caps and the scrubbing of keys happen in one HTTP module, so that no provider can forget them.
//!
//! What this crate refuses: to read the environment (keys come as [`Secret`] values), to follow redirects, to use a
//! proxy nobody named, to repeat a call whose text was already shown, and to guess at JSON that is none.

mod anthropic;
mod bedrock;
mod config;
mod counted;
mod endpoint;
mod error;
mod exchange;
mod failure;
mod files;
mod gemini;
mod http;
mod json;
mod model;
mod names;
mod ollama;
mod openai;
mod pieces;
mod price;
mod prompted;
mod providers;
mod reply;
mod request;
mod retry;
mod schema;
mod scripted;
mod secret;
mod signing;
mod sse;

pub use config::{ModelConfig, connect};
pub use error::LlmError;
pub use json::{Wanted, extract_json, extract_json_as};
pub use model::{BoxFuture, Model, OnToken};
pub use price::{Price, listed_price};
pub use providers::{JsonFormat, PROVIDERS, Provider, Wire, provider, provider_of, usual_keys};
pub use reply::{Finish, Reply, Usage};
pub use request::{Message, Output, Request, ToolCall, ToolSpec};
pub use retry::RetryPolicy;
pub use scripted::{Mistake, Script, ScriptError, Scripted};
pub use secret::Secret;
pub use signing::{ACCESS_KEY, AccessKey};
