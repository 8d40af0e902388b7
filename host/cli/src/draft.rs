//! A workflow that is being made up: what a person said about it, and the YAML that says the same.
//!
//! Stages follow one another, each seeing what those before it made. Whatever a person typed is quoted, so that it can
//! be no other YAML than that text; a template in it is one, because a person who writes `{{ topic }}` means it. Without
//! a model the workflow gets a script of replies, so that it runs at once.

use crate::templates::quoted;

/// A workflow that is being made up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) stages: Vec<Stage>,
    /// Provider and model.
    pub(crate) model: Option<(String, String)>,
}

/// A value that it is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Without one it is required.
    pub(crate) default: Option<String>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) does: Does,
}

/// What a stage does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Does {
    /// A model is told this.
    Ask(String),
    /// A person is shown this.
    Gate(String),
}

impl Draft {
    /// The workflow; `script` names the file of replies, where no model is given.
    pub(crate) fn spec(&self, script: &str) -> String {
        let mut text = String::from(
            "# Written by `armature new`. `armature explain FILE` says what it does, `armature run FILE` does it.\n",
        );
        text.push_str(&format!("name: {}\nversion: \"0.1\"\n", quoted(&self.name)));
        if !self.description.is_empty() {
            text.push_str(&format!("description: {}\n", quoted(&self.description)));
        }
        if !self.inputs.is_empty() {
            text.push_str("\ncontracts:\n  inputs:\n");
            for input in &self.inputs {
                text.push_str(&format!("    - name: {}\n", quoted(&input.name)));
                match &input.default {
                    Some(default) => {
                        text.push_str(&format!("      default: {}\n", quoted(default)));
                    }
                    None => text.push_str("      required: true\n"),
                }
                if !input.description.is_empty() {
                    text.push_str(&format!(
                        "      description: {}\n",
                        quoted(&input.description)
                    ));
                }
            }
        }
        if self.asks_models() {
            text.push_str("\nmodel_tiers:\n");
            text.push_str(&match &self.model {
                Some((provider, model)) => format!(
                    "  small: {{ provider: {}, model: {} }}\n",
                    quoted(provider),
                    quoted(model)
                ),
                None => format!(
                    "  # A script of replies: no key, no network. For a real model put this in its place:\n\
                     \x20 #   small: {{ provider: openai, model: gpt-4o-mini }}\n\
                     \x20 small: {{ provider: scripted, model: script, script: {} }}\n",
                    quoted(script)
                ),
            });
        }
        text.push_str(if self.stages.is_empty() {
            "\nstages: []\n"
        } else {
            "\nstages:\n"
        });
        for (place, stage) in self.stages.iter().enumerate() {
            text.push_str(&format!("  - id: {}\n", quoted(&stage.id)));
            let before = place
                .checked_sub(1)
                .and_then(|before| self.stages.get(before));
            if let Some(before) = before {
                text.push_str(&format!("    depends_on: [{}]\n", quoted(&before.id)));
            }
            text.push_str(&match &stage.does {
                Does::Ask(what) => format!(
                    "    role:\n      name: {}\n      type: worker\n      model_tier: small\n      description: {}\n",
                    quoted(&stage.id),
                    quoted(what)
                ),
                Does::Gate(message) => {
                    format!("    gate: human\n    present: {}\n", quoted(message))
                }
            });
        }
        text
    }

    /// The script of replies, where one is needed: a reply for each stage that asks.
    pub(crate) fn script(&self) -> Option<String> {
        if self.model.is_some() || !self.asks_models() {
            return None;
        }
        let mut text = String::from(
            "# What the scripted model says, by stage. The first entry that fits answers.\n",
        );
        for stage in &self.stages {
            if let Does::Ask(what) = &stage.does {
                let reply = format!("(Here a model would do this: {what})");
                text.push_str(&format!(
                    "- stage: {}\n  text: {}\n",
                    quoted(&stage.id),
                    quoted(&reply)
                ));
            }
        }
        Some(text)
    }

    fn asks_models(&self) -> bool {
        self.stages
            .iter()
            .any(|stage| matches!(stage.does, Does::Ask(_)))
    }
}

/// Reads `ID=what a model is to do`, or `ID=gate:what a person is shown`.
pub(crate) fn stage(text: &str) -> Option<Stage> {
    let (id, what) = text.split_once('=')?;
    let (id, what) = (id.trim(), what.trim());
    if id.is_empty() || what.is_empty() {
        return None;
    }
    let does = match what.strip_prefix("gate:") {
        Some(message) => Does::Gate(message.trim().to_owned()),
        None => Does::Ask(what.to_owned()),
    };
    Some(Stage {
        id: id.to_owned(),
        does,
    })
}

/// Reads `NAME` or `NAME=default`.
pub(crate) fn input(text: &str) -> Option<Input> {
    let (name, default) = match text.split_once('=') {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (text, None),
    };
    let name = name.trim().to_owned();
    (!name.is_empty()).then_some(Input {
        name,
        description: String::new(),
        default,
    })
}

/// Reads `PROVIDER/MODEL`.
pub(crate) fn model(text: &str) -> Option<(String, String)> {
    let (provider, model) = text.trim().split_once('/')?;
    let known = !provider.is_empty() && !model.is_empty();
    known.then(|| (provider.to_owned(), model.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_person_says_the_workflow_is_one_and_says_the_same() {
        for odd in [
            "plain",
            "a: \"b\" # c",
            "line\nline\t{{ nobody }}",
            "é😀'\\",
            "- x",
            "[1, 2]",
        ] {
            let draft = Draft {
                name: odd.to_owned(),
                description: odd.to_owned(),
                inputs: vec![Input {
                    name: "topic".into(),
                    description: odd.to_owned(),
                    default: Some(odd.to_owned()),
                }],
                stages: vec![
                    Stage {
                        id: "say".into(),
                        does: Does::Ask(odd.to_owned()),
                    },
                    Stage {
                        id: "check".into(),
                        does: Does::Gate(odd.to_owned()),
                    },
                ],
                model: None,
            };
            let document = armature_spec::parse("x", &draft.spec("x.model.yml")).unwrap();
            assert_eq!(
                (document.spec.name.as_str(), document.spec.stages.len()),
                (odd, 2)
            );
            assert!(document.warnings.is_empty(), "{:?}", document.warnings);
            assert_eq!(document.spec.stages[1].present.as_deref(), Some(odd));
            assert!(
                armature_spec::parse_data("x", &draft.script().unwrap()).unwrap()[0]["text"]
                    .as_str()
                    .unwrap()
                    .contains(odd)
            );
        }
    }

    #[test]
    fn what_is_said_in_one_line_is_read() {
        assert_eq!(
            stage("check = gate: Is it good?"),
            Some(Stage {
                id: "check".into(),
                does: Does::Gate("Is it good?".into())
            })
        );
        assert_eq!(input("a=b=c").unwrap().default.as_deref(), Some("b=c"));
        assert_eq!(
            model("openrouter/a/b"),
            Some(("openrouter".into(), "a/b".into()))
        );
        assert_eq!(
            (stage("x"), stage("=x"), model("x"), input(" ")),
            (None, None, None, None)
        );
    }
}
