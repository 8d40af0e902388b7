//! `last/NAME.json` in armature's home: the results of a workflow's last run that came to its end, for scripts and for
//! people with a text editor. What `armature last` shows comes from the log, which has failed runs too.
//!
//! The name of a workflow is anybody's text; what becomes the name of a file is letters, digits, `-`, `_` and `.`, and a
//! digest of the whole where that is not the same. Readable by its owner alone: inputs are in it.

use std::path::{Path, PathBuf};

use armature_sandbox::Digest;

use crate::files;

/// Longest part of a name that is kept.
const MAX_NAME: usize = 80;

/// Where the results of a workflow are.
pub(crate) fn place(home: &Path, workflow: &str) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut name: String = workflow
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(MAX_NAME)
        .collect();
    if name != workflow || name.starts_with('.') || name.is_empty() {
        name = format!(
            "{}-{}",
            name.trim_start_matches('.'),
            Digest::of(&[workflow.as_bytes()]).short()
        );
    }
    home.join("last").join(format!("{name}.json"))
}

/// Keeps them.
pub(crate) fn results(home: &Path, workflow: &str, results: &str) -> std::io::Result<()> {
    files::write_own(&place(home, workflow), results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_directory_or_to_another_workflows_file() {
        let home = Path::new("/h");
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
            let place = place(home, name);
            assert_eq!(place.parent(), Some(Path::new("/h/last")), "{name:?}");
            assert!(place.file_name().unwrap().len() < 120);
            assert!(seen.insert(place), "{name:?}");
        }
        assert_eq!(place(home, "tea-1.2"), Path::new("/h/last/tea-1.2.json"));
    }
}
