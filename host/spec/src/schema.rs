//! The JSON Schema of a spec, from the types.

use serde_json::Value;

use crate::model::Spec;

/// The JSON Schema (draft 2020-12) of a spec: for editors, which complete keys with it, and for the reference.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Spec);
    schema.insert("title".to_owned(), Value::from("armature spec"));
    schema.to_value()
}
