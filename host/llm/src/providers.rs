//! The providers, one row each.
//!
//! Nearly everybody speaks OpenAI's chat completions; what differs is the address, the header of the key and which newer
//! fields are refused. A new provider is a new row. A provider that is not listed works with `api_base`. Who has a wire of
//! its own and also speaks OpenAI's is spoken to in its own, unless the address is that of the other.

use crate::ACCESS_KEY;
use crate::endpoint::is_elsewhere;

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// OpenAI's chat completions.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Ollama's chat.
    Ollama,
    /// Gemini's `generateContent`.
    Gemini,
    /// Bedrock's Converse.
    Bedrock,
    /// A script: no network.
    Scripted,
}

/// How a provider can be held to JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFormat {
    /// `response_format: json_schema` and `json_object`.
    Schema,
    /// `json_object` only; a schema is told in the prompt.
    Object,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// The name in `provider:`.
    pub name: &'static str,
    /// How it is spoken to.
    pub wire: Wire,
    /// Where it is; `None`: the spec must say.
    pub base: Option<&'static str>,
    /// The variable its key is usually kept in; `None`: it needs no key.
    pub key_env: Option<&'static str>,
    /// How it is held to JSON.
    pub json: JsonFormat,
    /// The key goes in `api-key` instead of `Authorization: Bearer`.
    pub api_key_header: bool,
    /// Takes `max_completion_tokens`; the older `max_tokens` is refused by newer models.
    pub completion_tokens: bool,
    /// Must be asked for usage when streaming, and knows the field for it.
    pub stream_usage: bool,
    /// Takes a response format together with tools.
    pub json_with_tools: bool,
    /// Holds a reply to a schema exactly, if the schema is of its strict kind: others are brought into it.
    pub strict: bool,
    /// The path that an address without any path means.
    pub default_path: &'static str,
    /// How an address ends at which OpenAI's protocol is spoken instead of the provider's own.
    pub compatible: Option<&'static str>,
}

/// What most have in common.
const PLAIN: Provider = Provider {
    name: "",
    wire: Wire::OpenAi,
    base: None,
    key_env: None,
    json: JsonFormat::Schema,
    api_key_header: false,
    completion_tokens: false,
    stream_usage: true,
    json_with_tools: true,
    strict: false,
    default_path: "/v1",
    compatible: None,
};

const fn hosted(name: &'static str, base: &'static str, key_env: &'static str) -> Provider {
    Provider {
        name,
        base: Some(base),
        key_env: Some(key_env),
        ..PLAIN
    }
}

const fn local(name: &'static str, base: &'static str) -> Provider {
    Provider {
        name,
        base: Some(base),
        json_with_tools: false,
        ..PLAIN
    }
}

/// Every provider known by name.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        completion_tokens: true,
        strict: true,
        ..hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY")
    },
    Provider {
        wire: Wire::Anthropic,
        ..hosted(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
        )
    },
    Provider {
        default_path: "/api/v1",
        ..hosted(
            "openrouter",
            "https://openrouter.ai/api/v1",
            "OPENROUTER_API_KEY",
        )
    },
    Provider {
        wire: Wire::Gemini,
        default_path: "/v1beta",
        compatible: Some("/openai"),
        ..hosted(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            "GEMINI_API_KEY",
        )
    },
    Provider {
        wire: Wire::Bedrock,
        default_path: "/",
        ..hosted(
            "bedrock",
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            "AWS_BEARER_TOKEN_BEDROCK",
        )
    },
    Provider {
        json: JsonFormat::Object,
        json_with_tools: false,
        default_path: "/openai/v1",
        ..hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY")
    },
    Provider {
        stream_usage: false,
        ..hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY")
    },
    Provider {
        json: JsonFormat::Object,
        ..hosted(
            "deepseek",
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
        )
    },
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    hosted(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
    ),
    Provider {
        default_path: "/inference/v1",
        ..hosted(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            "FIREWORKS_API_KEY",
        )
    },
    hosted("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    Provider {
        name: "azure",
        key_env: Some("AZURE_API_KEY"),
        api_key_header: true,
        completion_tokens: true,
        strict: true,
        default_path: "/openai/v1",
        ..PLAIN
    },
    Provider {
        wire: Wire::Ollama,
        default_path: "/",
        compatible: Some("/v1"),
        ..local("ollama", "http://localhost:11434")
    },
    local("vllm", "http://localhost:8000/v1"),
    local("lmstudio", "http://localhost:1234/v1"),
    local("llamacpp", "http://localhost:8080/v1"),
    Provider {
        name: "scripted",
        wire: Wire::Scripted,
        ..PLAIN
    },
];

