//! One stage over the items of a list: so many at a time, results in the order of the items.
//!
//! Each item is a series of attempts of its own, with the stage's retries and timeout. An item that fails leaves
//! `_fan_out_error` in its place and disturbs no other; only what ends the whole run ends the fan-out. When there is not
//! one item that did not fail there is no result either: the stage fails as its first item did, unless its failures are
//! values (`fail_as_value`).

use std::{sync::Arc, time::Instant};

use armature_grants::{Capability, Denial, Layer, PluginName, RelPath, RunLimit};
use armature_sandbox::FileError;
use armature_spec::FanIn;
use armature_store::{Event, event::Denied};
use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Place, Scope,
    gate::is_rejected,
    recovery::{attempts, failed, in_time, tenths},
};
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::{FanOut, Kind, Source, Stage},
    role,
    run::{Run, Turn},
};

/// Largest file that `inject_file_as` reads, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Longest part of a path that a failure repeats, in characters.
const SHOWN: usize = 200;

/// What an item leaves that failed.
const ITEM_ERROR: &str = "_fan_out_error";

/// The plugin for whose ceiling files of `inject_file_as` are read: the one that reads files for everybody else.
const READER: &str = "file";

/// Runs the stage for every item and puts the results together.
pub(crate) async fn run(
    run: &Arc<Run>,
    at: Place,
    stage: &Stage,
    fan_out: &FanOut,
    context: &Context,
) -> Result<Value, Failure> {
    // Copies and parts are made here, as many as the spec says: they are counted before there are any.
    if !matches!(fan_out.source, Source::List(_)) {
        few_enough(fan_out.width)?;
    }
    let items = items(stage, fan_out, context)?;
    few_enough(items.len())?;
    run.tree.start(items.len() as u64)?;
    let mut results: Vec<Value> = vec![Value::Null; items.len()];
    // Until they are put together: then they are the stage's result, which is counted as that.
    let held = run.results.aside();
    let (mut good, mut first) = (items.is_empty(), None::<(usize, Failure)>);
    let mut waits: Vec<String> = Vec::new();
    let mut running = stream::iter(items.into_iter().enumerate())
        .map(|(place, item)| async move {
            // Its turn comes before its task: what waits costs next to nothing.
            let turn = run.tree.turn(&stage.kind, run.depth).await;
            let (run_of_item, context) = (Arc::clone(run), context.clone());
            let at = Place {
                item: Some(place),
                ..at
            };
            let work = one(run_of_item, at, item, context, turn);
            AbortOnDropHandle::new(run.tasks.spawn(work)).await
        })
        .buffer_unordered(fan_out.width.max(1));
    while let Some(joined) = running.next().await {
        let (place, result) =
            joined.map_err(|error| Failure::Internal(format!("an item's task failed: {error}")))?;
        let value = match result {
            Ok(value) => {
                held.hold(&stage.id, &value)?;
                good = true;
                value
            }
            // The others do not wait for the answer.
            Err(Failure::Parked { waiting }) => {
                waits.extend(waiting);
                continue;
            }
            Err(failure) if failure.ends_run() => return Err(failure),
            Err(failure) => {
                run.journal.note(failed(run, stage, &failure, Some(place)));
                let value = item_error(run, stage, &failure);
                if first.as_ref().is_none_or(|(earlier, _)| place < *earlier) {
                    first = Some((place, failure));
                }
                value
            }
        };
        if let Some(slot) = results.get_mut(place) {
            *slot = value;
        }
    }
    drop(running);
    if !waits.is_empty() {
        // Items of one stage wait at the same place.
        waits.dedup();
        return Err(Failure::Parked { waiting: waits });
    }
    match first {
        // What a person was not asked was not agreed to.
        Some((_, failure)) if (!good || is_gate(stage)) && !stage.fail_as_value => Err(failure),
        _ => gather(run, at, stage, fan_out, results).await,
    }
}

fn is_gate(stage: &Stage) -> bool {
    matches!(stage.kind, Kind::Gate(_))
}

fn few_enough(count: usize) -> Result<(), Failure> {
    let limit = RunLimit::amount_of("fan_out_items");
    if count as u64 > limit {
        return Err(Failure::Value(format!(
            "{count} items; at most {limit} are allowed in one fan-out"
        )));
    }
    Ok(())
}

