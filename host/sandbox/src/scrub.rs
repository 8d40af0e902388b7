//! Cuts secrets out of whatever leaves the host.
//!
//! Exact values, and the forms in which a server or a program repeats them: base64, URL-encoded, hexadecimal, escaped
//! as in JSON. A value shorter than [`SHORTEST`] is not looked for: it would cut ordinary words to pieces and was never
//! a secret worth the name.

mod stream;

use std::{borrow::Cow, fmt};

use base64::Engine as _;
use memchr::memmem;
use serde_json::Value;

pub use stream::ScrubStream;

/// Shortest value that is looked for, in bytes.
const SHORTEST: usize = 6;

/// Finds secrets in texts.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// What to look for and what to put in its place, longest first.
    forms: Vec<(String, String)>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber")
            .field("forms", &self.forms.len())
            .finish()
    }
}

impl Scrubber {
    /// A scrubber for these secrets, given as name and value.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut scrubber = Self::default();
        for (name, value) in secrets {
            scrubber.add(name, value);
        }
        scrubber
    }

    /// One more secret to look for.
    pub fn add(&mut self, name: &str, value: &str) {
        if value.len() < SHORTEST {
            return;
        }
        let mark = format!("[secret {name}]");
        let escaped = serde_json::to_string(value).unwrap_or_default();
        let escaped = escaped.trim_matches('"').to_owned();
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let url: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let percent: String = value
            .bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect();
        let upper = hex.to_ascii_uppercase();
        let every: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let slashed = escaped.replace('/', "\\/");
        let html = value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;");
        let html_quote = html.replace('\'', "&#39;");
        let units: String = value
            .encode_utf16()
            .map(|unit| match char::from_u32(unit.into()) {
                Some(c) if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => c.to_string(),
                _ => format!("\\u{unit:04x}"),
            })
            .collect();
        let lower = [&url, &percent, &every].map(|form| lower_escapes(form));
        let mut forms = vec![
            value.to_owned(),
            escaped,
            slashed,
            hex,
            upper,
            units,
            html,
            html_quote,
        ];
        forms.extend(lower);
        forms.extend([url, percent, every]);
        forms.extend(base64_forms(value.as_bytes()));
        for form in forms {
            if form.len() >= SHORTEST && !self.forms.iter().any(|(known, _)| *known == form) {
                self.forms.push((form, mark.clone()));
            }
        }
        self.forms
            .sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    }

    /// Is there nothing to look for?
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for (form, mark) in &self.forms {
            if clean.contains(form.as_str()) {
                clean = Cow::Owned(clean.replace(form.as_str(), mark));
            }
        }
        clean
    }

    /// For a text that arrives in pieces.
    pub fn stream(&self) -> ScrubStream<'_> {
        ScrubStream::new(self)
    }

    /// The bytes without secrets. Bytes that are not text are searched as bytes.
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.is_empty() {
            return bytes;
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.text(&text).into_owned().into_bytes(),
            Err(error) => {
                let mut bytes = error.into_bytes();
                for (form, mark) in &self.forms {
                    if memmem::find(&bytes, form.as_bytes()).is_none() {
                        continue;
                    }
                    bytes = replace_bytes(&bytes, form.as_bytes(), mark.as_bytes());
                }
                bytes
            }
        }
    }

    /// A JSON value without secrets, keys included.
    pub fn value(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(item)).collect())
            }
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .map(|(key, item)| (self.text(&key).into_owned(), self.value(item)))
                    .collect(),
            ),
            other => other,
        }
    }
}

/// The same text with the digits after each `%` in lower case.
fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    text.chars()
        .map(|c| {
            if c == '%' {
                digits = 2;
                c
            } else if digits > 0 {
                digits -= 1;
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}

/// The secret as it appears inside base64 of a longer text, at each of the three alignments, without the characters
/// that also depend on its neighbours; in both alphabets.
fn base64_forms(value: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for padding in 0..3usize {
        let mut padded = vec![0u8; padding];
        padded.extend_from_slice(value);
        let encoded = base64(&padded);
        let start = [0, 2, 3].get(padding).copied().unwrap_or(0);
        let spare = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or(0);
        let end = encoded
            .len()
            .saturating_sub(if padded.len().is_multiple_of(3) {
                0
            } else {
                spare
            });
        if let Some(middle) = encoded
            .get(start..end)
            .filter(|middle| middle.len() >= SHORTEST)
        {
            forms.push(middle.replace('+', "-").replace('/', "_"));
            forms.push(middle.to_owned());
        }
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Bytes with every `from` replaced, in time that grows with their number alone.
pub(crate) fn replace_bytes(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for at in memmem::find_iter(bytes, from) {
        out.extend_from_slice(bytes.get(done..at).unwrap_or_default());
        out.extend_from_slice(to);
        done = at + from.len();
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr\"et/va+lue";

    #[test]
    fn a_secret_is_found_in_every_form_in_which_it_is_repeated() {
        let scrubber = Scrubber::new([("KEY", SECRET)]);
        let url: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
        let mut forms = vec![
            SECRET.to_owned(),
            serde_json::to_string(SECRET).unwrap(),
            url,
            hex,
        ];
        for prefix in ["", "a", "ab", "user:", "Bearer "] {
            for suffix in ["", "x", "xy"] {
                forms.push(base64(format!("{prefix}{SECRET}{suffix}").as_bytes()));
            }
        }
        for form in forms {
            let text = format!("before {form} after");
            assert!(scrubber.text(&text).contains("[secret KEY]"), "{text}");
            assert!(!scrubber.text(&text).contains(SECRET));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_too() {
        let scrubber = Scrubber::new([("KEY", "abcdefgh")]);
        let clean = scrubber.bytes(b"\xff\xfeabcdefgh\xff".to_vec());
        assert_eq!(clean, b"\xff\xfe[secret KEY]\xff");
    }

    #[test]
    fn bytes_that_are_made_to_be_searched_slowly_are_not() {
        // Naively, the whole value is compared at each place of these 16 MiB.
        let value = "a".repeat(200_000) + "b";
        let scrubber = Scrubber::new([("KEY", value.as_str())]);
        let mut bytes = vec![b'a'; 16 << 20];
        bytes.push(0xff);
        let started = std::time::Instant::now();
        let clean = scrubber.bytes(bytes);
        assert_eq!(clean.len(), (16 << 20) + 1);
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
        assert_eq!(replace_bytes(b"ab-ab-b", b"ab", b"x"), b"x-x-b");
    }

    #[test]
    fn keys_of_objects_are_scrubbed_like_values() {
        let scrubber = Scrubber::new([("KEY", "abcdefgh")]);
        let clean = scrubber.value(serde_json::json!({"xabcdefgh": ["abcdefgh", 1]}));
        assert_eq!(
            clean,
            serde_json::json!({"x[secret KEY]": ["[secret KEY]", 1]})
        );
    }

    #[test]
    fn the_debug_form_of_a_scrubber_shows_nothing() {
        assert!(!format!("{:?}", Scrubber::new([("KEY", "abcdefgh")])).contains("abcdefgh"));
    }
}
