//! JSON Schemas of arguments and results, made from their types when the host asks for the list of tools.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// The schema of a type as JSON text, in one piece: models and hosts read it without following references into
/// another document. What every schema would repeat (`$schema`, the type's Rust name) is left out.
pub fn of<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    // The argument struct's own documentation is the tool's description, which the model has already.
    schema.remove("description");
    let mut schema = schema.to_value();
    tidy(&mut schema);
    schema.to_string()
}

/// Rust's numeric widths (`"format": "uint32"`) are no formats of JSON Schema.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let is_width = |format: &Value| {
                format.as_str().is_some_and(|f| {
                    matches!(f, "double" | "float") || f.trim_start_matches('u').starts_with("int")
                })
            };
            if map.get("type").is_some() && map.get("format").is_some_and(is_width) {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