/// One item, from its turn to its result.
async fn one(
    run: Arc<Run>,
    at: Place,
    item: Value,
    context: Context,
    _turn: Turn,
) -> (usize, Result<Value, Failure>) {
    let place = at.item.unwrap_or_default();
    let stopped = (place, Err(Failure::Cancelled));
    let Some(stage) = run.plan.0.stages.get(at.number) else {
        return stopped;
    };
    let Some(fan_out) = stage
        .fan_out
        .as_ref()
        .filter(|_| !run.stop_of(at.number).is_cancelled())
    else {
        return stopped;
    };
    if let Some(value) = run.past.item(at.number, place) {
        return (place, Ok(value.clone()));
    }
    let began = Instant::now();
    run.journal.room().await;
    let result = match seen(&run, stage, fan_out, &context, item).await {
        Ok(context) => attempts(&run, at, stage, &context).await,
        Err(failure) => {
            let scope = Scope::new(&run, at, 1, run.stop_of(at.number).clone());
            scope.trace_failure(&failure, began.elapsed());
            Err(failure)
        }
    };
    if let Ok(value) = &result {
        run.journal.note(Event::StageCompleted {
            stage: stage.id.clone(),
            elapsed_s: tenths(began.elapsed()),
            item: Some(place),
            result: if run.journal.is_heard() {
                value.clone()
            } else {
                Value::Null
            },
        });
    }
    (place, result)
}

/// What an item leaves that failed.
fn item_error(run: &Run, stage: &Stage, failure: &Failure) -> Value {
    let text = run.secrets.text(&failure.to_string());
    if stage.fail_as_value {
        return json!({
            "_fan_out_error": text, "_failed": true, "_failed_reason": text, "_failed_type": failure.class(),
        });
    }
    json!({"_fan_out_error": text})
}

fn items(stage: &Stage, fan_out: &FanOut, context: &Context) -> Result<Vec<Value>, Failure> {
    match &fan_out.source {
        Source::List(source) => match source.value(context)? {
            Value::Array(items) => Ok(items),
            Value::String(text) => match serde_json::from_str(&text) {
                // A list that was put together as text, which the original reads too.
                Ok(Value::Array(items)) => Ok(items),
                _ => Err(no_list(stage, source.names().iter(), context, "text")),
            },
            other => Err(no_list(stage, source.names().iter(), context, kind(&other))),
        },
        Source::Parts(key) => match context.get(key).map(|value| &**value) {
            Some(Value::Array(items)) => Ok(parts(items, fan_out.width)),
            Some(other) => Err(no_list(
                stage,
                [key.as_str()].into_iter(),
                context,
                kind(other),
            )),
            None => Ok(vec![Value::Null; fan_out.width]),
        },
        Source::Copies => Ok((0..fan_out.width).map(|place| json!(place)).collect()),
    }
}

/// A list in nearly equal parts, the longer ones first; no part is empty unless the list is.
fn parts(items: &[Value], count: usize) -> Vec<Value> {
    let count = count.min(items.len()).max(1);
    let (size, longer) = (items.len() / count, items.len() % count);
    let mut rest = items;
    (0..count)
        .map(|place| {
            let (part, others) =
                rest.split_at((size + usize::from(place < longer)).min(rest.len()));
            rest = others;
            Value::from(part)
        })
        .collect()
}

