//! What the improvement commands may change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of self-improvement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfImprovement {
    /// What may be changed; everything else is left alone.
    #[serde(default = "surfaces")]
    pub editable_surfaces: Vec<EditableSurface>,
}

/// A part of a spec that may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditableSurface {
    /// Descriptions of roles.
    Descriptions,
    /// Output schemas.
    Schemas,
    /// Which tier a role asks.
    ModelTiers,
    /// How often a stage is tried.
    RetryCounts,
    /// How long a stage may take.
    Timeouts,
}

impl Default for SelfImprovement {
    fn default() -> Self {
        Self {
            editable_surfaces: surfaces(),
        }
    }
}

fn surfaces() -> Vec<EditableSurface> {
    vec![
        EditableSurface::Descriptions,
        EditableSurface::RetryCounts,
        EditableSurface::Timeouts,
    ]
}
