//! What is said about a value that does not fit its JSON Schema.
//!
//! It is read by models, people and logs, so it must not grow with the value: what is long is told without the value,
//! and cut where it is long even then. Secrets are cut out before, while they are still whole.

use jsonschema::ValidationError;

/// Longest text about one misfit, and longest place, in characters.
const LONGEST: usize = 300;

/// Where a value does not fit, and why.
pub(crate) fn misfit(error: &ValidationError<'_>, clean: impl Fn(&str) -> String) -> String {
    let mut why = clean(&error.to_string());
    if is_long(&why) {
        // The reason stands behind the value.
        why = cut(clean(&error.masked().to_string()));
    }
    let place = cut(clean(&error.instance_path().to_string()));
    if place.is_empty() {
        why
    } else {
        format!("{place}: {why}")
    }
}

fn is_long(text: &str) -> bool {
    text.chars().nth(LONGEST).is_some()
}

fn cut(text: String) -> String {
    if is_long(&text) {
        text.chars().take(LONGEST).chain(['…']).collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(schema: &Value, value: &Value) -> String {
        let validator = jsonschema::validator_for(schema).unwrap();
        misfit(&validator.iter_errors(value).next().unwrap(), str::to_owned)
    }

    #[test]
    fn what_is_said_of_a_long_value_is_short_and_still_says_why() {
        let long = "x".repeat(1_000_000);
        let text = said(
            &json!({"properties": {"a": {"type": "integer"}}}),
            &json!({"a": long}),
        );
        assert!(text.len() < 400 && text.contains("integer"), "{text}");
        let text = said(
            &json!({"additionalProperties": false}),
            &json!({long.as_str(): 1}),
        );
        assert!(text.len() < 700, "{} {text}", text.len());
        let text = said(
            &json!({"additionalProperties": {"type": "null"}}),
            &json!({long: 1}),
        );
        assert!(
            text.len() < 700 && text.contains("null"),
            "{} {text}",
            text.len()
        );
    }

    #[test]
    fn of_a_short_value_everything_is_said() {
        let text = said(
            &json!({"properties": {"a": {"type": "integer"}}}),
            &json!({"a": "x"}),
        );
        assert_eq!(text, "/a: \"x\" is not of type \"integer\"");
    }
}
