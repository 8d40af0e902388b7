//! A stage that calls a tool, without a model.
//!
//! A template that is one `{{ … }}` gives a value, whatever it is. Where the tool takes only text for it, the value is
//! given as a template with words around it would print it: `content: "{{ n + 1 }}"` writes a number.

use std::sync::Arc;

use armature_sandbox::Caller;
use serde_json::Value;

use super::Scope;
use crate::{
    context::Context,
    failure::Failure,
    plan::stage::ToolStage,
    provenance,
    tools::{Act, Exposure, What, act},
};

/// Renders the arguments and makes the call.
pub(crate) async fn call(
    scope: &Arc<Scope>,
    stage: &ToolStage,
    context: &Context,
) -> Result<Value, Failure> {
    let args = stage
        .args
        .render(context, &|name| scope.run.secrets.token(name))?;
    let args = match scope.run.plan.0.tools.get(&stage.tool) {
        Some(tool) => printed(&tool.definition.input_schema, args),
        None => args,
    };
    act(Act {
        what: What::Tool {
            name: &stage.tool,
            exposure: Exposure::Written,
        },
        caller: Caller::Stage,
        scope,
        args,
        placeholders: scope.placeholders(&stage.env),
        sources: provenance::of_names(&scope.run, context, [stage.args.names()]),
    })
    .await
}

/// The arguments, with texts where the schema takes only texts. What is missing stays missing.
fn printed(schema: &Value, mut args: Value) -> Value {
    let Value::Object(map) = &mut args else {
        return args;
    };
    for (key, value) in map {
        let kind = schema
            .get("properties")
            .and_then(|all| all.get(key)?.get("type"));
        if kind.is_some_and(|kind| kind == "string") {
            let text = match &*value {
                Value::Null | Value::String(_) => continue,
                Value::Bool(true) => "True".to_owned(),
                Value::Bool(false) => "False".to_owned(),
                other => other.to_string(),
            };
            *value = Value::String(text);
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_printed_where_only_text_is_taken_and_nowhere_else() {
        let schema = json!({"properties": {
            "text": {"type": "string"}, "n": {"type": "number"}, "any": {}, "either": {"type": ["string", "number"]}
        }});
        let printed = |value: Value| {
            let args = json!({"text": value, "n": 6, "any": 6, "either": 6, "other": 6});
            let args = super::printed(&schema, args);
            assert_eq!((&args["n"], &args["any"]), (&json!(6), &json!(6)));
            assert_eq!((&args["either"], &args["other"]), (&json!(6), &json!(6)));
            args["text"].clone()
        };
        assert_eq!(printed(json!(6)), "6");
        assert_eq!(printed(json!(true)), "True");
        assert_eq!(printed(json!(["a", {"b": 1}])), r#"["a",{"b":1}]"#);
        assert_eq!(printed(json!("x")), "x");
        assert_eq!(printed(Value::Null), Value::Null);
    }
}
