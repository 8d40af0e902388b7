//! What prompts must say and what stages must never see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text of the author's that prompts can be made to carry: a house style, a legal notice, a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContextLayer {
    /// Its name, for `context_policy.must` and as the heading in prompts.
    pub name: String,
    /// Layers with a higher number stand first; of equals the one that is written first.
    #[serde(default)]
    pub precedence: i64,
    /// The text itself; it wins over `src`.
    #[serde(default)]
    pub content: Option<String>,
    /// The file that holds the text: in the spec's directory or below it.
    #[serde(default)]
    pub src: Option<String>,
    /// Names that no stage of the workflow sees. No policy takes this back.
    #[serde(default)]
    pub never: Vec<String>,
}

/// What prompts must say and what stages must never see. What the workflow says holds for every stage; a stage adds to
/// it. `never` always wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContextPolicy {
    /// Layers that stand in the prompt.
    #[serde(default)]
    pub must: Vec<String>,
    /// Inputs, stages and layers that are not there: not for prompts, gates, arguments, scripts, subagents or templates.
    #[serde(default)]
    pub never: Vec<String>,
}
