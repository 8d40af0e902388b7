//! What a run is told of earlier ones, and what it leaves to later ones: `memory:` of a spec.
//!
//! At the beginning ([`recall`]) captured values and the facts that have to do with the run's inputs and mission are
//! read ([`near`]), once, and put beside the inputs: they are in the first event of the log, and a run that goes on sees
//! the same.
//! At the end ([`keep`]) the values that `memory.capture` names are kept, and a model gathers facts ([`learn`]).
//!
//! What is remembered is data like any result: no template is made of it, secrets are cut out of it before it is stored
//! and again when it is read, and a memory that cannot be read or written stops no run.

mod keep;
mod learn;
mod near;
pub(crate) mod tools;

use std::sync::Arc;

use armature_spec::Memory as Settings;
use armature_store::{
    Memory, StoreError,
    memory::{DIRECTORY, record::Record},
};
use serde_json::{Map, Value, json};

pub(crate) use keep::{judges, keep};
pub(crate) use learn::learn;
pub(crate) use near::tell_of_weights;

use crate::{engine::Shared, plan::Plan, run::Run, secrets::RunSecrets};

/// Facts that a run is told, at most.
const MOST_TOLD: usize = 10;

/// The name under which a run is told which entries are old.
const STALE: &str = "_stale_memory_keys";

/// What a spec says about memory, if it is to be read and written.
pub(crate) fn settings(plan: &Plan) -> Option<&Settings> {
    let memory = plan.document().spec.memory.as_ref()?;
    memory.enabled.then_some(memory)
}

/// The memory of a plan. None where the spec has none, or nothing is kept. It waits for the disk.
pub(crate) fn open(engine: &Shared, plan: &Plan) -> Option<Result<Memory, StoreError>> {
    let settings = settings(plan).filter(|_| engine.store.is_some())?;
    let dir = engine.home.join(DIRECTORY);
    let name = settings.name(plan.name());
    Some(Memory::open(&dir, name, settings.db.as_deref()))
}

/// What a run of this plan with these inputs is told, by name.
pub(crate) async fn recall(
    engine: &Arc<Shared>,
    plan: &Plan,
    inputs: &Map<String, Value>,
    secrets: &RunSecrets,
) -> Map<String, Value> {
    let Some(settings) = settings(plan).filter(|_| engine.store.is_some()) else {
        return Map::new();
    };
    if settings.fresh {
        return told(settings, Map::new(), Vec::new(), Vec::new());
    }
    let question = question(plan, inputs);
    let (engine, plan) = (Arc::clone(engine), plan.clone());
    let read = move || -> Option<Result<_, StoreError>> {
        let memory = match open(&engine, &plan)? {
            Ok(memory) => memory,
            Err(error) => return Some(Err(error)),
        };
        Some(memory.entries().and_then(|entries| {
            let facts = match question {
                Some(question) => near::search(&engine, &memory, &question, None, MOST_TOLD)?,
                // Nothing is asked, so nothing has more to do with it than anything else.
                None => memory.records(false)?.into_iter().take(MOST_TOLD).collect(),
            };
            Ok((entries, facts))
        }))
    };
    let (entries, facts) = match tokio::task::spawn_blocking(read).await {
        Ok(Some(Ok(found))) => found,
        Ok(Some(Err(error))) => {
            tracing::warn!(%error, "the memory cannot be read; the run begins without it");
            (Vec::new(), Vec::new())
        }
        _ => (Vec::new(), Vec::new()),
    };
    let mut values = Map::new();
    let mut stale: Vec<String> = Vec::new();
    let mut newest = None;
    for entry in entries {
        let key = (entry.stage.clone(), entry.key.clone());
        if newest.as_ref() != Some(&key) {
            if entry.is_stale() {
                stale.push(format!("{}.{}", entry.stage, entry.key));
            }
            newest = Some(key);
        }
        let of_stage = values.entry(entry.stage).or_insert_with(|| json!({}));
        if let Value::Object(of_stage) = of_stage {
            let list = of_stage.entry(entry.key).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(entry.value);
            }
        }
    }
    let told = told(settings, values, stale, facts);
    match secrets.clean(Value::Object(told)) {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

fn told(
    settings: &Settings,
    values: Map<String, Value>,
    stale: Vec<String>,
    facts: Vec<Record>,
) -> Map<String, Value> {
    let mut told = Map::new();
    if !settings.capture.is_empty() || !values.is_empty() {
        told.insert(settings.inject_as.clone(), Value::Object(values));
    }
    if !stale.is_empty() {
        told.insert(STALE.to_owned(), json!(stale));
    }
    if settings.extract_knowledge || !facts.is_empty() {
        let facts: Vec<Value> = facts.iter().map(said).collect();
        told.insert(settings.inject_knowledge_as.clone(), Value::from(facts));
    }
    told
}

/// A fact as stages see it.
fn said(record: &Record) -> Value {
    json!({
        "type": record.kind,
        "entity": record.entity,
        "fact": record.fact,
        "confidence": record.confidence,
    })
}

/// What facts must have to do with: every text of the inputs, and the mission. None where nothing is said.
fn question(plan: &Plan, inputs: &Map<String, Value>) -> Option<String> {
    fn texts(value: &Value, into: &mut String) {
        match value {
            Value::String(text) => {
                into.push(' ');
                into.push_str(text);
            }
            Value::Number(number) => into.push_str(&format!(" {number}")),
            Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
            Value::Object(map) => map.values().for_each(|item| texts(item, into)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut question = String::new();
    inputs
        .values()
        .for_each(|value| texts(value, &mut question));
    question.push(' ');
    question.push_str(&plan.document().spec.mission);
    (!armature_store::memory::telling_words(&question).is_empty()).then_some(question)
}

impl Run {
    /// Its memory, opened when it is first needed.
    pub(crate) async fn memory(self: &Arc<Self>) -> Option<Arc<Memory>> {
        let run = Arc::clone(self);
        let opened = move || {
            let opened = run
                .memory
                .get_or_init(|| match open(&run.engine, &run.plan)? {
                    Ok(memory) => Some(Arc::new(memory)),
                    Err(error) => {
                        run.tell_of_memory("warn", &error.to_string());
                        None
                    }
                });
            opened.clone()
        };
        tokio::task::spawn_blocking(opened).await.ok().flatten()
    }

    /// Says something about the memory in the log.
    fn tell_of_memory(&self, level: &str, message: &str) {
        self.journal.note(armature_store::Event::PluginLog {
            stage: learn::NAME.to_owned(),
            plugin: "memory".to_owned(),
            level: level.to_owned(),
            message: self.secrets.text(message),
        });
    }
}
