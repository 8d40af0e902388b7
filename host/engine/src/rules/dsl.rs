//! The rules that are written in the spec itself: tool, condition, action.
//!
//! A condition looks at one field of the *rendered* arguments: what will be passed, not what was written. The field
//! is a name, or a path (`headers.Authorization`, `items.0`); a value that is no text is looked at as JSON, so a rule
//! also sees what is nested. A field that is not there meets no condition, not even `not_contains`. A rule without a
//! condition meets every call of its tool.
//!
//! Arguments can be made such that one field is there both as a name and as a path. Which of the two the tool will look
//! at is not known here, so neither covers the other up: a rule that restricts is met by either, one that allows only
//! by both.

use armature_spec::Pattern;
use serde_json::Value;

/// The pseudo-field that holds what the tool says about undoing it.
const REVERSIBILITY: &str = "_tool_reversibility";

/// How a condition compares.
#[derive(Debug)]
pub(crate) enum Op {
    /// The text has this in it.
    Contains(String),
    /// The text does not have this in it.
    NotContains(String),
    /// The text is this.
    Equals(String),
    /// The text is not this.
    NotEquals(String),
    /// The pattern is found in the text.
    Matches(Pattern),
    /// The text is not empty.
    Truthy,
}

impl Op {
    /// An operator with its value.
    pub(crate) fn new(op: &str, value: &str) -> Result<Self, String> {
        Ok(match op {
            "contains" => Self::Contains(value.to_owned()),
            "not_contains" => Self::NotContains(value.to_owned()),
            "equals" => Self::Equals(value.to_owned()),
            "not_equals" => Self::NotEquals(value.to_owned()),
            "matches_regex" => Self::Matches(Pattern::new(value).map_err(|why| why.to_string())?),
            "truthy" => Self::Truthy,
            other => return Err(format!("`{other}` is not an operator")),
        })
    }

    /// `doubt` is the answer of a pattern that takes too long to find one.
    fn holds(&self, text: &str, doubt: bool) -> bool {
        match self {
            Self::Contains(part) => text.contains(part.as_str()),
            Self::NotContains(part) => !text.contains(part.as_str()),
            Self::Equals(whole) => text == whole,
            Self::NotEquals(whole) => text != whole,
            Self::Matches(pattern) => pattern.is_match(text).unwrap_or(doubt),
            Self::Truthy => !text.is_empty(),
        }
    }
}

/// A condition on one field.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) op: Op,
}

impl Condition {
    /// Does it hold for these arguments? Where that is in doubt the answer is the one that makes the rule stricter: yes
    /// for a rule that `restricts`, no for one that allows.
    pub(crate) fn holds(&self, args: &Value, reversibility: &str, restricts: bool) -> bool {
        if self.field == REVERSIBILITY {
            return self.op.holds(reversibility, restricts);
        }
        let mut readings = readings(args, &self.field)
            .map(|value| self.holds_for(value, restricts))
            .peekable();
        if restricts {
            readings.any(|holds| holds)
        } else {
            readings.peek().is_some() && readings.all(|holds| holds)
        }
    }

    fn holds_for(&self, value: &Value, doubt: bool) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => self.op.holds(text, doubt),
            other => holds_within(&self.op, other, doubt),
        }
    }
}

/// A value that is no text: its JSON, and for what must not be missed also each text in it as it is, because JSON
/// writes `"` and line breaks differently.
fn holds_within(op: &Op, value: &Value, doubt: bool) -> bool {
    let whole = op.holds(&value.to_string(), doubt);
    match op {
        Op::Contains(_) | Op::Matches(_) => {
            whole || any_text(value, &mut |text| op.holds(text, doubt))
        }
        Op::NotContains(_) => whole && !any_text(value, &mut |text| !op.holds(text, doubt)),
        Op::Equals(_) | Op::NotEquals(_) | Op::Truthy => whole,
    }
}

