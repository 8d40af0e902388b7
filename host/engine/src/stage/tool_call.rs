//! A stage that calls a tool, without a model.

use std::sync::Arc;

use armature_sandbox::Caller;
use serde_json::Value;

use super::Scope;
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::ToolStage,
    tools::{Act, Exposure, What, act},
};

/// Renders the arguments and makes the call.
pub(crate) async fn call(
    scope: &Arc<Scope>,
    stage: &ToolStage,
    context: &Context,
) -> Result<Value, Failure> {
    let args = stage
        .args
        .render(context, &|name| scope.run.secrets.token(name))?;
    act(Act {
        what: What::Tool {
            name: &stage.tool,
            exposure: Exposure::Written,
        },
        caller: Caller::Stage,
        scope,
        args,
        placeholders: scope.placeholders(&stage.env),
    })
    .await
}
