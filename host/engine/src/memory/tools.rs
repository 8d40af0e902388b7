//! The tools `memory.*`: looking around in what is remembered, for models that are given them (`navigation_tools`).
//!
//! They only read, and only what belongs to the workflow's own memory and runs. They are functions of the host in the
//! place of a component, and go the way of every call ([`act`](crate::tools::act)): exposed to the stage, arguments
//! against the schema, rules, events, trace. The plugin `memory` that they belong to has no rights.

use std::sync::Arc;

use armature_grants::ToolName;
use armature_sandbox::{Effect, LoadError, Plugin, Reversibility, ToolDefinition, ToolError};
use armature_store::{
    Event, EventLog as _, Memory, RunId, RunQuery, RunStatus, Store, StoreError, TraceQuery,
    TraceRow,
    memory::{
        record::{Record, RecordKind},
        telling_words,
    },
};
use serde_json::{Value, json};

use super::near;
use crate::{context::Names, engine::Shared, stage::Scope};

/// What the name of every one of them begins with.
pub(crate) const PREFIX: &str = "memory.";

/// Most results of one call.
const MOST: u64 = 50;

/// Earlier runs that are looked through, the newest.
const RUNS: usize = 50;

/// Characters of one text that is shown.
const LONGEST: usize = 2_000;

/// Characters before and after a word that was found.
const AROUND: usize = 200;

const MANIFEST: &str = r#"
name = "memory"
version = "1.0.0"
description = "Looks around in what the workflow remembers; part of the host, reads only."
"#;

/// The plugin that they belong to.
pub(crate) fn plugin() -> Result<Plugin, LoadError> {
    Plugin::of_host(MANIFEST, definitions())
}

/// What they are called, what each does, and how it is asked.
pub(crate) fn definitions() -> Vec<ToolDefinition> {
    let text = json!({ "type": "string", "minLength": 1, "maxLength": 2000 });
    let count = |default: u64| json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": default });
    let kinds: Vec<&str> = RecordKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let all = [
        (
            "memory.search_records",
            "Finds facts from earlier runs by their words, the most relevant first.",
            json!({ "query": text, "type": { "type": "string", "enum": kinds }, "top_k": count(5) }),
            vec!["query"],
        ),
        (
            "memory.get_records",
            "Gives facts by their numbers, with where each comes from.",
            json!({ "ids": { "type": "array", "items": { "type": "integer" }, "minItems": 1, "maxItems": MOST } }),
            vec!["ids"],
        ),
        (
            "memory.search_conversation",
            "Finds passages in what the stages of earlier runs said, the best match first.",
            json!({ "query": text, "stage_id": text, "top_k": count(10) }),
            vec!["query"],
        ),
        (
            "memory.get_run_trace",
            "Tells what the stages of one earlier run did: the last that ended well, or the run that is named.",
            json!({ "run_id": text, "stage_id": text }),
            vec![],
        ),
    ];
    let definition = |(name, description, properties, required): (&str, &str, Value, Vec<&str>)| {
        Some(ToolDefinition {
            name: ToolName::new(name).ok()?,
            description: description.to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            }),
            output_schema: None,
            effect: Effect::ReadOnly,
            reversibility: Reversibility::Full,
            idempotent: true,
        })
    };
    all.into_iter().filter_map(definition).collect()
}

/// Are they offered in this plan?
pub(crate) fn are_offered(spec: &armature_spec::Spec) -> bool {
    let memory = spec.memory.as_ref();
    memory.is_some_and(|memory| memory.enabled && memory.navigation_tools)
}

/// Makes a call whose arguments fit the tool's schema.
pub(crate) async fn call(scope: &Scope, tool: &str, args: &Value) -> Result<Value, ToolError> {
    let run = &scope.run;
    let nothing = || ToolError::Failed("nothing is remembered: runs are not kept here".to_owned());
    let store = run.engine.store.clone().ok_or_else(nothing)?;
    let memory = run.memory().await.ok_or_else(nothing)?;
    let look = Look {
        engine: Arc::clone(&run.engine),
        memory,
        store,
        workflow: run.plan.name().to_owned(),
        current: run.id.clone(),
        closed: scope.stage().and_then(|stage| stage.closed.clone()),
        args: args.clone(),
    };
    let tool = tool.to_owned();
    let found = tokio::task::spawn_blocking(move || look.at(&tool)).await;
    match found {
        Ok(Ok(value)) => Ok(run.secrets.clean(value)),
        // What the store says is about the host.
        Ok(Err(Trouble::Store)) | Err(_) => {
            Err(ToolError::Failed("the memory cannot be read".to_owned()))
        }
        Ok(Err(Trouble::Unknown(what))) => Err(ToolError::Failed(what)),
    }
}

enum Trouble {
    Store,
    Unknown(String),
}

impl From<StoreError> for Trouble {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// One look.
struct Look {
    engine: Arc<Shared>,
    memory: Arc<Memory>,
    store: Store,
    workflow: String,
    current: RunId,
    /// What whoever asks must not see.
    closed: Option<Arc<Names>>,
    args: Value,
}

impl Look {
    fn at(&self, tool: &str) -> Result<Value, Trouble> {
        match tool.strip_prefix(PREFIX) {
            Some("search_records") => {
                let kind = self.text("type").map(RecordKind::of);
                let query = self.text("query").unwrap_or_default();
                let found = near::search(&self.engine, &self.memory, query, kind, self.count(5))?;
                Ok(json!({ "records": found.iter().map(short).collect::<Vec<_>>() }))
            }
            Some("get_records") => {
                let ids = self.args.get("ids").and_then(Value::as_array);
                let ids: Vec<i64> = ids
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_i64)
                    .collect();
                Ok(json!({ "records": self.memory.records_of(&ids)? }))
            }
            Some("search_conversation") => self.passages(),
            Some("get_run_trace") => self.trace(),
            _ => Err(Trouble::Unknown("there is no such tool".to_owned())),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.args.get(key)?.as_str()
    }

