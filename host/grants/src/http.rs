//! HTTP rights: a method and a URL pattern.
//!
//! `GET https://api.weather.gov/**`: methods (comma-separated, or `*`), scheme, host, optional port, path. A host is a
//! name, `*.name` (exactly one label more), an IP address, or `*` for any *public* host. Private addresses are never
//! meant by a name: they need the address itself or `localhost` in the pattern, or `private: true` beside it, so that
//! a public name whose DNS answer turns private gains nothing.

use std::{fmt, net::IpAddr, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an HTTP pattern: {why}; write it like `GET https://api.example.com/v1/**`"
)]
pub struct PatternError {
    text: String,
    why: String,
}

/// A pattern for the host of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Any public host.
    Any,
    /// This name, in lower case and punycode.
    Name(String),
    /// One label and then this name.
    Below(String),
    /// This address.
    Address(IpAddr),
}

impl HostPattern {
    /// Does the pattern mean this host?
    pub fn matches(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Name(name), Host::Domain(domain)) => name == plain(domain),
            (Self::Below(name), Host::Domain(domain)) => plain(domain)
                .strip_suffix(name.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty() && !label.contains('.')),
            (Self::Address(a), Host::Ipv4(b)) => *a == IpAddr::V4(*b),
            (Self::Address(a), Host::Ipv6(b)) => *a == IpAddr::V6(*b),
            _ => false,
        }
    }

    /// Does this pattern mean every host that the other one means?
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Below(_), Self::Name(name)) => self.matches(&Host::Domain(name.as_str())),
            _ => self == other,
        }
    }

    /// Does the pattern itself name a place that is not public?
    pub fn names_private(&self) -> bool {
        match self {
            Self::Any | Self::Below(_) => false,
            Self::Name(name) => name == "localhost",
            Self::Address(_) => true,
        }
    }
}

/// A domain without the dot that may end it.
fn plain(domain: &str) -> &str {
    domain.strip_suffix('.').unwrap_or(domain)
}

impl FromStr for HostPattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if name.is_empty() || name.contains('*') {
            return Err("`*` may stand for the whole host (`https://*/**`) or for its first label (`https://*.example.com/**`)".into());
        }
        match Host::parse(name).map_err(|e| format!("host: {e}"))? {
            Host::Domain(domain) if below => Ok(Self::Below(plain(&domain).to_owned())),
            Host::Domain(domain) => Ok(Self::Name(plain(&domain).to_owned())),
            _ if below => Err("an address has no labels".into()),
            Host::Ipv4(ip) => Ok(Self::Address(ip.into())),
            Host::Ipv6(ip) => Ok(Self::Address(ip.into())),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Address(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// Which port a pattern means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    /// The scheme's own.
    Default,
    Number(u16),
    Any,
}

/// Methods and URLs that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPattern {
    /// Empty means any.
    methods: Vec<String>,
    scheme: String,
    host: HostPattern,
    port: Port,
    /// Segments; `*` is any one, a final `**` any number.
    path: String,
}

impl HttpPattern {
    /// Does the pattern cover this request?
    pub fn matches(&self, method: &str, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let port = match self.port {
            Port::Default => url.port().is_none(),
            Port::Number(port) => url.port_or_known_default() == Some(port),
            Port::Any => true,
        };
        (self.methods.is_empty() || self.methods.iter().any(|m| m == method))
            && self.scheme == url.scheme()
            && port
            && self.host.matches(&host)
            && path_matches(&self.path, url.path())
    }

    /// The host part.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// Does this pattern mean every request that the other one means?
    pub fn covers(&self, other: &Self) -> bool {
        let own = |port: &Port| match port {
            Port::Default if self.scheme == "https" => Port::Number(443),
            Port::Default => Port::Number(80),
            other => *other,
        };
        let methods = self.methods.is_empty()
            || !other.methods.is_empty() && other.methods.iter().all(|m| self.methods.contains(m));
        methods
            && self.scheme == other.scheme
            && self.host.covers(&other.host)
            && (self.port == Port::Any || own(&self.port) == own(&other.port))
            && path_covers(&self.path, &other.path)
    }
}

/// Does one pattern for paths mean all that the other one means?
fn path_covers(wide: &str, narrow: &str) -> bool {
    let (mut wide, mut narrow) = (wide.split('/').peekable(), narrow.split('/'));
    while let Some(segment) = wide.next() {
        if segment == "**" && wide.peek().is_none() {
            return true;
        }
        match narrow.next() {
            Some("**") | None => return false,
            Some(name) if name == segment || segment == "*" => {}
            Some(_) => return false,
        }
    }
    narrow.next().is_none()
}

