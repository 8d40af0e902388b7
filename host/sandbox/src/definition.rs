//! Tools as a plugin declares them, cleaned of what a screen or a prompt should not carry.

use armature_grants::ToolName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bindings::tool::armature::plugin::tool_types as wit, call::schema, error::ToolError,
    manifest::plain_text,
};

/// Longest description of a tool, in characters.
pub(crate) const MAX_DESCRIPTION: usize = 4_000;

/// Most tools of one plugin.
pub(crate) const MAX_TOOLS: usize = 200;

/// Longest schema of a tool, in bytes of JSON.
pub(crate) const MAX_SCHEMA: usize = 64 * 1024;

/// Longest error of a guest, in characters.
pub(crate) const MAX_ERROR: usize = 4_000;

/// What calling a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing changes.
    ReadOnly,
    /// Files in the workspace may change.
    Workspace,
    /// Something elsewhere may change.
    Network,
    /// Something may be destroyed.
    Destructive,
}

/// Whether what a tool did can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversibility {
    /// Entirely.
    Full,
    /// In part.
    Partial,
    /// No.
    None,
}

impl Reversibility {
    /// The word that rules compare with.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its name.
    pub name: ToolName,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its result.
    pub output_schema: Option<Value>,
    /// What a call does to the world.
    pub effect: Effect,
    /// Whether that can be undone.
    pub reversibility: Reversibility,
    /// Whether doing it twice is the same as doing it once.
    pub idempotent: bool,
}

impl ToolDefinition {
    /// Reads what a guest declared.
    pub(crate) fn read(tool: wit::Tool) -> Result<Self, String> {
        let name = ToolName::new(tool.name).map_err(|e| e.to_string())?;
        let input_schema = schema(&format!("the input schema of `{name}`"), &tool.input_schema)?;
        let output_schema = tool
            .output_schema
            .map(|text| schema(&format!("the output schema of `{name}`"), &text))
            .transpose()?;
        Ok(Self {
            description: plain_text(&tool.description, MAX_DESCRIPTION),
            name,
            input_schema,
            output_schema,
            effect: match tool.effect {
                wit::Effect::ReadOnly => Effect::ReadOnly,
                wit::Effect::Workspace => Effect::Workspace,
                wit::Effect::Network => Effect::Network,
                wit::Effect::Destructive => Effect::Destructive,
            },
            reversibility: match tool.reversibility {
                wit::Reversibility::Full => Reversibility::Full,
                wit::Reversibility::Partial => Reversibility::Partial,
                wit::Reversibility::None => Reversibility::None,
            },
            idempotent: tool.idempotent,
        })
    }
}

impl From<wit::ToolError> for ToolError {
    fn from(error: wit::ToolError) -> Self {
        let clean = |text: String| plain_text(&text, MAX_ERROR);
        match error {
            wit::ToolError::UnknownTool(text) => Self::UnknownTool(clean(text)),
            wit::ToolError::InvalidArguments(text) => Self::InvalidArguments(clean(text)),
            wit::ToolError::Denied(text) => Self::Denied(clean(text)),
            wit::ToolError::NotFound(text) => Self::NotFound(clean(text)),
            wit::ToolError::Unavailable(text) => Self::Unavailable(clean(text)),
            wit::ToolError::Timeout(text) => Self::Timeout(clean(text)),
            wit::ToolError::Failed(text) => Self::Failed(clean(text)),
        }
    }
}

impl From<crate::bindings::adapter::exports::armature::plugin::adapter_api::Error> for ToolError {
    fn from(
        error: crate::bindings::adapter::exports::armature::plugin::adapter_api::Error,
    ) -> Self {
        use crate::bindings::adapter::exports::armature::plugin::adapter_api::Error;
        let clean = |text: String| plain_text(&text, MAX_ERROR);
        match error {
            Error::Invalid(text) => Self::InvalidArguments(clean(text)),
            Error::Denied(text) => Self::Denied(clean(text)),
            Error::NotFound(text) => Self::NotFound(clean(text)),
            Error::Timeout(text) => Self::Timeout(clean(text)),
            Error::Unavailable(text) => Self::Unavailable(clean(text)),
            Error::Failed(text) => Self::Failed(clean(text)),
        }
    }
}
