//! Who a model is asked to be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The part a model plays in a stage, and what it has at hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Name of the role, for people; the stage's id when left out.
    #[serde(default)]
    pub name: String,
    /// Kind of work; it decides the default tier and the opening of the prompt.
    #[serde(rename = "type")]
    pub role_type: RoleType,
    /// Template: what to do.
    pub description: String,
    /// Tools that the model may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Skills of `skill_library` that are added to the prompt.
    #[serde(default)]
    pub skills: Vec<String>,
    /// A tier of `model_tiers`; the default of the role's type when left out.
    #[serde(default)]
    pub model_tier: Option<String>,
    /// Sampling temperature; the tier's when left out.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Longest answer, in tokens; the tier's when left out.
    #[serde(default)]
    pub max_tokens: Option<u64>,
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleType {
    /// Does a task.
    Worker,
    /// Plans and delegates.
    Orchestrator,
    /// Assesses and scores.
    Judge,
    /// Gathers and structures.
    Researcher,
}

impl RoleType {
    /// The word for it in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Orchestrator => "orchestrator",
            Self::Judge => "judge",
            Self::Researcher => "researcher",
        }
    }
}
