//! `continuation`: values of the last run that ended well, for the next one to start with.
//!
//! They are read from that run's log, so they are whole and of their own type, from any kind of stage. Each is seen
//! under its key, as the original has it, and under its stage and key, so that two stages with one key do not get in
//! each other's way. A first run sees nothing, and so does a run that is not kept.

use armature_spec::Continuation;
use serde_json::{Map, Value, json};

/// The carried values among the results of a run.
pub(crate) fn pick(
    continuation: &Continuation,
    results: &Map<String, Value>,
) -> Map<String, Value> {
    let mut carried = Map::new();
    for entry in &continuation.carry_forward {
        let Some((stage, key)) = entry.key.split_once('.') else {
            continue;
        };
        let Some(value) = results.get(stage).and_then(|result| result.get(key)) else {
            continue;
        };
        carried.insert(key.to_owned(), value.clone());
        match carried.get_mut(stage) {
            Some(Value::Object(of_stage)) => {
                of_stage.insert(key.to_owned(), value.clone());
            }
            Some(_) => {}
            None => {
                carried.insert(stage.to_owned(), json!({ key: value }));
            }
        }
    }
    carried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type_and_stages_with_one_key_stay_apart() {
        let continuation = serde_json::from_value(json!({
            "carry_forward": [{"key": "a.score"}, {"key": "b.score"}, {"key": "c.missing"}]
        }))
        .unwrap();
        let results = json!({"a": {"score": 0.9}, "b": {"score": [1]}, "c": {}});
        let carried = pick(&continuation, results.as_object().unwrap());
        assert_eq!(
            Value::from(carried),
            json!({"score": [1], "a": {"score": 0.9}, "b": {"score": [1]}})
        );
    }
}
