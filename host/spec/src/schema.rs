//! The JSON Schema of a spec, from the types.

use serde_json::Value;

use crate::model::Spec;

/// The JSON Schema (draft 2020-12) of a spec: for editors, which complete keys with it, and for the reference.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Spec);
    schema.insert("title".to_owned(), Value::from("armature spec"));
    let mut schema = schema.to_value();
    unwrap_lines(&mut schema);
    schema
}

/// Documentation is wrapped where the source is; readers of the schema wrap for themselves.
fn unwrap_lines(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "description" => *text = text.replace('\n', " "),
                    value => unwrap_lines(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}
