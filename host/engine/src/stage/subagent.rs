//! A stage that is a run of another spec.
//!
//! The child is a run like any other, with an id of its own, and less: the budgets, rules and narrowed rights of its
//! parent hold in it too, and specs within specs end at a limit. It sees what the stage sees, or only the keys of
//! `signature.input` when it is `isolated`; its inputs are values, never text pasted into its YAML.

use std::{sync::Arc, time::Instant};

use armature_grants::RunLimit;
use armature_store::TraceRow;
use serde_json::{Map, Value};

use super::Scope;
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::SubagentStage,
    run::{RunError, child},
};

/// Names that belong to the parent's run.
const OWN: &[&str] = &["run_id", "_transcript", "_diagnostics"];

/// Runs the child and takes its outputs as the result.
pub(crate) async fn run(
    scope: &Arc<Scope>,
    stage: &SubagentStage,
    context: &Context,
) -> Result<Value, Failure> {
    let parent = &scope.run;
    let (depth, limit) = (parent.depth + 1, RunLimit::amount_of("subagent_depth"));
    if depth > limit {
        return Err(Failure::TooDeep {
            tool: stage.path.display().to_string(),
            depth,
            limit,
        });
    }
    let Some(plan) = parent.children.get(&stage.path) else {
        return Err(Failure::Internal(format!(
            "`{}` was not planned",
            stage.path.display()
        )));
    };
    // What is there for templates is the child's when it asks for it.
    let visible = if stage.isolated {
        context.all()
    } else {
        context.listed()
    };
    let inputs: Map<String, Value> = visible
        .into_iter()
        .filter(|(key, _)| {
            if stage.isolated {
                stage.inputs.contains(key)
            } else {
                !OWN.contains(&key.as_str())
            }
        })
        .map(|(key, value)| (key, Value::clone(&value)))
        .collect();
    let began = Instant::now();
    let result = match child(scope, plan, inputs).await {
        Ok(report) => Ok(Value::Object(report.outputs)),
        Err(RunError::Parked { waiting, .. }) => {
            let named = |stage: &String| format!("{}/{stage}", scope.id());
            return Err(Failure::Parked {
                waiting: waiting.iter().map(named).collect(),
            });
        }
        Err(RunError::Cancelled { .. }) => return Err(Failure::Cancelled),
        Err(error) => Err(Failure::Subagent {
            run_id: error.run_id().map(ToString::to_string).unwrap_or_default(),
            message: error.to_string(),
            is_refusal: error.failure().is_some_and(Failure::is_refusal),
        }),
    };
    if parent.journal.traces() {
        let mut row = TraceRow {
            kind: "subagent".to_owned(),
            role_type: "subagent".to_owned(),
            latency_ms: began.elapsed().as_secs_f64() * 1000.0,
            ..scope.row()
        };
        if let Err(failure) = &result {
            scope.mark_failed(&mut row, failure);
        }
        scope.trace(&row);
    }
    result
}
