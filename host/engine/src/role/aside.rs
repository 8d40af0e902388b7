//! A question of the engine's own to the model of the smallest tier, beside the stages of a run.
//!
//! It is asked like a stage asks: counted against `max_llm_calls`, priced, written down before and after, from the cache
//! where the same was asked before, and it leaves a row in the traces.

use std::{sync::Arc, time::Instant};

use armature_spec::OutputMode;
use armature_store::TraceRow;
use indexmap::IndexMap;
use serde_json::Value;

use super::{
    climb,
    converse::Conversation,
    prompt::{self, Format, Parts},
};
use crate::{
    failure::Failure,
    plan::stage::{RoleStage, Schema},
    run::Run,
    stage::Scope,
    tools::as_map,
};

/// The tier that is asked: the list begins with the smallest.
pub(crate) const SMALLEST: usize = 0;

/// Asks for an object that fits a schema, about this material.
pub(crate) async fn aside(
    run: &Arc<Run>,
    name: &'static str,
    task: &str,
    schema: Value,
    material: IndexMap<String, Arc<Value>>,
) -> Result<Value, Failure> {
    run.budget
        .take_model_stage()
        .map_err(|exhausted| Failure::Exhausted {
            limit: exhausted.limit,
            stage: name.to_owned(),
        })?;
    let validator = jsonschema::validator_for(&schema)
        .map_err(|why| Failure::Internal(format!("a schema of our own is none: {why}")))?;
    let prompt = prompt::assemble(&Parts {
        mission: &run.plan.0.document.spec.mission,
        description: task,
        context: material,
        format: Format::Schema(&schema),
        ..Parts::default()
    });
    let role = RoleStage {
        name: name.to_owned(),
        output: OutputMode::GuidedJson,
        schema: Some(Schema {
            value: schema.clone(),
            validator,
        }),
        ..RoleStage::judge(SMALLEST)?
    };
    let scope = Arc::new(Scope::beside(run, name));
    let began = Instant::now();
    let mut conversation = Conversation::new(&scope, &role, &prompt);
    let result = climb(&role, &mut conversation).await;
    let mut row = TraceRow {
        stage_id: name.to_owned(),
        kind: name.to_owned(),
        role_type: name.to_owned(),
        model: conversation.model.clone(),
        input_tokens: conversation.usage.input_tokens,
        output_tokens: conversation.usage.output_tokens,
        cost_usd: conversation.cost,
        cached: conversation.cached,
        latency_ms: began.elapsed().as_secs_f64() * 1000.0,
        ..scope.row()
    };
    match &result {
        Ok((value, is_valid)) => {
            row.output_valid = *is_valid;
            row.outputs = as_map(value);
        }
        Err(failure) => scope.mark_failed(&mut row, failure),
    }
    run.journal.trace(&row);
    match result? {
        (value, true) => Ok(value),
        (_, false) => Err(Failure::Value(
            "the model's answer is not in the form that it was asked for".to_owned(),
        )),
    }
}
