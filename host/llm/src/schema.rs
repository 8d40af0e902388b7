//! Schemas as providers take them.
//!
//! Two things stand between a spec's schema and a provider: strict decoding is offered only for a narrow kind of schema
//! (asking for it with another is an error there, so it must be decided here), and the top level must be an object. A
//! schema for anything else is wrapped in an object with one property and the reply unwrapped.

use serde_json::{Map, Value, json};

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