/// The row of a name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|row| row.name == name)
}

/// The row for a provider nobody listed, reached by `api_base`: the oldest common subset of OpenAI's protocol that still
/// has tools and schemas.
pub(crate) const UNLISTED: Provider = Provider {
    name: "custom",
    json_with_tools: false,
    ..PLAIN
};

/// The row and the bare model for what a spec says. Both `provider: groq, model: llama` and, as other tools write it,
/// `provider: openai, model: groq/llama` mean the same; with an `api_base` the model's name is left as it is, unless it
/// repeats the provider.
pub(crate) fn resolve<'m>(
    name: &str,
    model: &'m str,
    has_base: bool,
) -> Option<(&'static Provider, &'m str)> {
    let row = provider(name);
    match (row, model.split_once('/')) {
        (Some(row), Some((prefix, bare))) if prefix == row.name => Some((row, bare)),
        (Some(row), Some((prefix, bare))) if row.name == "openai" && !has_base => {
            let other = provider(prefix).filter(|other| other.base.is_some());
            Some(other.map_or((row, model), |other| (other, bare)))
        }
        (Some(row), _) => Some((row, model)),
        (None, _) if has_base => Some((&UNLISTED, model)),
        (None, _) => None,
    }
}

/// The variables whose values reach a provider's own address: its key's, and the parts of an access key where requests are
/// signed. None at an address of the spec's own, which was never meant to have them.
#[must_use]
pub fn usual_keys(name: &str, model: &str, base: Option<&str>) -> Vec<&'static str> {
    let row = provider_of(name, model, base.is_some());
    let Some(row) = row.filter(|row| !is_elsewhere(row, base)) else {
        return Vec::new();
    };
    let signed = (row.wire == Wire::Bedrock).then_some(ACCESS_KEY);
    row.key_env
        .into_iter()
        .chain(signed.into_iter().flatten())
        .collect()
}

/// The provider that a tier asks: the one that its model's name begins with, where that is another than it writes.
#[must_use]
pub fn provider_of(name: &str, model: &str, has_base: bool) -> Option<&'static Provider> {
    resolve(name, model, has_base).map(|(row, _)| row)
}

/// A request's model as the server knows it: the engine may pass the spec's name on, which may begin with the provider's.
pub(crate) fn bare_model<'m>(provider: &str, model: &'m str) -> &'m str {
    let bare = model
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'));
    bare.unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_bases_are_addresses() {
        for (index, row) in PROVIDERS.iter().enumerate() {
            assert!(
                PROVIDERS
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != row.name),
                "{}",
                row.name
            );
            if let Some(base) = row.base {
                let path = url::Url::parse(base).unwrap().path().to_owned();
                assert!(
                    path == row.default_path || row.wire == Wire::Anthropic,
                    "{}",
                    row.name
                );
            }
        }
    }

    #[test]
    fn no_model_needs_the_prefix_of_its_provider_and_each_may_have_it() {
        for row in PROVIDERS.iter().filter(|row| row.base.is_some()) {
            let prefixed = format!("{}/m", row.name);
            for model in ["m", prefixed.as_str()] {
                let found = resolve(row.name, model, false).map(|(row, model)| (row.name, model));
                assert_eq!(found, Some((row.name, "m")), "{model}");
            }
        }
    }

    #[test]
    fn a_prefix_in_the_model_names_the_provider() {
        let resolved =
            |name, model, base| resolve(name, model, base).map(|(row, model)| (row.name, model));
        assert_eq!(
            resolved("groq", "groq/llama", false),
            Some(("groq", "llama"))
        );
        assert_eq!(
            resolved("openai", "groq/llama", false),
            Some(("groq", "llama"))
        );
        assert_eq!(
            resolved("openai", "org/llama", false),
            Some(("openai", "org/llama"))
        );
        assert_eq!(
            resolved("openai", "groq/llama", true),
            Some(("openai", "groq/llama"))
        );
        assert_eq!(
            resolved("openrouter", "openai/gpt-4o", false),
            Some(("openrouter", "openai/gpt-4o"))
        );
        assert_eq!(resolved("acme", "m", true), Some(("custom", "m")));
        assert_eq!(resolved("acme", "m", false), None);
    }
}
