//! `http`: one request and its whole response.
//!
//! Every hop is checked like a first request: pattern, address, limits. Secrets are put in for the hop they were
//! granted for and are not carried along. What the guest may not set (`Host`, lengths, connection headers) is refused
//! instead of being quietly dropped.

use std::{borrow::Cow, time::Duration};

use armature_grants::{Denial, LimitId, SecretGrant};
use futures::StreamExt as _;
use memchr::memmem;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::{
    bindings::imports::armature::plugin::http,
    egress::{Egress, is_not_public},
    scrub::replace_bytes,
    state::State,
    usage::Stop,
};

/// Most headers of a request, and of a response that a guest sees.
const MAX_HEADERS: usize = 200;

/// Longest URL, in bytes.
const MAX_URL: usize = 16 * 1024;

/// Headers that belong to the connection, or that would let a guest pretend to be somebody else to a proxy.
const HOST_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
    "proxy-connection",
];

/// Why a fetch ended: an answer for the guest, or the end of the call.
enum Failure {
    Answer(http::Error),
    Stop(Stop),
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        Self::Answer(error)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl http::Host for State {
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        self.enter()?;
        match self.fetch_hops(request).await {
            Ok(response) => Ok(Ok(response)),
            Err(Failure::Answer(error)) => Ok(Err(error)),
            Err(Failure::Stop(stop)) => Err(stop.into()),
        }
    }
}

/// One hop, checked for form.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

fn invalid(why: impl Into<String>) -> http::Error {
    http::Error::InvalidRequest(why.into())
}

impl Hop {
    fn read(request: http::Request) -> Result<Self, http::Error> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| invalid("the method is not a method"))?;
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(invalid("CONNECT and TRACE are not sent"));
        }
        let url = Self::url(&request.url)?;
        if request.headers.len() > MAX_HEADERS {
            return Err(http::Error::TooLarge);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            let lower = name.to_ascii_lowercase();
            if HOST_HEADERS.contains(&lower.as_str()) {
                return Err(invalid(format!(
                    "the header `{lower}` is the host's to set"
                )));
            }
            let name = HeaderName::from_bytes(lower.as_bytes())
                .map_err(|_| invalid("a header has no valid name"))?;
            let value = HeaderValue::from_str(&value)
                .map_err(|_| invalid(format!("the header `{name}` has no valid value")))?;
            headers.append(name, value);
        }
        Ok(Self {
            method,
            url,
            headers,
            body: request.body,
        })
    }

    fn url(text: &str) -> Result<Url, http::Error> {
        if text.len() > MAX_URL {
            return Err(http::Error::TooLarge);
        }
        let url =
            Url::parse(text).map_err(|why| invalid(format!("the URL is not a URL: {why}")))?;
        Self::checked(url)
    }

    fn checked(mut url: Url) -> Result<Url, http::Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the URL is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("the URL has a user name or a password in it"));
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// What this hop sends, counted as it goes over the wire, roughly.
    fn size(&self) -> u64 {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        (self.method.as_str().len()
            + self.url.as_str().len()
            + headers
            + self.body.as_ref().map_or(0, Vec::len)) as u64
    }

    /// The request that a redirect asks for; `None` if it is none.
    fn next(&self, status: u16, headers: &HeaderMap) -> Option<Result<Self, http::Error>> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = headers.get(LOCATION)?.to_str().ok()?;
        let url = self
            .url
            .join(location)
            .map_err(|_| invalid("the redirect leads to no URL"));
        Some(url.and_then(Self::checked).and_then(|url| {
            if self.url.scheme() == "https" && url.scheme() != "https" {
                return Err(http::Error::Denied(
                    "the redirect leads from https to http".into(),
                ));
            }
            let mut hop = Self {
                method: self.method.clone(),
                url,
                headers: self.headers.clone(),
                body: self.body.clone(),
            };
            // What was meant for one origin is not for another.
            if hop.url.origin() != self.url.origin() {
                for name in ["authorization", "cookie", "proxy-authorization"] {
                    hop.headers.remove(name);
                }
            }
            let becomes_get =
                status == 303 || (matches!(status, 301 | 302) && self.method == Method::POST);
            if becomes_get && self.method != Method::HEAD {
                hop.method = Method::GET;
                hop.body = None;
                hop.headers.remove("content-type");
            }
            Ok(hop)
        }))
    }
}

