//! `bootstrap`: how this stage was done well before, for its prompt.
//!
//! An example is taken from a run of the same workflow that ended well, in which the stage was asked for the same form of
//! answer and a judge scored it high enough: the stage itself, if it is a judge, else those that depend on it. What it was
//! given and what it left come whole from that run's log. The best come first, and of equals the oldest, so that what a
//! prompt says does not change with every run.

use std::sync::Arc;

use armature_sandbox::Digest;
use armature_spec::{Bootstrap, OutputMode};
use armature_store::{
    Event, EventLog as _, RunId, RunStatus, Store, StoreError, TraceQuery, TraceRow,
};
use serde_json::{Map, Value, json};

use super::prompt;
use crate::{
    context::Names,
    memory::judges,
    plan::stage::{RoleStage, Stage},
    run::Run,
};

/// Rows of the trace that are looked through, the newest.
const LOOKED_THROUGH: usize = 500;

/// Longest example, in characters.
const LONGEST: usize = 8_000;

/// What an example is looked for with.
struct Search {
    workflow: String,
    stage: String,
    judges: Vec<String>,
    form: String,
    wanted: Bootstrap,
    not: RunId,
    /// The names that an example shows of what the stage was given.
    shown: Vec<String>,
}

/// A run with the stage's score in it.
struct Scored {
    run: RunId,
    score: f64,
    at: String,
}

/// What the stage was given and what it left.
struct Example {
    inputs: Map<String, Value>,
    output: Value,
}

impl RoleStage {
    /// What tells answers in one form from answers in another.
    pub(super) fn form(&self) -> String {
        let mode = match self.output {
            OutputMode::Text => "text",
            OutputMode::Json => "json",
            OutputMode::GuidedJson => "guided_json",
        };
        let schema = self.schema.as_ref().map(|schema| schema.value.to_string());
        Digest::of(&[mode.as_bytes(), schema.unwrap_or_default().as_bytes()]).short()
    }
}

/// The examples of a stage, each as its two texts.
pub(super) async fn find(
    run: &Arc<Run>,
    number: usize,
    stage: &Stage,
    role: &RoleStage,
) -> Vec<(String, String)> {
    let (Some(wanted), Some(store), None) = (role.bootstrap, &run.engine.store, &stage.fan_out)
    else {
        return Vec::new();
    };
    let plan = &run.plan.0;
    let name = |number: usize| plan.ids.get(number).cloned();
    let search = Search {
        workflow: run.plan.name().to_owned(),
        stage: stage.id.clone(),
        judges: judges(run, number).into_iter().filter_map(name).collect(),
        form: role.form(),
        wanted,
        not: run.id.clone(),
        shown: shown(run, number, role, stage.closed.as_deref()),
    };
    let most = usize::try_from(wanted.examples.min(Bootstrap::MOST)).unwrap_or(0);
    let found = store.read_async(move |store| search.run(store)).await;
    let mut examples: Vec<(String, String)> = Vec::new();
    // A log that cannot be read has no examples.
    for Example { inputs, output } in found.unwrap_or_default() {
        let fits = |schema: &crate::plan::stage::Schema| schema.validator.is_valid(&output);
        if !role.schema.as_ref().is_none_or(fits) {
            continue;
        }
        // It may be older than what is a secret today.
        let inputs = run.secrets.clean(Value::Object(inputs));
        let output = run.secrets.clean(output);
        let output = match (role.output, output.get("content")) {
            (OutputMode::Text, Some(content)) => prompt::show(content),
            _ => output.to_string(),
        };
        let inputs = format!("{inputs:#}");
        let is_long = inputs.chars().count() + output.chars().count() > LONGEST;
        let is_known = examples.iter().any(|(_, known)| *known == output);
        if !is_long && !is_known {
            examples.push((inputs, output));
        }
        if examples.len() == most {
            break;
        }
    }
    examples
}

