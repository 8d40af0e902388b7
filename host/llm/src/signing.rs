//! Requests that are signed with an access key instead of carrying one: Amazon's Signature Version 4.
//!
//! What signs is Amazon's own crate. The secret never leaves this process; a session's token goes along, as it must.

use std::fmt;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::Secret;

/// The environment variables with the parts of an access key: its id, its secret, and the token of a session, which
/// only temporary keys have.
pub const ACCESS_KEY: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The service whose requests are signed.
const SERVICE: &str = "bedrock";

/// The region of an address that names none.
const REGION: &str = "us-east-1";

/// An access key. Never formatted.
#[derive(Clone)]
pub struct AccessKey {
    /// Its id.
    pub id: Secret,
    /// What signs.
    pub secret: Secret,
    /// The token of a session.
    pub session: Option<Secret>,
}

impl AccessKey {
    /// The key that these variables hold, each read by its name; none unless id and secret are there.
    pub fn read<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Option<Self> {
        let [id, secret, session] =
            ACCESS_KEY.map(|name| value(name).map(Secret::new).filter(|part| !part.is_empty()));
        Some(Self {
            id: id?,
            secret: secret?,
            session,
        })
    }

    /// The text without any part of the key.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = self.secret.scrub(&self.id.scrub(text));
        match &self.session {
            Some(session) => session.scrub(&text),
            None => text,
        }
    }

    /// The headers that sign a `POST` with this body.
    pub(crate) fn headers(&self, url: &Url, body: &str) -> Result<HeaderMap, String> {
        let session = self.session.as_ref();
        let identity = Credentials::new(
            self.id.expose(),
            self.secret.expose(),
            session.map(|token| token.expose().to_owned()),
            None,
            "environment",
        )
        .into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let failed = |why: &dyn fmt::Display| format!("it cannot be signed: {why}");
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region(url))
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|why| failed(&why))?
            .into();
        let headers = [("content-type", "application/json")].into_iter();
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url.as_str(), headers, body)
            .map_err(|why| failed(&why))?;
        let (instructions, _) = sign(request, &params)
            .map_err(|why| failed(&why))?
            .into_parts();
        let mut headers = HeaderMap::new();
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(|why| failed(&why))?;
            let mut value = HeaderValue::try_from(value).map_err(|why| failed(&why))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::secret::MASK)
    }
}

/// `bedrock-runtime.eu-west-1.amazonaws.com` → `eu-west-1`.
fn region(url: &Url) -> &str {
    own_region(url.host_str().unwrap_or_default()).unwrap_or(REGION)
}

/// The region of a host that is Bedrock's own; none for any other. A customer's hosts end in the same domain: only what
/// begins as Bedrock's and has one name between is.
pub(crate) fn own_region(host: &str) -> Option<&str> {
    let between = host
        .strip_prefix("bedrock-runtime.")?
        .strip_suffix(".amazonaws.com")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!between.is_empty() && between.chars().all(plain)).then_some(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AccessKey {
        AccessKey::read(|name| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE"),
            "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            _ => Some("session-token-1"),
        })
        .unwrap()
    }

    #[test]
    fn a_request_is_signed_for_its_region_and_holds_no_secret() {
        let url = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m-1/converse";
        let headers = key().headers(&Url::parse(url).unwrap(), "{}").unwrap();
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let authorization = text("authorization");
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            "{authorization}"
        );
        assert!(
            authorization.contains("/eu-west-1/bedrock/aws4_request"),
            "{authorization}"
        );
        assert_eq!(text("x-amz-security-token"), "session-token-1");
        // The digest of the body, as `sha256sum` has it.
        assert_eq!(
            text("x-amz-content-sha256"),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{headers:?} {:?}", key()).contains("wJalrXUtn"));
    }

    #[test]
    fn only_bedrocks_own_hosts_have_a_region() {
        assert_eq!(
            own_region("bedrock-runtime.eu-west-1.amazonaws.com"),
            Some("eu-west-1")
        );
        for host in [
            "bedrock-runtime.amazonaws.com",
            "bedrock-runtime.x.execute-api.us-east-1.amazonaws.com",
            "evil.s3.amazonaws.com",
            "bedrock-runtime.eu-west-1.amazonaws.com.example.com",
        ] {
            assert_eq!(own_region(host), None, "{host}");
        }
    }

    #[test]
    fn no_part_of_a_key_stays_in_a_text() {
        let text = "AKIDEXAMPLE wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY session-token-1";
        assert_eq!(key().scrub(text), "[secret] [secret] [secret]");
        assert!(AccessKey::read(|name| (name == "AWS_ACCESS_KEY_ID").then_some("x")).is_none());
    }
}
