//! Agents: roles that are kept in files of their own, with the skills and rules that belong to them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, SafetyRule, Skill};

/// Where an agent is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentEntry {
    /// The agent's file: in the spec's directory or below it.
    pub path: String,
    /// The version that is meant, for traces; the file's own when left out.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_text_or_number")]
    pub version: Option<String>,
}

/// The content of an agent's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentBundle {
    /// Name of the agent, for people.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    #[schemars(schema_with = "super::optional_text_or_number")]
    pub version: Option<String>,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The role that a stage with this agent has.
    pub role: Role,
    /// Skills that the role names. A skill of the spec with the same name wins.
    #[serde(default)]
    pub skill_library: IndexMap<String, Skill>,
    /// Rules that hold wherever the agent is used. They only tighten: what they block stays blocked, and what they
    /// allow is not allowed by that.
    #[serde(default)]
    pub safety_rules: Vec<SafetyRule>,
}

/// The stage that says how the workflow ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closure {
    /// A stage with `output_mode: guided_json` whose schema requires `reason`, one of `done_no_follow_on`,
    /// `handed_off`, `blocked_on`, `escalation`. It may also give `notes` and a list `follow_on`.
    #[schemars(schema_with = "super::text_or_number")]
    pub stage: String,
}

impl Closure {
    /// The ways in which a workflow can end.
    pub const REASONS: [&'static str; 4] = [
        "done_no_follow_on",
        "handed_off",
        "blocked_on",
        "escalation",
    ];
}
