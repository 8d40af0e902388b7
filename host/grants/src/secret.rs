//! Secret rights: which secret goes into which header, towards which hosts.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::HostPattern;

/// A header with a hole for the secret: `Authorization: Bearer {}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HeaderTemplate {
    name: String,
    before: String,
    after: String,
}

impl HeaderTemplate {
    /// The header's name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The header's value with the secret in it. The result is a secret too.
    pub fn fill(&self, secret: &str) -> String {
        format!("{}{secret}{}", self.before, self.after)
    }
}

impl TryFrom<String> for HeaderTemplate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{}` is not a header; write it like `Authorization: Bearer {{}}`",
                text.escape_debug()
            )
        };
        let (name, value) = text.split_once(':').ok_or_else(bad)?;
        let name = name.trim().to_ascii_lowercase();
        let is_token = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let (before, after) = value.trim().split_once("{}").ok_or_else(bad)?;
        if !is_token || value.chars().any(char::is_control) || after.contains("{}") {
            return Err(bad());
        }
        Ok(Self {
            name,
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }
}

impl From<HeaderTemplate> for String {
    fn from(header: HeaderTemplate) -> Self {
        header.to_string()
    }
}

impl fmt::Display for HeaderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{{}}{}", self.name, self.before, self.after)
    }
}

/// Where one secret may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretGrant {
    /// Hosts that may receive it, `*.example.com` for one label below; only over https, except to localhost or an
    /// address.
    #[schemars(with = "Vec<String>")]
    #[serde(with = "host_list")]
    pub hosts: Vec<HostPattern>,
    /// The header that carries it; `{}` is the value.
    #[serde(default = "bearer")]
    pub header: HeaderTemplate,
}

fn bearer() -> HeaderTemplate {
    HeaderTemplate {
        name: "authorization".into(),
        before: "Bearer ".into(),
        after: String::new(),
    }
}

impl SecretGrant {
    /// The grant that lets a secret go to these hosts.
    pub fn to(hosts: Vec<HostPattern>) -> Self {
        Self {
            hosts,
            header: bearer(),
        }
    }

    /// May the secret go to this URL?
    pub fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        self.hosts.iter().any(|pattern| {
            pattern.matches(&host) && (url.scheme() == "https" || pattern.names_private())
        })
    }
}

mod host_list {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::HostPattern;

    pub(super) fn serialize<S: Serializer>(
        hosts: &[HostPattern],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hosts.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<HostPattern>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|text| text.parse().map_err(D::Error::custom))
            .collect()
    }
}

/// Secrets by name. A manifest may list names only; a grant says hosts and header too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SecretGrants {
    /// None.
    #[default]
    #[serde(skip)]
    None,
    /// Names alone: what a manifest asks for, with the hosts left to the grant.
    Names(Vec<String>),
    /// Name → hosts and header.
    Detailed(BTreeMap<String, SecretGrant>),
}

impl SecretGrants {
    /// Is this name among them?
    pub fn names(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Names(names) => names.iter().any(|n| n == name),
            Self::Detailed(map) => map.contains_key(name),
        }
    }

    /// May this secret go to this URL, as far as this layer is concerned?
    pub fn covers(&self, name: &str, url: &Url) -> bool {
        match self {
            Self::None => false,
            Self::Names(names) => names.iter().any(|n| n == name),
            Self::Detailed(map) => map.get(name).is_some_and(|grant| grant.covers(url)),
        }
    }

    /// The details of one, where they are given.
    pub fn get(&self, name: &str) -> Option<&SecretGrant> {
        match self {
            Self::Detailed(map) => map.get(name),
            _ => None,
        }
    }

    /// The names, in order.
    pub fn iter_names(&self) -> Vec<&str> {
        match self {
            Self::None => Vec::new(),
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Detailed(map) => map.keys().map(String::as_str).collect(),
        }
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.iter_names().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_its_hosts_over_https_and_nowhere_else() {
        let grant: SecretGrant =
            serde_json::from_str(r#"{"hosts":["api.example.com"],"header":"X-Key: {}"}"#).unwrap();
        let covers = |url: &str| grant.covers(&Url::parse(url).unwrap());
        assert!(covers("https://api.example.com/x"));
        assert!(!covers("http://api.example.com/x"));
        assert!(!covers("https://example.com/x"));
        assert_eq!(grant.header.fill("s3"), "s3");
        assert_eq!(grant.header.name(), "x-key");
    }

    #[test]
    fn a_header_that_could_start_another_header_is_refused() {
        for text in [
            "Authorization",
            "A: b",
            "A\r\nB: {}",
            "A: {}\r\nB: c",
            "A: {}{}",
            ": {}",
            "A b: {}",
        ] {
            assert!(
                HeaderTemplate::try_from(text.to_owned()).is_err(),
                "{text:?}"
            );
        }
    }
}
