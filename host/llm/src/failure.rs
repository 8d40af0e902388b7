//! What a server's refusal means.
//!
//! The status decides, with two exceptions that providers are known for: an empty account is reported as a rate limit or
//! as a bad request, and an overloaded model as an error inside a stream.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::LlmError;

/// How much of a server's words an error carries.
const MAX_DETAIL_CHARS: usize = 500;

/// A failed answer. The body is already free of the key.
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// The error for a refusal.
pub(crate) fn refused(model: &str, refusal: &Refusal<'_>) -> LlmError {
    let model = model.to_owned();
    let said = Said::read(refusal.body);
    let retry_after = retry_after(refusal.headers).or(said.wait);
    // Inside a reply that began well there is no status but the one the words stand for.
    let began_well = (200..300).contains(&refusal.status);
    let status = if began_well {
        said.status().unwrap_or(500)
    } else {
        refusal.status
    };
    let detail = said.message;
    let said_low = detail.to_ascii_lowercase();
    let is_about = |words: &[&str]| {
        let mut words = words.iter();
        words.any(|words| said.kind.contains(words) || said_low.contains(words))
    };
    let is_about_the_request = began_well || matches!(status, 400 | 403 | 413 | 422);
    let is_about_money = is_about(&MONEY);
    match status {
        _ if is_about_the_request && is_about(&LENGTH) => LlmError::TooLong { model, detail },
        413 => LlmError::TooLong { model, detail },
        _ if is_about_the_request && is_about(&FILTER) => LlmError::Filtered { model, detail },
        400 if is_about(&["api key not valid", "api_key_invalid"]) => LlmError::Auth {
            model,
            status,
            detail,
        },
        401 | 403 => LlmError::Auth {
            model,
            status,
            detail,
        },
        402 => LlmError::Credits { model, detail },
        400 | 429 if is_about_money => LlmError::Credits { model, detail },
        429 => LlmError::RateLimited {
            model,
            retry_after,
            detail,
            tries: 1,
        },
        408 => LlmError::Timeout {
            model,
            detail,
            tries: 1,
            is_final: false,
        },
        // 409 and 425 are how some gateways say "not right now".
        409 | 425 | 500 | 502..=599 => LlmError::Overloaded {
            model,
            status,
            retry_after,
            detail,
            tries: 1,
        },
        300..=399 => LlmError::BadRequest {
            model,
            status,
            detail: redirect(refusal.headers),
        },
        _ => LlmError::BadRequest {
            model,
            status,
            detail,
        },
    }
}

/// How providers say that the account is empty,
const MONEY: [&str; 4] = [
    "insufficient_quota",
    "credit balance",
    "billing",
    "payment required",
];
/// that a prompt is too long,
const LENGTH: [&str; 9] = [
    "context_length_exceeded",
    "maximum context length",
    "context window",
    "exceed_context_size",
    "prompt is too long",
    "input is too long",
    "input token count",
    "maximum number of tokens",
    "request_too_large",
];
/// and that a filter does not like it.
const FILTER: [&str; 5] = [
    "content_filter",
    "content_policy",
    "content management policy",
    "responsibleaipolicy",
    "safety system",
];

fn redirect(headers: &HeaderMap) -> String {
    // Host and path only: a query could hold anything.
    let target = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let target = printable(target.split(['?', '#']).next().unwrap_or_default());
    format!(
        "the server redirects to `{target}`, and redirects are not followed; if that is right, set `api_base` to it"
    )
}

/// The parts of an error body, as far as they can be made out.
#[derive(Debug, Default)]
struct Said {
    message: String,
    kind: String,
    /// How long Google's servers ask to wait: they say it in the body.
    wait: Option<Duration>,
}

impl Said {
    /// `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message"}`, `{"detail"}`, a list with one of them,
    /// or no JSON at all.
    fn read(body: &str) -> Self {
        let parsed: Value = serde_json::from_str(body).unwrap_or_default();
        let root = parsed.get(0).unwrap_or(&parsed);
        let error = root.get("error").unwrap_or(root);
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let message = match error {
            Value::String(text) => text.clone(),
            Value::Object(map) => ["message", "detail", "msg"]
                .iter()
                .find_map(|key| map.get(*key))
                .map(text)
                .unwrap_or_default(),
            _ => String::new(),
        };
        let kinds = ["type", "code", "status"]
            .iter()
            .filter_map(|key| error.get(*key))
            .map(text);
        let details = error.get("details").and_then(Value::as_array);
        let wait = details.into_iter().flatten().find_map(|detail| {
            let delay = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?;
            Duration::try_from_secs_f64(delay.parse().ok()?).ok()
        });
        let message = if message.is_empty() {
            body.to_owned()
        } else {
            message
        };
        let message = printable(&message);
        Self {
            message: if message.is_empty() {
                "the server gave no reason".into()
            } else {
                message
            },
            kind: kinds.collect::<Vec<_>>().join(" ").to_ascii_lowercase(),
            wait,
        }
    }

    /// The status that the error's own words stand for.
    fn status(&self) -> Option<u16> {
        let named = [
            ("overloaded_error", 529),
            ("rate_limit_error", 429),
            ("authentication_error", 401),
            ("permission_error", 403),
            ("billing_error", 402),
            ("timeout_error", 408),
            ("not_found_error", 404),
            ("invalid_request_error", 400),
            // Amazon's, with the capitals gone.
            ("throttlingexception", 429),
            ("validationexception", 400),
            ("modeltimeoutexception", 408),
            ("serviceunavailableexception", 503),
        ];
        let by_name = named
            .iter()
            .find(|(name, _)| self.kind.contains(name))
            .map(|(_, status)| *status);
        by_name.or_else(|| {
            self.kind
                .split(' ')
                .find_map(|word| word.parse().ok().filter(|code| (400..600).contains(code)))
        })
    }
}

