//! Calling other tools: with their rights, through the same checks, rules and approvals as every other call.

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::tool::armature::plugin::toolbox as wit;
use crate::{Definition, ToolError};

/// The tools that this plugin was granted.
pub fn list() -> Vec<Definition> {
    wit::list_tools()
        .into_iter()
        .map(Definition::from)
        .collect()
}

/// Calls a tool and reads its result.
///
/// ```no_run
/// # fn main() -> Result<(), armature_plugin::ToolError> {
/// use armature_plugin::{json, tools};
/// let file: serde_json::Value = tools::call("file_read", &json!({ "path": "README.md" }))?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// The tool's own error, or why it was not called; [`ToolError::Failed`] when its result is not of this shape.
pub fn call<T: DeserializeOwned>(name: &str, arguments: &impl Serialize) -> Result<T, ToolError> {
    let arguments = serde_json::to_string(arguments).map_err(|error| {
        ToolError::InvalidArguments(format!("the arguments for `{name}` are no JSON: {error}"))
    })?;
    let result = wit::call_tool(name, &arguments).map_err(ToolError::from)?;
    serde_json::from_str(&result).map_err(|error| {
        ToolError::Failed(format!(
            "`{name}` answered with something unexpected: {error}"
        ))
    })
}
