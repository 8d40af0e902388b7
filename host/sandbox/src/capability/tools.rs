//! `toolbox`: calling other tools. The right to is checked here; everything else happens on the one path of every tool
//! call, which lies behind [`crate::ToolCaller`].

use armature_grants::ToolName;
use serde_json::Value;

use crate::{
    bindings::imports::armature::plugin::{tool_types, toolbox},
    definition,
    error::ToolError,
    state::State,
};

impl tool_types::Host for State {}

impl toolbox::Host for State {
    async fn list_tools(&mut self) -> wasmtime::Result<Vec<tool_types::Tool>> {
        self.enter()?;
        let all = self.services.tools.list();
        Ok(all
            .into_iter()
            .filter(|tool| self.rights.call_tool(tool.name.as_str()).is_ok())
            .map(Into::into)
            .collect())
    }

    async fn call_tool(
        &mut self,
        name: String,
        arguments: String,
    ) -> wasmtime::Result<Result<String, tool_types::ToolError>> {
        self.enter()?;
        // What is no name is no tool, and a stranger's text has no place in the record of refusals.
        if let Err(why) = ToolName::new(name.as_str()) {
            return Ok(Err(tool_types::ToolError::UnknownTool(why.to_string())));
        }
        if let Err(denial) = self.rights.call_tool(&name) {
            return Ok(Err(tool_types::ToolError::Denied(self.denied(denial))));
        }
        let arguments: Value = match serde_json::from_str(&arguments) {
            Ok(arguments) => arguments,
            Err(why) => {
                return Ok(Err(tool_types::ToolError::InvalidArguments(format!(
                    "not JSON: {why}"
                ))));
            }
        };
        Ok(match self.services.tools.call(&name, arguments).await {
            Ok(result) => Ok(result.to_string()),
            Err(error) => Err(error.into()),
        })
    }
}

impl From<definition::ToolDefinition> for tool_types::Tool {
    fn from(tool: definition::ToolDefinition) -> Self {
        Self {
            name: tool.name.into(),
            description: tool.description,
            input_schema: tool.input_schema.to_string(),
            output_schema: tool.output_schema.map(|schema| schema.to_string()),
            effect: match tool.effect {
                definition::Effect::ReadOnly => tool_types::Effect::ReadOnly,
                definition::Effect::Workspace => tool_types::Effect::Workspace,
                definition::Effect::Network => tool_types::Effect::Network,
                definition::Effect::Destructive => tool_types::Effect::Destructive,
            },
            reversibility: match tool.reversibility {
                definition::Reversibility::Full => tool_types::Reversibility::Full,
                definition::Reversibility::Partial => tool_types::Reversibility::Partial,
                definition::Reversibility::None => tool_types::Reversibility::None,
            },
            idempotent: tool.idempotent,
        }
    }
}

impl From<ToolError> for tool_types::ToolError {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::UnknownTool(text) => Self::UnknownTool(text),
            ToolError::InvalidArguments(text) => Self::InvalidArguments(text),
            ToolError::Denied(text) => Self::Denied(text),
            ToolError::NotFound(text) => Self::NotFound(text),
            ToolError::Unavailable(text) => Self::Unavailable(text),
            ToolError::Timeout(text) => Self::Timeout(text),
            ToolError::Failed(text) => Self::Failed(text),
        }
    }
}
