//! Gathering facts: after a run that ended well the model of the spec's smallest tier is shown what the stages left, and
//! says what later runs should know.
//!
//! It is one more call of a model: counted, priced, bounded like a stage's, and left out where `max_llm_calls` is used
//! up. What a stage must never see (`context_policy`) is not shown to it either. Whatever goes wrong is said in the log
//! and nowhere else: the run has ended well.

use std::{sync::Arc, time::Duration};

use armature_store::memory::record::{NewRecord, RecordKind, Source};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{near, settings};
use crate::{failure::Failure, role, run::Run};

/// What its events and its row in the traces are called.
pub(super) const NAME: &str = "memory";

/// How the inputs are called beside the stages.
const INPUTS: &str = "inputs";

/// Characters of one result that are shown.
const MOST_OF_ONE: usize = 8_000;

/// Characters of all of them.
const MOST_OF_ALL: usize = 48_000;

/// Records of one run.
const MOST_RECORDS: usize = 20;

/// Characters of an entity and of a fact.
const LONGEST: (usize, usize) = (200, 1_000);

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the model is asked.
const TASK: &str = "You keep the notes of this workflow. The material is what one run of it was given and made, each \
    part under its name. Write down what a later run should know and cannot know from its own inputs: facts about the \
    world or the task, what happened, how something is to be done, what somebody prefers. Each record is one sentence \
    that is understood by itself, with the names of the parts that say it. Leave out what is about this one run alone, \
    what is only guessed, and every key, password or token. An empty list is a good answer.";

/// Gathers facts from what the run left.
pub(crate) async fn learn(run: &Arc<Run>) {
    let Some(settings) = settings(&run.plan).filter(|settings| settings.extract_knowledge) else {
        return;
    };
    let Some(memory) = run.memory().await else {
        return;
    };
    let material = material(run);
    if material.is_empty() || run.plan.0.tiers.is_empty() {
        return;
    }
    let parts: Vec<String> = material.keys().cloned().collect();
    let asked = tokio::select! {
        biased;
        () = run.halt_all.cancelled() => Err(Failure::Cancelled),
        asked = tokio::time::timeout(PATIENCE, role::aside(run, NAME, TASK, schema(), material)) => asked.unwrap_or_else(|_| {
            Err(Failure::Timeout { stage: NAME.to_owned(), seconds: PATIENCE.as_secs_f64() })
        }),
    };
    let records = match asked {
        Ok(value) => records(run, &value, &parts),
        Err(failure) => {
            run.tell_of_memory("warn", &format!("no facts were gathered: {failure}"));
            return;
        }
    };
    let most = run.engine.policy.home().memory_records;
    let reconcile = settings.reconcile;
    let engine = Arc::clone(&run.engine);
    let learned = tokio::task::spawn_blocking(move || {
        let learned = memory.learn(&records, reconcile, most)?;
        near::after_learning(&engine, &memory).map(|()| learned)
    })
    .await;
    match learned {
        Ok(Ok(learned)) => run.tell_of_memory(
            "info",
            &format!(
                "facts: {} new, {} known, {} surer, {} replaced, {} merged",
                learned.stored,
                learned.skipped,
                learned.updated,
                learned.superseded,
                learned.merged
            ),
        ),
        Ok(Err(error)) => run.tell_of_memory("warn", &error.to_string()),
        Err(_) => {}
    }
}

/// What the run was given and what its stages left, without secrets and without what some stage must not see.
fn material(run: &Run) -> IndexMap<String, Arc<Value>> {
    let plan = &run.plan.0;
    let closed = |name: &str| {
        let mut closed = plan.stages.iter().filter_map(|stage| stage.closed.as_ref());
        closed.any(|closed| closed.contains(name))
    };
    let declared = &plan.document.spec.contracts.inputs;
    let inputs: serde_json::Map<String, Value> = declared
        .iter()
        .filter_map(|input| input.name.as_ref())
        .filter(|name| !closed(name))
        .filter_map(|name| Some((name.clone(), Value::clone(run.board.base().get(name)?))))
        .collect();
    let mut left = MOST_OF_ALL;
    let mut material = IndexMap::new();
    let mut add = |name: &str, value: &Value| {
        let text = match run.secrets.clean(value.clone()) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let text: String = text.chars().take(MOST_OF_ONE.min(left)).collect();
        left = left.saturating_sub(text.chars().count());
        if !text.is_empty() {
            material.insert(name.to_owned(), Arc::new(Value::String(text)));
        }
    };
    if !inputs.is_empty() {
        add(INPUTS, &Value::Object(inputs));
    }
    for (id, result) in run.board.results() {
        let is_none = ["_skipped", "_failed", "_parse_error"]
            .iter()
            .any(|mark| result.get(mark) == Some(&Value::Bool(true)));
        if !is_none && !closed(id) {
            add(id, result);
        }
    }
    material
}

fn schema() -> Value {
    let kinds: Vec<&str> = RecordKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({
        "type": "object",
        "required": ["records"],
        "additionalProperties": false,
        "properties": {
            "records": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "entity", "fact", "confidence", "sources"],
                    "additionalProperties": false,
                    "properties": {
                        "type": { "type": "string", "enum": kinds },
                        "entity": { "type": "string" },
                        "fact": { "type": "string" },
                        "confidence": { "type": "number" },
                        "sources": { "type": "array", "items": { "type": "string" } },
                    },
                },
            },
        },
    })
}

/// The records in a model's answer, each with those of its sources that there are.
fn records(run: &Run, answer: &Value, parts: &[String]) -> Vec<NewRecord> {
    let list = answer.get("records").and_then(Value::as_array);
    let text = |record: &Value, key: &str, most: usize| -> Option<String> {
        let text = record.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(most).collect())
    };
    let record = |record: &Value| {
        let named = record.get("sources").and_then(Value::as_array);
        let named = named.into_iter().flatten().filter_map(Value::as_str);
        let mut sources: Vec<Source> = named
            .filter(|name| parts.iter().any(|part| part == name))
            .map(|name| Source {
                run_id: run.id.to_string(),
                stage_id: name.to_owned(),
                ts: String::new(),
            })
            .collect();
        if sources.is_empty() {
            // Nobody said it but the model itself: that it was this run is still so.
            sources.push(Source {
                run_id: run.id.to_string(),
                stage_id: String::new(),
                ts: String::new(),
            });
        }
        Some(NewRecord {
            kind: RecordKind::of(record.get("type")?.as_str()?),
            entity: text(record, "entity", LONGEST.0)?,
            fact: text(record, "fact", LONGEST.1)?,
            confidence: record.get("confidence")?.as_f64()?.clamp(0.0, 1.0),
            sources,
        })
    };
    let found = list.into_iter().flatten().filter_map(record);
    found.take(MOST_RECORDS).collect()
}
