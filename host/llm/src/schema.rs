//! Schemas as providers take them.
//!
//! Two things stand between a spec's schema and a provider: strict decoding is offered only for a narrow kind of schema
//! (asking for it with another is an error there, so it must be decided here), and the top level must be an object. A
//! schema for anything else is wrapped in an object with one property and the reply unwrapped.

use serde_json::{Map, Value, json};

use crate::Message;

/// The property around a value that is no object.
const WRAP: &str = "value";

/// A schema whose top level is an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ObjectSchema {
    pub(crate) schema: Value,
    wrapped: bool,
}

impl ObjectSchema {
    pub(crate) fn new(schema: &Value) -> Self {
        let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
        if is_object {
            return Self {
                schema: schema.clone(),
                wrapped: false,
            };
        }
        if schema.get("type").is_none() && schema.get("properties").is_some() {
            let mut schema = schema.clone();
            if let Value::Object(map) = &mut schema {
                map.insert("type".into(), "object".into());
            }
            return Self {
                schema,
                wrapped: false,
            };
        }
        let mut inner = schema.clone();
        let mut outer = Map::new();
        outer.insert("type".into(), "object".into());
        // References are written from the root, so the definitions must stay there.
        if let Value::Object(map) = &mut inner {
            for key in ["$defs", "definitions"] {
                if let Some(definitions) = map.shift_remove(key) {
                    outer.insert(key.into(), definitions);
                }
            }
        }
        outer.insert("properties".into(), json!({ WRAP: inner }));
        outer.insert("required".into(), json!([WRAP]));
        outer.insert("additionalProperties".into(), false.into());
        Self {
            schema: Value::Object(outer),
            wrapped: true,
        }
    }

    pub(crate) fn is_wrapped(&self) -> bool {
        self.wrapped
    }

    /// The reply as the spec's schema means it. A reply that is not as asked is left for the caller to judge.
    pub(crate) fn unwrap(&self, text: String) -> String {
        if !self.wrapped {
            return text;
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(mut map)) if map.len() == 1 => {
                map.remove(WRAP).map_or(text, |value| value.to_string())
            }
            _ => text,
        }
    }
}

/// Keywords that strict decoding refuses.
const NOT_STRICT: [&str; 12] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "contains",
];

/// Whether OpenAI's strict mode takes the schema: in every object all properties required and no others allowed.
pub(crate) fn may_be_strict(schema: &Value) -> bool {
    let Value::Object(map) = schema else {
        return false;
    };
    if NOT_STRICT.iter().any(|keyword| map.contains_key(*keyword)) {
        return false;
    }
    let is_object = match map.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => map.contains_key("properties"),
    };
    if is_object {
        let no = Map::new();
        let properties = map
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&no);
        let required = map.get("required").and_then(Value::as_array);
        let is_required = |name: &String| {
            required.is_some_and(|names| names.iter().any(|required| required == name))
        };
        if map.get("additionalProperties") != Some(&Value::Bool(false))
            || !properties.keys().all(is_required)
        {
            return false;
        }
    }
    let in_maps = ["properties", "$defs", "definitions"]
        .into_iter()
        .filter_map(|key| map.get(key)?.as_object());
    let in_lists = ["anyOf", "prefixItems"]
        .into_iter()
        .filter_map(|key| map.get(key)?.as_array());
    map.get("items").is_none_or(may_be_strict)
        && in_maps.flat_map(Map::values).all(may_be_strict)
        && in_lists.flatten().all(may_be_strict)
}

/// The schema as strict mode takes it, if it can be brought into that form: every property is required, what was
/// optional may be null instead, and there are no others. [`without_nulls`] undoes it in the reply.
pub(crate) fn strict_form(schema: &Value) -> Option<Value> {
    let mut strict = schema.clone();
    tighten(&mut strict)?;
    may_be_strict(&strict).then_some(strict)
}

