//! `http_get` and `http_post`: one request, and `{status, body}` of whatever comes back.
//!
//! A status of 404 or 500 is a result: the workflow decides what it means. No redirect is followed, as the 3xx is such
//! a result too. Which addresses may be reached is the host's business.

use std::collections::BTreeMap;

use armature_plugin::prelude::*;

/// Give up on a GET after this many seconds.
const GET_TIMEOUT_S: f64 = 10.0;
/// Give up on a POST after this many seconds unless the caller says otherwise.
const POST_TIMEOUT_S: f64 = 30.0;

/// What came back.
#[data]
struct Reply {
    /// The HTTP status, e.g. 200.
    status: u16,
    /// The body as text.
    body: String,
}

/// Fetch a URL with a GET request and return status and body. Redirects are not followed.
#[tool(effect = network, reversibility = full, idempotent, output)]
fn http_get(
    /// The address, beginning with `https://` or `http://`.
    url: String,
    /// Request headers.
    headers: Option<BTreeMap<String, String>>,
) -> Result<Reply, ToolError> {
    send(
        with_headers(http::Request::get(&url), headers),
        GET_TIMEOUT_S,
    )
}

/// Send a POST request and return status and body. Redirects are not followed.
#[tool(effect = network, reversibility = none, output)]
fn http_post(
    /// The address, beginning with `https://` or `http://`.
    url: String,
    /// What to send: a text goes as it is; an object, a list or any other value as JSON.
    body: Option<Value>,
    /// Request headers.
    headers: Option<BTreeMap<String, String>>,
    /// Seconds to wait for the answer.
    #[default(POST_TIMEOUT_S)]
    timeout: f64,
) -> Result<Reply, ToolError> {
    send(
        with_body(with_headers(http::Request::post(&url), headers), body)?,
        timeout,
    )
}

fn with_headers(
    request: http::Request,
    headers: Option<BTreeMap<String, String>>,
) -> http::Request {
    headers
        .into_iter()
        .flatten()
        .fold(request, |request, (name, value)| {
            request.header(&name, &value)
        })
}

fn with_body(request: http::Request, body: Option<Value>) -> Result<http::Request, ToolError> {
    Ok(match body {
        None | Some(Value::Null) => request,
        Some(Value::String(text)) => request.body(text),
        Some(value) => request.json(&value)?,
    })
}

fn send(request: http::Request, timeout_s: f64) -> Result<Reply, ToolError> {
    let response = request
        .timeout_ms(milliseconds(timeout_s)?)
        .max_redirects(0)
        .send()?;
    Ok(Reply {
        status: response.status,
        body: response.text(),
    })
}

/// Seconds as the contract wants them. What is longer than the call itself is cut by the host.
fn milliseconds(seconds: f64) -> Result<u32, ToolError> {
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok((seconds * 1000.0).ceil() as u32)
    } else {
        Err(ToolError::invalid(format!(
            "`timeout` is a number of seconds above 0, not {seconds}"
        )))
    }
}

export_tools!(http_get, http_post);

#[cfg(test)]
mod tests {
    use super::*;
    use armature_plugin::Tool;

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(milliseconds(POST_TIMEOUT_S), Ok(30_000));
        assert_eq!(milliseconds(0.0001), Ok(1));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_schema_says_the_default_timeout_and_takes_any_body() {
        let schema: Value =
            armature_plugin::serde_json::from_str(&http_post::definition().input_schema).unwrap();
        assert_eq!(
            schema["properties"]["timeout"]["default"],
            json!(POST_TIMEOUT_S)
        );
        assert_eq!(schema["required"], json!(["url"]));
        assert!(
            schema["properties"]["body"].get("type").is_none(),
            "{schema}"
        );
    }

    #[test]
    fn the_result_has_status_and_body_in_this_order() {
        let reply = Reply {
            status: 200,
            body: "x".into(),
        };
        assert_eq!(
            armature_plugin::serde_json::to_string(&reply).unwrap(),
            r#"{"status":200,"body":"x"}"#
        );
    }
}
