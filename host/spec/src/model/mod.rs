//! The data model: what a spec may say, one concept a file.
//!
//! The types *are* the reference: their documentation becomes the descriptions of the JSON Schema and the tables of
//! `specs/README.md`. They hold what the author wrote, read once; what can only be judged by looking at several of
//! them (does this dependency exist?) is the validator's business.

mod adapter;
mod agent;
mod bootstrap;
mod context;
mod contract;
mod improve;
mod iteration;
mod legacy;
mod mcp;
mod memory;
mod role;
mod safety;
mod sandbox;
mod signature;
mod skill;
mod spec;
mod stage;
mod tiers;
mod tool;
mod trigger;

pub use adapter::{Adapter, AdapterParse, AdapterType, Entry};
pub use agent::{AgentBundle, AgentEntry, Closure};
pub use armature_grants::SandboxMode;
pub use bootstrap::Bootstrap;
pub use context::{ContextLayer, ContextPolicy};
pub use contract::{Contract, InputContract, OutputContract};
pub use improve::{EditableSurface, SelfImprovement};
pub use iteration::Iteration;
pub use legacy::{Failure, FileState, TraceSettings};
pub use mcp::{McpServer, McpTransport};
pub use memory::{CarryForward, Continuation, Memory, MemoryCapture};
pub use role::{Role, RoleType};
pub use safety::{
    ComponentRule, ConditionOp, DslRule, SafetyAction, SafetyCondition, SafetyMode, SafetyRule,
};
pub use sandbox::Sandbox;
pub use signature::Signature;
pub use skill::{Skill, SkillText};
pub use spec::Spec;
pub use stage::{FanIn, Loop, OnFail, OnParseError, OutputMode, Stage, StageKind, ToolCall};
pub use tiers::{ModelTier, ModelTiers, Price, RoleTypeDefaults};
pub use tool::ToolEntry;
pub use trigger::Trigger;

use schemars::{Schema, SchemaGenerator, json_schema};

/// Where a text is meant, YAML numbers are taken too (`version: 1.0`), in the author's spelling.
fn text_or_number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number"] })
}

/// The same, and may be left out.
fn optional_text_or_number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number", "null"] })
}

/// Booleans and numbers are taken as conditions too: `skip_if: true`.
fn optional_condition(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "boolean", "number", "null"] })
}

/// A role, or the name of one of `roles`.
fn optional_role_or_name(generator: &mut SchemaGenerator) -> Schema {
    let role = generator.subschema_for::<Role>();
    json_schema!({ "anyOf": [role, { "type": "string" }, { "type": "null" }] })
}

const fn yes() -> bool {
    true
}
