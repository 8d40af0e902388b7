//! Every template of a spec: where it is, whose it is, whether it is one.

use std::collections::HashSet;

use serde_json::Value;

use super::{Checker, names::texts};
use crate::{
    codes::Code,
    location::Step,
    model::{Adapter, Spec, Stage},
    path,
    template::{Template, ValueTemplate},
};

/// A text of the spec that is a template.
pub(super) struct Text<'a> {
    /// Where it is in the document.
    pub(super) place: Vec<Step<'a>>,
    /// The stage whose text it is; none for what several may share.
    pub(super) stage: Option<usize>,
    pub(super) text: &'a str,
    /// Names that it sees and others do not: the item of a fan-out.
    pub(super) own: Vec<&'a str>,
}

/// All of them, in the order of the model.
pub(super) fn all(spec: &Spec) -> Vec<Text<'_>> {
    let mut all = Vec::new();
    for (index, stage) in spec.stages.iter().enumerate() {
        let own = own_names(stage);
        for (way, text) in of_stage(stage) {
            all.push(Text {
                place: [path!["stages", index], &way].concat(),
                stage: Some(index),
                text,
                own: own.clone(),
            });
        }
    }
    for (name, adapter) in &spec.adapters {
        let users = spec
            .stages
            .iter()
            .filter(|stage| stage.adapter.as_ref() == Some(name));
        let own: Vec<&str> = users.flat_map(own_names).collect();
        for (way, text) in of_adapter(adapter) {
            all.push(Text {
                place: [path!["adapters", name], &way].concat(),
                stage: None,
                text,
                own: own.clone(),
            });
        }
    }
    all
}

/// The texts of a stage, each with the way to it within the stage.
fn of_stage(stage: &Stage) -> Vec<(Vec<Step<'_>>, &str)> {
    let until = stage
        .on_fail
        .as_ref()
        .and_then(|on_fail| on_fail.retry.as_ref()?.until.as_ref());
    let pass = stage
        .iteration
        .as_ref()
        .and_then(|loops| loops.until.as_ref());
    let single: [(&[Step<'_>], Option<&String>); 7] = [
        (
            path!["role", "description"],
            stage.role.as_ref().map(|role| &role.description),
        ),
        (path!["present"], stage.present.as_ref()),
        (path!["condition"], stage.condition.as_ref()),
        (path!["skip_if"], stage.skip_if.as_ref()),
        (path!["partition_source"], stage.partition_source.as_ref()),
        (path!["on_fail", "loop", "until"], until),
        (path!["loop", "until"], pass),
    ];
    let mut found: Vec<(Vec<Step<'_>>, &str)> = single
        .into_iter()
        .filter_map(|(way, text)| Some((way.to_vec(), text?.as_str())))
        .collect();
    for (key, value) in stage.tool_call.iter().flat_map(|call| &call.args) {
        texts(value, path!["tool_call", "args", key], &mut found);
    }
    found
}

fn of_adapter(adapter: &Adapter) -> Vec<(Vec<Step<'_>>, &str)> {
    let mut found: Vec<(Vec<Step<'_>>, &str)> = Vec::new();
    found.extend(
        adapter
            .cmd
            .iter()
            .map(|cmd| (path!["cmd"].to_vec(), cmd.as_str())),
    );
    for (key, value) in &adapter.args {
        texts(value, path!["args", key], &mut found);
    }
    found
}

/// The names that a stage's templates see and others do not.
fn own_names(stage: &Stage) -> Vec<&str> {
    let item = stage.fan_out.map(|_| stage.item_key());
    let pass = stage.iteration.as_ref();
    item.into_iter()
        .chain(stage.inject_file_as.as_deref())
        .chain(pass.map(|pass| pass.iteration_var.as_str()))
        .collect()
}

pub(super) fn check(checker: &mut Checker<'_>) {
    for text in all(checker.spec) {
        syntax(checker, &text);
        constant(checker, &text);
    }
}

fn syntax(checker: &mut Checker<'_>, text: &Text<'_>) {
    // `loop.until` has a code of its own.
    if text.place.get(2) == Some(&Step::Key("loop")) {
        return;
    }
    let Err(why) = Template::compile(text.text) else {
        return;
    };
    let line = match why.line {
        Some(line) if line > 1 => format!(" (line {line} of the text)"),
        _ => String::new(),
    };
    let message = format!(
        "the template in `{}` is wrong: {}{line}",
        text.key(),
        why.message
    );
    let hint = Some(
        "templates are Jinja: `{{ name }}`, `{{ list | join(\", \") }}`, `{% if name %}…{% endif %}`"
            .to_owned(),
    );
    checker.at(
        Code::InvalidTemplate,
        text.stage,
        &text.place,
        message,
        hint,
    );
}

/// A condition without a template in it is always the same, and mostly never holds.
fn constant(checker: &mut Checker<'_>, text: &Text<'_>) {
    /// Words that say it on purpose.
    const WORDS: [&str; 7] = ["true", "false", "yes", "no", "1", "0", ""];
    let key = text.key();
    if !matches!(key, "condition" | "skip_if" | "until") {
        return;
    }
    let word = text.text.trim().to_lowercase();
    if WORDS.contains(&word.as_str()) || text.text.contains("{{") || text.text.contains("{%") {
        return;
    }
    let shown: String = text.text.trim().chars().take(60).collect();
    let message = format!("`{key}` has no `{{{{ … }}}}` in it: it is text, and never true");
    let hint = Some(format!("write `{key}: \"{{{{ {shown} }}}}\"`"));
    checker.at(
        Code::ConstantCondition,
        text.stage,
        &text.place,
        message,
        hint,
    );
}

impl Text<'_> {
    /// The key that it is the value of, or is within.
    fn key(&self) -> &str {
        let key = self.place.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Index(_) => None,
        });
        key.unwrap_or_default()
    }
}

/// The names that stages without dependencies read. Nothing has run before those, so each must be an input, whether
/// `contracts.inputs` lists it or not.
pub(super) fn names_read_first(spec: &Spec) -> HashSet<String> {
    let mut names = HashSet::new();
    let first = |stage: &&Stage| stage.depends_on.is_empty() && !stage.post_run;
    for stage in spec.stages.iter().filter(first) {
        let adapter = stage
            .adapter
            .as_ref()
            .and_then(|name| spec.adapters.get(name));
        let own = of_stage(stage);
        let of_adapter = adapter.map(of_adapter).unwrap_or_default();
        let templates = own
            .iter()
            .chain(&of_adapter)
            .filter_map(|(_, text)| ValueTemplate::compile(&Value::from(*text)).ok());
        for template in templates {
            let read = template.names();
            let read = read.iter().filter(|name| **name != stage.item_key());
            names.extend(read.map(|name| (*name).to_owned()));
        }
    }
    names
}
