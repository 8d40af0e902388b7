//! The name of a file for what anybody may have named.
//!
//! The name of a workflow is anybody's text; what becomes the name of a file is letters, digits, `-`, `_` and `.`, and a
//! digest of the whole where that is not the same. So no name leads out of its directory, or to another one's file.

use sha2::{Digest as _, Sha256};

/// Longest part of a name that is kept.
const MAX_NAME: usize = 80;

/// The name of a file, without an ending, that belongs to this name alone.
pub fn file_stem(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(MAX_NAME)
        .collect();
    if plain == name && !plain.starts_with('.') && !plain.is_empty() {
        return plain;
    }
    let digest = Sha256::digest(name.as_bytes());
    let digits: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}-{digits}", plain.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_directory_or_to_another_ones_file() {
        let mut seen = std::collections::BTreeSet::new();
        for name in [
            "a",
            "a b",
            "a_b",
            "../../etc/passwd",
            "..",
            ".",
            "",
            "/x",
            "a/b",
            "a\0b",
            &"x".repeat(300),
            &"x".repeat(301),
        ] {
            let stem = file_stem(name);
            assert!(!stem.contains(['/', '\\', '\0']), "{stem:?}");
            assert!(!stem.starts_with('.') && stem.len() < 120, "{stem:?}");
            assert!(seen.insert(stem), "{name:?}");
        }
        assert_eq!(file_stem("tea-1.2"), "tea-1.2");
    }
}