fn path_matches(pattern: &str, path: &str) -> bool {
    // An encoded slash or dot could mean one thing here and another at the server: no wildcard covers it.
    let lower = path.to_ascii_lowercase();
    let has_tricks = ["%2f", "%5c", "%2e"]
        .iter()
        .any(|trick| lower.contains(trick))
        || path.contains('\\');
    let (mut wanted, mut actual) = (pattern.split('/').peekable(), path.split('/'));
    while let Some(segment) = wanted.next() {
        if segment == "**" && wanted.peek().is_none() {
            return !has_tricks;
        }
        match actual.next() {
            Some(name) if segment == name => {}
            Some(_) if segment == "*" && !has_tricks => {}
            _ => return false,
        }
    }
    actual.next().is_none()
}

impl FromStr for HttpPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let fail = |why: &str| PatternError {
            text: text.escape_debug().to_string(),
            why: why.to_owned(),
        };
        let (methods, rest) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| fail("the method is missing"))?;
        let methods = if methods == "*" {
            Vec::new()
        } else {
            let list: Vec<String> = methods.split(',').map(str::to_owned).collect();
            if list
                .iter()
                .any(|m| m.is_empty() || !m.bytes().all(|b| b.is_ascii_uppercase()))
            {
                return Err(fail("methods are capitals joined by commas, or `*`"));
            }
            list
        };
        let (scheme, rest) = rest
            .trim()
            .split_once("://")
            .ok_or_else(|| fail("the scheme is missing"))?;
        if !matches!(scheme, "http" | "https") {
            return Err(fail("the scheme is http or https"));
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if authority.contains('@') {
            return Err(fail("a pattern has no user name"));
        }
        if path.contains(['?', '#']) {
            return Err(fail(
                "queries and fragments are not matched; leave them out",
            ));
        }
        if path.split('/').rev().skip(1).any(|segment| segment == "**") {
            return Err(fail("`**` may only end the path"));
        }
        let (host, port) = split_port(authority).map_err(|why| fail(&why))?;
        // An authority alone means that one page; saying `/**` is what opens a site.
        let host = host.parse().map_err(|why: String| fail(&why))?;
        Ok(Self {
            methods,
            scheme: scheme.to_owned(),
            host,
            port,
            path: path.to_owned(),
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, Port), String> {
    // The colon of a port comes after the bracket that closes an IPv6 address.
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let tail = authority.get(after_bracket..).unwrap_or_default();
    match tail.find(':').map(|at| after_bracket + at) {
        None => Ok((authority, Port::Default)),
        Some(at) => {
            let (host, port) = authority.split_at(at);
            match port.trim_start_matches(':') {
                "*" => Ok((host, Port::Any)),
                number => number
                    .parse()
                    .map(|n| (host, Port::Number(n)))
                    .map_err(|_| format!("`{number}` is no port")),
            }
        }
    }
}

impl fmt::Display for HttpPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods = if self.methods.is_empty() {
            "*".to_owned()
        } else {
            self.methods.join(",")
        };
        write!(f, "{methods} {}://{}", self.scheme, self.host)?;
        match self.port {
            Port::Default => {}
            Port::Number(port) => write!(f, ":{port}")?,
            Port::Any => f.write_str(":*")?,
        }
        f.write_str(&self.path)
    }
}

/// One entry under `http:`: a pattern, or a pattern that also means private addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub struct HttpGrant {
    /// What may be asked for.
    pub pattern: HttpPattern,
    /// Whether the name may lead to a private, loopback or link-local address.
    pub private: bool,
}

impl HttpGrant {
    /// May a connection for this grant go to an address that is not public?
    pub fn allows_private(&self) -> bool {
        self.private || self.pattern.host.names_private()
    }
}

/// How a grant is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// `GET https://api.example.com/**`
    Pattern(String),
    /// The same with what it may additionally reach.
    Detailed {
        /// `GET https://intranet.example.com/**`
        allow: String,
        /// The name may lead to a private, loopback or link-local address.
        #[serde(default)]
        private: bool,
    },
}

impl TryFrom<Written> for HttpGrant {
    type Error = PatternError;
    fn try_from(written: Written) -> Result<Self, PatternError> {
        let (text, private) = match written {
            Written::Pattern(text) => (text, false),
            Written::Detailed { allow, private } => (allow, private),
        };
        Ok(Self {
            pattern: text.parse()?,
            private,
        })
    }
}

