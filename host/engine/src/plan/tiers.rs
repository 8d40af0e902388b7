//! Model tiers: from a name in the spec to a connection, and the order in which larger ones are asked.
//!
//! Escalation goes up only: from the stage's own tier to those that are larger by the usual order, never to a smaller
//! one. Tiers with names of the author's own have an order of their own, the one they are written in: such a tier
//! escalates to those of the author's own below it in the file. The two orders do not mix.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use armature_llm::{AccessKey, LlmError, Model, ModelConfig, Price, Script, Secret, connect};
use armature_spec::{FanIn, ModelTier, ModelTiers, path};

use super::{
    problem::{PlanCode, Reporter, nearest},
    stage::{Kind, Stage},
};
use crate::files;

/// The provider that answers from a file.
const SCRIPTED: &str = "scripted";

/// A tier of the spec.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(crate) name: String,
    pub(crate) config: ModelTier,
    /// The file of replies, for `provider: scripted`.
    script: Option<PathBuf>,
}

/// What a model is asked with: a key, or what signs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) key: Option<Secret>,
    access: Option<AccessKey>,
}

impl Credentials {
    /// What tells them from others.
    pub(crate) fn identity(&self) -> [&str; 4] {
        let access = self.access.as_ref();
        [
            self.key.as_ref().map_or("", Secret::expose),
            access.map_or("", |access| access.id.expose()),
            access.map_or("", |access| access.secret.expose()),
            access
                .and_then(|access| access.session.as_ref())
                .map_or("", Secret::expose),
        ]
    }
}

impl Tier {
    /// The tiers that are set: the usual ones from small to large, then the others.
    pub(crate) fn all(tiers: &ModelTiers, spec_name: &str) -> Vec<Self> {
        let tier = |(name, config): (&str, &ModelTier)| Self {
            name: name.to_owned(),
            config: config.clone(),
            script: config
                .script
                .as_ref()
                .map(|path| files::beside(spec_name, &path.to_string_lossy())),
        };
        tiers.iter().map(tier).collect()
    }

    /// The environment variable with its key: what is written, or the provider's usual one.
    pub(crate) fn key_name(&self) -> Option<&str> {
        self.key_names().first().copied()
    }

    /// The environment variables of which its key may be made: what is written, or the provider's usual ones, where
    /// requests are signed those of an access key, too. An address of the spec's own gets only the key that the spec
    /// names: the usual ones were never meant for it. `openai` with `groq/llama` as its model is Groq, and gets Groq's.
    pub(crate) fn key_names(&self) -> Vec<&str> {
        let ModelTier {
            provider,
            model,
            api_base,
            ..
        } = &self.config;
        match self.config.api_key_env.as_deref() {
            Some(named) => vec![named],
            None => armature_llm::usual_keys(provider, model, api_base.as_deref()),
        }
    }

    /// What it is asked with, where these variables have these values.
    pub(crate) fn credentials<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Credentials {
        let names = self.key_names();
        let key = names.first().and_then(|name| value(name)).map(Secret::new);
        let of_this = |name: &str| names.contains(&name).then(|| value(name)).flatten();
        let access = AccessKey::read(of_this).filter(|_| key.is_none());
        Credentials { key, access }
    }

    /// The file that it answers from, if it does.
    pub(crate) fn script(&self) -> Option<&Path> {
        self.script.as_deref()
    }

    /// Does it answer from a file?
    pub(crate) fn is_scripted(&self) -> bool {
        self.config.provider == SCRIPTED
    }

    /// Is there a price for it without the spec's help?
    fn has_listed_price(&self) -> bool {
        let ModelTier {
            provider,
            model,
            api_base,
            ..
        } = &self.config;
        armature_llm::listed_price(provider, model, api_base.is_some()).is_some()
    }

    /// What tells it from other tiers, the key aside.
    pub(crate) fn identity(&self) -> String {
        serde_json::to_string(&self.config).unwrap_or_default()
    }

    /// Connects to the model. Opens no connection yet.
    ///
    /// A call may take as long as the stage that makes it: `longest` is the longest `timeout_s`, which ends a call by
    /// itself. Without one the usual time of a call holds.
    pub(crate) fn connect(
        &self,
        with: Credentials,
        longest: Option<Duration>,
    ) -> Result<Arc<dyn Model>, LlmError> {
        let mut config = ModelConfig::new(&self.config.provider, &self.config.model);
        config.timeout = config.timeout.max(longest.unwrap_or_default());
        config.api_base.clone_from(&self.config.api_base);
        config.api_key = with.key;
        config.access_key = with.access;
        config.script = self.script.clone().map(Script::File);
        config.price = self.config.price.map(|price| Price {
            input_per_million: price.input_per_million,
            output_per_million: price.output_per_million,
            cached_input_per_million: price.cached_input_per_million,
        });
        config.tool_calling = self.config.tool_calling;
        connect(config)
    }
}

