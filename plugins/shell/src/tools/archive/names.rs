//! The names of members: which are wanted, and what is taken off them.

use std::path::PathBuf;

use super::super::pattern::is_like;

/// Which members are wanted, and where they go.
#[derive(Default)]
pub(super) struct Wanted {
    /// Where they are unpacked.
    pub(super) folder: PathBuf,
    /// How many parts are taken off each name.
    pub(super) parts_off: usize,
    pub(super) excluded: Vec<String>,
    /// The names to look for are patterns.
    pub(super) has_patterns: bool,
    /// What to look for, and whether it was found; without any, everything.
    sought: Vec<(String, bool)>,
}

/// What leads out of a folder at the beginning of a name, and the rest.
pub(super) fn split(name: &str) -> (&str, &str) {
    let mut end = 0;
    let mut at = 0;
    for part in name.split_inclusive('/') {
        at += part.len();
        if part.trim_end_matches('/') == ".." {
            end = at;
        }
    }
    let rest = name.get(end..).unwrap_or_default();
    end += rest.len() - rest.trim_start_matches('/').len();
    let (off, rest) = name.split_at(end);
    (off, if rest.is_empty() { "." } else { rest })
}

/// Whether a part of a name leads up.
pub(super) fn leads_up(name: &str) -> bool {
    name.split('/').any(|part| part == "..")
}

impl Wanted {
    pub(super) fn look_for<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let names = names.map(|name| (name.to_owned(), false));
        self.sought = names.collect();
    }

    /// Whether a name, or a folder that it is in, is left out. A pattern may begin at any part of it.
    pub(super) fn is_excluded(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        let begins = [0]
            .into_iter()
            .chain(name.match_indices('/').map(|(at, _)| at + 1));
        let rests: Vec<&str> = begins.filter_map(|at| name.get(at..)).collect();
        self.excluded.iter().any(|pattern| {
            let pattern = pattern.trim_end_matches('/');
            rests
                .iter()
                .any(|rest| is_under(rest, |part| is_like(part, pattern)))
        })
    }

    /// Whether a member is wanted; what it was looked for by is found then.
    pub(super) fn takes(&mut self, name: &str) -> bool {
        if self.is_excluded(name) {
            return false;
        }
        let shown = name.trim_end_matches('/');
        let has_patterns = self.has_patterns;
        let mut takes = self.sought.is_empty();
        for (sought, is_found) in &mut self.sought {
            let sought = sought.trim_end_matches('/');
            if is_under(shown, |part| {
                part == sought || has_patterns && is_like(part, sought)
            }) {
                takes = true;
                *is_found = true;
            }
        }
        takes
    }

    /// What was looked for and not found.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = self.sought.iter().filter(|(_, is_found)| !is_found);
        missing.map(|(name, _)| name.clone()).collect()
    }

    /// Whether what was not found could have been meant as a pattern.
    pub(super) fn has_lost_patterns(&self) -> bool {
        let mut missing = self.sought.iter().filter(|(_, is_found)| !is_found);
        !self.has_patterns && missing.any(|(name, _)| name.contains(['*', '?', '[']))
    }

    /// A name without its first parts; nothing where it has no more.
    pub(super) fn stripped<'a>(&self, name: &'a str) -> Option<&'a str> {
        let mut rest = name.trim_start_matches('/');
        for _ in 0..self.parts_off {
            rest = rest.split_once('/')?.1.trim_start_matches('/');
        }
        (!rest.is_empty()).then_some(rest)
    }
}

/// Whether a name, or a folder above it, is the one.
fn is_under(name: &str, is_it: impl Fn(&str) -> bool) -> bool {
    let mut ends = name
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([name.len()]);
    ends.any(|end| name.get(..end).is_some_and(&is_it))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, split};

    #[test]
    fn what_leads_out_is_taken_off() {
        for (name, off, rest) in [
            ("a/b", "", "a/b"),
            ("/a/b", "/", "a/b"),
            ("//a", "//", "a"),
            ("../../a", "../../", "a"),
            ("a/../../b/c", "a/../../", "b/c"),
            ("..", "..", "."),
            ("/", "/", "."),
            ("..a/b", "", "..a/b"),
        ] {
            assert_eq!(split(name), (off, rest), "{name}");
        }
    }

    #[test]
    fn a_pattern_leaves_out_what_is_below_it_too() {
        let wanted = Wanted {
            excluded: ["target", "*.o", "./x/y"].map(str::to_owned).to_vec(),
            ..Wanted::default()
        };
        for name in ["target/", "a/target/b", "a/b.o", "b.o/c", "./x/y/z"] {
            assert!(wanted.is_excluded(name), "{name}");
        }
        for name in ["targets", "a/b.oo", "x/y"] {
            assert!(!wanted.is_excluded(name), "{name}");
        }
    }
}
