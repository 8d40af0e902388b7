//! Regular expressions of safety rules.
//!
//! Specs were written for an engine with look-around, so it is there, with a bound on the work: a pattern that needs
//! more than that on some argument gives an error and never an answer, and the rule that asked must take it for a
//! match.

use fancy_regex::{Regex, RegexBuilder};

/// Steps that one search may go back.
const MAX_BACKTRACKS: usize = 100_000;
/// Bytes that a compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// Why a pattern is none, or gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A mistake in its syntax, or a pattern that is too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        RegexBuilder::new(text)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map(Self)
            .map_err(|why| PatternError(why.to_string()))
    }

    /// Does it match somewhere in the text?
    ///
    /// # Errors
    /// When finding out takes more steps than are allowed.
    pub fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        self.0
            .is_match(text)
            .map_err(|why| PatternError(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_around_works_and_a_catastrophic_pattern_gives_up() {
        assert_eq!(
            Pattern::new("rm (?!-i)").unwrap().is_match("rm -rf"),
            Ok(true)
        );
        assert_eq!(
            Pattern::new("rm (?!-i)").unwrap().is_match("rm -i"),
            Ok(false)
        );
        assert!(Pattern::new("(").is_err());
        let hard = Pattern::new(r"^(?:(a|aa)+)+\1(?<!a)$").unwrap();
        assert!(hard.is_match(&"a".repeat(60)).is_err());
    }
}
