//! `loop`: passes over a stage that are meant, each building on the one before.
//!
//! A pass is all that the stage does, with its attempts, or with all items of a fan-out. The next one sees what the last
//! one left: the carried values by their own names, and under `iteration_var` where it is in the loop. A pass that fails
//! fails the stage; a loop that ends without `until` being met does not: its last result is what there is.

use std::sync::Arc;

use armature_store::Event;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Place,
    recovery::{met, pass, rest},
};
use crate::{
    ask::BoxFuture,
    context::Context,
    failure::Failure,
    plan::stage::{Iteration, Stage},
    run::Run,
};

/// Makes the passes, one after the other.
pub(super) fn all<'a>(
    run: &'a Arc<Run>,
    place: Place,
    stage: &'a Stage,
    iteration: &'a Iteration,
    context: &'a Context,
    stop: &'a CancellationToken,
) -> BoxFuture<'a, Result<Value, Failure>> {
    Box::pin(one_by_one(run, place, stage, iteration, context, stop))
}

async fn one_by_one(
    run: &Arc<Run>,
    place: Place,
    stage: &Stage,
    iteration: &Iteration,
    context: &Context,
    stop: &CancellationToken,
) -> Result<Value, Failure> {
    let mut carried = Map::new();
    let mut number = 1;
    loop {
        let mut seen = context.clone();
        for (key, value) in &carried {
            seen = seen.with(key.clone(), value.clone());
        }
        let about = json!({
            "num": number,
            "is_first": number == 1,
            "is_last": number >= iteration.max,
            "carry_forward": carried,
        });
        seen = seen.with_quiet(iteration.variable.clone(), about);
        let place = Place {
            pass: number,
            ..place
        };
        let value = pass(run, place, stage, &seen, stop).await?;
        let is_met = match &iteration.until {
            Some(until) => met(stage, Some(until), &seen, &value)?,
            None => false,
        };
        run.journal.note(Event::LoopIteration {
            stage: stage.id.clone(),
            iteration: number,
            max: iteration.max,
            until_met: is_met,
        });
        if is_met || number >= iteration.max {
            return Ok(value);
        }
        carried = carry(stage, iteration.carry.as_deref(), &value);
        rest(iteration.pause(number - 1), stop).await?;
        number += 1;
    }
}

/// What a pass leaves to the next: everything, or what the paths lead to.
fn carry(stage: &Stage, paths: Option<&[String]>, value: &Value) -> Map<String, Value> {
    let Some(paths) = paths else {
        return match value {
            Value::Object(map) => map.clone(),
            other => Map::from_iter([("_result".to_owned(), other.clone())]),
        };
    };
    let mut carried = Map::new();
    for path in paths {
        let of_stage = path
            .strip_prefix(&stage.id)
            .and_then(|rest| rest.strip_prefix('.'));
        // A key of the result that is called like the stage is that key.
        let found = follow(value, path)
            .map(|value| (path.as_str(), value))
            .or_else(|| of_stage.and_then(|path| Some((path, follow(value, path)?))));
        if let Some((path, value)) = found {
            put(&mut carried, path, value);
        }
    }
    carried
}

fn follow<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |at, step| match at {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

/// A value is seen under the last name of its path, and at its path too.
fn put(carried: &mut Map<String, Value>, path: &str, value: &Value) {
    let Some((before, last)) = path.rsplit_once('.') else {
        carried.insert(path.to_owned(), value.clone());
        return;
    };
    carried
        .entry(last.to_owned())
        .or_insert_with(|| value.clone());
    let mut at = carried;
    for step in before.split('.') {
        let slot = at.entry(step.to_owned()).or_insert_with(|| json!({}));
        let Value::Object(map) = slot else { return };
        at = map;
    }
    at.insert(last.to_owned(), value.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_carried_by_its_last_name_and_by_its_path() {
        let mut carried = Map::new();
        put(&mut carried, "draft", &json!("d"));
        put(&mut carried, "meta.score", &json!(0.5));
        put(&mut carried, "meta.by", &json!("x"));
        assert_eq!(
            Value::from(carried),
            json!({"draft": "d", "score": 0.5, "meta": {"score": 0.5, "by": "x"}, "by": "x"})
        );
    }

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let value = json!({"a": [{"b": 1}]});
        assert_eq!(follow(&value, "a.0.b"), Some(&json!(1)));
        assert_eq!(follow(&value, "a.x"), None);
    }
}
