//! A value that must not be shown.
//!
//! There is one way to the text, [`Secret::expose`], so that a search for it finds every use. Formatting prints a mask.
//! [`Secret::scrub`] takes the value out of text that came from elsewhere: servers like to quote the key they refused.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What stands where a secret stood.
pub(crate) const MASK: &str = "[secret]";

/// An API key. Cheap to clone, wiped from memory when the last clone goes, never formatted.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes the value. White space around it is a slip of the clipboard or of a file's last line, and is dropped.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let value = Zeroizing::new(value.into());
        Self(Arc::new(Zeroizing::new(value.trim().to_owned())))
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for a key that was set to nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every occurrence of the value masked.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if self.is_empty() {
            text.to_owned()
        } else {
            text.replace(self.expose(), MASK)
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_a_mask_and_scrubs_itself_from_text() {
        let key = Secret::new("sk-live-1234\n");
        assert_eq!(format!("{key:?}"), MASK);
        assert_eq!(
            key.scrub("bad key sk-live-1234, really sk-live-1234"),
            "bad key [secret], really [secret]"
        );
        assert_eq!(key.expose(), "sk-live-1234");
    }

    #[test]
    fn an_empty_secret_scrubs_nothing() {
        assert_eq!(Secret::new("  ").scrub("a b"), "a b");
    }
}