impl State {
    async fn fetch_hops(&mut self, request: http::Request) -> Result<http::Response, Failure> {
        // The call's own deadline is not this function's business: it ends the call, not the request.
        let own = request
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into()))
            .filter(|asked| *asked < self.remaining());
        let redirects = u64::from(request.max_redirects).min(self.meter.limits.http_redirects);
        let first = Hop::read(request)?;
        let Some(own) = own else {
            return self.follow(first, redirects).await;
        };
        match timeout(own, self.follow(first, redirects)).await {
            Ok(done) => done,
            Err(_) => Err(http::Error::Timeout.into()),
        }
    }

    async fn follow(&mut self, first: Hop, redirects: u64) -> Result<http::Response, Failure> {
        let mut hop = first;
        for left in (0..=redirects).rev() {
            let response = self.send(&hop).await?;
            let status = response.status().as_u16();
            match hop.next(status, response.headers()) {
                Some(next) if left > 0 => hop = next?,
                Some(_) if redirects > 0 => return Err(http::Error::TooManyRedirects.into()),
                _ => return self.receive(&hop, response).await,
            }
        }
        Err(http::Error::TooManyRedirects.into())
    }

    fn refused(&mut self, denial: Denial) -> Failure {
        http::Error::Denied(self.denied(denial)).into()
    }

    async fn send(&mut self, hop: &Hop) -> Result<reqwest::Response, Failure> {
        let method = hop.method.as_str();
        let reach = self
            .rights
            .fetch(method, &hop.url)
            .map_err(|denial| self.refused(denial))?;
        let private = |state: &Self| state.rights.private_address(method, &hop.url);
        if Egress::check_literal(&hop.url, reach).is_err() {
            let denial = private(self);
            return Err(self.refused(denial));
        }
        self.meter.http_request(hop.size())?;
        let (url, headers, body) = self.with_secrets(hop)?;
        let connect = Duration::from_millis(self.meter.limits.http_connect_s);
        let first_byte = Duration::from_millis(self.meter.limits.http_first_byte_s);
        let unreachable = |what: &str| Failure::from(http::Error::Unreachable(what.to_owned()));
        let egress = self.egress.clone();
        let client = egress
            .client(reach, connect)
            .ok_or_else(|| unreachable("this machine has no TLS"))?;
        let mut request = client.request(hop.method.clone(), url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        match timeout(connect + first_byte, request.send()).await {
            Err(_) => Err(http::Error::Timeout.into()),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if is_not_public(&error) => {
                let denial = private(self);
                Err(self.refused(denial))
            }
            Ok(Err(error)) if error.is_timeout() => Err(http::Error::Timeout.into()),
            // The library's own words carry addresses; the guest learns which kind of failure it was.
            Ok(Err(error)) if error.is_connect() => Err(unreachable("no connection")),
            Ok(Err(error)) if error.is_builder() => {
                Err(invalid("the request cannot be sent").into())
            }
            Ok(Err(_)) => Err(unreachable("the connection broke")),
        }
    }

    /// The hop with what the guest never sees: granted secrets, and the secrets that placeholders stand for.
    fn with_secrets(&mut self, hop: &Hop) -> Result<(Url, HeaderMap, Option<Vec<u8>>), Failure> {
        let secrets = self.services.secrets.clone();
        let mut headers = hop.headers.clone();
        for (name, grant) in self.rights.secrets_for(&hop.url) {
            let Some(value) = secrets.get(name) else {
                continue;
            };
            let header = HeaderName::from_bytes(grant.header.name().as_bytes()).ok();
            let value = HeaderValue::from_str(&grant.header.fill(&value)).ok();
            let (Some(header), Some(mut value)) = (header, value) else {
                return Err(invalid(format!(
                    "the secret `{name}` has characters that no header can carry"
                ))
                .into());
            };
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let (mut url, mut body) = (hop.url.clone(), hop.body.clone());
        for placeholder in secrets.placeholders() {
            let token = placeholder.token.as_str();
            let in_body = body
                .as_ref()
                .is_some_and(|body| contains(body, token.as_bytes()));
            let in_headers = headers
                .values()
                .any(|value| contains(value.as_bytes(), token.as_bytes()));
            if !(in_body || in_headers || url.as_str().contains(token)) {
                continue;
            }
            let meant = SecretGrant::to(placeholder.hosts.clone()).covers(&hop.url);
            let allowed = meant && self.rights.leaves_room_for(&placeholder.name, &hop.url);
            let value = secrets.get(&placeholder.name).filter(|_| allowed);
            let Some(value) = value else {
                let why = if allowed {
                    "has no value: the variable is not set"
                } else {
                    "is not for this host, or not without https"
                };
                return Err(http::Error::Denied(format!("env.{} {why}", placeholder.name)).into());
            };
            if let Some(bytes) = body.as_mut().filter(|_| in_body) {
                let value = as_part_of(bytes, headers.get(CONTENT_TYPE), &value);
                *bytes = replace_bytes(bytes, token.as_bytes(), value.as_bytes());
            }
            for header in headers
                .values_mut()
                .filter(|header| contains(header.as_bytes(), token.as_bytes()))
            {
                let filled = header.to_str().unwrap_or_default().replace(token, &value);
                let mut filled = HeaderValue::from_str(&filled).map_err(|_| {
                    invalid(format!(
                        "env.{} has characters that no header can carry",
                        placeholder.name
                    ))
                })?;
                filled.set_sensitive(true);
                *header = filled;
            }
            if url.path().contains(token) {
                let filled = url.path().replace(token, &one_segment(&value));
                url.set_path(&filled);
            }
            if let Some(query) = url.query().filter(|query| query.contains(token)) {
                let encoded: String =
                    url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
                let filled = query.replace(token, &encoded);
                url.set_query(Some(&filled));
            }
        }
        Ok((url, headers, body))
    }

    async fn receive(
        &mut self,
        hop: &Hop,
        response: reqwest::Response,
    ) -> Result<http::Response, Failure> {
        let status = response.status().as_u16();
        let secrets = self.services.secrets.clone();
        let scrubber = secrets.scrubber();
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .take(MAX_HEADERS)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), scrubber.text(&value).into_owned())
            })
            .collect();
        let left = self.meter.http_left();
        let idle = Duration::from_millis(self.meter.limits.http_idle_s);
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        loop {
            let piece = match timeout(idle, pieces.next()).await {
                Err(_) => return Err(http::Error::Timeout.into()),
                Ok(None) => break,
                Ok(Some(Err(error))) if error.is_timeout() => {
                    return Err(http::Error::Timeout.into());
                }
                Ok(Some(Err(_))) => {
                    return Err(http::Error::Unreachable("the response broke off".into()).into());
                }
                Ok(Some(Ok(piece))) => piece,
            };
            // Decompressed bytes are counted as they appear, so a bomb ends here and not in memory.
            self.meter.http_received(piece.len() as u64);
            if body.len() as u64 + piece.len() as u64 > left {
                return Err(Stop(LimitId::HttpDown).into());
            }
            body.extend_from_slice(&piece);
        }
        let url = scrubber.text(hop.url.as_str()).into_owned();
        Ok(http::Response {
            status,
            url,
            headers,
            body: scrubber.bytes(body),
        })
    }
}