/// Reports the tiers that some stage asks and that nobody can be reached by as they are written.
pub(super) fn check_models(
    stages: &[Stage],
    tiers: &[Tier],
    judge: Option<usize>,
    aside: Option<usize>,
    has_cost_limit: bool,
    report: &mut Reporter<'_>,
) {
    let of_roles = stages.iter().filter_map(|stage| match &stage.kind {
        Kind::Role(role) => Some(role.tiers.iter()),
        _ => None,
    });
    let judges = stages.iter().any(|stage| {
        let fan_out = stage.fan_out.as_ref();
        fan_out.is_some_and(|fan_out| fan_out.fan_in == FanIn::Consensus)
    });
    let asked: BTreeSet<usize> = of_roles
        .flatten()
        .copied()
        .chain(judge.filter(|_| judges))
        .chain(aside.filter(|place| *place < tiers.len()))
        .collect();
    for tier in asked.into_iter().filter_map(|place| tiers.get(place)) {
        if tier.is_scripted() {
            // It is small and local: reading it now says all that is wrong with it.
            if let Err(why) = tier.connect(Credentials::default(), None) {
                report
                    .add(
                        PlanCode::UnusableModel,
                        path!["model_tiers", &tier.name, "script"],
                        why.to_string(),
                    )
                    .hint(why.hint());
            }
            continue;
        }
        let provider = tier.config.provider.as_str();
        if has_cost_limit && tier.config.price.is_none() && !tier.has_listed_price() {
            report
                .add(
                    PlanCode::UnusableModel,
                    path!["model_tiers", &tier.name],
                    "`contracts.max_cost_usd` is set, and nobody knows what this model costs"
                        .to_owned(),
                )
                .hint("price: { input_per_million: …, output_per_million: … }");
        }
        if armature_llm::provider(provider).is_none() && tier.config.api_base.is_none() {
            let names = armature_llm::PROVIDERS.iter().map(|row| row.name);
            let hint = if provider.contains("{{") {
                "give the input that it names (-i NAME=…), or write what counts without it: `{{ NAME | default('openai') }}`".to_owned()
            } else {
                nearest(provider, names.clone()).map_or_else(
                    || {
                        let names: Vec<&str> = names.collect();
                        format!(
                            "name one of {}; any other needs `api_base`",
                            names.join(", ")
                        )
                    },
                    |name| format!("did you mean `{name}`? Any other name needs `api_base`"),
                )
            };
            let message = format!("there is no provider `{}`", provider.escape_debug());
            report
                .add(
                    PlanCode::UnusableModel,
                    path!["model_tiers", &tier.name, "provider"],
                    message,
                )
                .hint(hint);
        }
    }
}

/// The tiers that a stage asks, in order, as numbers in the list: its own, then only larger ones. A tier that is not
/// set is replaced by the first that is.
pub(crate) fn order(tiers: &[Tier], wanted: &str) -> Vec<usize> {
    let Some(first) = tiers
        .iter()
        .position(|tier| tier.name == wanted)
        .or(if tiers.is_empty() { None } else { Some(0) })
    else {
        return Vec::new();
    };
    let rank = |tier: &Tier| ModelTiers::USUAL.iter().position(|name| *name == tier.name);
    let own = tiers.get(first).and_then(rank);
    let larger = tiers
        .iter()
        .enumerate()
        .filter(|(place, tier)| match own {
            Some(_) => rank(tier) > own,
            None => rank(tier).is_none() && *place > first,
        })
        .map(|(place, _)| place);
    std::iter::once(first).chain(larger).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers(names: &[&str]) -> Vec<Tier> {
        let config: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    serde_json::json!({"provider": "x", "model": "m"}),
                )
            })
            .collect();
        Tier::all(&serde_json::from_value(config.into()).unwrap(), "spec.yml")
    }

    #[test]
    fn an_address_of_the_specs_own_gets_no_key_that_the_spec_does_not_name() {
        let key = |config: serde_json::Value| {
            let tiers = Tier::all(
                &serde_json::from_value(serde_json::json!({"small": config})).unwrap(),
                "spec.yml",
            );
            tiers[0].key_name().map(str::to_owned)
        };
        let usual = serde_json::json!({"provider": "openai", "model": "m"});
        assert_eq!(key(usual).as_deref(), Some("OPENAI_API_KEY"));
        let elsewhere = serde_json::json!({"provider": "openai", "model": "m", "api_base": "https://example.com/v1"});
        assert_eq!(key(elsewhere), None);
        // Bedrock has an address in every region, and each is its own.
        let bedrock = |base: &str| {
            key(serde_json::json!({"provider": "bedrock", "model": "m", "api_base": base}))
        };
        assert_eq!(
            bedrock("https://bedrock-runtime.eu-west-1.amazonaws.com").as_deref(),
            Some("AWS_BEARER_TOKEN_BEDROCK")
        );
        for elsewhere in [
            "https://bedrock-runtime.evil.s3.amazonaws.com",
            "http://bedrock-runtime.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(bedrock(elsewhere), None, "{elsewhere}");
        }
        let routed = serde_json::json!({"provider": "openai", "model": "groq/llama"});
        assert_eq!(key(routed).as_deref(), Some("GROQ_API_KEY"));
    }

    fn asked(names: &[&str], wanted: &str) -> Vec<String> {
        let tiers = tiers(names);
        order(&tiers, wanted)
            .into_iter()
            .map(|place| tiers[place].name.clone())
            .collect()
    }

    #[test]
    fn escalation_only_goes_up() {
        assert_eq!(
            asked(&["large", "tiny", "small"], "small"),
            ["small", "large"]
        );
        assert_eq!(asked(&["large", "tiny", "small"], "large"), ["large"]);
        assert_eq!(asked(&["tiny", "own", "large"], "own"), ["own"]);
    }

    #[test]
    fn tiers_of_other_names_go_up_in_the_order_they_are_written_in() {
        let names = ["cheap", "tiny", "good", "large", "best"];
        assert_eq!(asked(&names, "cheap"), ["cheap", "good", "best"]);
        assert_eq!(asked(&names, "good"), ["good", "best"]);
        assert_eq!(asked(&names, "best"), ["best"]);
        assert_eq!(asked(&names, "tiny"), ["tiny", "large"]);
    }

    #[test]
    fn a_tier_that_is_not_set_is_replaced_by_the_first_that_is() {
        assert_eq!(asked(&["medium", "large"], "small"), ["medium", "large"]);
        assert!(asked(&[], "small").is_empty());
    }
}