    fn is_closed(&self, stage: &str) -> bool {
        let closed = self.closed.as_ref();
        closed.is_some_and(|closed| closed.contains(stage))
    }

    fn count(&self, default: u64) -> usize {
        let asked = self.args.get("top_k").and_then(Value::as_u64);
        usize::try_from(asked.unwrap_or(default).min(MOST)).unwrap_or(0)
    }

    /// Earlier runs of this workflow, the newest first.
    fn runs(&self, status: Option<RunStatus>) -> Result<Vec<RunId>, Trouble> {
        let query = RunQuery {
            workflow: Some(self.workflow.clone()),
            status,
            limit: Some(RUNS),
            ..RunQuery::default()
        };
        let runs = self.store.runs(&query)?.into_iter();
        let earlier = runs
            .map(|run| run.run_id)
            .filter(|run| *run != self.current);
        Ok(earlier.collect())
    }

    fn passages(&self) -> Result<Value, Trouble> {
        let words = telling_words(self.text("query").unwrap_or_default());
        let mut found: Vec<(usize, Value)> = Vec::new();
        for run in self.runs(None)? {
            for recorded in self.store.events(&run)? {
                let Event::StageCompleted { stage, result, .. } = recorded.event else {
                    continue;
                };
                let is_other = self.text("stage_id").is_some_and(|wanted| wanted != stage);
                if is_other || self.is_closed(&stage) {
                    continue;
                }
                let text = match &result {
                    Value::String(text) => text.clone(),
                    Value::Object(map) if map.len() == 1 => match map.get("content") {
                        Some(Value::String(text)) => text.clone(),
                        _ => result.to_string(),
                    },
                    other => other.to_string(),
                };
                if let Some((hits, passage)) = passage(&text, &words) {
                    let told = json!({ "run_id": run, "stage_id": stage, "passage": passage });
                    found.push((hits, told));
                }
            }
        }
        // Of equals the newest, which was found first.
        found.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
        let best = found.into_iter().take(self.count(10)).map(|(_, told)| told);
        Ok(json!({ "passages": best.collect::<Vec<_>>() }))
    }

    fn trace(&self) -> Result<Value, Trouble> {
        let unknown = || Trouble::Unknown("there is no such run of this workflow".to_owned());
        let run = match self.text("run_id") {
            // Only runs of this workflow: what others did is none of its business.
            Some(id) => self
                .runs(None)?
                .into_iter()
                .find(|run| run.as_str() == id)
                .ok_or_else(unknown)?,
            None => match self.runs(Some(RunStatus::Completed))?.into_iter().next() {
                Some(run) => run,
                None => return Ok(json!({ "run_id": null, "stages": [] })),
            },
        };
        let query = TraceQuery {
            stage: self.text("stage_id").map(str::to_owned),
            ..TraceQuery::run(&run)
        };
        let rows = self.store.traces(&query)?;
        // Rows of stages alone: not of calls within them, nor of gathering facts.
        let shown = |row: &&TraceRow| {
            !matches!(row.kind.as_str(), "tool" | super::learn::NAME)
                && !self.is_closed(&row.stage_id)
        };
        let told = rows.iter().filter(shown).map(|row| {
            json!({
                "stage_id": row.stage_id,
                "kind": row.kind,
                "success": row.success,
                "score": row.quorum_score,
                "error": row.error_message,
                "tools_called": row.tools_called,
                "output": cut(&Value::from(row.outputs.clone()).to_string()),
            })
        });
        Ok(json!({ "run_id": run, "stages": told.collect::<Vec<_>>() }))
    }
}

fn short(record: &Record) -> Value {
    json!({
        "id": record.id,
        "type": record.kind,
        "entity": record.entity,
        "fact": record.fact,
        "confidence": record.confidence,
        "updated_at": record.updated_at,
    })
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// How many of the words are in a text, and the text around the first of them.
fn passage(text: &str, words: &[String]) -> Option<(usize, String)> {
    let lower = text.to_lowercase();
    let places: Vec<usize> = words
        .iter()
        .filter_map(|word| lower.find(word.as_str()))
        .collect();
    let first = places.iter().min()?;
    // Counted in characters: lower case can have another length in bytes.
    let before = lower.get(..*first)?.chars().count();
    let from = before.saturating_sub(AROUND);
    let passage: String = text.chars().skip(from).take(2 * AROUND).collect();
    Some((places.len(), passage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_only_reads_and_has_a_name_that_is_one() {
        let all = definitions();
        assert_eq!(all.len(), 4);
        for tool in all {
            assert!(tool.name.as_str().starts_with(PREFIX));
            assert_eq!(tool.effect, Effect::ReadOnly);
            assert!(jsonschema::validator_for(&tool.input_schema).is_ok());
        }
    }

    #[test]
    fn a_passage_is_the_text_around_what_was_found() {
        let text = format!(
            "{} Ödön drinks OOLONG every day {}",
            "x ".repeat(500),
            "y ".repeat(500)
        );
        let (hits, found) = passage(&text, &["oolong".into(), "day".into(), "rum".into()]).unwrap();
        assert_eq!(hits, 2);
        assert!(
            found.contains("OOLONG every day") && found.chars().count() <= 400,
            "{found}"
        );
        assert!(passage(&text, &["rum".into()]).is_none());
    }
}