fn any_text(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, test)),
        Value::Object(map) => map
            .iter()
            .any(|(key, item)| test(key) || any_text(item, test)),
        _ => false,
    }
}

/// What a field can mean: the argument of that name, and what lies at that path of names and numbers.
fn readings<'a>(args: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    let by_name = args.get(field);
    let by_path = field.split('.').try_fold(args, |at, step| match at {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    });
    // A field without a dot is one and the same by either.
    by_name
        .into_iter()
        .chain(by_path.filter(|_| field.contains('.')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(op: &str, value: &str, field: &str, args: &Value) -> bool {
        Condition {
            field: field.into(),
            op: Op::new(op, value).unwrap(),
        }
        .holds(args, "none", true)
    }

    #[test]
    fn the_operators_and_their_truth() {
        let args = json!({"cmd": "rm -rf /", "empty": "", "no": null, "n": 5, "f": false});
        for (op, value, field, expected) in [
            ("contains", "rm", "cmd", true),
            ("contains", "mv", "cmd", false),
            ("not_contains", "mv", "cmd", true),
            ("not_contains", "rm", "cmd", false),
            ("equals", "rm -rf /", "cmd", true),
            ("equals", "5", "n", true),
            ("not_equals", "ls", "cmd", true),
            ("not_equals", "5", "n", false),
            ("matches_regex", r"rm\s+-\w*r", "cmd", true),
            ("matches_regex", "^ls", "cmd", false),
            ("truthy", "", "cmd", true),
            ("truthy", "", "empty", false),
            ("truthy", "", "f", true),
            ("not_contains", "x", "missing", false),
            ("not_equals", "x", "missing", false),
            ("not_equals", "x", "no", false),
            ("equals", "none", "_tool_reversibility", true),
        ] {
            assert_eq!(
                holds(op, value, field, &args),
                expected,
                "{op} {value:?} {field}"
            );
        }
    }

    #[test]
    fn what_is_nested_is_seen_by_path_and_as_text() {
        let args = json!({"headers": {"Auth": "Bearer x"}, "list": ["a \"b\"", "c"], "a.b": 1});
        assert!(holds("contains", "Bearer", "headers.Auth", &args));
        assert!(holds("contains", "Bearer", "headers", &args));
        assert!(holds("contains", "a \"b\"", "list", &args));
        assert!(!holds("not_contains", "a \"b\"", "list", &args));
        assert!(holds("equals", "c", "list.1", &args));
        assert!(holds("equals", "1", "a.b", &args));
    }

    #[test]
    fn a_field_that_is_there_twice_is_no_way_around_a_rule() {
        let condition = |op: &str, value: &str| Condition {
            field: "headers.A".into(),
            op: Op::new(op, value).unwrap(),
        };
        for args in [
            json!({"headers": {"A": "evil"}, "headers.A": "ok"}),
            json!({"headers.A": "evil", "headers": {"A": "ok"}}),
        ] {
            assert!(condition("contains", "evil").holds(&args, "none", true));
            assert!(condition("not_equals", "ok").holds(&args, "none", true));
            assert!(!condition("equals", "ok").holds(&args, "none", false));
        }
        let once = json!({"headers": {"A": "ok"}});
        assert!(condition("equals", "ok").holds(&once, "none", false));
        assert!(!condition("equals", "ok").holds(&json!({}), "none", false));
    }

    #[test]
    fn a_pattern_that_gives_up_answers_what_makes_the_rule_stricter() {
        let condition = Condition {
            field: "x".into(),
            op: Op::new("matches_regex", r"^(?:(a|aa)+)+\1(?<!a)$").unwrap(),
        };
        let args = json!({"x": "a".repeat(60)});
        assert!(condition.holds(&args, "none", true));
        assert!(!condition.holds(&args, "none", false));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(Op::new("matches_regex", "(").is_err());
        assert!(Op::new("resembles", "").is_err());
    }
}
