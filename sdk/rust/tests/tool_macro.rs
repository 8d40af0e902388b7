//! What `#[tool]` makes of a function, run on the machine that builds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use armature_plugin::prelude::*;
use armature_plugin::{Definition, Effect, Reversibility, Tool};
use serde_json::Value;

/// What was found.
#[data]
struct Found {
    /// The lines.
    lines: Vec<String>,
}

/// Search a text for a word.
///
/// Use it for single words only.
#[tool(effect = read_only, output)]
fn search(
    /// The text to search.
    text: String,
    /// The word to find.
    word: String,
    /// How many lines to return at most.
    #[default(2)]
    limit: usize,
    /// Lines that are left out.
    skip: Option<u32>,
) -> Result<Found, ToolError> {
    if word.contains(' ') {
        return Err(ToolError::invalid("`word` is one word"));
    }
    let lines = text.lines().filter(|line| line.contains(&word));
    Ok(Found {
        lines: lines
            .skip(skip.unwrap_or(0) as usize)
            .take(limit)
            .map(str::to_owned)
            .collect(),
    })
}

#[data]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Round,
    VerySquare,
}

#[data]
struct Order {
    shape: Shape,
    #[serde(default)]
    count: u32,
}

/// Order a table.
#[tool(effect = network, reversibility = partial, idempotent, name = "table.order")]
fn order(#[args] order: Order, context: &Context) -> Result<Value, String> {
    Ok(json!([order.count, context.call_id]))
}

/// Does nothing.
#[tool(effect = destructive)]
fn nothing() -> Result<(), ToolError> {
    Ok(())
}

export_tools!(search, order, nothing);

fn context() -> Context {
    Context {
        run_id: "r".into(),
        stage: String::new(),
        call_id: "c1".into(),
        remaining_ms: 1,
    }
}

fn call<T: Tool>(arguments: &Value) -> Result<Value, ToolError> {
    T::call(&arguments.to_string(), &context()).map(|text| serde_json::from_str(&text).unwrap())
}

#[test]
fn the_documentation_is_the_description_and_the_parameters_are_the_schema() {
    let Definition {
        name,
        description,
        input_schema,
        output_schema,
        ..
    } = search::definition();
    assert_eq!(name, "search");
    assert_eq!(
        description,
        "Search a text for a word.\n\nUse it for single words only."
    );
    let schema: Value = serde_json::from_str(&input_schema).unwrap();
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {
                "text": { "description": "The text to search.", "type": "string" },
                "word": { "description": "The word to find.", "type": "string" },
                "limit": {
                    "description": "How many lines to return at most.", "type": "integer", "minimum": 0, "default": 2
                },
                "skip": { "description": "Lines that are left out.", "type": ["integer", "null"], "minimum": 0 },
            },
            "required": ["text", "word"],
            "additionalProperties": false,
        })
    );
    let output: Value = serde_json::from_str(&output_schema.unwrap()).unwrap();
    assert_eq!(output["properties"]["lines"]["items"]["type"], "string");
}

#[test]
fn arguments_may_be_left_out_when_they_are_optional_or_have_a_default() {
    let text = "tea one\ncoffee\ntea two\ntea three";
    assert_eq!(
        call::<search>(&json!({"text": text, "word": "tea"})),
        Ok(json!({"lines": ["tea one", "tea two"]}))
    );
    assert_eq!(
        call::<search>(&json!({"text": text, "word": "tea", "limit": 9, "skip": 2})),
        Ok(json!({"lines": ["tea three"]}))
    );
}

#[test]
fn wrong_arguments_are_named() {
    let message = |arguments| match call::<search>(&arguments) {
        Err(ToolError::InvalidArguments(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(json!({"text": "x"})), "missing field `word`");
    assert!(
        message(json!({"text": "x", "word": "x", "wrod": 1})).starts_with("unknown field `wrod`")
    );
    assert_eq!(
        message(json!({"text": "x", "word": "a b"})),
        "`word` is one word"
    );
}

#[test]
fn a_struct_can_be_the_arguments_and_the_context_is_not_one_of_them() {
    assert_eq!(
        call::<order>(&json!({"shape": "very-square", "count": 3})),
        Ok(json!([3, "c1"]))
    );
    let schema: Value = serde_json::from_str(&order::definition().input_schema).unwrap();
    assert_eq!(
        schema["properties"]["shape"]["enum"],
        json!(["round", "very-square"])
    );
    assert_eq!(schema["required"], json!(["shape"]));
    assert_eq!(order::NAME, "table.order");
}

#[test]
fn what_is_not_said_about_a_tool_is_what_its_effect_implies() {
    let promises = |tool: Definition| (tool.effect, tool.reversibility, tool.idempotent);
    assert_eq!(
        promises(search::definition()),
        (Effect::ReadOnly, Reversibility::Full, true)
    );
    assert_eq!(
        promises(order::definition()),
        (Effect::Network, Reversibility::Partial, true)
    );
    assert_eq!(
        promises(nothing::definition()),
        (Effect::Destructive, Reversibility::None, false)
    );
}

#[test]
fn a_tool_without_arguments_takes_an_empty_object_and_nothing_else() {
    assert_eq!(call::<nothing>(&json!({})), Ok(Value::Null));
    assert!(matches!(
        call::<nothing>(&json!({"a": 1})),
        Err(ToolError::InvalidArguments(_))
    ));
}

#[test]
fn the_function_stays_a_function() {
    assert_eq!(
        search("tea".into(), "tea".into(), 1, None).unwrap().lines,
        ["tea"]
    );
}
