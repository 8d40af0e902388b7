//! `-i name=…` and `--inputs FILE`: the inputs of a run.
//!
//! Four ways to give a value, so that no text has to be quoted twice: `k=text`, `k:=JSON`, `k=@file`, `k:=@file.json`.
//! A file of inputs is an object in JSON or YAML. What is given by name wins over the file, and the later of two over
//! the earlier, so that a script can put what it is given behind what it sets. Inputs are data. Whatever is in them
//! reaches the workflow as it is, and is never read as a template or as YAML; a text that cannot be one (invalid
//! UTF-8) is refused, since whatever it were replaced with would not be what was given.

use serde_json::{Map, Value};

use crate::{failure::Failure, files};

const FORMS: &str =
    "write name=text, name:=JSON, name=@file or name:=@file.json (`@-` is standard input)";

/// The inputs of a run.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Inputs {
    /// An input: name=text, name:=JSON, name=@file or name:=@file.json; can be repeated, and the last one counts
    #[arg(short = 'i', long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,

    /// Take inputs from an object in this JSON or YAML file; `-` is standard input. -i wins over it
    #[arg(long = "inputs", value_name = "FILE")]
    file: Option<String>,
}

impl Inputs {
    /// Reads all of them.
    pub(crate) fn read(&self) -> Result<Map<String, Value>, Failure> {
        let given: Vec<Given<'_>> = self
            .inputs
            .iter()
            .map(|text| given(text))
            .collect::<Result<_, _>>()?;
        let on_stdin = given.iter().filter(|given| given.file == Some("-")).count()
            + usize::from(self.file.as_deref() == Some("-"));
        if on_stdin > 1 {
            return Err(Failure::usage("standard input can be read only once")
                .hint("give one of the inputs in a file: name=@file"));
        }
        let mut inputs = match &self.file {
            Some(name) => object(name)?,
            None => Map::new(),
        };
        for given in given {
            let value = given.value()?;
            inputs.insert(given.name.to_owned(), value);
        }
        Ok(inputs)
    }
}

/// One `-i`, taken apart.
struct Given<'a> {
    name: &'a str,
    is_json: bool,
    text: &'a str,
    /// Where the value is, when it is not `text`.
    file: Option<&'a str>,
}

fn given(text: &str) -> Result<Given<'_>, Failure> {
    let wrong = || Failure::usage(format!("`{}` is no input", shown(text))).hint(FORMS);
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let (name, is_json) = match name.strip_suffix(':') {
        Some(name) => (name.trim(), true),
        None => (name.trim(), false),
    };
    if name.is_empty() {
        return Err(wrong());
    }
    Ok(Given {
        name,
        is_json,
        text: value,
        file: value.strip_prefix('@'),
    })
}

impl Given<'_> {
    fn value(&self) -> Result<Value, Failure> {
        let text = match self.file {
            Some(file) => files::read(file).map_err(|mut failure| {
                failure.message = format!("input `{}`: {}", shown(self.name), failure.message);
                failure
            })?,
            None => self.text.to_owned(),
        };
        if !self.is_json {
            return Ok(Value::String(text));
        }
        json(&text).map_err(|why| {
            let name = shown(self.name);
            Failure::usage(format!("input `{name}` is no JSON: {why}"))
                .hint(format!("for plain text write {name}=… without the colon"))
        })
    }
}

/// The object in a file of inputs. JSON is YAML too, but not bounded like it: large data come as JSON.
fn object(name: &str) -> Result<Map<String, Value>, Failure> {
    let text = files::read(name)?;
    let called = if name == "-" { "standard input" } else { name };
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let value = match json(&text) {
        Ok(value) => value,
        Err(why) if name.ends_with(".json") || text.trim_start().starts_with('{') && !is_yaml => {
            return Err(Failure::usage(format!(
                "`{}` is no JSON: {why}",
                shown(called)
            )));
        }
        Err(_) => armature_spec::parse_data(called, &text).map_err(|found| {
            let first = found.0.first();
            let place = first
                .and_then(|finding| finding.at)
                .map_or_else(String::new, |at| format!(":{at}"));
            let why = first.map_or("it is no YAML", |finding| &finding.message);
            Failure::usage(format!("{}{place}: {why}", shown(called)))
                .hint("a file of inputs is one object in JSON or YAML: `topic: tea`")
        })?,
    };
    match value {
        Value::Object(map) => Ok(map),
        // An empty YAML file.
        Value::Null => Ok(Map::new()),
        other => Err(Failure::usage(format!(
            "`{}` holds {}, not an object of inputs",
            shown(called),
            kind(&other)
        ))
        .hint("a file of inputs is one object in JSON or YAML: `topic: tea`")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        _ => "one value",
    }
}

/// What a person typed, on one line and not without end.
fn shown(text: &str) -> String {
    crate::render::text::line(text, 80)
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
        let inputs = Inputs {
            inputs: given.iter().map(|text| (*text).to_owned()).collect(),
            file: None,
        };
        inputs
            .read()
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
    fn the_last_one_of_a_name_counts() {
        assert_eq!(
            inputs(&["a=1", "b=2", "a=3"]),
            Ok(json!({"a": "3", "b": "2"}))
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
        assert!(inputs(&["a=@-", "b=@-"]).unwrap_err().contains("only once"));
        assert!(
            inputs(&["a=@/no/such/file"])
                .unwrap_err()
                .contains("no such file")
        );
    }
}
