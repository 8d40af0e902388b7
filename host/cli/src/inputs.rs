//! `-i name=…`: the inputs of a run.
//!
//! Four ways to give a value, so that no text has to be quoted twice: `k=text`, `k:=JSON`, `k=@file`, `k:=@file.json`.
//! Inputs are data. Whatever is in them reaches the workflow as it is, and is never read as a template or as YAML.

use serde_json::{Map, Value};

use crate::{failure::Failure, files};

const FORMS: &str =
    "write name=text, name:=JSON, name=@file or name:=@file.json (`@-` is standard input)";

/// Reads all of them.
pub(crate) fn read(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut inputs = Map::new();
    for text in given {
        let (name, value) = one(text)?;
        if inputs.contains_key(&name) {
            let why = format!("input `{}` is given twice", name.escape_debug());
            return Err(Failure::usage(why).hint("leave one of the two -i out"));
        }
        inputs.insert(name, value);
    }
    Ok(inputs)
}

fn one(text: &str) -> Result<(String, Value), Failure> {
    let wrong = || Failure::usage(format!("`{}` is no input", text.escape_debug())).hint(FORMS);
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let (name, is_json) = match name.strip_suffix(':') {
        Some(name) => (name.trim(), true),
        None => (name.trim(), false),
    };
    if name.is_empty() {
        return Err(wrong());
    }
    let value = match value.strip_prefix('@') {
        Some(file) => files::read(file)?,
        None => value.to_owned(),
    };
    let value = if is_json {
        json(&value).map_err(|why| {
            Failure::usage(format!("input `{}` is no JSON: {why}", name.escape_debug())).hint(
                format!(
                    "for plain text write {}=… without the colon",
                    name.escape_debug()
                ),
            )
        })?
    } else {
        Value::String(value)
    };
    Ok((name.to_owned(), value))
}

/// JSON from the command line, a file (`@file`) or standard input (`-`).
pub(crate) fn json_argument(text: &str) -> Result<Value, Failure> {
    let content = match text.strip_prefix('@') {
        Some(file) => files::read(file)?,
        None if text == "-" => files::read("-")?,
        None => text.to_owned(),
    };
    json(&content).map_err(|why| {
        Failure::usage(format!("--args is no JSON: {why}"))
            .hint("write --args '{\"key\": \"value\"}', --args @file.json, or --args - for standard input")
    })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(given: &[&str]) -> Result<Value, String> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        read(&given)
            .map(Value::Object)
            .map_err(|failure| failure.message)
    }

    #[test]
    fn text_stays_text_and_json_keeps_its_type() {
        assert_eq!(
            inputs(&[
                "topic=say \"hi\"\nstages: []",
                "n:=3",
                "list:=[1, 2]",
                "sum=1+1=2",
                "x={{ 7*7 }}"
            ]),
            Ok(
                json!({"topic": "say \"hi\"\nstages: []", "n": 3, "list": [1, 2], "sum": "1+1=2", "x": "{{ 7*7 }}"})
            )
        );
    }

    #[test]
    fn what_is_no_input_is_refused() {
        for wrong in ["topic", "=x", ":=1", ""] {
            assert!(
                inputs(&[wrong]).unwrap_err().contains("is no input"),
                "{wrong}"
            );
        }
        assert!(inputs(&["n:=three"]).unwrap_err().contains("is no JSON"));
        assert!(inputs(&["a=1", "a=2"]).unwrap_err().contains("given twice"));
        assert!(
            inputs(&["a=@/no/such/file"])
                .unwrap_err()
                .contains("no such file")
        );
    }
}