fn no_list<'a>(
    stage: &Stage,
    names: impl Iterator<Item = &'a str>,
    context: &Context,
    found: &str,
) -> Failure {
    let names: Vec<&str> = names.collect();
    let absent: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| context.get(name).is_none_or(|value| value.is_null()))
        .collect();
    let why = if absent.is_empty() {
        let unusable = names.iter().find_map(|name| {
            let why = no_use(context.get(name)?)?;
            Some(format!(" Stage '{name}' {why}."))
        });
        unusable.unwrap_or_default()
    } else {
        format!(
            " Nothing has the name {} here.",
            absent
                .iter()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    Failure::Value(format!(
        "Stage '{}' partition_source resolved to {found}, expected list.{why}",
        stage.id
    ))
}

/// Why the result of a stage has not what one looks for in it.
fn no_use(result: &Value) -> Option<&'static str> {
    let is = |key: &str| result.get(key) == Some(&Value::Bool(true));
    if is("_parse_error") {
        Some("has no answer in the form that was asked for: no model gave one")
    } else if is("_failed") {
        Some("failed")
    } else if is("_skipped") {
        Some("was left out")
    } else {
        None
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What the stage sees for one item.
async fn seen(
    run: &Arc<Run>,
    stage: &Stage,
    fan_out: &FanOut,
    context: &Context,
    item: Value,
) -> Result<Context, Failure> {
    let Some(name) = &fan_out.inject_file_as else {
        return Ok(context.with(fan_out.key.clone(), item));
    };
    let text = text_of(run, stage, &item).await?;
    Ok(context
        .with(fan_out.key.clone(), item)
        .with(name.clone(), Value::from(text)))
}

/// The text of the file that an item names. A file that is not there has none, as in the original, and one that the
/// stage may not read has none either and is a denial; what can be no file of the workspace is a mistake, which an empty
/// text would hide.
async fn text_of(run: &Arc<Run>, stage: &Stage, item: &Value) -> Result<String, Failure> {
    let no_file = |shown: &str, why: &str| {
        Failure::Value(format!(
            "Stage '{}' inject_file_as: {shown} names no file in the workspace: {why}. Let `partition_source` give paths \
             below `sandbox.host_workspace`, as `notes/a.txt`",
            stage.id
        ))
    };
    let Some(text) = item.as_str() else {
        return Err(no_file(
            "an item",
            &format!("it is {}, no text", kind(item)),
        ));
    };
    let shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    let shown = format!("the item `{shown}`");
    let path = RelPath::new(text).map_err(|why| no_file(&shown, &why.to_string()))?;
    if !may_read(run, stage, &path) {
        return Ok(String::new());
    }
    let workspace = run.workspace.clone();
    // Below the workspace, without links, as a tool with a read grant would see it.
    let read = tokio::task::spawn_blocking(move || workspace.read(&path, MAX_FILE))
        .await
        .map_err(|error| Failure::Internal(format!("reading a file failed: {error}")))?;
    match read {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(FileError::NotFound | FileError::Other(_)) => Ok(String::new()),
        Err(why) => Err(no_file(&shown, &why.to_string())),
    }
}

/// May the stage read this file? What its own `grants:` say, and those of the stages that started this run, and the
/// operator's ceiling hold for what is read on its behalf as for what its tools read.
fn may_read(run: &Run, stage: &Stage, path: &RelPath) -> bool {
    let Ok(name) = PluginName::new(READER) else {
        return false;
    };
    let ceiling = run.engine.policy.ceiling(&name);
    let layers = ceiling
        .map(|grants| (Layer::Policy, grants))
        .into_iter()
        .chain(
            run.narrowing
                .iter()
                .chain(&stage.narrowing)
                .map(|grants| (Layer::Stage, grants)),
        );
    let refused = layers
        .into_iter()
        .find(|(_, grants)| !grants.fs.may_read(path));
    let Some((layer, _)) = refused else {
        return true;
    };
    let denial = Denial {
        plugin: name,
        capability: Capability::Fs,
        asked: format!("read {path}"),
        layer,
        line: format!("fs: {{ read: [{:?}] }}", path.as_str()),
    };
    run.tally.denied();
    run.journal.note(Event::Denied(Denied {
        stage: stage.id.clone(),
        plugin: READER.to_owned(),
        tool: None,
        capability: denial.capability.to_string(),
        asked: denial.asked.clone(),
        hint: Some(denial.hint()),
    }));
    false
}

async fn gather(
    run: &Arc<Run>,
    at: Place,
    stage: &Stage,
    fan_out: &FanOut,
    results: Vec<Value>,
) -> Result<Value, Failure> {
    // A "no" is not lost among others, nor talked away.
    if is_gate(stage)
        && !matches!(fan_out.fan_in, FanIn::List)
        && let Some(no) = results.iter().find(|result| is_rejected(result))
    {
        return Ok(no.clone());
    }
    match fan_out.fan_in {
        FanIn::Merge => {
            let mut merged = Map::new();
            for result in results {
                if let Value::Object(map) = result {
                    merged.extend(map);
                }
            }
            Ok(Value::Object(merged))
        }
        FanIn::First => Ok(results.into_iter().next().unwrap_or_else(|| json!({}))),
        // What failed has nothing to say about the matter.
        FanIn::Consensus => {
            let heard = results
                .into_iter()
                .filter(|it| it.get(ITEM_ERROR).is_none());
            let heard = heard.collect();
            let stop = run.stop_of(at.number).child_token();
            let judging = role::consensus(run, at, &stop, heard);
            in_time(run, at, stage, &stop, judging).await
        }
        // Parts and copies of a subagent have always come under a name.
        FanIn::List
            if matches!(stage.kind, Kind::Subagent(_))
                && !matches!(fan_out.source, Source::List(_)) =>
        {
            Ok(json!({"results": results}))
        }
        FanIn::List => Ok(Value::Array(results)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_into_nearly_equal_parts() {
        let items: Vec<Value> = (0..7).map(|n| json!(n)).collect();
        assert_eq!(
            parts(&items, 3),
            [json!([0, 1, 2]), json!([3, 4]), json!([5, 6])]
        );
        assert_eq!(parts(&items[..2], 3), [json!([0]), json!([1])]);
        assert_eq!(parts(&[], 3), [json!([])]);
    }
}
