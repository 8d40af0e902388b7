//! A guest that calls another guest's tool: the same path, one level deeper.
//!
//! What the first plugin may call is its own grant (`tools`), checked by [`Exposure::Granted`]; what the second may
//! do are the second's own rights. Arguments of the first never carry the second's secrets, and no placeholder is
//! passed on.

use std::sync::Arc;

use armature_grants::Rights;
use armature_sandbox::{CallError, Caller, ToolCaller, ToolDefinition, ToolError};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::path::{Act, Exposure, What, act};
use crate::{failure::Failure, stage::Scope};

/// Calls tools for a guest.
pub(crate) struct GuestCaller {
    pub(crate) scope: Arc<Scope>,
    pub(crate) rights: Rights,
    pub(crate) caller: Caller,
}

impl ToolCaller for GuestCaller {
    fn list(&self) -> Vec<ToolDefinition> {
        let granted = |name: &str| self.rights.call_tool(name).is_ok();
        let tools = self.scope.run.plan.0.tools.iter();
        tools
            .filter(|(name, _)| granted(name))
            .map(|(_, tool)| tool.definition.clone())
            .collect()
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let asked = Act {
                what: What::Tool {
                    name: tool,
                    exposure: Exposure::Granted(&self.rights),
                },
                caller: self.caller,
                scope: &self.scope,
                args: arguments,
                placeholders: Vec::new(),
                sources: Map::new(),
            };
            act(asked).await.map_err(for_guest)
        })
    }
}

/// What a guest is told of a failure: what it can act on, nothing about the host.
fn for_guest(failure: Failure) -> ToolError {
    match failure {
        Failure::UnknownTool { tool, .. } => ToolError::UnknownTool(tool),
        Failure::Arguments { problems, .. } => ToolError::InvalidArguments(problems),
        Failure::Denied(denial) => ToolError::Denied(denial.for_guest()),
        Failure::Call(CallError::Tool(error)) => error,
        Failure::Call(error) => ToolError::Failed(error.for_model()),
        Failure::Blocked { .. } | Failure::NotApproved { .. } | Failure::NotExposed { .. } => {
            ToolError::Denied(failure.to_string())
        }
        other => ToolError::Failed(other.for_model()),
    }
}
