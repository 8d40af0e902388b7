//! Models: one trait, the providers behind it, and nothing of the engine.
//!
//! The engine holds `Arc<dyn Model>` and speaks in [`Request`] and [`Reply`]; how a provider writes messages, tools,
//! schemas and streams on its wire stays in that provider's module. [`connect`] picks it by name. Retries, timeouts,
//! size caps and the scrubbing of keys happen in one HTTP module, so that no provider can forget them.
//!
//! What this crate refuses: to read the environment (keys come as [`Secret`] values), to follow redirects, to use a
//! proxy nobody named, to repeat a call whose text was already shown, and to guess at JSON that is none.

mod config;
mod error;
mod files;
mod model;
mod price;
mod reply;
mod request;
mod retry;
mod scripted;
mod secret;

pub use config::{ModelConfig, connect};
pub use error::LlmError;
pub use model::{BoxFuture, Model, OnToken};
pub use price::Price;
pub use reply::{Finish, Reply, Usage};
pub use request::{Message, Output, Request, ToolCall, ToolSpec};
pub use retry::RetryPolicy;
pub use scripted::{Mistake, Script, ScriptError, Scripted};
pub use secret::Secret;
