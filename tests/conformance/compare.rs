//! Is it what was expected?
//!
//! Mappings may have more keys than are expected; lists have as many items, in order; everything else is the same, type
//! included. Where the words are our own, an expected value is a mapping with one of the keys of [`LOOSE`].

use serde_json::Value;

/// Expectations that are no values: a text within a text, a text that is not there, no value at all, its type.
const LOOSE: [&str; 4] = ["$contains", "$lacks", "$absent", "$type"];

/// What differs, each with its place.
pub(crate) fn differences(place: &str, expected: &Value, found: Option<&Value>) -> Vec<String> {
    if let Some(map) = expected.as_object()
        && !map.is_empty()
        && map.keys().all(|key| LOOSE.contains(&key.as_str()))
    {
        return map
            .iter()
            .filter_map(|(key, wanted)| loose(place, key, wanted, found))
            .collect();
    }
    let Some(found) = found else {
        return vec![format!("{place}: expected {expected}, found nothing")];
    };
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .flat_map(|(key, value)| differences(&format!("{place}.{key}"), value, found.get(key)))
            .collect(),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .enumerate()
            .flat_map(|(at, (value, found))| {
                differences(&format!("{place}[{at}]"), value, Some(found))
            })
            .collect(),
        _ if expected == found => Vec::new(),
        _ => vec![format!("{place}: expected {expected}, found {found}")],
    }
}

fn loose(place: &str, key: &str, wanted: &Value, found: Option<&Value>) -> Option<String> {
    let texts: Vec<&str> = match wanted {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    };
    let said = match found {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let holds = match key {
        "$contains" => found.is_some() && texts.iter().all(|text| said.contains(text)),
        "$lacks" => found.is_some() && !texts.iter().any(|text| said.contains(text)),
        "$absent" => found.is_none() == wanted.as_bool().unwrap_or(true),
        _ => found.is_some_and(|found| texts == [type_of(found)]),
    };
    (!holds).then(|| format!("{place}: expected {key} {wanted}, found {said}"))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
