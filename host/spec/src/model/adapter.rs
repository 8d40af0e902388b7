//! Adapters: scripts and plugins that a stage runs by name.

use armature_grants::{Grants, LimitRequest, PluginName};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A script or a plugin with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Adapter {
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// `script`, `python`, `javascript`, or `wasm` (also written `plugin`).
    #[serde(rename = "type")]
    pub adapter_type: AdapterType,
    /// For `python` and `javascript` the function to call, `scripts/clean.py:clean` or `pkg.module:clean`, in a file beside
    /// the spec. It is given the context and `args`, and what it returns is the result. For `wasm` the plugin, or, beside
    /// `plugin`, which of its steps: the plugin finds it under `function`.
    #[serde(default, rename = "fn")]
    pub function: Option<String>,
    /// Template: the script itself, for `script`, `python` and `javascript`. A value that comes from elsewhere is
    /// written `{{ value | sh }}` for a shell, so that it is one word, and `{{ value | tojson }}` elsewhere.
    #[serde(default)]
    pub cmd: Option<String>,
    /// Settings for a plugin, arguments of a function, or variables of a script. Texts are templates at any depth; one that is a single `{{ … }}`
    /// keeps its type.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// What becomes of what a script prints: `json` makes the JSON object on its standard output the stage's result, and
    /// then a script that fails or prints something else fails the stage. Without it the result is `stdout`, `stderr`
    /// and `exit_code`, and a script that fails is a result too.
    #[serde(default)]
    pub parse: Option<AdapterParse>,
    /// Seconds.
    #[serde(default = "timeout")]
    pub timeout: u64,
    /// The plugin, for `type: wasm`.
    #[serde(default)]
    pub plugin: Option<PluginName>,
    /// What the plugin may do.
    #[serde(default)]
    pub grants: Option<Grants>,
    /// How much it may use.
    #[serde(default)]
    pub limits: Option<LimitRequest>,
}

/// What becomes of what a script prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdapterParse {
    /// It is one JSON object, and that is the result.
    Json,
}

const fn timeout() -> u64 {
    60
}

/// What an adapter runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AdapterType {
    /// A shell script.
    Script,
    /// A Python script.
    Python,
    /// A JavaScript script.
    Javascript,
    /// A component that exports `adapter`: `wasm`, or `plugin`.
    Plugin,
    /// Another word. Specs were written with any word here and ran as scripts; they still do, with a warning.
    Other(String),
}

impl AdapterType {
    /// The word for it in a spec.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Script => "script",
            Self::Python => "python",
            Self::Javascript => "javascript",
            Self::Plugin => "plugin",
            Self::Other(word) => word,
        }
    }

    /// Is it a command for a shell?
    pub const fn runs_in_a_shell(&self) -> bool {
        matches!(self, Self::Script | Self::Other(_))
    }

    /// Is it code for an interpreter, and how do its files end?
    pub const fn language(&self) -> Option<&'static str> {
        match self {
            Self::Python => Some("py"),
            Self::Javascript => Some("js"),
            _ => None,
        }
    }
}

/// A function in a file, from an adapter's `fn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file, relative to the spec.
    pub file: String,
    /// The function's name.
    pub function: String,
}

impl Adapter {
    /// The plugin that a `wasm` adapter names: `plugin`, or `fn` where it stands alone.
    pub fn plugin_name(&self) -> Option<PluginName> {
        let alone = || PluginName::new(self.function.as_deref()?).ok();
        self.plugin.clone().or_else(alone)
    }

    /// The function that `fn` names, for an adapter in a language. `a/b.py:f` is a file and a function; `a.b:f` and
    /// `a.b.f` are a module, which is the file `a/b.py`, and a function.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn entry(&self) -> Option<Result<Entry, String>> {
        let (ending, written) = (self.adapter_type.language()?, self.function.as_deref()?);
        Some(entry(ending, written))
    }
}

fn entry(ending: &str, written: &str) -> Result<Entry, String> {
    let is_file = |text: &str| {
        let known = ["py", "js", "mjs"];
        text.contains('/') || known.iter().any(|end| text.ends_with(&format!(".{end}")))
    };
    let (place, function) = match written.rsplit_once(':') {
        Some(pair) => pair,
        None if is_file(written) => return Err("it names a file and no function".to_owned()),
        None => written
            .rsplit_once('.')
            .ok_or("it names a function and no file")?,
    };
    if place.is_empty() || function.is_empty() {
        return Err("a part of it is empty".to_owned());
    }
    let file = if is_file(place) {
        place.to_owned()
    } else {
        format!("{}.{ending}", place.replace('.', "/"))
    };
    Ok(Entry {
        file,
        function: function.to_owned(),
    })
}

impl From<String> for AdapterType {
    fn from(word: String) -> Self {
        match word.as_str() {
            "script" => Self::Script,
            "python" => Self::Python,
            "javascript" => Self::Javascript,
            "wasm" | "plugin" => Self::Plugin,
            _ => Self::Other(word),
        }
    }
}

impl From<AdapterType> for String {
    fn from(kind: AdapterType) -> Self {
        kind.as_str().to_owned()
    }
}

impl JsonSchema for AdapterType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AdapterType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What an adapter runs.",
            "type": "string",
            "enum": ["script", "python", "javascript", "wasm", "plugin"]
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_its_file_or_its_module() {
        let of =
            |written: &str| entry("py", written).map(|it| format!("{} {}", it.file, it.function));
        for (written, means) in [
            ("scripts/clean.py:clean", "scripts/clean.py clean"),
            ("clean.py:run", "clean.py run"),
            ("myapp.steps:clean", "myapp/steps.py clean"),
            ("myapp.steps.clean", "myapp/steps.py clean"),
            ("steps:clean", "steps.py clean"),
        ] {
            assert_eq!(of(written).as_deref(), Ok(means), "{written}");
        }
        for written in ["clean", "scripts/clean.py", ":f", "a:", ""] {
            assert!(of(written).is_err(), "{written}");
        }
    }
}
