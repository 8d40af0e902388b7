//! Examples from earlier runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Shows a model how the stage was done well before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bootstrap {
    /// At most so many examples.
    #[serde(default = "examples")]
    pub examples: u32,
    /// The score from 0 to 1 that an example needs: the stage's own, if it is a judge, or that of the judge that depends
    /// on it.
    #[serde(default = "min_score")]
    pub min_score: f64,
}

impl Bootstrap {
    /// Most examples that a prompt has.
    pub const MOST: u32 = 10;
}

const fn examples() -> u32 {
    3
}

const fn min_score() -> f64 {
    0.85
}
