//! What a model's text is read as.
//!
//! Text is text, and nothing is no answer. JSON is found wherever it stands in the reply, must be an object, and must
//! fit the schema. A score is a judge's word about the work: the first of the usual fields that lies between 0 and 1.

use armature_spec::OutputMode;
use serde_json::{Value, json};

use crate::{misfit::misfit, plan::stage::RoleStage};

/// Fields that can hold a score, in order.
const SCORES: [&str; 3] = ["score", "quality_score", "confidence"];

/// A reply, read.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    /// It is what was asked for.
    Good(Value),
    /// It is not, and why, in words that the next model can use.
    Bad(String),
}

/// Reads JSON out of replies.
pub(crate) struct Answer;

impl Answer {
    /// The JSON object in a text.
    pub(crate) fn object(text: &str) -> Option<Value> {
        armature_llm::extract_json(text).filter(Value::is_object)
    }
}

/// Reads a reply as the stage asks for.
pub(crate) fn read(role: &RoleStage, text: &str) -> Read {
    if text.trim().is_empty() {
        return Read::Bad("the answer was empty".to_owned());
    }
    if role.output == OutputMode::Text {
        return Read::Good(json!({"content": text}));
    }
    let Some(value) = Answer::object(text) else {
        return Read::Bad("the answer was not one JSON object".to_owned());
    };
    let unmet = role
        .schema
        .as_ref()
        .filter(|schema| !schema.validator.is_valid(&value));
    let problem = unmet.and_then(|schema| {
        schema.validator.iter_errors(&value).next().map(|error| {
            let why = misfit(&error, str::to_owned);
            format!("the answer does not fit the schema: {why}")
        })
    });
    match problem {
        Some(problem) => Read::Bad(problem),
        None => Read::Good(value),
    }
}

/// A judge's score.
pub(crate) fn score(value: &Value) -> Option<f64> {
    SCORES.iter().find_map(|field| {
        value
            .get(field)?
            .as_f64()
            .filter(|score| (0.0..=1.0).contains(score))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_that_is_a_score_counts() {
        assert_eq!(score(&json!({"score": 8, "confidence": 0.7})), Some(0.7));
        assert_eq!(
            score(&json!({"score": 0.5, "quality_score": 0.9})),
            Some(0.5)
        );
        assert_eq!(score(&json!({"score": "0.5"})), None);
    }
}
