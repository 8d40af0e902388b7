//! Where a model is: the row of its provider, its address, its bare name and its id.

use url::Url;

use crate::price::listed;
use crate::providers::{PROVIDERS, Provider, Wire, resolve};
use crate::signing::own_region;
use crate::{ACCESS_KEY, LlmError, ModelConfig, Price};

/// A model's place, checked.
pub(crate) struct Endpoint {
    pub(crate) provider: &'static Provider,
    /// How it is spoken to at this address.
    pub(crate) wire: Wire,
    /// The name the server knows.
    pub(crate) model: String,
    /// `provider/model`, with `@host` when the address is not the provider's own.
    pub(crate) id: String,
    pub(crate) price: Option<Price>,
    base: Url,
}

impl Endpoint {
    /// Checks what the spec says.
    pub(crate) fn new(config: &ModelConfig) -> Result<Self, LlmError> {
        let name = config.provider.as_str();
        let own_base = config
            .api_base
            .as_deref()
            .map(str::trim)
            .filter(|base| !base.is_empty());
        let (provider, model) =
            resolve(name, &config.model, own_base.is_some()).ok_or_else(|| unknown(name))?;
        let shown = if provider.name == "custom" {
            name
        } else {
            provider.name
        };
        let mut id = format!("{shown}/{model}");
        let Some(text) = own_base.or(provider.base) else {
            return Err(LlmError::Config {
                what: format!("{id}: the provider `{name}` has no address of its own"),
                hint: "add `api_base: https://…` to the tier".into(),
            });
        };
        let base = parse_base(&id, text, provider)?;
        if own_base.is_some()
            && provider.base.and_then(|own| Url::parse(own).ok()) != Some(base.clone())
        {
            let host = base.host_str().unwrap_or_default();
            id = base.port().map_or_else(
                || format!("{id}@{host}"),
                |port| format!("{id}@{host}:{port}"),
            );
        }
        let has_key = config.api_key.is_some() || config.access_key.is_some();
        let is_its_own = !is_elsewhere(provider, own_base);
        if let Some(variable) = provider.key_env.filter(|_| !has_key && is_its_own) {
            let signed = match provider.wire {
                Wire::Bedrock => format!(", or `{}` and `{}`", ACCESS_KEY[0], ACCESS_KEY[1]),
                _ => String::new(),
            };
            return Err(LlmError::Config {
                what: format!("{id}: no API key"),
                hint: format!(
                    "set `{variable}`{signed} in the environment, or name another variable with `api_key_env:`"
                ),
            });
        }
        let path = base.path().trim_end_matches('/');
        let wire = match provider.compatible {
            Some(end) if path.ends_with(end) => Wire::OpenAi,
            _ => provider.wire,
        };
        let price = config.price.or_else(|| listed(provider.name, model));
        Ok(Self {
            provider,
            wire,
            model: model.to_owned(),
            id,
            price,
            base,
        })
    }

    /// The address of one method. A query that the base has (`?api-version=…`) stays.
    pub(crate) fn url_of(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let already = url.path().trim_end_matches('/').to_owned();
        if !already.ends_with(path) {
            url.set_path(&format!("{already}/{path}"));
        }
        url
    }
}

/// Is this an address that is not the provider's? Its usual keys were never meant for one. Bedrock has an address in
/// every region.
pub(crate) fn is_elsewhere(provider: &Provider, base: Option<&str>) -> bool {
    let Some(base) = base.map(str::trim).filter(|base| !base.is_empty()) else {
        return false;
    };
    let url = Url::parse(base).ok().filter(|url| url.scheme() == "https");
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    !(provider.wire == Wire::Bedrock && own_region(host).is_some())
}

