//! What a spec writes as the arguments of a tool, against the tool's schema.
//!
//! Only what is certain before the run: keys are never templates, and neither is a text without `{{` or `{%`. What a
//! template will give is looked at when the call is made.

use armature_spec::Step;
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::{Map, Value};

use super::{
    problem::{PlanCode, Reporter},
    stage::Tool,
};
use crate::misfit::misfit;

/// Findings for one call: enough to mend it.
const LISTED: usize = 5;

/// Reports the arguments that no run can be right with.
pub(super) fn check(
    tool: &Tool,
    args: &Map<String, Value>,
    report: &mut Reporter<'_>,
    at: &[Step<'_>],
) {
    let args = Value::Object(args.clone());
    if tool.input.is_valid(&args) {
        return;
    }
    let name = &tool.definition.name;
    let certain = tool
        .input
        .iter_errors(&args)
        .filter(|error| is_certain(error, &args));
    for error in certain.take(LISTED) {
        let pointer = error.instance_path().as_str().to_owned();
        let way: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
        let mut place = at.to_vec();
        let mut value = &args;
        for part in &way {
            let step = match (value, part.parse::<usize>()) {
                (Value::Array(_), Ok(index)) => Step::Index(index),
                _ => Step::Key(part),
            };
            value = value
                .pointer(&format!("/{}", escape(part)))
                .unwrap_or(&Value::Null);
            place.push(step);
        }
        if let Kind::AdditionalProperties { unexpected } = error.kind()
            && let Some(key) = unexpected.first()
        {
            place.push(Step::Key(key));
        }
        report
            .add(
                PlanCode::InvalidArguments,
                &place,
                format!(
                    "the arguments do not fit the tool `{name}`: {}",
                    misfit(&error, str::to_owned)
                ),
            )
            .hint(takes(&tool.definition.input_schema));
    }
}

/// Can no rendering of the templates make this right?
fn is_certain(error: &ValidationError<'_>, args: &Value) -> bool {
    let Some(value) = args.pointer(error.instance_path().as_str()) else {
        return false;
    };
    match error.kind() {
        // The keys of what is written are those of what is rendered.
        Kind::Required { .. } | Kind::AdditionalProperties { .. } => true,
        _ => !has_template(value),
    }
}

/// What the tool takes, in a line.
fn takes(schema: &Value) -> String {
    let required = |key: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|name| name == key))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys: Vec<String> = properties
        .into_iter()
        .flatten()
        .take(LISTED * 2)
        .map(|(key, _)| {
            let key = key.escape_debug();
            if required(&key.to_string()) {
                format!("`{key}` (required)")
            } else {
                format!("`{key}`")
            }
        })
        .collect();
    if keys.is_empty() {
        "it takes no arguments".to_owned()
    } else {
        format!("it takes {}", keys.join(", "))
    }
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%"),
        Value::Array(values) => values.iter().any(has_template),
        Value::Object(map) => map.values().any(has_template),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
