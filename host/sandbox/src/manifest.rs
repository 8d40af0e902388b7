//! `plugin.toml`: who a plugin is and what it asks for.
//!
//! It stands beside the component or inside it, in the custom section [`SECTION`]. Without one a plugin has a name
//! (its file's) and no rights. What a manifest asks for is a request: it grants nothing.

use armature_grants::{Grants, LimitRequest, PluginName};
use serde::Deserialize;

use crate::error::LoadError;

/// The custom section that carries a manifest inside a component.
pub const SECTION: &str = "armature:manifest";

/// Longest manifest, in bytes: a page of text.
pub(crate) const MAX_MANIFEST: usize = 64 * 1024;

/// Longest description, in characters: a sentence or two, shown to people and models.
const MAX_DESCRIPTION: usize = 2_000;

/// What `plugin.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's name.
    pub name: PluginName,
    /// Its version, for people.
    #[serde(default = "unversioned")]
    pub version: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The component beside the manifest, when there is more than one.
    #[serde(default)]
    pub component: Option<String>,
    /// The rights it asks for.
    #[serde(default)]
    pub requests: Grants,
    /// Of those, what a built-in plugin has where the spec says nothing; without this table all of them. Of any other
    /// plugin it says nothing: such a one has what it is granted.
    #[serde(default, rename = "default")]
    pub defaults: Option<Grants>,
    /// The limits it asks for: what its author found it needs. They hold only where the spec sets them.
    #[serde(default)]
    pub limits: LimitRequest,
}

fn unversioned() -> String {
    "0.0.0".to_owned()
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`LoadError::Manifest`] with line and column.
    pub fn parse(plugin: &str, text: &str) -> Result<Self, LoadError> {
        let fail = |why: String| LoadError::Manifest {
            plugin: plugin.to_owned(),
            why,
        };
        if text.len() > MAX_MANIFEST {
            return Err(fail(format!("longer than {MAX_MANIFEST} bytes")));
        }
        let mut manifest: Self = toml::from_str(text).map_err(|error| {
            let at = error
                .span()
                .map(|span| position(text, span.start))
                .unwrap_or_default();
            fail(format!("{at}{}", error.message()))
        })?;
        manifest.description = plain_text(&manifest.description, MAX_DESCRIPTION);
        manifest.version = plain_text(&manifest.version, 64);
        Ok(manifest)
    }

    /// The manifest of a plugin that has none: a name and no rights.
    pub(crate) fn absent(name: PluginName) -> Self {
        Self {
            name,
            version: unversioned(),
            description: String::new(),
            component: None,
            requests: Grants::default(),
            defaults: None,
            limits: LimitRequest::default(),
        }
    }
}

fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("{line}:{column}: ")
}

/// Text of a stranger for a screen or a prompt: no control characters, nothing invisible or that turns the direction
/// of writing, and an end.
pub(crate) fn plain_text(text: &str, longest: usize) -> String {
    text.chars()
        .map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(longest)
        .collect()
}

/// Text of a stranger without what cannot be seen; lines stay lines.
pub(crate) fn visible_text(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c)))
        .collect()
}

/// Characters that a reader does not see and a model does: zero-width, bidirectional controls, tags, variation
/// selectors beyond the first sixteen.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x061C | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF
        | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_a_manifest_has_a_line_and_a_column() {
        let error = Manifest::parse("x", "name = \"x\"\n[requests]\nnetwork = true\n").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("3:1") && text.contains("network"), "{text}");
    }

    #[test]
    fn invisible_characters_of_a_description_are_dropped() {
        let manifest = Manifest::parse(
            "x",
            "name = \"x\"\ndescription = \"a\\u200Bb\\u202Ec\\u001B[31m\"",
        )
        .unwrap();
        assert_eq!(manifest.description, "abc[31m");
    }
}
