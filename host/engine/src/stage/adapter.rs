//! A stage that is a plugin: its settings are the arguments, and it sees what the stage sees.

use std::sync::Arc;

use armature_sandbox::Caller;
use serde_json::Value;

use super::Scope;
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::AdapterStage,
    tools::{Act, What, act},
};

/// Renders the settings and runs the adapter.
pub(crate) async fn run(
    scope: &Arc<Scope>,
    stage: &AdapterStage,
    context: &Context,
) -> Result<Value, Failure> {
    let args = stage
        .args
        .render(context, &|name| scope.run.secrets.token(name))?;
    let context = context
        .all()
        .into_iter()
        .map(|(key, value)| (key, Value::clone(&value)))
        .collect();
    act(Act {
        what: What::Adapter {
            adapter: stage,
            context: Value::Object(context),
        },
        caller: Caller::Stage,
        scope,
        args,
        placeholders: scope.placeholders(&stage.env),
    })
    .await
}