fn tighten(schema: &mut Value) -> Option<()> {
    let Value::Object(map) = schema else {
        return None;
    };
    for key in ["properties", "$defs", "definitions"] {
        if let Some(Value::Object(parts)) = map.get_mut(key) {
            parts.values_mut().try_for_each(tighten)?;
        }
    }
    for key in ["anyOf", "prefixItems"] {
        if let Some(Value::Array(parts)) = map.get_mut(key) {
            parts.iter_mut().try_for_each(tighten)?;
        }
    }
    if let Some(items) = map.get_mut("items") {
        tighten(items)?;
    }
    let is_object = match map.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => map.contains_key("properties"),
    };
    if !is_object {
        return Some(());
    }
    let required = required(map);
    let is_closed = map.get("additionalProperties") == Some(&Value::Bool(false));
    // An object for anything cannot be closed without becoming an object for nothing.
    let is_open = !is_closed && map.contains_key("additionalProperties");
    let names: Vec<Value> = match map.get_mut("properties") {
        Some(Value::Object(properties)) if !is_open => {
            for (name, part) in properties.iter_mut() {
                if !required.contains(name) {
                    allow_null(part);
                }
            }
            properties.keys().map(|name| name.as_str().into()).collect()
        }
        None if is_closed => Vec::new(),
        _ => return None,
    };
    if names.is_empty() && !is_closed {
        return None;
    }
    map.insert("required".into(), names.into());
    map.insert("additionalProperties".into(), false.into());
    Some(())
}

fn required(map: &Map<String, Value>) -> Vec<String> {
    let names = map.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn allow_null(schema: &mut Value) {
    if permits_null(schema) {
        return;
    }
    if let Value::Object(map) = &mut *schema
        && !map.contains_key("const")
        && let Some(kind) = map.get_mut("type")
    {
        match kind {
            Value::Array(names) => names.push("null".into()),
            one => *one = json!([one.take(), "null"]),
        }
        if let Some(Value::Array(choices)) = map.get_mut("enum") {
            choices.push(Value::Null);
        }
        return;
    }
    *schema = json!({"anyOf": [schema.take(), {"type": "null"}]});
}

fn permits_null(schema: &Value) -> bool {
    let is_null = |name: &Value| name == "null";
    match (schema.get("type"), schema.get("enum"), schema.get("anyOf")) {
        (Some(Value::Array(names)), ..) => names.iter().any(is_null),
        (Some(name), ..) => is_null(name),
        (_, Some(Value::Array(choices)), _) => choices.contains(&Value::Null),
        (.., Some(Value::Array(parts))) => parts.iter().any(permits_null),
        _ => false,
    }
}

/// A reply to [`strict_form`] as the schema itself means it: a null in the place of an optional property is none.
pub(crate) fn without_nulls(text: String, schema: &Value) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => {
            let mut meant = value.clone();
            drop_nulls(&mut meant, schema, schema);
            if meant == value {
                text
            } else {
                meant.to_string()
            }
        }
        Err(_) => text,
    }
}

/// Goes no deeper than the value does.
fn drop_nulls(value: &mut Value, schema: &Value, root: &Value) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let schema = reference
        .and_then(|it| root.pointer(it.strip_prefix('#')?))
        .unwrap_or(schema);
    match value {
        Value::Array(items) => {
            if let Some(part) = schema.get("items") {
                for item in items {
                    drop_nulls(item, part, root);
                }
            }
        }
        Value::Object(map) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            let required = schema.as_object().map(required).unwrap_or_default();
            map.retain(|name, value| {
                let part = properties.get(name).filter(|_| value.is_null());
                part.is_none_or(|part| required.contains(name) || permits_null(part))
            });
            for (name, value) in map {
                if let Some(part) = properties.get(name) {
                    drop_nulls(value, part, root);
                }
            }
        }
        _ => {}
    }
}

/// Puts a further instruction where those about form are followed best: at the end of the system message, and not into
/// a second one, which the templates of open models do not know.
pub(crate) fn instruct(written: &mut Vec<Value>, messages: &[Message], words: &str) {
    let is_system = |message: &&Message| matches!(message, Message::System(_));
    let at = messages.iter().take_while(is_system).count();
    let last = at.checked_sub(1).and_then(|last| written.get_mut(last));
    match last.and_then(|message| message.get_mut("content")) {
        Some(Value::String(said)) => {
            said.push_str("\n\n");
            said.push_str(words);
        }
        _ => written.insert(at, json!({"role": "system", "content": words})),
    }
}

