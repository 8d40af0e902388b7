//! The few lines above a run: what it is, what it is made of, what it is given.

use std::collections::BTreeMap;

use armature_engine::Plan;
use armature_spec::Spec;
use armature_store::RunRecord;
use serde_json::{Map, Value};

use super::{
    style::{self, doubtful, faint},
    text,
};
use crate::account::word;

/// Characters of an input's value above a run.
const MAX_INPUT: usize = 60;

/// Characters of all of them.
const MAX_INPUTS: usize = 300;

/// Characters of a description above a run.
const MAX_DESCRIPTION: usize = 200;

/// The lines above a run: what it is and what it is made of, and how its last run went.
pub(crate) fn header(
    plan: &Plan,
    inputs: &Map<String, Value>,
    last: Option<(&RunRecord, &str)>,
) -> Vec<String> {
    let spec = &plan.document().spec;
    let mut lines = vec![title(spec)];
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for stage in &spec.stages {
        *kinds.entry(word(stage)).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let mut about = text::length(spec.stages.len(), "stage");
    if !kinds.is_empty() {
        about.push_str(&format!(": {}", kinds.join(", ")));
    }
    let models = models(spec);
    if !models.is_empty() {
        about.push_str(&format!(" · {}", models.join(", ")));
    }
    if !spec.safety_rules.is_empty() {
        about.push_str(&format!(
            " · {}",
            text::length(spec.safety_rules.len(), "safety rule")
        ));
    }
    lines.push(faint(&about));
    if let Some(place) = plan.commands_run() {
        lines.push(doubtful(&text::line(&place, MAX_INPUTS)));
    }
    let mut given = Vec::new();
    if !inputs.is_empty() {
        let inputs: Vec<String> = inputs
            .iter()
            .map(|(name, value)| format!("{name}={}", shown(value)))
            .collect();
        given.push(text::line(&inputs.join(" "), MAX_INPUTS));
    }
    if let Some((last, status)) = last {
        given.push(format!(
            "last run {}: {status}",
            text::moment(&last.started)
        ));
    }
    if !given.is_empty() {
        lines.push(faint(&given.join(" · ")));
    }
    lines
}

/// An input on a line: a text is in quotes, also where it is cut.
fn shown(value: &Value) -> String {
    match value {
        Value::String(content) => format!("\"{}\"", text::line(content, MAX_INPUT)),
        other => text::line(&other.to_string(), MAX_INPUT),
    }
}

fn title(spec: &Spec) -> String {
    let name = style::name(&text::line(&spec.name, 120));
    let description = text::line(&spec.description, MAX_DESCRIPTION);
    let description = if description.is_empty() {
        String::new()
    } else {
        format!(" — {description}")
    };
    format!("{name} {}{description}", text::line(&spec.version, 40))
}

fn models(spec: &Spec) -> Vec<String> {
    let tiers = spec.model_tiers.iter();
    tiers
        .map(|(name, tier)| text::line(&format!("{name}: {}/{}", tier.provider, tier.model), 80))
        .collect()
}
