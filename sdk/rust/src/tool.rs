//! Tools: what the macro `#[tool]` makes of a function, and how a component offers it to the host.

use std::panic;

use serde::{Serialize, de::DeserializeOwned};

use crate::ToolError;
use crate::bindings::tool::armature::plugin::tool_types as wit;
use crate::bindings::tool::exports::armature::plugin::tools as exported;

/// What calling a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes.
    ReadOnly,
    /// Files in the workspace may change.
    Workspace,
    /// Something elsewhere may change.
    Network,
    /// Something may be destroyed: needs approval.
    Destructive,
}

/// Can what was done be undone?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversibility {
    /// Completely, or there is nothing to undo.
    Full,
    /// In part.
    Partial,
    /// No.
    None,
}

/// A tool, as the model and the workflow's author see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name, unique among the plugins in use.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of the arguments, as text.
    pub input_schema: String,
    /// JSON Schema of the result, as text, if the tool promises one.
    pub output_schema: Option<String>,
    /// What a call does to the world.
    pub effect: Effect,
    /// Whether that can be undone.
    pub reversibility: Reversibility,
    /// True if doing it twice is the same as doing it once.
    pub idempotent: bool,
}

/// About the call. A tool function that wants it has a parameter of type `&Context`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The run this call belongs to.
    pub run_id: String,
    /// The stage that asked; empty outside a workflow.
    pub stage: String,
    /// The same for every repetition of this very call after a crash: an idempotency key.
    pub call_id: String,
    /// Milliseconds until the call is stopped.
    pub remaining_ms: u64,
}

/// A tool. The macro `#[tool]` implements it; by hand it is for tools whose schema is not known before they run.
pub trait Tool {
    /// Its name.
    const NAME: &'static str;
    /// What the host is told about it. The host asks without giving any right: do no work here.
    fn definition() -> Definition;
    /// Calls it with a JSON object and returns JSON.
    ///
    /// # Errors
    /// [`ToolError`], whose text is shown to models and people.
    fn call(arguments: &str, context: &Context) -> Result<String, ToolError>;
}

/// Makes a component of tools: `export_tools!(file_read, file_write);`
///
/// Once in a crate. The names are those of functions with `#[tool]`, or of types that implement [`Tool`].
#[macro_export]
macro_rules! export_tools {
    ($($tool:ty),+ $(,)?) => {
        const _: () = {
            use $crate::__private::bindings::tool::exports::armature::plugin::tools as contract;

            struct Plugin;

            impl contract::Guest for Plugin {
                fn list_tools() -> ::std::vec::Vec<contract::Tool> {
                    $crate::__private::list(&[$(<$tool as $crate::Tool>::definition),+])
                }

                fn call_tool(
                    name: ::std::string::String,
                    arguments: ::std::string::String,
                    context: contract::CallContext,
                ) -> ::std::result::Result<::std::string::String, contract::ToolError> {
                    $crate::__private::report_panics();
                    $crate::__private::call(
                        &[$((<$tool as $crate::Tool>::NAME, <$tool as $crate::Tool>::call)),+],
                        &name,
                        &arguments,
                        context,
                    )
                }
            }

            $crate::__private::bindings::tool::export_tool_world!(
                Plugin with_types_in $crate::__private::bindings::tool
            );
        };
    };
}

/// A tool's name and how it is called.
type Entry = (
    &'static str,
    fn(&str, &Context) -> Result<String, ToolError>,
);

/// The definitions as the contract has them.
pub fn list(definitions: &[fn() -> Definition]) -> Vec<wit::Tool> {
    definitions
        .iter()
        .map(|definition| definition().into())
        .collect()
}

/// Calls the tool of this name.
pub fn call(
    tools: &[Entry],
    name: &str,
    arguments: &str,
    context: exported::CallContext,
) -> Result<String, wit::ToolError> {
    let context = Context {
        run_id: context.run_id,
        stage: context.stage,
        call_id: context.call_id,
        remaining_ms: context.remaining_ms,
    };
    match tools.iter().find(|(known, _)| *known == name) {
        Some((_, tool)) => tool(arguments, &context).map_err(Into::into),
        None => {
            let known: Vec<&str> = tools.iter().map(|(known, _)| *known).collect();
            Err(wit::ToolError::UnknownTool(format!(
                "no tool `{name}` here, only {}",
                known.join(", ")
            )))
        }
    }
}

/// Reads the arguments of a tool.
///
/// # Errors
/// [`ToolError::InvalidArguments`] with what serde says about the first wrong one.
pub fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, ToolError> {
    serde_json::from_str(arguments)
        .map_err(|error| ToolError::InvalidArguments(without_position(&error)))
}

/// Writes the result of a tool.
///
/// # Errors
/// [`ToolError::Failed`] for what JSON cannot hold, such as a map with keys that are not text.
pub fn encode(result: &impl Serialize) -> Result<String, ToolError> {
    serde_json::to_string(result)
        .map_err(|error| ToolError::Failed(format!("the result is no JSON: {error}")))
}

/// serde's message without ` at line 1 column 9`: nobody has that text in front of them.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// Has a panic leave its message and place in the log before it becomes a trap, which says neither.
pub fn report_panics() {
    #[cfg(target_arch = "wasm32")]
    panic::set_hook(Box::new(|info| {
        crate::log::write(crate::log::Level::Error, &info.to_string())
    }));
    #[cfg(not(target_arch = "wasm32"))]
    let _ = panic::take_hook;
}

impl From<Definition> for wit::Tool {
    fn from(tool: Definition) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            input_schema: tool.input_schema,
            output_schema: tool.output_schema,
            effect: match tool.effect {
                Effect::ReadOnly => wit::Effect::ReadOnly,
                Effect::Workspace => wit::Effect::Workspace,
                Effect::Network => wit::Effect::Network,
                Effect::Destructive => wit::Effect::Destructive,
            },
            reversibility: match tool.reversibility {
                Reversibility::Full => wit::Reversibility::Full,
                Reversibility::Partial => wit::Reversibility::Partial,
                Reversibility::None => wit::Reversibility::None,
            },
            idempotent: tool.idempotent,
        }
    }
}

impl From<wit::Tool> for Definition {
    fn from(tool: wit::Tool) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            input_schema: tool.input_schema,
            output_schema: tool.output_schema,
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
        }
    }
}