impl From<HttpGrant> for Written {
    fn from(grant: HttpGrant) -> Self {
        let allow = grant.pattern.to_string();
        if grant.private {
            Self::Detailed {
                allow,
                private: true,
            }
        } else {
            Self::Pattern(allow)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, method: &str, url: &str) -> bool {
        pattern
            .parse::<HttpPattern>()
            .unwrap()
            .matches(method, &Url::parse(url).unwrap())
    }

    #[test]
    fn a_pattern_covers_another_when_it_means_all_of_its_requests() {
        let covers = |wide: &str, narrow: &str| {
            let read = |text: &str| text.parse::<HttpPattern>().unwrap();
            read(wide).covers(&read(narrow))
        };
        for (wide, narrow) in [
            ("GET https://a.com/**", "GET https://a.com/x/y"),
            ("* https://*/**", "GET,POST https://a.com/**"),
            ("GET https://*.a.com/*", "GET https://x.a.com/v1"),
            ("GET https://a.com:443/x", "GET https://a.com/x"),
            ("GET https://a.com:*/**", "GET https://a.com:8443/**"),
        ] {
            assert!(covers(wide, narrow), "{wide} ⊇ {narrow}");
            assert!(
                !covers(narrow, wide) || wide.contains(":443"),
                "{narrow} ⊉ {wide}"
            );
        }
        for (wide, narrow) in [
            ("GET https://a.com/**", "* https://a.com/**"),
            ("GET https://a.com/**", "GET http://a.com/**"),
            ("GET https://a.com/*", "GET https://a.com/**"),
            ("GET https://*.a.com/**", "GET https://*/**"),
        ] {
            assert!(!covers(wide, narrow), "{wide} ⊉ {narrow}");
        }
    }

    #[test]
    fn a_pattern_covers_its_method_scheme_host_port_and_path_and_nothing_else() {
        let pattern = "GET https://api.example.com/v1/**";
        assert!(allows(pattern, "GET", "https://api.example.com/v1/a/b?q=1"));
        assert!(allows(pattern, "GET", "https://API.example.com:443/v1/"));
        for (method, url) in [
            ("POST", "https://api.example.com/v1/a"),
            ("GET", "http://api.example.com/v1/a"),
            ("GET", "https://api.example.com:8443/v1/a"),
            ("GET", "https://api.example.com/v2/a"),
            ("GET", "https://evil.com/v1/a"),
            ("GET", "https://api.example.com.evil.com/v1/a"),
            ("GET", "https://x.api.example.com/v1/a"),
            ("GET", "https://api.example.com/v1/../admin"),
            ("GET", "https://api.example.com/v1/%2e%2e/admin"),
            ("GET", "https://api.example.com/v1/..%2fadmin"),
        ] {
            assert!(!allows(pattern, method, url), "{method} {url}");
        }
    }

    #[test]
    fn one_star_before_a_name_is_exactly_one_label() {
        let pattern = "* https://*.example.com/**";
        assert!(allows(pattern, "PUT", "https://a.example.com/"));
        assert!(!allows(pattern, "PUT", "https://example.com/"));
        assert!(!allows(pattern, "PUT", "https://a.b.example.com/"));
    }

    #[test]
    fn a_path_without_stars_is_that_page() {
        assert!(allows("GET https://a.com", "GET", "https://a.com/"));
        assert!(!allows("GET https://a.com", "GET", "https://a.com/x"));
        assert!(allows(
            "GET https://a.com/x/*/z",
            "GET",
            "https://a.com/x/y/z"
        ));
    }

    #[test]
    fn only_an_address_or_localhost_or_a_flag_means_private_places() {
        let grant = |text: &str| serde_json::from_str::<HttpGrant>(text).unwrap();
        assert!(!grant(r#""GET https://*/**""#).allows_private());
        assert!(!grant(r#""GET https://intranet.corp/**""#).allows_private());
        assert!(grant(r#""GET http://localhost:8080/**""#).allows_private());
        assert!(grant(r#""GET http://127.0.0.1:*/**""#).allows_private());
        assert!(grant(r#""GET http://[::1]:80/**""#).allows_private());
        assert!(
            grant(r#"{"allow":"GET https://intranet.corp/**","private":true}"#).allows_private()
        );
    }

    #[test]
    fn patterns_are_printed_as_they_are_read() {
        for text in [
            "GET https://a.com/**",
            "GET,POST http://*.b.org:8080/x/*",
            "* https://*:*/**",
            "GET http://[::1]:80/",
        ] {
            assert_eq!(text.parse::<HttpPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for text in [
            "",
            "https://a.com",
            "get https://a.com/",
            "GET ftp://a.com/",
            "GET https://u@a.com/",
            "GET https://a*.com/",
            "GET https://a.com/**/x",
            "GET https://a.com/?q",
        ] {
            assert!(text.parse::<HttpPattern>().is_err(), "{text}");
        }
    }
}
