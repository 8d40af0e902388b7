//! What a run is started with, held against what the spec declares.
//!
//! A required input that is missing or null stops the run before it begins; a default fills what was not given. Where
//! a type is declared, text (which is all that a command line can give) is read as that type, a number is taken for the
//! text that it is written as, and what cannot be is refused. Types are words of the author's; a word that is not known here is not enforced.

use armature_spec::InputContract;
use serde_json::{Map, Value};

use super::error::{InputError, Missing};

/// The inputs of a run: those that are declared, in that order, then the others by name.
pub(crate) fn settle(
    declared: &[InputContract],
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, InputError> {
    let mut lacking = Vec::new();
    for input in declared {
        let Some(name) = &input.name else { continue };
        let missing = given.get(name).is_none_or(Value::is_null);
        if missing {
            match &input.default {
                Some(default) if !default.is_null() => {
                    given.insert(name.clone(), default.clone());
                }
                _ if input.required => lacking.push(Missing {
                    name: name.clone(),
                    description: input.description.clone(),
                }),
                _ => {}
            }
        }
        let (Some(expected), Some(value)) = (
            input.input_type.as_ref().and_then(Value::as_str),
            given.get_mut(name),
        ) else {
            continue;
        };
        if let Some(read) = coerce(expected, value).map_err(|found| InputError::Type {
            name: name.clone(),
            expected: expected.to_owned(),
            found,
        })? {
            *value = read;
        }
    }
    if !lacking.is_empty() {
        return Err(InputError::Missing(lacking));
    }
    Ok(in_order(declared, given))
}

/// The same inputs in the same order, however they were given: prompts and digests are made of them.
fn in_order(declared: &[InputContract], mut given: Map<String, Value>) -> Map<String, Value> {
    let mut ordered = Map::new();
    for name in declared.iter().filter_map(|input| input.name.as_ref()) {
        if let Some(value) = given.shift_remove(name) {
            ordered.insert(name.clone(), value);
        }
    }
    let mut others: Vec<(String, Value)> = given.into_iter().collect();
    others.sort_by(|a, b| a.0.cmp(&b.0));
    ordered.extend(others);
    ordered
}

/// Can a value be taken for an input of this type?
pub(crate) fn fits(expected: &str, value: &Value) -> bool {
    coerce(expected, value).is_ok()
}

/// The value as the declared type; `None` when it is fine as it is.
fn coerce(expected: &str, value: &Value) -> Result<Option<Value>, String> {
    let fits: fn(&Value) -> bool = match expected.trim().to_ascii_lowercase().as_str() {
        "int" | "integer" => |value| value.is_i64() || value.is_u64(),
        "number" | "float" => Value::is_number,
        "bool" | "boolean" => Value::is_boolean,
        "list" | "array" => Value::is_array,
        "dict" | "object" | "map" => Value::is_object,
        "str" | "string" | "text" => return text(value),
        _ => return Ok(None),
    };
    if fits(value) || value.is_null() {
        return Ok(None);
    }
    let Value::String(text) = value else {
        return Err(short(value));
    };
    let text = text.trim();
    let read = match text.to_ascii_lowercase().as_str() {
        // The ways in which people write a truth value on a command line.
        "true" | "yes" | "on" if fits(&Value::Bool(true)) => Some(Value::Bool(true)),
        "false" | "no" | "off" if fits(&Value::Bool(false)) => Some(Value::Bool(false)),
        _ => serde_json::from_str::<Value>(text).ok().filter(fits),
    };
    read.map(Some).ok_or_else(|| short(value))
}

/// A number or a truth value is text as well; what has parts is not.
fn text(value: &Value) -> Result<Option<Value>, String> {
    match value {
        Value::Null | Value::String(_) => Ok(None),
        Value::Bool(_) | Value::Number(_) => Ok(Some(Value::String(value.to_string()))),
        Value::Array(_) | Value::Object(_) => Err(short(value)),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(value: Value) -> Vec<InputContract> {
        serde_json::from_value(value).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_required_input_must_be_there_and_not_null() {
        let declared = declared(json!([{"name": "topic", "required": true}]));
        assert!(settle(&declared, map(json!({"topic": null}))).is_err());
        assert_eq!(
            settle(&declared, Map::new()).unwrap_err().to_string(),
            "Required input 'topic' missing from context"
        );
        assert!(settle(&declared, map(json!({"topic": ""}))).is_ok());
    }

    #[test]
    fn defaults_fill_what_was_not_given_and_types_are_read_from_text() {
        let declared = declared(json!([
            {"name": "n", "type": "integer", "default": 3}, {"name": "on", "type": "boolean"},
            {"name": "list", "type": "array"}, {"name": "text", "type": "string"}, {"name": "odd", "type": "a haiku"}
        ]));
        let given = map(json!({"on": "yes", "list": "[1, 2]", "text": "5", "odd": "x"}));
        let settled = settle(&declared, given).unwrap();
        assert_eq!(
            Value::from(settled),
            json!({"on": true, "list": [1, 2], "text": "5", "odd": "x", "n": 3})
        );
    }

    #[test]
    fn what_is_not_of_the_declared_type_is_refused() {
        let declared = declared(json!([
            {"name": "n", "type": "integer"}, {"name": "text", "type": "string"}
        ]));
        let said = |given| settle(&declared, map(given)).unwrap_err().to_string();
        assert_eq!(
            said(json!({"n": "three"})),
            "input 'n' must be integer, found \"three\""
        );
        assert_eq!(
            said(json!({"text": ["a"]})),
            "input 'text' must be string, found [\"a\"]"
        );
        let settled = settle(&declared, map(json!({"text": 1.5}))).unwrap();
        assert_eq!(Value::from(settled), json!({"text": "1.5"}));
    }
}
