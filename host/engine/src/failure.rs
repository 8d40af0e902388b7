//! Why a stage, or a call within one, has no result.
//!
//! One type for every kind of stage, so that retries, `fail_as_value`, the trace and the model that asked for a call
//! treat a failure alike wherever it comes from. Each variant knows the class name under which the original reports
//! it (`_failed_type`), whether trying again can help, and what to do next.

use armature_grants::{Denial, show_bytes};
use armature_llm::LlmError;
use armature_sandbox::{CallError, ToolError};
use armature_store::StoreError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No plugin in use has a tool of this name.
    #[error("there is no tool `{tool}`")]
    UnknownTool {
        /// What was asked for.
        tool: String,
        /// A tool whose name is close.
        nearest: Option<String>,
    },
    /// The tool exists, but whoever asked was not given it.
    #[error("tool `{tool}` is not among the tools of stage `{stage}`")]
    NotExposed {
        /// What was asked for.
        tool: String,
        /// Where.
        stage: String,
    },
    /// The arguments do not fit the tool's schema.
    #[error("the arguments of `{tool}` are wrong: {problems}")]
    Arguments {
        /// The tool.
        tool: String,
        /// Each problem with its place.
        problems: String,
    },
    /// A safety rule said no.
    #[error("Tool '{tool}' blocked: {message}")]
    Blocked {
        /// The tool, or the adapter.
        tool: String,
        /// The rule that said so.
        rule: String,
        /// Its words.
        message: String,
    },
    /// A person was to agree and did not, or nobody could be asked.
    #[error("Tool '{tool}' blocked: it needs approval and {why}")]
    NotApproved {
        /// The tool, or the adapter.
        tool: String,
        /// What happened instead.
        why: String,
    },
    /// A right was missing.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// The sandbox stopped the call, or the plugin failed.
    #[error("{0}")]
    Call(CallError),
    /// The result is not what the tool promises.
    #[error("the result of `{tool}` breaks its promise: {problem}")]
    Result {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Calls within calls within calls.
    #[error("`{tool}` would be call number {depth} within one another; {limit} are allowed")]
    TooDeep {
        /// What was to be called, or run.
        tool: String,
        /// How deep that would be.
        depth: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The run and all that it started have started as much as they may.
    #[error("a run and the runs below it start {limit} stages and items at most, and they have")]
    TooMuch {
        /// The limit.
        limit: u64,
    },
    /// The results of the run and of those below it hold as much memory as they may.
    #[error("the result of stage '{stage}' does not fit: all results of a run hold {} of memory at most", show_bytes(*limit))]
    Results {
        /// The stage.
        stage: String,
        /// The limit.
        limit: u64,
    },
    /// A template could not be rendered.
    #[error("{field}: {message}")]
    Template {
        /// The field of the stage.
        field: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A value is not what the stage needs.
    #[error("{0}")]
    Value(String),
    /// The model could not answer.
    #[error("{0}")]
    Model(Box<LlmError>),
    /// `contracts.max_llm_calls` is used up.
    #[error("max_llm_calls limit ({limit}) reached — stage '{stage}' cannot execute")]
    Exhausted {
        /// The limit.
        limit: u64,
        /// The stage that found it used up.
        stage: String,
    },
    /// `contracts.max_cost_usd` or `contracts.max_tokens_total` is used up.
    #[error("contracts.{limit} is {most}, and {used} is used: stage '{stage}' cannot go on")]
    Spent {
        /// The name of the limit.
        limit: &'static str,
        /// Its amount.
        most: String,
        /// What is used.
        used: String,
        /// The stage that found it used up.
        stage: String,
    },
    /// A model called tools until it was stopped, and never answered.
    #[error("the model of stage '{stage}' gave no answer: {why}")]
    NoAnswer {
        /// The stage.
        stage: String,
        /// What it did instead.
        why: String,
    },
    /// The answer is not in the form asked for, and the stage says `on_parse_error: fail`.
    #[error("the answer of stage '{stage}' cannot be used: {problem}")]
    Unusable {
        /// The stage.
        stage: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `timeout_s` is over.
    #[error("Stage '{stage}' timed out after {seconds}s")]
    Timeout {
        /// The stage.
        stage: String,
        /// Its `timeout_s`.
        seconds: f64,
    },
    /// The run of a subagent failed.
    #[error("the subagent's run {run_id} failed: {message}")]
    Subagent {
        /// The child run.
        run_id: String,
        /// Why.
        message: String,
        /// Did a rule, a person or a missing right stop it?
        is_refusal: bool,
    },
    /// The log could not be written: without it nothing outside may be touched.
    #[error("the event log cannot be written: {0}")]
    Log(StoreError),
    /// The run was told to stop.
    #[error("stopped")]
    Cancelled,
    /// A gate or a call waits for an answer that nobody here can give.
    #[error("it waits for an answer at {}", waiting.join(", "))]
    Parked {
        /// The stages that wait, each by the way to it.
        waiting: Vec<String>,
    },
    /// A defect of armature itself.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// The class under which the original would report it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::UnknownTool { .. } => "KeyError",
            Self::NotExposed { .. } | Self::Denied(_) => "PermissionError",
            Self::Blocked { .. } | Self::NotApproved { .. } => "ToolBlocked",
            Self::Arguments { .. } | Self::Value(_) => "ValueError",
            Self::Template { .. } => "TemplateError",
            Self::Timeout { .. } => "TimeoutError",
            Self::Result { .. } => "PostconditionFailed",
            Self::TooDeep { .. } | Self::TooMuch { .. } => "RecursionError",
            Self::Model(_) => "ModelError",
            Self::Exhausted { .. } | Self::Spent { .. } => "RuntimeError",
            Self::NoAnswer { .. } => "NoAnswer",
            Self::Results { .. } => "MemoryError",
            Self::Unusable { .. } => "ParseError",
            Self::Subagent { .. } => "SubagentError",
            Self::Log(_) => "LogError",
            Self::Cancelled => "CancelledError",
            Self::Parked { .. } => "Parked",
            Self::Internal(_) => "InternalError",
            Self::Call(error) => match error {
                CallError::Limit { .. } => "LimitExceeded",
                CallError::Denied(_) => "PermissionError",
                CallError::Outside { .. } => "SandboxError",
                CallError::Tool(ToolError::Timeout(_)) => "TimeoutError",
                CallError::Tool(ToolError::Denied(_)) => "PermissionError",
                CallError::Tool(ToolError::InvalidArguments(_)) => "ValueError",
                CallError::Tool(ToolError::UnknownTool(_)) => "KeyError",
                CallError::Tool(ToolError::NotFound(_)) => "FileNotFoundError",
                CallError::Tool(_) => "ToolError",
                _ => "PluginError",
            },
        }
    }

    /// May the same attempt succeed later? A decision, a right or a mistake stays what it is.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Call(error) => !matches!(
                error,
                CallError::Denied(_)
                    | CallError::Tool(ToolError::Denied(_) | ToolError::UnknownTool(_))
            ),
            Self::Result { .. }
            | Self::NoAnswer { .. }
            | Self::Unusable { .. }
            | Self::Model(_)
            | Self::Subagent { .. }
            | Self::Value(_)
            | Self::Arguments { .. }
            | Self::Template { .. } => true,
            _ => false,
        }
    }

    /// A stage waits.
    pub(crate) fn parked(stage: &str) -> Self {
        Self::Parked {
            waiting: vec![stage.to_owned()],
        }
    }

    /// Is it the end of the whole run, which no `fail_as_value` and no fan-out keeps to itself?
    pub(crate) fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Parked { .. }
                | Self::Log(_)
                | Self::Internal(_)
                | Self::Spent { .. }
        )
    }

    /// Was it stopped on its path, before it could be made?
    pub(crate) fn is_stop(&self) -> bool {
        matches!(
            self,
            Self::Blocked { .. }
                | Self::NotApproved { .. }
                | Self::NotExposed { .. }
                | Self::Denied(_)
        )
    }

    /// Did a rule, a person or a missing right stop it, here or further down?
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Blocked { .. }
                | Self::NotApproved { .. }
                | Self::Denied(_)
                | Self::NotExposed { .. }
                | Self::Subagent {
                    is_refusal: true,
                    ..
                }
        ) || matches!(
            self,
            Self::Call(CallError::Denied(_) | CallError::Tool(ToolError::Denied(_)))
        )
    }

    /// Is what the contract gives a run used up? No other try of the same spec has more.
    pub fn is_spent(&self) -> bool {
        matches!(self, Self::Spent { .. } | Self::Exhausted { .. })
    }

    /// Which kind of failure of a model it is, as one word for traces.
    pub(crate) fn provider_problem(&self) -> Option<&'static str> {
        let Self::Model(error) = self else {
            return None;
        };
        Some(match **error {
            LlmError::Auth { .. } => "provider_auth",
            LlmError::Credits { .. } => "provider_credits",
            LlmError::RateLimited { .. } => "provider_rate_limit",
            LlmError::Overloaded { .. } => "provider_overloaded",
            LlmError::Timeout { .. } => "provider_timeout",
            LlmError::Connect { .. } => "provider_unreachable",
            LlmError::TooLong { .. } => "provider_context_too_long",
            LlmError::Filtered { .. } => "provider_filtered",
            LlmError::BadRequest { .. } => "provider_bad_request",
            LlmError::BadReply { .. } => "provider_bad_reply",
            _ => "provider_config",
        })
    }

    /// What a model or a guest is told: what it can act on, nothing about the host.
    pub(crate) fn for_model(&self) -> String {
        match self {
            Self::Denied(denial) => denial.for_guest(),
            Self::Call(error) => error.for_model(),
            Self::Log(_) | Self::Internal(_) | Self::Model(_) | Self::Subagent { .. } => {
                "the tool cannot be used now".to_owned()
            }
            other => other.to_string(),
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownTool {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean `{nearest}`?")),
            Self::NotExposed { tool, stage } => Some(format!(
                "add it to the stage's role:\n  - id: {stage}\n    role:\n      tools: [{tool}]"
            )),
            Self::Denied(denial) => Some(denial.hint()),
            Self::Call(error) => error.hint(),
            Self::Blocked { tool, rule, .. } => Some(format!(
                "{rule} decides about `{tool}`; change the rule if it is wrong"
            )),
            Self::NotApproved { .. } => {
                Some("ask again where a person can answer, or change the rule that asks".into())
            }
            Self::Model(error) => Some(error.hint()).filter(|hint| !hint.is_empty()),
            Self::Exhausted { .. } => Some(
                "raise `contracts.max_llm_calls` (0 for no limit) and run again: models are not asked again what they have answered"
                    .into(),
            ),
            Self::Spent { limit, .. } => Some(format!(
                "raise `contracts.{limit}` and run again (models are not asked again what they have answered), or choose cheaper tiers and shorter prompts"
            )),
            Self::NoAnswer { .. } => {
                Some("say in the role when to stop, or give the stage other tools".into())
            }
            Self::Unusable { .. } => Some(
                "add a larger tier, make `output_schema` simpler, or leave `on_parse_error` out"
                    .into(),
            ),
            Self::Results { .. } => Some(
                "let stages write what is large to files and hand on the paths, or cut it with `output_max_chars`"
                    .into(),
            ),
            Self::Timeout { .. } => {
                Some("raise the stage's `timeout_s`, or make it do less".into())
            }
            Self::Internal(_) => {
                Some("this is a defect of armature; please report it with the spec".into())
            }
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
