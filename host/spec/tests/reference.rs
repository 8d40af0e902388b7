//! `specs/` says what the code does: the schema, and the tables of the reference, are generated from the types, and
//! every example in the reference is a spec that is read without a finding.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail tests"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes two files of the repository"
)]

use std::{fmt::Write as _, path::PathBuf};

use armature_spec::{Code, parse, risk_table, schema, validate};
use serde_json::{Map, Value};

const BEGIN: &str = "<!-- generated from the types; see host/spec/tests/reference.rs -->";
const END: &str = "<!-- end of what is generated -->";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../specs")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn schema_text() -> String {
    format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap())
}

/// The reference with its tables made anew.
fn reference() -> String {
    let text = read("README.md");
    let (before, rest) = text
        .split_once(BEGIN)
        .expect("the marker where the tables begin");
    let (_, after) = rest
        .split_once(END)
        .expect("the marker where the tables end");
    format!("{before}{BEGIN}\n{}{END}{after}", tables())
}

#[test]
#[ignore = "writes the files: cargo test -p armature-spec --test reference -- --ignored"]
fn regenerate() {
    std::fs::write(file("spec.schema.json"), schema_text()).unwrap();
    std::fs::write(file("README.md"), reference()).unwrap();
}

const HOW: &str = "run: cargo test -p armature-spec --test reference -- --ignored";

#[test]
fn the_schema_in_the_repository_is_that_of_the_types() {
    assert!(
        read("spec.schema.json") == schema_text(),
        "specs/spec.schema.json is out of date; {HOW}"
    );
}

#[test]
fn the_tables_in_the_reference_are_those_of_the_types() {
    assert!(
        read("README.md") == reference(),
        "specs/README.md is out of date; {HOW}"
    );
}

#[test]
fn every_spec_in_the_reference_is_read_without_a_finding_and_fits_the_schema() {
    let text = read("README.md");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut specs = 0;
    for block in text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        // The script of a model is no spec; that it is one is seen where scripts are read.
        .filter(|block| !block.contains("\nreplies:"))
    {
        let whole = if block.starts_with("name:") {
            specs += 1;
            block.to_owned()
        } else {
            format!(
                "name: part\n{block}{}",
                if block.contains("stages:") {
                    ""
                } else {
                    "stages: []\n"
                }
            )
        };
        let document = parse("README.md", &whole).unwrap_or_else(|why| panic!("{why}\n{whole}"));
        assert_eq!(document.warnings, [], "{whole}");
        assert_eq!(validate(&document), [], "{whole}");
        let errors: Vec<String> = validator
            .iter_errors(&document.source.to_value())
            .map(|why| why.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{whole}");
    }
    assert!(specs >= 1);
}

#[test]
fn every_type_and_key_has_a_description() {
    let schema = schema();
    for (name, definition) in definitions(&schema) {
        assert!(definition["description"].is_string(), "{name}");
        for (key, field) in definition["properties"].as_object().into_iter().flatten() {
            assert!(
                field["description"].is_string() || name == "ModelTiers",
                "{name}.{key}"
            );
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------

/// The spec itself and every type in it, in the order in which they are met.
fn definitions(schema: &Value) -> Vec<(String, &Value)> {
    let mut all = vec![("Spec".to_owned(), schema)];
    all.extend(
        schema["$defs"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value)),
    );
    all
}

fn tables() -> String {
    let schema = schema();
    let mut out = String::new();
    for (name, definition) in definitions(&schema) {
        let _ = writeln!(out, "\n### {name}\n\n{}\n", sentence(definition));
        if let Some(properties) = definition["properties"].as_object() {
            fields(&mut out, properties, &definition["required"]);
        } else if let Some(words) = definition["oneOf"].as_array() {
            out.push_str("| word | meaning |\n|---|---|\n");
            for word in words {
                let _ = writeln!(
                    out,
                    "| `{}` | {} |",
                    word["const"].as_str().unwrap_or_default(),
                    sentence(word)
                );
            }
        } else {
            let _ = writeln!(out, "{}.", kind(definition));
        }
    }
    out.push_str("\n## Findings\n\n| code | severity | when |\n|---|---|---|\n");
    for code in Code::ALL {
        let _ = writeln!(out, "| `{code}` | {} | {} |", code.severity(), code.doc());
    }
    out.push_str(
        "\n## Risk\n\nThe score is the sum of these, from 0 to 100: below 30 low, below 60 medium, below 85 high, from 85 on \
         critical. It says how much harm a workflow could do and how little it is watched, not whether it will.\n\n\
         | points | for | why |\n|---|---|---|\n",
    );
    for (points, what, why) in risk_table() {
        let _ = writeln!(out, "| {points} | {what} | {why} |");
    }
    out.push('\n');
    out
}

fn fields(out: &mut String, properties: &Map<String, Value>, required: &Value) {
    out.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
    for (key, field) in properties {
        let is_required = required
            .as_array()
            .is_some_and(|keys| keys.iter().any(|k| k == key));
        let default = match &field["default"] {
            _ if is_required => "**required**".to_owned(),
            Value::Null => String::new(),
            Value::String(text) if text.is_empty() => String::new(),
            Value::Array(list) if list.is_empty() => String::new(),
            Value::Object(_) => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let _ = writeln!(
            out,
            "| `{key}` | {} | {default} | {} |",
            kind(field),
            sentence(field)
        );
    }
}

fn sentence(value: &Value) -> String {
    value["description"]
        .as_str()
        .unwrap_or_default()
        .replace('|', "\\|")
}

/// A type in words.
fn kind(value: &Value) -> String {
    if let Some(reference) = value["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(kinds) = value[key].as_array() {
            let kinds: Vec<String> = kinds
                .iter()
                .filter(|kind| kind["type"] != "null")
                .map(kind)
                .collect();
            return kinds.join(" or ");
        }
    }
    if let Some(words) = value["enum"].as_array() {
        return words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let names: Vec<&str> = match &value["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => return "anything".to_owned(),
    };
    let words: Vec<String> = names
        .iter()
        .map(|name| match *name {
            "array" => format!("list of {}", kind(&value["items"])),
            "object" => match &value["additionalProperties"] {
                Value::Object(_) => format!("name → {}", kind(&value["additionalProperties"])),
                _ => "mapping".to_owned(),
            },
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "boolean" => "true or false".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    words.join(" or ")
}
