//! The secrets of a run: their values, the placeholders that stand for them, and the cutting out.
//!
//! Which secrets a run can touch is known from its plan, so their values are read once, when it starts, and looked for
//! from then on in everything that leaves a call. A value itself is handed only to the sandbox's edge and to the
//! model's connection. In arguments a secret is a placeholder: a random text that the edge replaces, and only towards
//! the hosts that the stage names. Everybody else sees `{{ env.NAME }}` in its place.
//!
//! Arguments have two more faces. Rules judge what will happen, so they see every word of them but the placeholders
//! ([`RunSecrets::judged`]): a word that happens to be some secret's value is still a path, or a command. People and
//! logs see no value at all ([`RunSecrets::shown`]). Neither face may hide an argument behind another one.

use std::{collections::BTreeMap, sync::Arc};

use armature_llm::{Reply, ToolCall};
use armature_sandbox::{CallError, Digest, Placeholder, ScrubStream, Scrubber, Secrets, ToolError};
use serde_json::{Map, Value};

/// Reads an environment variable.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What is known of the secrets of a run.
pub(crate) struct RunSecrets {
    values: BTreeMap<String, String>,
    /// Name → placeholder.
    tokens: BTreeMap<String, String>,
    scrubber: Scrubber,
}

impl RunSecrets {
    /// Reads the values of these names.
    pub(crate) fn read<'a>(
        names: impl IntoIterator<Item = &'a str>,
        environment: &Environment,
    ) -> Self {
        let mut values = BTreeMap::new();
        let mut tokens = BTreeMap::new();
        for name in names {
            if let Some(value) = environment(name).filter(|value| !value.is_empty()) {
                values.insert(name.to_owned(), value);
            }
            tokens
                .entry(name.to_owned())
                .or_insert_with(|| format!("secret-{:032x}", rand::random::<u128>()));
        }
        let scrubber = Scrubber::new(
            values
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        Self {
            values,
            tokens,
            scrubber,
        }
    }

    /// The value of a secret.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text that stands for a secret in arguments. A name that the plan does not know has none.
    pub(crate) fn token(&self, name: &str) -> String {
        self.tokens.get(name).cloned().unwrap_or_default()
    }

    /// A text without values and placeholders.
    pub(crate) fn text(&self, text: &str) -> String {
        self.by_name(self.scrubber.text(text).into_owned())
    }

    /// For a text that arrives in pieces. It has no placeholders: models and servers never see one.
    pub(crate) fn stream(&self) -> ScrubStream<'_> {
        self.scrubber.stream()
    }

    /// A text in which placeholders are names. Values stay.
    fn by_name(&self, mut text: String) -> String {
        for (name, token) in &self.tokens {
            if text.contains(token.as_str()) {
                text = text.replace(token.as_str(), &shown(name));
            }
        }
        text
    }

    /// A text in which each placeholder is a name that is the same in every process with this seal, and that nobody
    /// can write who does not know the seal: the text itself, `{{ env.NAME }}`, is another argument.
    pub(crate) fn named(&self, mut text: String, seal: &[u8]) -> String {
        for (name, token) in &self.tokens {
            if text.contains(token.as_str()) {
                let sealed = Digest::of(&[seal, b"placeholder", name.as_bytes()]).to_string();
                text = text.replace(token.as_str(), &sealed);
            }
        }
        text
    }

    /// Arguments as rules see them. None where two keys would become one: a rule would miss one of the two.
    pub(crate) fn judged(&self, args: &Value) -> Option<Value> {
        mapped(args, &|text| self.by_name(text.to_owned()))
    }

    /// Arguments as people and logs see them. None where two keys would become one.
    pub(crate) fn shown(&self, args: &Value) -> Option<Value> {
        mapped(args, &|text| self.text(text))
    }

    /// A value without values and placeholders, keys included.
    pub(crate) fn clean(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.clean(item)).collect(),
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(key, item)| (self.text(&key), self.clean(item)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// A model's reply without values: a server may repeat what it was sent, the key to itself included.
    pub(crate) fn reply(&self, reply: Reply) -> Reply {
        if self.is_empty() {
            return reply;
        }
        Reply {
            text: self.text(&reply.text),
            tool_calls: reply
                .tool_calls
                .into_iter()
                .map(|call| ToolCall {
                    id: self.text(&call.id),
                    name: self.text(&call.name),
                    arguments: match call.arguments {
                        Ok(args) => Ok(self.clean(args)),
                        Err(text) => Err(self.text(&text)),
                    },
                })
                .collect(),
            model: self.text(&reply.model),
            ..reply
        }
    }

    /// An error of a call without values: what a server or a guest said may repeat them.
    pub(crate) fn error(&self, error: CallError) -> CallError {
        if self.is_empty() {
            return error;
        }
        match error {
            CallError::Tool(error) => CallError::Tool(match error {
                ToolError::UnknownTool(text) => ToolError::UnknownTool(self.text(&text)),
                ToolError::InvalidArguments(text) => ToolError::InvalidArguments(self.text(&text)),
                ToolError::Denied(text) => ToolError::Denied(self.text(&text)),
                ToolError::NotFound(text) => ToolError::NotFound(self.text(&text)),
                ToolError::Unavailable(text) => ToolError::Unavailable(self.text(&text)),
                ToolError::Timeout(text) => ToolError::Timeout(self.text(&text)),
                ToolError::Failed(text) => ToolError::Failed(self.text(&text)),
            }),
            CallError::BadResult { plugin, why } => CallError::BadResult {
                plugin,
                why: self.text(&why),
            },
            // The others are the host's own words, or speak of rights.
            other => other,
        }
    }

    /// Is there nothing to hide?
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

/// How a placeholder is shown.
fn shown(name: &str) -> String {
    format!("{{{{ env.{name} }}}}")
}

/// A value with every text in it changed, keys included; none where two keys of an object become the same.
fn mapped(value: &Value, change: &dyn Fn(&str) -> String) -> Option<Value> {
    Some(match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => {
            let items = items.iter().map(|item| mapped(item, change));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Value::Object(map) => {
            let mut changed = Map::new();
            for (key, item) in map {
                if changed.insert(change(key), mapped(item, change)?).is_some() {
                    return None;
                }
            }
            Value::Object(changed)
        }
        other => other.clone(),
    })
}

/// The secrets as one call sees them.
pub(crate) struct CallSecrets {
    pub(crate) run: Arc<RunSecrets>,
    /// Those that its arguments mention, with the hosts that may have them.
    pub(crate) placeholders: Vec<Placeholder>,
}

impl Secrets for CallSecrets {
    fn get(&self, name: &str) -> Option<String> {
        self.run.values.get(name).cloned()
    }

    fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    fn scrubber(&self) -> &Scrubber {
        &self.run.scrubber
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_placeholders_are_cut_out_and_unknown_names_have_none() {
        let environment: Environment =
            Arc::new(|name| (name == "KEY").then(|| "open sesame".to_owned()));
        let secrets = RunSecrets::read(["KEY", "UNSET"], &environment);
        let token = secrets.token("KEY");
        assert!(
            token.len() > 32
                && secrets.token("UNSET") != token
                && secrets.token("OTHER").is_empty()
        );
        let clean = secrets
            .clean(json!({"a": format!("Bearer {token}"), "open sesame": ["say open sesame"]}));
        assert_eq!(clean["a"], "Bearer {{ env.KEY }}");
        assert!(!clean.to_string().contains("open sesame"), "{clean}");
    }

    #[test]
    fn rules_see_values_and_names_of_placeholders_and_people_see_no_value() {
        let environment: Environment = Arc::new(|_| Some("open sesame".to_owned()));
        let secrets = RunSecrets::read(["KEY"], &environment);
        let args = json!({"path": "open sesame/x", "header": secrets.token("KEY")});
        assert_eq!(
            secrets.judged(&args),
            Some(json!({"path": "open sesame/x", "header": "{{ env.KEY }}"}))
        );
        assert_eq!(
            secrets.shown(&args),
            Some(json!({"path": "[secret KEY]/x", "header": "{{ env.KEY }}"}))
        );
    }

    #[test]
    fn no_key_is_hidden_behind_another_one() {
        let environment: Environment = Arc::new(|_| Some("open sesame".to_owned()));
        let secrets = RunSecrets::read(["KEY"], &environment);
        let by_value = json!([{"open sesame": 1, "[secret KEY]": 2}]);
        assert!(secrets.judged(&by_value).is_some());
        assert_eq!(secrets.shown(&by_value), None);
        let by_name = json!({secrets.token("KEY"): 1, "{{ env.KEY }}": 2});
        assert_eq!(secrets.judged(&by_name), None);
    }
}
