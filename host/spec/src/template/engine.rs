//! minijinja as armature sets it up: what a template may do, how much, and how values print.

use std::{borrow::Cow, sync::LazyLock};

use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value,
    tests::{is_filter, is_test as is_test_name},
    value::ValueKind,
};

use super::{
    KEPT, TemplateError, compare, filters,
    scan::{Kind, tags},
};

/// Work that one rendering may do: instructions, and bytes of the texts that it makes. Enough to put a document of
/// several megabytes into a prompt; a loop without end stops within a second.
const FUEL: u64 = 10_000_000;
/// How deep macros may call each other.
const RECURSION: usize = 64;

/// An environment without templates; cloning it copies a few pointers.
pub(super) fn environment() -> Environment<'static> {
    static BASE: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_formatter(keep_and_print);
        // It shows everything that is in the context.
        environment.remove_global("debug");
        compare::install(&mut environment);
        filters::install(&mut environment);
        environment.add_filter("sh", shell_word);
        environment
    });
    BASE.clone()
}

/// Keeps the value for templates that are a single expression, and prints it.
fn keep_and_print(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    state.set_temp(KEPT, value.clone());
    print(out, value)
}

fn print(out: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    out.write_str(&shown(value)).map_err(Error::from)
}

/// A value as it prints: text as it is, lists and maps as JSON, nothing for what is not there.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Cow::Borrowed(""),
        ValueKind::String => Cow::Borrowed(value.as_str().unwrap_or_default()),
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => serde_json::to_string(value)
            .unwrap_or_else(|_| value.to_string())
            .into(),
        _ => value.to_string().into(),
    }
}

/// A value as one word of a shell command, whatever is in it; a list as one word for each item.
fn shell_word(value: &Value) -> Result<String, Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        let words: Vec<String> = value
            .try_iter()?
            .map(|item| quoted(&shown(&item)))
            .collect();
        return Ok(words.join(" "));
    }
    Ok(quoted(&shown(value)))
}

/// Nothing is special between single quotes but the quote that ends them.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// JSON as a value: plain data, with nothing behind it that could be called.
pub(super) fn from_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::from(number),
            (_, Some(number), _) => Value::from(number),
            (.., number) => Value::from(number.unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => values.iter().map(from_json).collect(),
        Json::Object(map) => Value::from_pairs(
            map.iter()
                .map(|(key, value)| (key.as_str(), from_json(value))),
        ),
    }
}

/// A value as JSON.
pub(super) fn to_json(value: &Value) -> Result<serde_json::Value, TemplateError> {
    if value.is_undefined() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::to_value(value).map_err(|why| TemplateError {
        message: format!("the value is none that JSON has: {why}"),
        line: None,
    })
}

/// Is there anything to render?
pub(crate) fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// What is in the braces, if the text is one pair of them with nothing but space around it.
pub(super) fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner).trim())
}

/// The first filter or test that does not exist, as a message: known before anything runs.
pub(super) fn unknown_words(text: &str) -> Option<String> {
    let environment = environment();
    let state = environment.empty_state();
    for tag in tags(text).ok()? {
        let word = |at: Option<usize>| {
            at.and_then(|at| tag.words.get(at))
                .map_or("", |word| word.text)
        };
        for (at, found) in tag.words.iter().enumerate() {
            if found.kind != Kind::Name {
                continue;
            }
            let before = word(at.checked_sub(1));
            let before_that = word(at.checked_sub(2));
            if before == "|" && !is_filter(&state, found.text) {
                return Some(format!("there is no filter `{}`", found.text));
            }
            let is_test = (before == "is" && found.text != "not" && before_that != ".")
                || (before == "not" && before_that == "is");
            if is_test && !is_test_name(&state, found.text) {
                return Some(format!("there is no test `is {}`", found.text));
            }
        }
    }
    None
}

/// minijinja's error in our words: what, and in which line of the template.
pub(super) fn explain(why: &Error) -> TemplateError {
    let message = match why.detail() {
        Some(detail) => format!("{}: {detail}", why.kind()),
        None => why.kind().to_string(),
    };
    TemplateError {
        message,
        line: why.line(),
    }
}
