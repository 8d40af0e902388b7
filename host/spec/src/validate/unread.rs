//! Texts with `{{ … }}` in them where no template is read. They stay as they are written, which nobody means.

use serde_json::Value;

use super::Checker;
use crate::{
    codes::Code,
    location::Step,
    settings,
    template::{Template, has_template},
};

/// Any key or number.
const ANY: &str = "*";

/// Where templates are read while a run goes on, and where such a text is for people, for a plugin or for a program.
/// Everything below is meant with it.
const LEFT_ALONE: [&[&str]; 24] = [
    &["stages", ANY, "role", "description"],
    &["stages", ANY, "present"],
    &["stages", ANY, "condition"],
    &["stages", ANY, "skip_if"],
    &["stages", ANY, "partition_source"],
    &["stages", ANY, "on_fail"],
    &["stages", ANY, "loop"],
    &["stages", ANY, "tool_call", "args"],
    &["stages", ANY, "output_schema"],
    &["stages", ANY, "signature"],
    &["stages", ANY, "evaluate"],
    &["roles", ANY, "description"],
    &["adapters", ANY, "cmd"],
    &["adapters", ANY, "args"],
    &["contracts"],
    &["context_layers"],
    &["description"],
    &["failures"],
    &["file_state"],
    &["mcp_servers"],
    &["safety_rules", ANY, "config"],
    &["sandbox", "env"],
    &["skill_library"],
    &["trace"],
];

pub(super) fn check(checker: &mut Checker<'_>) {
    // Most specs have none to look for, and the whole tree is looked at.
    if !has_template(&checker.source.text) {
        return;
    }
    let written = checker.source.to_value();
    let mut found = Vec::new();
    walk(&written, &mut Vec::new(), &mut found);
    for (way, text) in found {
        look(checker, &way, text);
    }
}

fn look(checker: &mut Checker<'_>, way: &[Step<'_>], text: &str) {
    let Ok(template) = Template::compile(text) else {
        return;
    };
    let keys: Vec<&str> = way.iter().map(key).collect();
    let (message, hint) = if settings::is_filled_in(&keys) {
        // What stands there now names an input that is not given yet, or a stage.
        let Some(stage) = template
            .needs()
            .into_iter()
            .find(|name| checker.stage_named(name).is_some())
        else {
            return;
        };
        (
            format!(
                "only inputs are seen here, and `{}` is a stage: the text stays as it is written",
                stage.escape_debug()
            ),
            "say it in the `description` of a role",
        )
    } else {
        (
            "no template is read here: the text stays as it is written".to_owned(),
            "write the value itself; templates are read in what stages say, do and ask",
        )
    };
    let stage = match way {
        [Step::Key("stages"), Step::Index(index), ..] => Some(*index),
        _ => None,
    };
    checker.at(
        Code::UnreadTemplate,
        stage,
        way,
        message,
        Some(hint.to_owned()),
    );
}

fn key<'a>(step: &Step<'a>) -> &'a str {
    match step {
        Step::Key(key) => key,
        Step::Index(_) => ANY,
    }
}

fn walk<'a>(value: &'a Value, way: &mut Vec<Step<'a>>, found: &mut Vec<(Vec<Step<'a>>, &'a str)>) {
    let is_left_alone = LEFT_ALONE.iter().any(|place| {
        place.len() == way.len()
            && place
                .iter()
                .zip(way.iter())
                .all(|(step, at)| *step == ANY || *step == key(at))
    });
    if is_left_alone {
        return;
    }
    match value {
        Value::String(text) if has_template(text) => found.push((way.clone(), text)),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                way.push(Step::Index(index));
                walk(value, way, found);
                way.pop();
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                way.push(Step::Key(key));
                walk(value, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}