/// A text as part of one segment of a path: it adds no segment, and means no directory.
fn one_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~:".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

/// A text as it is written within a body: it stays one value where the body is JSON or a form. A body without a type is
/// JSON when it is readable as such.
fn as_part_of<'a>(body: &[u8], kind: Option<&HeaderValue>, text: &'a str) -> Cow<'a, str> {
    let kind = kind.map(|kind| kind.to_str().unwrap_or_default().to_ascii_lowercase());
    let is_json = match &kind {
        Some(kind) => kind.contains("json"),
        None => serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok(),
    };
    if is_json {
        let quoted = Value::from(text).to_string();
        let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
        return Cow::Owned(inner.unwrap_or_default().to_owned());
    }
    if kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Cow::Owned(url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
    }
    Cow::Borrowed(text)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && memmem::find(bytes, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_body_stays_one_value_and_other_bytes_stay_as_they_are() {
        let fill = |body: &[u8], kind: Option<&'static str>| {
            let kind = kind.map(HeaderValue::from_static);
            let value = as_part_of(body, kind.as_ref(), "a\"&b\\");
            replace_bytes(body, b"TOKEN", value.as_bytes())
        };
        let json = br#"{"key": "TOKEN", "n": 1}"#;
        for kind in [
            None,
            Some("application/json; charset=utf-8"),
            Some("application/ld+json"),
        ] {
            let sent: Value = serde_json::from_slice(&fill(json, kind)).unwrap();
            assert_eq!(sent, serde_json::json!({"key": "a\"&b\\", "n": 1}));
        }
        let form = fill(b"key=TOKEN&x=1", Some("application/x-www-form-urlencoded"));
        assert_eq!(form, b"key=a%22%26b%5C&x=1");
        let bytes = fill(b"\xff\xfeTOKEN\xff", Some("application/octet-stream"));
        assert_eq!(bytes, b"\xff\xfea\"&b\\\xff");
    }
}