/// Nothing of the text is shown when it is wrong: people do paste keys into addresses.
fn parse_base(id: &str, text: &str, provider: &Provider) -> Result<Url, LlmError> {
    let wrong = |what: &str, hint: &str| LlmError::Config {
        what: format!("{id}: {what}"),
        hint: hint.to_owned(),
    };
    let mut base = Url::parse(text).map_err(|_| {
        wrong(
            "`api_base` is no URL",
            "write it as https://HOST/PATH, without the method's own path",
        )
    })?;
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(wrong(
            "`api_base` must begin with http:// or https://",
            "write it as https://HOST/PATH",
        ));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(wrong(
            "`api_base` holds a name or a password",
            "put the key into the variable that `api_key_env` names",
        ));
    }
    base.set_fragment(None);
    if base.path() == "/" {
        base.set_path(provider.default_path);
    }
    Ok(base)
}

fn unknown(name: &str) -> LlmError {
    let close = PROVIDERS
        .iter()
        .min_by_key(|row| strsim::damerau_levenshtein(row.name, name));
    let hint = match close {
        Some(row) if strsim::damerau_levenshtein(row.name, name) <= 2 => {
            format!("did you mean `{}`?", row.name)
        }
        _ => {
            let names: Vec<_> = PROVIDERS.iter().map(|row| row.name).collect();
            format!(
                "known are {}; any other that speaks OpenAI's protocol needs `api_base`",
                names.join(", ")
            )
        }
    };
    LlmError::Config {
        what: format!("unknown provider `{name}`"),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn url(provider: &str, base: Option<&str>) -> (String, String) {
        let mut config = ModelConfig::new(provider, "m");
        config.api_base = base.map(str::to_owned);
        config.api_key = Some(Secret::new("k"));
        let endpoint = Endpoint::new(&config).unwrap();
        (endpoint.url_of("chat/completions").to_string(), endpoint.id)
    }

    #[test]
    fn addresses_are_understood_the_ways_people_write_them() {
        let table = [
            (
                "openai",
                None,
                "https://api.openai.com/v1/chat/completions",
                "openai/m",
            ),
            (
                "openai",
                Some("https://api.openai.com/v1"),
                "https://api.openai.com/v1/chat/completions",
                "openai/m",
            ),
            (
                "ollama",
                Some("http://localhost:11434"),
                "http://localhost:11434/chat/completions",
                "ollama/m",
            ),
            (
                "ollama",
                Some("http://box:11434/v1"),
                "http://box:11434/v1/chat/completions",
                "ollama/m@box:11434",
            ),
            (
                "openai",
                Some("http://gw/llm/v1/"),
                "http://gw/llm/v1/chat/completions",
                "openai/m@gw",
            ),
            (
                "openai",
                Some("http://gw/v1/chat/completions"),
                "http://gw/v1/chat/completions",
                "openai/m@gw",
            ),
            (
                "azure",
                Some("https://x.openai.azure.com/openai/deployments/d?api-version=1"),
                "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
                "azure/m@x.openai.azure.com",
            ),
            (
                "acme",
                Some("https://acme.test/v1"),
                "https://acme.test/v1/chat/completions",
                "acme/m@acme.test",
            ),
        ];
        for (provider, base, expected, id) in table {
            assert_eq!(
                url(provider, base),
                (expected.to_owned(), id.to_owned()),
                "{provider} {base:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_reached_is_refused_with_the_line_to_write() {
        let refused = |provider: &str, base: Option<&str>| {
            let mut config = ModelConfig::new(provider, "m");
            config.api_base = base.map(str::to_owned);
            let error = Endpoint::new(&config).err().unwrap();
            format!("{error} / {}", error.hint())
        };
        for (provider, base, words) in [
            ("opnai", None, "did you mean `openai`?"),
            ("bedrok", None, "did you mean `bedrock`?"),
            ("sagemaker", None, "needs `api_base`"),
            ("azure", None, "add `api_base"),
            ("openai", None, "set `OPENAI_API_KEY`"),
            ("openai", Some("not a url"), "no URL"),
            ("openai", Some("ftp://x/y"), "http:// or https://"),
            ("openai", Some("https://user:hunter2@x/v1"), "api_key_env"),
        ] {
            let text = refused(provider, base);
            assert!(text.contains(words), "{provider}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
