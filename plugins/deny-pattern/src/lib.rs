//! A rule against calls whose arguments match a regular expression.
//!
//! ```yaml
//! safety_rules:
//!   - plugin: deny-pattern
//!     tool: "*"
//!     config: { pattern: "(?i)drop\\s+table", action: block, message: "no schema changes" }
//! ```
//!
//! It looks at every text in the arguments, at any depth, and at the names of keys, because whoever writes arguments
//! chooses those too. Numbers are looked at as JSON writes them. It is asked before the call only: what a tool
//! returned has happened already.
//!
//! Matching is linear in the text, at roughly a thousand units of fuel a byte: arguments of megabytes end at the rule's
//! fuel limit, and a rule that was stopped does not allow.

use armature_plugin::Phase;
use armature_plugin::prelude::*;
use regex_lite::{Regex, RegexBuilder};

/// A larger pattern is a mistake, and compiling it takes longer than the rule may.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// So much of what matched is shown.
const SHOWN_CHARS: usize = 40;

/// What the workflow's author wrote under `config`.
#[data]
#[serde(deny_unknown_fields)]
struct Config {
    /// The regular expression, in the syntax of Rust's `regex`.
    pattern: String,
    /// Look only at these arguments; without it, at all of them.
    fields: Option<Vec<String>>,
    /// Look only at calls of these tools; without it, at all of them.
    tools: Option<Vec<String>>,
    /// What happens on a match.
    #[serde(default)]
    action: Action,
    /// What people and models are told.
    message: Option<String>,
}

#[data]
#[derive(Default)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Block,
    RequireApproval,
    Warn,
    Log,
}

fn check(event: &Event, config: Config) -> Result<Verdict, String> {
    let is_elsewhere = config
        .tools
        .as_ref()
        .is_some_and(|tools| !tools.contains(&event.tool));
    if event.phase == Phase::Post || is_elsewhere {
        return Ok(Verdict::Allow);
    }
    let pattern = RegexBuilder::new(&config.pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .map_err(|error| format!("config: `pattern` is not a regular expression: {error}"))?;
    let arguments: Map<String, Value> = event.arguments()?;
    let found = arguments
        .iter()
        .filter(|(field, _)| {
            config
                .fields
                .as_ref()
                .is_none_or(|fields| fields.contains(field))
        })
        .find_map(|(field, value)| {
            find_in_entry(&pattern, field, value).map(|matched| (field, matched))
        });
    let Some((field, matched)) = found else {
        return Ok(Verdict::Allow);
    };
    let text = config.message.unwrap_or_else(|| {
        let shown: String = matched
            .chars()
            .take(SHOWN_CHARS)
            .flat_map(char::escape_debug)
            .collect();
        format!(
            "argument `{}` matches the pattern `{}` with `{shown}`",
            field.escape_debug(),
            config.pattern
        )
    });
    Ok(match config.action {
        Action::Block => Verdict::Block(text),
        Action::RequireApproval => Verdict::RequireApproval(text),
        Action::Warn => Verdict::Warn(text),
        Action::Log => Verdict::Log(text),
    })
}

/// The first match in a value, or anywhere below it. The depth is that of the JSON reader, at most 128.
fn find(pattern: &Regex, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => find_in_text(pattern, if *flag { "true" } else { "false" }),
        Value::Number(number) => find_in_text(pattern, &number.to_string()),
        Value::String(text) => find_in_text(pattern, text),
        Value::Array(items) => items.iter().find_map(|item| find(pattern, item)),
        Value::Object(map) => map
            .iter()
            .find_map(|(key, value)| find_in_entry(pattern, key, value)),
    }
}

fn find_in_entry(pattern: &Regex, key: &str, value: &Value) -> Option<String> {
    find_in_text(pattern, key).or_else(|| find(pattern, value))
}

fn find_in_text(pattern: &Regex, text: &str) -> Option<String> {
    pattern.find(text).map(|found| found.as_str().to_owned())
}

export_rule!(check);

#[cfg(test)]
mod tests {
    use super::*;
    use armature_plugin::{Caller, Spending, serde_json::from_value};

    fn judge(config: Value, arguments: &Value) -> Result<Verdict, String> {
        let event = Event {
            phase: Phase::Pre,
            tool: "http_post".into(),
            plugin: "http".into(),
            arguments_json: arguments.to_string(),
            result_json: None,
            stage: "send".into(),
            caller: Caller::Model,
            reversibility: None,
            spent: Spending {
                cost_usd: 0.0,
                tokens: 0,
                llm_calls: 0,
                tool_calls: 0,
            },
        };
        check(&event, from_value(config).unwrap())
    }

    #[test]
    fn a_match_is_found_at_any_depth_and_in_keys_too() {
        for arguments in [
            json!({"body": "DROP  table users"}),
            json!({"body": {"a": [1, {"b": ["x", "drop table"]}]}}),
            json!({"body": {"drop table": null}}),
            json!({"drop table": 1}),
        ] {
            let verdict = judge(json!({"pattern": "(?i)drop\\s+table"}), &arguments);
            assert!(
                matches!(verdict, Ok(Verdict::Block(_))),
                "{arguments}: {verdict:?}"
            );
        }
        assert_eq!(
            judge(
                json!({"pattern": "drop"}),
                &json!({"body": ["keep", 1, null]})
            ),
            Ok(Verdict::Allow)
        );
        assert!(matches!(
            judge(json!({"pattern": "^42$"}), &json!({"n": [42]})),
            Ok(Verdict::Block(_))
        ));
    }

    #[test]
    fn it_looks_only_where_it_is_told_to() {
        let arguments = json!({"url": "https://evil.com", "note": "fine"});
        assert_eq!(
            judge(json!({"pattern": "evil", "fields": ["note"]}), &arguments),
            Ok(Verdict::Allow)
        );
        assert_eq!(
            judge(
                json!({"pattern": "evil", "tools": ["file_write"]}),
                &arguments
            ),
            Ok(Verdict::Allow)
        );
        let verdict = judge(
            json!({"pattern": "evil", "tools": ["http_post"], "fields": ["url"]}),
            &arguments,
        );
        assert_eq!(
            verdict,
            Ok(Verdict::Block(
                "argument `url` matches the pattern `evil` with `evil`".into()
            ))
        );
    }

    #[test]
    fn the_action_and_the_message_are_the_authors() {
        let arguments = json!({"a": "x"});
        let config = |action: &str| json!({"pattern": "x", "action": action, "message": "m"});
        assert_eq!(
            judge(config("warn"), &arguments),
            Ok(Verdict::Warn("m".into()))
        );
        assert_eq!(
            judge(config("log"), &arguments),
            Ok(Verdict::Log("m".into()))
        );
        assert_eq!(
            judge(config("require_approval"), &arguments),
            Ok(Verdict::RequireApproval("m".into()))
        );
    }

    #[test]
    fn what_it_cannot_read_it_does_not_allow() {
        assert!(judge(json!({"pattern": "("}), &json!({})).is_err());
        assert!(judge(json!({"pattern": "x"}), &json!(["x"])).is_err());
        assert!(from_value::<Config>(json!({"pattern": "x", "tool": "y"})).is_err());
    }
}
