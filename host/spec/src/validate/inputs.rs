//! Inputs: each with a name of its own that a template can say.

use std::collections::HashMap;

use super::{Checker, contracts::PROVIDED, show};
use crate::{codes::Code, path, suggest::did_you_mean};

/// Words that mean something else in a template.
const WORDS: &[&str] = &[
    "and", "else", "env", "false", "for", "if", "in", "is", "loop", "none", "not", "or", "true",
    "False", "None", "True",
];

/// The types that values are held against, in all their spellings.
const TYPES: &[&str] = &[
    "string", "str", "text", "integer", "int", "number", "float", "boolean", "bool", "array",
    "list", "object", "dict", "map",
];

pub(super) fn check(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, input) in spec.contracts.inputs.iter().enumerate() {
        if let Some(word) = input.input_type.as_ref().and_then(|kind| kind.as_str()) {
            kind(checker, index, word);
        }
        let Some(name) = input.name.as_deref().filter(|name| !name.is_empty()) else {
            let message = "the input has no `name`";
            let hint = Some("add `name: …`; templates see the input under it".to_owned());
            let place = path!["contracts", "inputs", index];
            checker.section(Code::ContractInputMissingName, place, message, hint);
            continue;
        };
        let place = path!["contracts", "inputs", index, "name"];
        if let Some(first) = seen.insert(name, index) {
            let line = checker
                .source
                .locate(path!["contracts", "inputs", first])
                .line;
            let message = format!("the input {} is there already, in line {line}", show(name));
            let hint = Some("remove one of the two".to_owned());
            checker.section(Code::DuplicateInput, place, message, hint);
        }
        let why = if !is_name(name) {
            Some("no template can name it")
        } else if WORDS.contains(&name) {
            Some("the word means something else in a template")
        } else if PROVIDED.contains(&name) {
            Some("the run itself has a value of that name")
        } else {
            None
        };
        if let Some(why) = why {
            let message = format!("the input is called {}: {why}", show(name));
            let hint = Some("use letters, digits and `_`, and a letter to begin with".to_owned());
            checker.section(Code::InvalidInputName, place, message, hint);
        }
    }
}

/// A type that is nearly a known word was meant to be one; any other word is for people.
fn kind(checker: &mut Checker<'_>, index: usize, word: &str) {
    let lower = word.trim().to_ascii_lowercase();
    if TYPES.contains(&lower.as_str()) {
        return;
    }
    if let Some(hint) = did_you_mean(&lower, TYPES.iter().copied()) {
        let message = format!("{} is no type that is enforced", show(word));
        let place = path!["contracts", "inputs", index, "type"];
        checker.section(Code::UnknownInputType, place, message, Some(hint));
    }
}

/// Can a template say it?
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
