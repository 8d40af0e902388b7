//! The whole document.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Adapter, AgentEntry, Closure, ContextLayer, ContextPolicy, Continuation, Contract, Failure,
    FileState, McpServer, Memory, ModelTiers, Role, RoleTypeDefaults, SafetyMode, SafetyRule,
    Sandbox, SelfImprovement, Skill, Stage, ToolEntry, TraceSettings, Trigger,
};

/// A workflow: what goes in, which stages run in which order, who does the work, and what they may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the workflow: the key of its traces, memory and last result.
    pub name: String,
    /// Version of this spec, for people.
    #[serde(default = "first_version")]
    #[schemars(schema_with = "super::text_or_number")]
    pub version: String,
    /// What the workflow is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The goal that every LLM stage is told about.
    #[serde(default)]
    pub mission: String,
    /// Continue a run that stopped half way when the same spec is run again with the same inputs.
    #[serde(default)]
    pub checkpoint: bool,
    /// What a run needs, what it must deliver, and how much it may use.
    #[serde(default)]
    pub contracts: Contract,
    /// Roles by name: a stage has one of them with `role: NAME`.
    #[serde(default)]
    pub roles: IndexMap<String, Role>,
    /// Agents by name, each in a file of its own: a stage has one of them with `agent: NAME`.
    #[serde(default)]
    pub agent_library: IndexMap<String, AgentEntry>,
    /// The stages. A stage starts as soon as everything in its `depends_on` is done.
    pub stages: Vec<Stage>,
    /// Adapters by name: scripts and plugins that a stage runs with `adapter: NAME`.
    #[serde(default)]
    pub adapters: IndexMap<String, Adapter>,
    /// Accepted and ignored, as it always was.
    #[serde(default)]
    pub failures: IndexMap<String, Failure>,
    /// Models by tier; tiers beside the five usual names may have any name.
    #[serde(default)]
    pub model_tiers: ModelTiers,
    /// The tier of a role that names none.
    #[serde(default)]
    pub role_type_defaults: RoleTypeDefaults,
    /// Give each run a workspace of its own, and a list of the files that it wrote.
    #[serde(default)]
    pub file_state: FileState,
    /// Whether a run leaves rows in the traces.
    #[serde(default)]
    pub trace: TraceSettings,
    /// Texts that prompts can be made to carry.
    #[serde(default)]
    pub context_layers: Vec<ContextLayer>,
    /// What every prompt must say, and what no stage must see.
    #[serde(default)]
    pub context_policy: Option<ContextPolicy>,
    /// The stage that says how the workflow ended.
    #[serde(default)]
    pub closure: Option<Closure>,
    /// Rules over every tool call, whoever makes it, in order.
    #[serde(default)]
    pub safety_rules: Vec<SafetyRule>,
    /// What happens to a call that no rule speaks about.
    #[serde(default)]
    pub safety_mode: SafetyMode,
    /// What a later run is told about earlier ones.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// Values of the last successful run that the next one starts with.
    #[serde(default)]
    pub continuation: Option<Continuation>,
    /// When the workflow starts by itself.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Plugins whose tools the stages may use, with what each is granted.
    #[serde(default)]
    pub tools: Vec<ToolEntry>,
    /// Texts that a role adds to its prompt by naming them in `skills`.
    #[serde(default)]
    pub skill_library: IndexMap<String, Skill>,
    /// MCP servers whose tools the stages may use.
    #[serde(default)]
    pub mcp_servers: Vec<McpServer>,
    /// Where tools and scripts run, and over which directory.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// What `improve` and `optimize` may change.
    #[serde(default)]
    pub self_improvement: SelfImprovement,
}

fn first_version() -> String {
    "1.0".to_owned()
}

impl Spec {
    /// The stage of this id and its place in the list.
    pub fn stage(&self, id: &str) -> Option<(usize, &Stage)> {
        self.stages
            .iter()
            .enumerate()
            .find(|(_, stage)| stage.id == id)
    }

    /// The tier that a role asks for: its own, else the default of its type.
    pub fn tier_of<'a>(&'a self, role: &'a Role) -> &'a str {
        role.model_tier
            .as_deref()
            .unwrap_or_else(|| self.role_type_defaults.of(role.role_type))
    }
}
