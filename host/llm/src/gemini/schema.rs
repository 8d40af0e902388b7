//! JSON Schema in Gemini's dialect: a subset of OpenAPI's.
//!
//! It has no references, no `additionalProperties`, no list of types and enums of texts only. References are written
//! out, `["string", "null"]` becomes `nullable`, what only narrows is left out (the caller checks the answer against
//! the whole schema anyway). What cannot be said at all, such as a schema that contains itself, gives nothing: the
//! schema is then told in the prompt.

use serde_json::{Map, Value, json};

/// Keywords that mean the same there.
const SAME: [&str; 13] = [
    "title",
    "description",
    "format",
    "required",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
];

/// Formats that it knows; another is refused there.
const FORMATS: [&str; 6] = ["enum", "date-time", "float", "double", "int32", "int64"];

/// How deep a schema may be, references written out.
const MAX_DEPTH: u32 = 24;

/// The schema in the dialect, if it can be said there.
pub(super) fn adapt(schema: &Value) -> Option<Value> {
    part(schema, schema, 0)
}

fn part(schema: &Value, root: &Value, depth: u32) -> Option<Value> {
    let Value::Object(map) = schema else {
        return None;
    };
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
        let place = reference.strip_prefix('#')?;
        return part(root.pointer(place)?, root, depth + 1);
    }
    if let Some(Value::Array(all)) = map.get("allOf") {
        return match all.as_slice() {
            [only] => part(only, root, depth + 1),
            _ => None,
        };
    }
    let mut out = Map::new();
    for key in SAME {
        let wanted = map.get(key).filter(|value| {
            key != "format" || value.as_str().is_some_and(|it| FORMATS.contains(&it))
        });
        if let Some(value) = wanted {
            out.insert(key.to_owned(), value.clone());
        }
    }
    match map.get("type") {
        Some(Value::String(one)) => {
            out.insert("type".into(), one.as_str().into());
        }
        Some(Value::Array(several)) => {
            let names = several.iter().filter_map(Value::as_str);
            let mut real = names.filter(|name| *name != "null");
            let (Some(one), None) = (real.next(), real.next()) else {
                return None;
            };
            out.insert("type".into(), one.into());
            if several.len() > 1 {
                out.insert("nullable".into(), true.into());
            }
        }
        _ if map.contains_key("properties") => {
            out.insert("type".into(), "object".into());
        }
        _ => {}
    }
    let choices = match (map.get("enum"), map.get("const")) {
        (Some(Value::Array(choices)), _) => Some(choices.clone()),
        (_, Some(only)) => Some(vec![only.clone()]),
        _ => None,
    };
    if let Some(choices) = choices {
        if choices.iter().all(Value::is_string) {
            out.insert("type".into(), "string".into());
            out.insert("enum".into(), choices.into());
        } else if !out.contains_key("type") {
            return None;
        }
    }
    if let Some(Value::Array(several)) = map.get("anyOf").or_else(|| map.get("oneOf")) {
        let several: Option<Vec<Value>> = several
            .iter()
            .filter(|it| it.get("type") != Some(&json!("null")))
            .map(|it| part(it, root, depth + 1))
            .collect();
        out.insert("anyOf".into(), several?.into());
    }
    if let Some(items) = map.get("items") {
        out.insert("items".into(), part(items, root, depth + 1)?);
    }
    if out.get("type") == Some(&json!("object")) {
        let properties = map.get("properties").and_then(Value::as_object)?;
        // An object without properties is refused there.
        if properties.is_empty() {
            return None;
        }
        let adapted: Option<Map<String, Value>> = properties
            .iter()
            .map(|(name, it)| Some((name.clone(), part(it, root, depth + 1)?)))
            .collect();
        out.insert("properties".into(), adapted?.into());
    }
    if out.get("type") == Some(&json!("array")) && !out.contains_key("items") {
        return None;
    }
    (out.contains_key("type") || out.contains_key("anyOf")).then_some(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_said_in_the_dialect() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "$defs": {"mood": {"enum": ["good", "bad"]}},
            "properties": {
                "name": {"type": ["string", "null"], "format": "email"},
                "moods": {"type": "array", "items": {"$ref": "#/$defs/mood"}, "maxItems": 3},
                "kind": {"const": "tea"},
            },
        });
        assert_eq!(
            adapt(&schema),
            Some(json!({
                "type": "object", "required": ["name"],
                "properties": {
                    "name": {"type": "string", "nullable": true},
                    "moods": {"type": "array", "maxItems": 3, "items": {"type": "string", "enum": ["good", "bad"]}},
                    "kind": {"type": "string", "enum": ["tea"]},
                },
            }))
        );
    }

    #[test]
    fn what_cannot_be_said_there_gives_nothing() {
        for schema in [
            json!({"type": "object", "properties": {"next": {"$ref": "#"}}}),
            json!({"type": "object"}),
            json!({"type": "array"}),
            json!({"type": ["string", "integer"]}),
            json!({"allOf": [{"type": "object"}, {"type": "object"}]}),
            json!(true),
            json!({}),
        ] {
            assert_eq!(adapt(&schema), None, "{schema}");
        }
    }
}
