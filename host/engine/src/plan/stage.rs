//! A stage that is ready to run: names resolved, templates compiled, schemas compiled, rights computed.
//!
//! What could be wrong with a stage was found while planning; what runs it has nothing left to look up.

use std::{path::PathBuf, sync::Arc, time::Duration};

use armature_grants::{Grants, HostPattern, LimitRequest, Limits, Rights};
use armature_sandbox::{Plugin, ToolDefinition};
use armature_spec::{AdapterParse, Bootstrap, FanIn, OutputMode};
use jsonschema::Validator;
use serde_json::Value;

use super::text::{Text, Tree};
use crate::context::Names;

/// A tool of a plugin, as a spec may use it.
pub(crate) struct Tool {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) definition: ToolDefinition,
    pub(crate) input: Validator,
    pub(crate) output: Option<Validator>,
    /// Manifest ∩ spec ∩ policy; the stage narrows further.
    pub(crate) rights: Rights,
    pub(crate) limits: Limits,
    /// May a call do something that a repetition would do twice, or that the run's own files do not show?
    pub(crate) outside: bool,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Tool({} of {})",
            self.definition.name,
            self.plugin.name()
        )
    }
}

/// A secret that a stage's arguments mention, and where it may go.
#[derive(Debug, Clone)]
pub(crate) struct EnvUse {
    pub(crate) name: String,
    pub(crate) hosts: Vec<HostPattern>,
}

/// One stage.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) skip_if: Option<Text>,
    pub(crate) condition: Option<Text>,
    pub(crate) retry: Option<Retry>,
    pub(crate) iteration: Option<Iteration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) fail_as_value: bool,
    pub(crate) max_chars: Option<u64>,
    pub(crate) fan_out: Option<FanOut>,
    /// The stage's own `grants:`.
    pub(crate) narrowing: Option<Grants>,
    pub(crate) response_stage: bool,
    /// The image of its containers, where it is another than the workflow's.
    pub(crate) sandbox_image: Option<String>,
    /// Names that are not there for this stage.
    pub(crate) closed: Option<Arc<Names>>,
    /// Name and version of its agent, for traces.
    pub(crate) agent: Option<(String, String)>,
}

impl Stage {
    /// Where a failure goes back to, if that is not the stage itself.
    pub(crate) fn way_back(&self) -> Option<(&Retry, &str)> {
        let retry = self.retry.as_ref()?;
        Some((retry, retry.from.as_deref()?))
    }

    /// Does it decide by itself whether to run when this gate is rejected?
    pub(crate) fn branches_on(&self, gate: &str) -> bool {
        [&self.condition, &self.skip_if]
            .into_iter()
            .flatten()
            .any(|text| text.names().contains(gate))
    }
}

/// Trying again.
#[derive(Debug)]
pub(crate) struct Retry {
    /// The stage to begin again at; none for the stage itself.
    pub(crate) from: Option<String>,
    /// The name under which what went wrong is seen.
    pub(crate) context: String,
    pub(crate) max: u32,
    pub(crate) until: Option<Text>,
    pub(crate) backoff: Option<Duration>,
    pub(crate) longest: Duration,
}

impl Retry {
    /// How long to wait after this attempt, the first being 0.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        pause(self.backoff, self.longest, attempt)
    }
}

/// Passes that are meant.
#[derive(Debug)]
pub(crate) struct Iteration {
    /// Most of them.
    pub(crate) max: u32,
    pub(crate) until: Option<Text>,
    /// What is left to the next; none for everything.
    pub(crate) carry: Option<Vec<String>>,
    /// The name under which a pass sees where it is.
    pub(crate) variable: String,
    pub(crate) backoff: Option<Duration>,
    pub(crate) longest: Duration,
}

impl Iteration {
    /// How long to wait after this pass, the first being 0.
    pub(crate) fn pause(&self, pass: u32) -> Duration {
        pause(self.backoff, self.longest, pass)
    }
}

fn pause(first: Option<Duration>, longest: Duration, count: u32) -> Duration {
    let factor = 2u32.saturating_pow(count.min(30));
    first.map_or(Duration::ZERO, |first| {
        first.saturating_mul(factor).min(longest)
    })
}

/// One run of the stage for each item of a list.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) source: Source,
    pub(crate) width: usize,
    pub(crate) key: String,
    pub(crate) fan_in: FanIn,
    /// Items are paths in the workspace: the text of each is seen under this name.
    pub(crate) inject_file_as: Option<String>,
}

/// Where the items come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A template that gives a list.
    List(Text),
    /// The list of this name, in as many parts as the fan-out is wide.
    Parts(String),
    /// As many runs as the fan-out is wide, all alike.
    Copies,
}

/// What a stage does.
#[derive(Debug)]
pub(crate) enum Kind {
    Gate(GateStage),
    Subagent(SubagentStage),
    ToolCall(ToolStage),
    Adapter(Box<AdapterStage>),
    Role(Box<RoleStage>),
}

