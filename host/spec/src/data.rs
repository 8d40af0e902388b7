//! Data that a person hands over as YAML: one value, nothing of a spec in it.
//!
//! The same reader as for specs, with the same bounds; what YAML can say and JSON cannot is refused.

use serde_json::Value;

use crate::{
    codes::Code,
    finding::{Finding, Findings, SpecFile},
    yaml,
};

/// Reads one value. `name` is what the file is called in an error.
///
/// # Errors
/// One finding, with its place, for text that is no YAML or is beyond the bounds.
pub fn parse_data(name: &str, text: &str) -> Result<Value, Findings> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match yaml::parse(text) {
        Ok(root) => Ok(root.to_value()),
        Err(why) => {
            let mut finding = Finding::new(Code::YamlSyntax, why.message)
                .file(SpecFile::new(name, text))
                .at(why.at);
            finding.hint = why.hint;
            Err(finding.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_stays_data() {
        assert_eq!(
            parse_data("x", "topic: '{{ 7*7 }}'\nn: 3\nlist: [a, true]\n").unwrap(),
            json!({"topic": "{{ 7*7 }}", "n": 3, "list": ["a", true]})
        );
    }

    #[test]
    fn what_is_no_yaml_has_a_place() {
        let found = parse_data("x.yml", "a: [1\n").unwrap_err();
        assert!(found.render("x.yml").contains("x.yml:"), "{found:?}");
    }
}
