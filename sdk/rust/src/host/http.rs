//! HTTP requests, each with its whole response.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use armature_plugin::http;
//! let page = http::get("https://example.com/")?.text();
//! let made: serde_json::Value =
//!     http::Request::post("https://example.com/things").json(&["a", "b"])?.timeout_ms(5_000).send()?.ok()?.json()?;
//! # Ok(()) }
//! ```

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::tool::armature::plugin::http as wit;

/// What the host allows when nobody asks for more.
const DEFAULT_REDIRECTS: u32 = 5;

/// A request that is being put together.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request(wit::Request);

/// A whole response. A status of 400 or 500 is a response like any other; [`Response::ok`] makes it an error.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// Headers, names in lower case; a header that came twice is here twice.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Why there is no response, or not the one that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not granted; the text names what was asked.
    Denied(String),
    /// The URL, the method, a header or the body cannot be sent.
    InvalidRequest(String),
    /// The name could not be resolved, or the connection or TLS failed.
    Unreachable(String),
    /// Not answered in time.
    Timeout,
    /// The request or the response is larger than the limits allow.
    TooLarge,
    /// More redirects than were asked for.
    TooManyRedirects,
    /// [`Response::ok`] met a status of 400 or above.
    Status(u16),
    /// [`Response::json`] met something else than what was expected.
    BadBody(String),
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Self::Denied(text),
            wit::Error::InvalidRequest(text) => Self::InvalidRequest(text),
            wit::Error::Unreachable(text) => Self::Unreachable(text),
            wit::Error::Timeout => Self::Timeout,
            wit::Error::TooLarge => Self::TooLarge,
            wit::Error::TooManyRedirects => Self::TooManyRedirects,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => f.write_str(text),
            Self::InvalidRequest(text) => write!(f, "the request cannot be sent: {text}"),
            Self::Unreachable(text) => write!(f, "the server cannot be reached: {text}"),
            Self::Timeout => f.write_str("the server did not answer in time"),
            Self::TooLarge => {
                f.write_str("the request or the response is larger than the limits allow")
            }
            Self::TooManyRedirects => f.write_str("the server redirected too often"),
            Self::Status(status) => write!(f, "the server answered with status {status}"),
            Self::BadBody(text) => write!(f, "the answer is not what was expected: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// Sends a GET request and follows up to five redirects.
///
/// # Errors
/// [`Error`]; a status of 400 or above is not one.
pub fn get(url: &str) -> Result<Response, Error> {
    Request::get(url).send()
}

impl Request {
    /// A request with any method. It follows up to five redirects, each checked like a first request.
    pub fn new(method: &str, url: &str) -> Self {
        Self(wit::Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            max_redirects: DEFAULT_REDIRECTS,
        })
    }

    /// A GET request.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// A POST request.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = Some(body.into());
        self
    }

    /// Sets the body to a value as JSON, and the content type unless there is one already.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a value that JSON cannot hold.
    pub fn json(mut self, value: &impl Serialize) -> Result<Self, Error> {
        let body =
            serde_json::to_vec(value).map_err(|error| Error::InvalidRequest(error.to_string()))?;
        if !self
            .0
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            self = self.header("content-type", "application/json");
        }
        Ok(self.body(body))
    }

    /// Gives up after this many milliseconds, and never later than the call's own deadline.
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.0.timeout_ms = Some(milliseconds);
        self
    }

    /// How many redirects to follow; 0 returns the 3xx itself.
    pub fn max_redirects(mut self, count: u32) -> Self {
        self.0.max_redirects = count;
        self
    }

    /// Sends the request and waits for the whole response.
    ///
    /// # Errors
    /// [`Error`]; a status of 400 or above is not one.
    pub fn send(self) -> Result<Response, Error> {
        let response = wit::fetch(&self.0)?;
        Ok(Response {
            status: response.status,
            url: response.url,
            headers: response.headers,
            body: response.body,
        })
    }
}

impl Response {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The response, if its status is below 400.
    ///
    /// # Errors
    /// [`Error::Status`] otherwise.
    pub fn ok(self) -> Result<Self, Error> {
        if self.status < 400 {
            Ok(self)
        } else {
            Err(Error::Status(self.status))
        }
    }

    /// The body as text. Latin-1 is read when the server says so, everything else as UTF-8 in which what cannot be
    /// read becomes `�`.
    pub fn text(&self) -> String {
        let content_type = self
            .header("content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        if content_type.contains("charset=iso-8859-1") || content_type.contains("charset=latin1") {
            return self.body.iter().map(|byte| char::from(*byte)).collect();
        }
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// [`Error::BadBody`] when it is no JSON or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::BadBody(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(content_type: &str, body: &[u8]) -> Response {
        Response {
            status: 404,
            url: String::new(),
            headers: vec![("content-type".into(), content_type.into())],
            body: body.to_vec(),
        }
    }

    #[test]
    fn text_is_read_in_the_encoding_that_the_server_names() {
        assert_eq!(
            response("text/plain; charset=ISO-8859-1", b"caf\xe9").text(),
            "café"
        );
        assert_eq!(response("text/plain", "café".as_bytes()).text(), "café");
        assert_eq!(response("text/plain", b"caf\xe9").text(), "caf\u{fffd}");
    }

    #[test]
    fn a_status_of_400_or_above_is_an_error_only_on_demand() {
        assert_eq!(
            response("", b"").ok().map(|r| r.status),
            Err(Error::Status(404))
        );
    }

    #[test]
    fn a_json_body_says_what_it_is_unless_the_author_did() {
        let request = Request::post("https://a.com/").json(&[1]).unwrap();
        assert_eq!(
            request.0.headers,
            [("content-type".to_owned(), "application/json".to_owned())]
        );
        let request = Request::post("https://a.com/")
            .header("Content-Type", "text/x")
            .json(&[1])
            .unwrap();
        assert_eq!(
            request.0.headers,
            [("Content-Type".to_owned(), "text/x".to_owned())]
        );
    }
}
