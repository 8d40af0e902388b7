//! Models by tier, so that roles name a size and not a product.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::RoleType;

/// The five usual tiers, smallest first: the order in which a stage that fails asks a larger one.
const USUAL: [&str; 5] = ["tiny", "small", "medium", "large", "frontier"];

/// Tiers by name, in the author's order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelTiers(pub IndexMap<String, Option<ModelTier>>);

impl ModelTiers {
    /// The five usual names, smallest first.
    pub const USUAL: [&'static str; 5] = USUAL;

    /// The tier of this name, if it is set.
    pub fn get(&self, name: &str) -> Option<&ModelTier> {
        self.0.get(name).and_then(Option::as_ref)
    }

    /// All that are set: the usual ones from small to large, then the others in the author's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ModelTier)> + Clone {
        let usual = USUAL
            .into_iter()
            .filter_map(|name| Some((name, self.get(name)?)));
        let own = self
            .0
            .iter()
            .filter(|(name, _)| !USUAL.contains(&name.as_str()))
            .filter_map(|(name, tier)| Some((name.as_str(), tier.as_ref()?)));
        usual.chain(own)
    }

    /// Is no tier set?
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Option::is_none)
    }
}

impl JsonSchema for ModelTiers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ModelTiers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tier = generator.subschema_for::<Option<ModelTier>>();
        let properties: serde_json::Map<String, serde_json::Value> = USUAL
            .into_iter()
            .map(|name| (name.to_owned(), tier.clone().to_value()))
            .collect();
        json_schema!({
            "description": "Models by tier: `tiny`, `small`, `medium`, `large`, `frontier`, and any other name.",
            "type": "object",
            "properties": properties,
            "additionalProperties": tier
        })
    }
}

/// A model and how to reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelTier {
    /// Who serves it, e.g. `openai`, `anthropic`, `ollama`; `scripted` answers from a file, without a network.
    pub provider: String,
    /// Its name at the provider.
    #[schemars(schema_with = "super::text_or_number")]
    pub model: String,
    /// Base URL, for servers other than the provider's own.
    #[serde(default)]
    pub api_base: Option<String>,
    /// Name of the environment variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Sampling temperature.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Whether the model can call tools by itself; found out by the provider's name when left out.
    #[serde(default)]
    pub tool_calling: Option<bool>,
    /// The file of replies, for `provider: scripted`; looked for beside the spec.
    #[serde(default)]
    pub script: Option<PathBuf>,
    /// What it costs, where the provider does not say.
    #[serde(default)]
    pub price: Option<Price>,
}

/// A price in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// For a million tokens read.
    pub input_per_million: f64,
    /// For a million tokens written.
    pub output_per_million: f64,
    /// For a million tokens read from the provider's cache; as those that are read, where it is left out.
    #[serde(default)]
    pub cached_input_per_million: Option<f64>,
}

/// The tier of a role that names none, by the role's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleTypeDefaults {
    /// For workers.
    #[serde(default = "small")]
    pub worker: String,
    /// For orchestrators.
    #[serde(default = "frontier")]
    pub orchestrator: String,
    /// For judges.
    #[serde(default = "frontier")]
    pub judge: String,
    /// For researchers.
    #[serde(default = "large")]
    pub researcher: String,
}

impl RoleTypeDefaults {
    /// The tier for a role of this type.
    pub fn of(&self, role_type: RoleType) -> &str {
        match role_type {
            RoleType::Worker => &self.worker,
            RoleType::Orchestrator => &self.orchestrator,
            RoleType::Judge => &self.judge,
            RoleType::Researcher => &self.researcher,
        }
    }
}

impl Default for RoleTypeDefaults {
    fn default() -> Self {
        Self {
            worker: small(),
            orchestrator: frontier(),
            judge: frontier(),
            researcher: large(),
        }
    }
}

fn small() -> String {
    "small".to_owned()
}

fn large() -> String {
    "large".to_owned()
}

fn frontier() -> String {
    "frontier".to_owned()
}
