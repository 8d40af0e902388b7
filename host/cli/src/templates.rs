//! The workflows that ship, to begin from: one row each, with the files that each needs beside it.
//!
//! They are the files of `specs/`, embedded as they are. Their models are scripts, so that what is written runs at
//! once, without a key; [`Template::files`] puts another name or a real model in, line by line, and leaves every comment
//! where it is.

/// A workflow that ships.
#[derive(Debug)]
pub(crate) struct Template {
    /// What it is asked for by.
    pub(crate) name: &'static str,
    /// Its text.
    text: &'static str,
    /// The other files: name and text.
    beside: &'static [(&'static str, &'static str)],
}

macro_rules! templates {
    ($($name:literal $(+ $more:literal)*;)*) => {
        /// All of them, the simplest first.
        pub(crate) const TEMPLATES: &[Template] = &[$(
            Template {
                name: $name,
                text: include_str!(concat!("../../../specs/", $name, ".yml")),
                beside: &[
                    (concat!($name, ".model.yml"), include_str!(concat!("../../../specs/", $name, ".model.yml"))),
                    $(($more, include_str!(concat!("../../../specs/", $more))),)*
                ],
            },
        )*];
    };
}

templates! {
    "hello";
    "research";
    "fan-out";
    "human-in-the-loop";
    "refinement-loop";
    "deliberation";
    "subagents" + "subagents-supplier.yml" + "subagents-supplier.model.yml";
    "six-thinking-hats";
    "starter";
}

/// The template of this name.
pub(crate) fn template(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

/// Reads the name of a template.
pub(crate) fn parser() -> clap::builder::PossibleValuesParser {
    TEMPLATES
        .iter()
        .map(|template| template.name)
        .collect::<Vec<_>>()
        .into()
}

impl Template {
    /// What it is for.
    pub(crate) fn description(&self) -> String {
        armature_spec::parse(self.name, self.text)
            .map(|document| document.spec.description)
            .unwrap_or_default()
    }

    /// The text of the workflow, and the files it needs beside it. With another name, and with a real model in the place
    /// of its scripts, where these are given.
    pub(crate) fn files(
        &self,
        name: Option<&str>,
        model: Option<(&str, &str)>,
    ) -> (String, Vec<(&'static str, String)>) {
        let mut text = match name {
            Some(name) => renamed(self.text, name),
            None => self.text.to_owned(),
        };
        if let Some(model) = model {
            text = asking(&text, model);
        }
        let beside = self.beside.iter().filter_map(|(file, text)| {
            let is_script = file.ends_with(".model.yml");
            match model {
                Some(_) if is_script => None,
                Some(model) => Some((*file, asking(text, model))),
                None => Some((*file, (*text).to_owned())),
            }
        });
        (text, beside.collect())
    }
}

/// A text as YAML: in quotes, whatever it is.
pub(crate) fn quoted(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    // What JSON leaves as it is and YAML does not take.
    let mut safe = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match u32::from(c) {
            code @ (0x7F..=0x9F | 0x2028 | 0x2029 | 0xFEFF | 0xFFFE | 0xFFFF) => {
                safe.push_str(&format!("\\u{code:04x}"));
            }
            _ => safe.push(c),
        }
    }
    safe
}

fn renamed(text: &str, name: &str) -> String {
    let mut is_done = false;
    let line = |line: &str| {
        if !is_done && line.starts_with("name:") {
            is_done = true;
            format!("name: {}\n", quoted(name))
        } else {
            line.to_owned()
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The same with this model wherever a script was to answer.
fn asking(text: &str, (provider, model): (&str, &str)) -> String {
    let (provider, model) = (quoted(provider), quoted(model));
    let mut out = String::with_capacity(text.len());
    // Within a tier that is written over several lines.
    let mut is_within = false;
    for line in text.split_inclusive('\n') {
        let words = line.trim_start();
        if words.starts_with('#') {
            out.push_str(line);
        } else if let Some((before, rest)) = line.split_once("{ provider: scripted") {
            let after = rest.split_once('}').map_or("\n", |(_, after)| after);
            out.push_str(&format!(
                "{before}{{ provider: {provider}, model: {model} }}{after}"
            ));
        } else if words.starts_with("provider: scripted") {
            is_within = true;
            out.push_str(&line.replace("scripted", &provider));
        } else if is_within && words.starts_with("model:") {
            let indent = line.len() - words.len();
            out.push_str(&" ".repeat(indent));
            out.push_str(&format!("model: {model}\n"));
        } else if is_within && words.starts_with("script:") {
            is_within = false;
        } else {
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_quoted_so_that_yaml_reads_the_same() {
        for text in [
            "",
            "{{ x }}",
            "a\"b\\c\n\t",
            "- no: # yes",
            "\u{7f}\u{85}\u{9f}\u{2028}\u{feff}é😀",
            "'",
        ] {
            let read = armature_spec::parse_data("x", &quoted(text)).unwrap();
            assert_eq!(read, serde_json::Value::from(text), "{text:?}");
        }
    }

    #[test]
    fn every_template_can_have_another_name_and_a_real_model() {
        for template in TEMPLATES {
            let (text, beside) = template.files(Some("a: \"b\""), Some(("ollama", "qwen3:8b")));
            let document = armature_spec::parse(template.name, &text).unwrap();
            assert_eq!(document.spec.name, "a: \"b\"");
            for (_, tier) in document.spec.model_tiers.iter() {
                assert_eq!(
                    (tier.provider.as_str(), tier.model.as_str()),
                    ("ollama", "qwen3:8b")
                );
                assert!(tier.script.is_none(), "{}", template.name);
            }
            assert!(beside.iter().all(|(file, _)| !file.ends_with(".model.yml")));
            assert!(!template.description().is_empty(), "{}", template.name);
        }
    }
}