/// Arguments where the wire takes objects only: what the model wrote instead is shown back to it as one.
pub(crate) fn object_of(arguments: &Result<Value, String>) -> Value {
    match arguments {
        Ok(Value::Object(map)) => Value::Object(map.clone()),
        Ok(other) => json!({"unreadable_arguments": other.to_string()}),
        Err(raw) => json!({"unreadable_arguments": raw}),
    }
}

/// The words that ask for JSON where the provider cannot be held to it.
pub(crate) fn instruction(schema: Option<&Value>) -> String {
    match schema {
        Some(schema) => format!(
            "Reply with one JSON value that satisfies this JSON Schema, without any text around it:\n{schema}"
        ),
        None => "Reply with one JSON object, without any text around it.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_asked_for_only_where_it_is_taken() {
        let strict = json!({"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                "required": [], "properties": {}}}}});
        assert!(may_be_strict(&strict));
        let table = [
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
            json!({"type": ["object", "null"], "properties": {"a": {}}}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"],
                "properties": {"a": {"type": "object", "properties": {}}}}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"],
                "properties": {"a": {"anyOf": [{"type": "object"}]}}}),
            json!({"type": "object", "additionalProperties": false, "allOf": []}),
            json!(true),
        ];
        for schema in table {
            assert!(!may_be_strict(&schema), "{schema}");
        }
    }

    #[test]
    fn a_schema_with_optional_properties_is_brought_into_the_strict_form_and_back() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer"},
            "c": {"enum": ["x"], "type": "string"},
            "d": {"type": "array", "items": {"type": "object", "properties": {"e": {"$ref": "#/$defs/e"}}}},
            "f": {"type": ["string", "null"]},
        }, "$defs": {"e": {"type": "number"}}});
        let strict = strict_form(&schema).unwrap();
        assert_eq!(strict["required"], json!(["a", "b", "c", "d", "f"]));
        assert_eq!(strict["additionalProperties"], false);
        assert_eq!(strict["properties"]["a"], json!({"type": "string"}));
        assert_eq!(
            strict["properties"]["b"]["type"],
            json!(["integer", "null"])
        );
        assert_eq!(strict["properties"]["c"]["enum"], json!(["x", null]));
        assert_eq!(
            strict["properties"]["d"]["items"]["properties"]["e"],
            json!({"anyOf": [{"$ref": "#/$defs/e"}, {"type": "null"}]})
        );
        let reply =
            json!({"a": "1", "b": null, "c": null, "d": [{"e": null}, {"e": 1}], "f": null});
        let meant: Value =
            serde_json::from_str(&without_nulls(reply.to_string(), &schema)).unwrap();
        assert_eq!(meant, json!({"a": "1", "d": [{}, {"e": 1}], "f": null}));
        for open in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"a": {"type": "object"}}}),
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true}),
            json!({"type": "object", "properties": {"a": {"oneOf": []}}}),
        ] {
            assert_eq!(strict_form(&open), None, "{open}");
        }
    }

    #[test]
    fn a_schema_for_a_list_is_wrapped_and_its_reply_unwrapped() {
        let list = json!({"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "string"}}});
        let schema = ObjectSchema::new(&list);
        assert!(schema.is_wrapped());
        assert_eq!(schema.schema["$defs"]["x"]["type"], "string");
        assert_eq!(
            schema.schema["properties"]["value"]["items"]["$ref"],
            "#/$defs/x"
        );
        assert_eq!(schema.unwrap(r#"{"value": ["a"]}"#.into()), r#"["a"]"#);
        assert_eq!(schema.unwrap("[\"a\"]".into()), "[\"a\"]");
    }

    #[test]
    fn a_schema_for_an_object_stays_what_it_is() {
        let schema = ObjectSchema::new(&json!({"properties": {"value": {}}}));
        assert_eq!(schema.schema["type"], "object");
        assert_eq!(schema.unwrap(r#"{"value": 1}"#.into()), r#"{"value": 1}"#);
    }
}
