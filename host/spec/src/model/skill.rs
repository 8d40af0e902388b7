//! Texts that a role adds to its prompt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text with a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SkillFields", into = "SkillFields")]
pub struct Skill {
    /// Name of the skill.
    pub id: String,
    /// Its title in the prompt.
    pub description: String,
    /// The text.
    pub text: SkillText,
}

/// Where a skill's text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkillText {
    /// Here.
    Content(String),
    /// In a file beside the spec.
    Path(String),
}

/// A text with a title; one of `content` and `path` is needed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Skill")]
struct SkillFields {
    /// Name of the skill.
    id: String,
    /// Its title in the prompt.
    description: String,
    /// The text itself; it wins over `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The file that holds the text, looked for beside the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl TryFrom<SkillFields> for Skill {
    type Error = String;

    fn try_from(fields: SkillFields) -> Result<Self, String> {
        let text = match (fields.content, fields.path) {
            (Some(content), _) => SkillText::Content(content),
            (None, Some(path)) => SkillText::Path(path),
            (None, None) => {
                return Err(format!(
                    "the skill `{}` lacks `content` or `path`",
                    fields.id.escape_debug()
                ));
            }
        };
        Ok(Self {
            id: fields.id,
            description: fields.description,
            text,
        })
    }
}

impl From<Skill> for SkillFields {
    fn from(skill: Skill) -> Self {
        let (content, path) = match skill.text {
            SkillText::Content(content) => (Some(content), None),
            SkillText::Path(path) => (None, Some(path)),
        };
        Self {
            id: skill.id,
            description: skill.description,
            content,
            path,
        }
    }
}

impl JsonSchema for Skill {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SkillFields::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SkillFields::json_schema(generator)
    }
}