/// What of its context an example shows: what the signature names, else the declared inputs and what the stage needs.
fn shown(run: &Run, number: usize, role: &RoleStage, closed: Option<&Names>) -> Vec<String> {
    let plan = &run.plan.0;
    let names: Vec<String> = match &role.only {
        Some(only) => only.clone(),
        None => {
            let inputs = &plan.document.spec.contracts.inputs;
            let inputs = inputs.iter().filter_map(|input| input.name.clone());
            let needs = plan.graph.needs(number).iter();
            inputs
                .chain(needs.filter_map(|need| plan.ids.get(*need).cloned()))
                .collect()
        }
    };
    let is_open = |name: &String| closed.is_none_or(|closed| !closed.contains(name));
    names.into_iter().filter(is_open).collect()
}

impl Search {
    fn run(&self, store: &Store) -> Result<Vec<Example>, StoreError> {
        let mut scored = self.scored(store)?;
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.at.cmp(&b.at)));
        let mut examples = Vec::new();
        // More than are shown: some will not fit.
        let most = 4 * usize::try_from(self.wanted.examples).unwrap_or(0);
        for Scored { run, .. } in scored {
            let ended_well = |status: RunStatus| status == RunStatus::Completed;
            if !store.run(&run)?.is_some_and(|run| ended_well(run.status)) {
                continue;
            }
            examples.extend(self.example(store, &run)?);
            if examples.len() >= most {
                break;
            }
        }
        Ok(examples)
    }

    /// The runs in which the stage was scored well enough.
    fn scored(&self, store: &Store) -> Result<Vec<Scored>, StoreError> {
        let query = TraceQuery {
            stage: Some(self.stage.clone()),
            limit: Some(LOOKED_THROUGH),
            ..TraceQuery::workflow(self.workflow.clone())
        };
        let mut scored: Vec<Scored> = Vec::new();
        for row in store.traces(&query)? {
            let Some(run) = row.run_id.clone().filter(|run| *run != self.not) else {
                continue;
            };
            let is_known = scored.iter().any(|known| known.run == run);
            if is_known || !self.is_good(&row) {
                continue;
            }
            let score = self.score(store, &run)?;
            if let Some(score) = score.filter(|score| *score >= self.wanted.min_score) {
                let at = row.timestamp;
                scored.push(Scored { run, score, at });
            }
        }
        Ok(scored)
    }

    fn is_good(&self, row: &TraceRow) -> bool {
        row.kind == "llm"
            && row.success
            && row.output_valid
            && row.item.is_none()
            && row.schema_hash == self.form
    }

    /// The mean of what the judges said last in a run; none where one of them said nothing.
    fn score(&self, store: &Store, run: &RunId) -> Result<Option<f64>, StoreError> {
        let mut sum = 0.0;
        for judge in &self.judges {
            let query = TraceQuery {
                stage: Some(judge.clone()),
                ..TraceQuery::run(run)
            };
            let last = store.traces(&query)?.pop();
            let Some(score) = last.and_then(|row| row.quorum_score) else {
                return Ok(None);
            };
            sum += score;
        }
        #[expect(clippy::cast_precision_loss, reason = "there are a few judges")]
        let count = self.judges.len() as f64;
        Ok((count > 0.0).then(|| sum / count))
    }

    /// What a run's log says of the stage, if it has the whole of it.
    fn example(&self, store: &Store, run: &RunId) -> Result<Option<Example>, StoreError> {
        let mut given = Map::new();
        let mut output = None;
        for recorded in store.events(run)? {
            match recorded.event {
                Event::RunStarted(start) => {
                    given.extend(start.inputs);
                    given.extend(start.carried);
                }
                Event::StageCompleted {
                    stage,
                    item: None,
                    result,
                    ..
                } if stage == self.stage => output = Some(result),
                Event::StageCompleted {
                    stage,
                    item: None,
                    result,
                    ..
                } => {
                    given.insert(stage, result);
                }
                _ => {}
            }
        }
        let marks = ["_truncated", "_skipped", "_failed", "_parse_error"];
        let is_whole = |output: &Value| {
            let marked = marks
                .iter()
                .any(|mark| output.get(mark) == Some(&json!(true)));
            output.is_object() && !marked
        };
        let output = output.filter(is_whole);
        Ok(output.map(|output| Example {
            inputs: self
                .shown
                .iter()
                .filter_map(|name| Some((name.clone(), given.get(name)?.clone())))
                .collect(),
            output,
        }))
    }
}