/// One line of bounded length without control characters.
fn printable(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out: String = one_line
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_DETAIL_CHARS)
        .collect();
    if one_line.chars().count() > MAX_DETAIL_CHARS {
        out.push('…');
    }
    out
}

/// How long the server asks to wait: seconds, milliseconds in the form OpenAI adds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let seconds = |text: &str| {
        text.parse::<f64>()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    };
    if let Some(wait) = text("retry-after-ms").and_then(seconds) {
        return Some(wait / 1000);
    }
    let asked = text(RETRY_AFTER.as_str())?;
    seconds(asked).or_else(|| {
        let until = OffsetDateTime::parse(asked, &Rfc2822).ok()?;
        // The server's own clock where it shows it: ours may be wrong.
        let now = text(DATE.as_str()).and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        let wait = until - now.unwrap_or_else(OffsetDateTime::now_utc);
        Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn error(status: u16, body: &str) -> LlmError {
        refused(
            "p/m",
            &Refusal {
                status,
                body,
                headers: &HeaderMap::new(),
            },
        )
    }

    #[test]
    fn a_status_and_its_words_become_the_right_error() {
        type Check = fn(&LlmError) -> bool;
        let table: [(u16, &str, Check); 20] = [
            (
                400,
                r#"{"error": {"message": "too many", "code": "context_length_exceeded"}}"#,
                |e| matches!(e, LlmError::TooLong { .. }),
            ),
            (
                400,
                r#"{"error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8"}}"#,
                |e| matches!(e, LlmError::TooLong { .. }),
            ),
            (413, "", |e| matches!(e, LlmError::TooLong { .. })),
            (
                400,
                r#"{"error": {"message": "no", "code": "content_filter"}}"#,
                |e| matches!(e, LlmError::Filtered { .. }),
            ),
            (
                400,
                r#"{"error": {"message": "API key not valid. Please pass a valid API key."}}"#,
                |e| matches!(e, LlmError::Auth { .. }),
            ),
            (
                429,
                r#"{"error": {"code": 429, "message": "x", "details": [{"retryDelay": "1.5s"}]}}"#,
                |e| e.retry_after() == Some(Duration::from_millis(1500)),
            ),
            (401, r#"{"error": {"message": "no"}}"#, |e| {
                matches!(e, LlmError::Auth { status: 401, .. })
            }),
            (403, "", |e| matches!(e, LlmError::Auth { .. })),
            (402, "{}", |e| matches!(e, LlmError::Credits { .. })),
            (
                429,
                r#"{"error": {"message": "quota", "code": "insufficient_quota"}}"#,
                |e| matches!(e, LlmError::Credits { .. }),
            ),
            (
                400,
                r#"{"error": {"message": "Your credit balance is too low"}}"#,
                |e| matches!(e, LlmError::Credits { .. }),
            ),
            (429, "slow down", |e| {
                matches!(e, LlmError::RateLimited { .. })
            }),
            (408, "", |e| matches!(e, LlmError::Timeout { .. })),
            (500, "", |e| matches!(e, LlmError::Overloaded { .. })),
            (501, "", |e| matches!(e, LlmError::BadRequest { .. })),
            (
                529,
                r#"{"type": "error", "error": {"type": "overloaded_error"}}"#,
                |e| matches!(e, LlmError::Overloaded { .. }),
            ),
            (
                200,
                r#"{"error": {"type": "overloaded_error", "message": "x"}}"#,
                |e| matches!(e, LlmError::Overloaded { status: 529, .. }),
            ),
            (200, r#"{"error": {"code": 429, "message": "x"}}"#, |e| {
                matches!(e, LlmError::RateLimited { .. })
            }),
            (
                404,
                r#"[{"error": {"message": "no model"}}]"#,
                |e| matches!(e, LlmError::BadRequest { detail, .. } if detail == "no model"),
            ),
            (
                422,
                r#"{"detail": "bad"}"#,
                |e| matches!(e, LlmError::BadRequest { detail, .. } if detail == "bad"),
            ),
        ];
        for (status, body, check) in table {
            let error = error(status, body);
            assert!(check(&error), "{status} {body}: {error:?}");
        }
    }

    #[test]
    fn only_failures_that_pass_are_worth_another_try() {
        for (status, again) in [
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (429, true),
            (503, true),
            (529, true),
        ] {
            assert_eq!(error(status, "").is_retryable(), again, "{status}");
        }
    }

    #[test]
    fn a_server_may_say_when_in_seconds_or_as_a_date() {
        let wait = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                DATE,
                HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"),
            );
            headers.insert(name, HeaderValue::from_static(value));
            retry_after(&headers)
        };
        assert_eq!(wait("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            wait("retry-after-ms", "1500"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            wait("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            wait("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-3"), None);
    }

    #[test]
    fn a_page_of_html_becomes_one_short_line() {
        let LlmError::Overloaded { detail, .. } =
            error(502, &"<p>\u{1b}[31mBad\n gateway</p>".repeat(200))
        else {
            panic!("overloaded");
        };
        assert!(detail.chars().count() <= MAX_DETAIL_CHARS + 1);
        assert!(!detail.contains(char::is_control));
    }
}
