//! MCP servers.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server whose tools are offered as `NAME.TOOL`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpServer {
    /// First part of its tools' names.
    pub name: String,
    /// How to talk to it.
    pub transport: McpTransport,
    /// The program, for `stdio`.
    #[serde(default)]
    pub command: Option<String>,
    /// The program's arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// The address, for `http` and `sse`.
    #[serde(default)]
    pub url: Option<String>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// Environment of the program.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Seconds for one call.
    #[serde(default = "timeout")]
    pub timeout_s: f64,
}

/// How to talk to an MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum McpTransport {
    /// Start a program.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// Server-sent events.
    Sse,
}

const fn timeout() -> f64 {
    30.0
}
