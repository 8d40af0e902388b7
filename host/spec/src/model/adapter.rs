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
    /// `script`, `python`, `javascript` or `plugin`.
    #[serde(rename = "type")]
    pub adapter_type: AdapterType,
    /// Accepted and ignored, as it always was.
    #[serde(default, rename = "fn")]
    pub function: Option<String>,
    /// Template: the script itself, for `script`, `python` and `javascript`. A value that comes from elsewhere is
    /// written `{{ value | sh }}`, so that a shell takes it as one word.
    #[serde(default)]
    pub cmd: Option<String>,
    /// Settings for a plugin, or variables of a script. Texts are templates at any depth; one that is a single `{{ … }}`
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
    /// The plugin, for `type: plugin`.
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
    /// A component that exports `adapter`.
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
}

impl From<String> for AdapterType {
    fn from(word: String) -> Self {
        match word.as_str() {
            "script" => Self::Script,
            "python" => Self::Python,
            "javascript" => Self::Javascript,
            "plugin" => Self::Plugin,
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
            "enum": ["script", "python", "javascript", "plugin"]
        })
    }

    fn inline_schema() -> bool {
        true
    }
}