impl Kind {
    /// What events and traces call it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Gate(_) => "gate",
            Self::Subagent(_) => "subagent",
            Self::ToolCall(_) => "tool_call",
            Self::Adapter(_) => "script",
            Self::Role(_) => "llm",
        }
    }

    /// Does it see by itself that it was told to stop, and have something to write down before it ends? Whatever else
    /// is at work is dropped.
    pub(crate) fn ends_itself(&self) -> bool {
        matches!(self, Self::Subagent(_))
    }

    /// `Name (type)` of a role.
    pub(crate) fn role(&self) -> Option<String> {
        match self {
            Self::Role(role) => Some(format!("{} ({})", role.name, role.role_type)),
            _ => None,
        }
    }
}

/// Asks a person.
#[derive(Debug)]
pub(crate) struct GateStage {
    pub(crate) present: Option<Text>,
}

/// Runs another spec.
#[derive(Debug)]
pub(crate) struct SubagentStage {
    pub(crate) path: PathBuf,
    pub(crate) isolated: bool,
    pub(crate) inputs: Vec<String>,
}

/// Calls a tool.
#[derive(Debug)]
pub(crate) struct ToolStage {
    pub(crate) tool: String,
    pub(crate) args: Tree,
    pub(crate) env: Vec<EnvUse>,
}

/// Runs an adapter.
pub(crate) struct AdapterStage {
    pub(crate) name: String,
    pub(crate) plugin: Arc<Plugin>,
    /// The script, where it is one.
    pub(crate) program: Option<Program>,
    pub(crate) parse: Option<AdapterParse>,
    pub(crate) args: Tree,
    pub(crate) env: Vec<EnvUse>,
    pub(crate) rights: Rights,
    pub(crate) limits: Limits,
    pub(crate) outside: bool,
}

impl std::fmt::Debug for AdapterStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AdapterStage({} of {})", self.name, self.plugin.name())
    }
}

/// What an interpreter is given.
#[derive(Debug)]
pub(crate) enum Program {
    /// A command for the shell.
    Command(Text),
    /// Code of another language, written into the spec.
    Code(Text),
    /// A function in a file.
    Function(Function),
}

impl Program {
    /// The names that its text can mention; none where it is no template.
    pub(crate) fn names(&self) -> Option<&Names> {
        match self {
            Self::Command(text) | Self::Code(text) => Some(text.names()),
            Self::Function(_) => None,
        }
    }
}

/// A function in a file, with the file's text as it was when the plan was made.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) text: String,
    /// The file as the spec writes it: what messages call it.
    pub(crate) file: String,
    pub(crate) name: String,
}

/// Asks a model.
#[derive(Debug)]
pub(crate) struct RoleStage {
    pub(crate) name: String,
    pub(crate) role_type: &'static str,
    pub(crate) description: Text,
    /// Names of the tools that the model may call; each is in the plan's table.
    pub(crate) tools: Vec<String>,
    /// Title and text.
    pub(crate) skills: Vec<(String, String)>,
    /// The tiers to ask, in order: the stage's own, then only larger ones. Numbers in the plan's list.
    pub(crate) tiers: Vec<usize>,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) output: OutputMode,
    pub(crate) schema: Option<Schema>,
    /// `on_parse_error: fail`.
    pub(crate) must_fit: bool,
    /// The keys of `signature.input`, if there are any.
    pub(crate) only: Option<Vec<String>>,
    /// Context layers that must be in the prompt: name and text.
    pub(crate) layers: Vec<(String, String)>,
    /// Rounds of tool calls.
    pub(crate) rounds: u64,
    /// Examples that its prompt shows.
    pub(crate) bootstrap: Option<Bootstrap>,
}

/// A JSON Schema, as it is shown and as it is checked.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) value: Value,
    pub(crate) validator: Validator,
}

/// What the spec says that a plugin may have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// None where nothing is said. `{}` says: nothing.
    pub(crate) grants: Option<Grants>,
    pub(crate) limits: LimitRequest,
}

/// What a plugin is given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) grants: Grants,
    pub(crate) limits: LimitRequest,
}

impl RoleStage {
    /// The role of whoever makes one answer of several.
    pub(crate) fn judge(tier: usize) -> Result<Self, crate::failure::Failure> {
        let description = Text::compile("role.description", "")
            .map_err(|why| crate::failure::Failure::Internal(why.to_string()))?;
        Ok(Self {
            name: "consensus".to_owned(),
            role_type: "judge",
            description,
            tools: Vec::new(),
            skills: Vec::new(),
            tiers: vec![tier],
            temperature: None,
            max_tokens: None,
            output: OutputMode::Text,
            schema: None,
            must_fit: false,
            only: None,
            layers: Vec::new(),
            rounds: 1,
            bootstrap: None,
        })
    }
}
