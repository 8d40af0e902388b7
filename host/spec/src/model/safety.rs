//! Safety rules: what may not happen, whoever asks.
//!
//! Two ways to write one: a condition over an argument, or a plugin that decides. They are two types, so that a rule
//! with half of each cannot exist after reading.

use armature_grants::PluginName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What happens to a call that no rule speaks about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SafetyMode {
    /// It goes ahead.
    #[default]
    Permissive,
    /// It is blocked.
    Strict,
}

/// A rule over tool calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub enum SafetyRule {
    /// A condition and an action.
    Dsl(DslRule),
    /// A plugin that exports `rule`.
    Component(ComponentRule),
}

impl SafetyRule {
    /// The tool that the rule is about; `*` for all.
    pub fn tool(&self) -> &str {
        match self {
            Self::Dsl(rule) => &rule.tool,
            Self::Component(rule) => &rule.tool,
        }
    }
}

/// A condition and what to do when a call fulfils it.
#[derive(Debug, Clone, PartialEq)]
pub struct DslRule {
    /// Name of the tool, `*` for all.
    pub tool: String,
    /// When the rule applies; to every call when absent.
    pub condition: Option<SafetyCondition>,
    /// What to do then.
    pub action: SafetyAction,
    /// Why, for whoever is told.
    pub message: String,
}

/// A plugin that decides.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentRule {
    /// The plugin.
    pub plugin: PluginName,
    /// Name of the tool that it is asked about, `*` for all.
    pub tool: String,
    /// Settings handed to the plugin as they are.
    pub config: Map<String, Value>,
}

/// A rule as it is written: `{tool, condition?, action, message}`, or `{plugin, tool?, config}` for one that a plugin
/// decides.
// Unknown keys are errors here: a condition that is ignored for a slip of the pen would widen the rule.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SafetyRule")]
struct RuleText {
    /// Name of the tool, `*` for all; needed unless `plugin` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// When the rule applies; to every call of the tool when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<SafetyCondition>,
    /// Another way to write `condition`: a list of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<SafetyCondition>,
    /// What to do then; needed unless `plugin` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<SafetyAction>,
    /// Why, for whoever is told. `description` means the same.
    #[serde(
        default,
        alias = "description",
        skip_serializing_if = "Option::is_none"
    )]
    message: Option<String>,
    /// A plugin that exports `rule`, in place of `condition` and `action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plugin: Option<PluginName>,
    /// Settings for that plugin, handed over as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Map<String, Value>>,
}

impl TryFrom<RuleText> for SafetyRule {
    type Error = String;

    fn try_from(text: RuleText) -> Result<Self, String> {
        if let Some(plugin) = text.plugin {
            for (key, present) in [
                (
                    "condition",
                    text.condition.is_some() || !text.conditions.is_empty(),
                ),
                ("action", text.action.is_some()),
                ("message", text.message.is_some()),
            ] {
                if present {
                    return Err(format!(
                        "a rule has either `plugin` or `{key}`; the plugin `{plugin}` decides by itself"
                    ));
                }
            }
            return Ok(Self::Component(ComponentRule {
                plugin,
                tool: text.tool.unwrap_or_else(|| "*".to_owned()),
                config: text.config.unwrap_or_default(),
            }));
        }
        if text.config.is_some() {
            return Err("`config` is for a rule with `plugin`".to_owned());
        }
        let tool = text
            .tool
            .ok_or("the rule lacks `tool` (a name, or \"*\" for all) or `plugin`")?;
        let action = text
            .action
            .ok_or("the rule lacks `action`: block, warn, log, require_approval or allow")?;
        let mut conditions = text.condition.into_iter().chain(text.conditions);
        let condition = conditions.next();
        if conditions.next().is_some() {
            return Err("a rule has one condition; write a rule for each".to_owned());
        }
        Ok(Self::Dsl(DslRule {
            tool,
            condition,
            action,
            message: text.message.unwrap_or_default(),
        }))
    }
}

impl From<SafetyRule> for RuleText {
    fn from(rule: SafetyRule) -> Self {
        match rule {
            SafetyRule::Dsl(rule) => Self {
                tool: Some(rule.tool),
                condition: rule.condition,
                action: Some(rule.action),
                message: Some(rule.message),
                ..Self::default()
            },
            SafetyRule::Component(rule) => Self {
                plugin: Some(rule.plugin),
                tool: Some(rule.tool),
                config: Some(rule.config),
                ..Self::default()
            },
        }
    }
}

impl JsonSchema for SafetyRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        RuleText::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        RuleText::json_schema(generator)
    }
}

/// A test of one argument. A call that lacks the argument never fulfils it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ConditionText")]
pub struct SafetyCondition {
    /// Name of the argument; `_tool_reversibility` is the tool's own word.
    pub field: String,
    /// The test.
    pub op: ConditionOp,
    /// What to compare with.
    pub value: String,
}

/// A test of one argument. A call that lacks the argument never fulfils it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SafetyCondition")]
struct ConditionText {
    /// Name of the argument; `_tool_reversibility` is the tool's own word: `full`, `partial`, `none` or `unknown`.
    field: String,
    /// The test. `operator` means the same.
    #[serde(alias = "operator")]
    op: ConditionWord,
    /// What to compare with.
    #[serde(default)]
    #[schemars(schema_with = "value_schema")]
    value: String,
}

impl From<ConditionText> for SafetyCondition {
    fn from(text: ConditionText) -> Self {
        let ConditionText { field, op, value } = text;
        let (op, value) = match op {
            ConditionWord::Contains => (ConditionOp::Contains, value),
            ConditionWord::NotContains => (ConditionOp::NotContains, value),
            ConditionWord::Equals => (ConditionOp::Equals, value),
            ConditionWord::NotEquals => (ConditionOp::NotEquals, value),
            ConditionWord::MatchesRegex => (ConditionOp::MatchesRegex, value),
            ConditionWord::Truthy => (ConditionOp::Truthy, value),
            ConditionWord::StartsWith => (
                ConditionOp::MatchesRegex,
                format!(r"\A{}", fancy_regex::escape(&value)),
            ),
            ConditionWord::EndsWith => (
                ConditionOp::MatchesRegex,
                format!(r"{}\z", fancy_regex::escape(&value)),
            ),
        };
        Self { field, op, value }
    }
}

impl JsonSchema for SafetyCondition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        ConditionText::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ConditionText::json_schema(generator)
    }
}

fn value_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "number", "boolean"] })
}

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionOp {
    /// The argument has the value somewhere in it.
    Contains,
    /// It has not.
    NotContains,
    /// The argument is the value.
    Equals,
    /// It is not.
    NotEquals,
    /// The regular expression matches somewhere in the argument.
    MatchesRegex,
    /// The argument, as text, is not empty.
    Truthy,
}

/// A test, as it is written.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ConditionOp")]
enum ConditionWord {
    /// The argument has the value somewhere in it.
    Contains,
    /// It has not.
    NotContains,
    /// The argument is the value.
    Equals,
    /// It is not.
    NotEquals,
    /// The regular expression matches somewhere in the argument.
    MatchesRegex,
    /// The argument, as text, is not empty.
    Truthy,
    /// The argument begins with the value; kept as a regular expression.
    StartsWith,
    /// The argument ends with the value; kept as a regular expression.
    EndsWith,
}

/// What a rule does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SafetyAction {
    /// It does not happen.
    Block,
    /// It happens, and the person who runs the workflow is told.
    Warn,
    /// It happens, and is written down.
    Log,
    /// It happens when a person says so.
    RequireApproval,
    /// It happens, and no later rule is asked.
    Allow,
}
