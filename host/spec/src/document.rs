//! A spec together with the text that it was read from.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    codes::Code,
    finding::{Finding, Findings, SpecFile, sort},
    location::{Location, Step},
    model::{AgentBundle, Spec},
    partial,
    read::{UnknownKey, read},
    role_names, settings,
    suggest::did_you_mean,
    yaml::{self, Node},
};

/// A spec, its source, and what was doubtful in it.
#[derive(Debug, Clone)]
pub struct Document {
    /// What the author wrote, typed.
    pub spec: Spec,
    /// How it was written.
    pub source: Source,
    /// What was doubtful while reading: keys that nothing reads.
    pub warnings: Vec<Finding>,
    /// The inputs that its settings were filled in from.
    pub inputs: Arc<Map<String, Value>>,
}

/// The text of a spec and where everything in it is.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name of the file, for people.
    pub name: String,
    /// The text, as it was read; its digest identifies the spec.
    pub text: Arc<str>,
    root: Arc<Node>,
}

impl Source {
    /// The place of the value that `path` names, or of the nearest thing around it that was written:
    /// `source.locate(path!["stages", 0, "role", "type"])`.
    pub fn locate(&self, path: &[Step<'_>]) -> Location {
        self.root.locate(path)
    }

    /// Did the author write what `path` names?
    pub fn has(&self, path: &[Step<'_>]) -> bool {
        self.root.has(path)
    }

    /// The document as plain JSON.
    pub fn to_value(&self) -> Value {
        self.root.to_value()
    }
}

/// Reads a spec, without inputs.
///
/// # Errors
/// As [`parse_for`].
pub fn parse(name: &str, text: &str) -> Result<Document, Findings> {
    parse_for(name, text, &Map::new())
}

/// Reads a spec for a run with these inputs, which fill in the few settings that may name them (a model, the mission).
/// Templates of stages stay as they are.
///
/// # Errors
/// Every problem that could be found, in the order of the text: one for text that is no YAML, else one for each value
/// that is wrong, together with the warnings.
pub fn parse_for(
    name: &str,
    text: &str,
    inputs: &Map<String, Value>,
) -> Result<Document, Findings> {
    // Editors on some systems begin a file with this mark; it says nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = SpecFile::new(name, text);
    let mut root = yaml::parse(text).map_err(|why| {
        let mut finding = Finding::new(Code::YamlSyntax, why.message)
            .file(file.clone())
            .at(why.at);
        finding.hint = why.hint;
        Findings::from(finding)
    })?;
    settings::fill_in(&mut root, inputs);
    let (mut found, unknown_roles) = role_names::fill_in(&mut root);
    let inputs = Arc::new(inputs.clone());
    let reading = read::<Spec>(&root);
    found.extend(reading.unknown.iter().map(unknown_key));
    found.extend(reading.errors.iter().map(|why| {
        Finding {
            at: why.at,
            hint: why
                .hint
                .clone()
                .or_else(|| Some("`armature schema` says what may stand here".to_owned())),
            ..Finding::new(Code::InvalidValue, why.message.clone())
        }
    }));
    for finding in &mut found {
        finding.stage = finding.at.and_then(|at| stage_around(&root, at));
        finding.file = Some(file.clone());
    }
    let document = |spec: Option<Spec>, root: Node, warnings| {
        let mut spec = spec?;
        fill_in(&mut spec);
        let source = Source {
            name: name.to_owned(),
            text: text.into(),
            root: Arc::new(root),
        };
        Some(Document {
            spec,
            source,
            warnings,
            inputs: Arc::clone(&inputs),
        })
    };
    if reading.errors.is_empty() && unknown_roles.is_empty() {
        sort(&mut found);
        // A role that several stages share is read as often, and what is doubtful in it is said once.
        found.dedup();
        return document(reading.value, root, found).ok_or_else(Findings::default);
    }
    // What can be said about the rest is said now, so that nobody mends one thing to be told of the next.
    let left_out = &reading.left_out | &unknown_roles;
    let rest = document(reading.value, root.without(&left_out), Vec::new());
    found.extend(
        rest.iter()
            .flat_map(|rest| partial::findings(rest, &root, &left_out)),
    );
    sort(&mut found);
    Err(Findings(found))
}

/// Reads an agent's file. Nothing is rendered.
///
/// # Errors
/// As [`parse`].
pub fn parse_agent(name: &str, text: &str) -> Result<(AgentBundle, Vec<Finding>), Findings> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = SpecFile::new(name, text);
    let of_file = |mut found: Vec<Finding>| {
        for finding in &mut found {
            finding.file = Some(file.clone());
        }
        sort(&mut found);
        found
    };
    let root = yaml::parse(text).map_err(|why| {
        let mut finding = Finding::new(Code::YamlSyntax, why.message).at(why.at);
        finding.hint = why.hint;
        Findings(of_file(vec![finding]))
    })?;
    let reading = read::<AgentBundle>(&root);
    let mut found: Vec<Finding> = reading.unknown.iter().map(unknown_key).collect();
    match reading.value.filter(|_| reading.errors.is_empty()) {
        Some(bundle) => Ok((bundle, of_file(found))),
        None => {
            found.extend(reading.errors.iter().map(|why| Finding {
                at: why.at,
                hint: why.hint.clone(),
                ..Finding::new(Code::InvalidValue, why.message.clone())
            }));
            Err(Findings(of_file(found)))
        }
    }
}

/// What may be left out because the stage's id says it.
fn fill_in(spec: &mut Spec) {
    for stage in &mut spec.stages {
        if let Some(role) = stage.role.as_mut().filter(|role| role.name.is_empty()) {
            role.name.clone_from(&stage.id);
        }
        let retry = stage
            .on_fail
            .as_mut()
            .and_then(|on_fail| on_fail.retry.as_mut());
        if let Some(retry) = retry.filter(|retry| retry.stage.is_empty()) {
            retry.stage.clone_from(&stage.id);
        }
    }
}

fn unknown_key(unknown: &UnknownKey) -> Finding {
    let shown: String = unknown
        .key
        .chars()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    let finding =
        Finding::new(Code::UnknownKey, format!("nothing reads the key `{shown}`")).at(unknown.at);
    finding.hint(
        did_you_mean(&unknown.key, unknown.known.iter().copied()).unwrap_or_else(|| {
            "remove it; `armature schema` lists the keys that are read".to_owned()
        }),
    )
}

/// The id of the stage in whose text a place lies.
fn stage_around(root: &Node, at: Location) -> Option<String> {
    match &stage_node_around(root, at)?.entry("id")?.value.kind {
        yaml::NodeKind::Scalar { text, .. } => Some(text.to_string()),
        _ => None,
    }
}

/// The stage in whose text a place lies.
pub(crate) fn stage_node_around(root: &Node, at: Location) -> Option<&Node> {
    let yaml::NodeKind::List(stages) = &root.entry("stages")?.value.kind else {
        return None;
    };
    let next = stages.partition_point(|stage| stage.at.offset <= at.offset);
    let stage = stages.get(next.checked_sub(1)?)?;
    // Behind the last stage there may be other sections.
    let is_last = next == stages.len();
    let after = root_section_after(root, stage.at.offset);
    let is_behind = is_last && after.is_some_and(|offset| at.offset >= offset);
    (!is_behind).then_some(stage)
}

/// Where the first section behind a place begins.
fn root_section_after(root: &Node, offset: usize) -> Option<usize> {
    match &root.kind {
        yaml::NodeKind::Map(entries) => entries
            .iter()
            .map(|entry| entry.key_at.offset)
            .filter(|start| *start > offset)
            .min(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        match parse("s.yml", text) {
            Ok(document) => document.warnings.iter().map(|f| f.render("s")).collect(),
            Err(findings) => findings.0.iter().map(|f| f.render("s")).collect(),
        }
    }

    #[test]
    fn every_wrong_value_is_reported_with_its_place_in_one_go() {
        let text = "\
name: x
safety_mode: harsh
stages:
  - id: a
    role: {name: n, type: boss, description: d}
    fan_out: many
    dependson: [b]
  - id: b
    output_mode: xml
  - depends_on: []
";
        assert_eq!(
            findings(text),
            [
                "s.yml:2:14: error[INVALID_VALUE]: `harsh` is not allowed here; one of permissive, strict\n  hint: write one of these words",
                "s.yml:5:27: error[INVALID_VALUE]: stage `a`: `boss` is not allowed here; one of worker, orchestrator, judge, researcher\n  hint: write one of these words",
                "s.yml:6:14: error[INVALID_VALUE]: stage `a`: expected a whole number, found the text `many`\n  hint: write digits, without quotes",
                "s.yml:7:5: warning[UNKNOWN_KEY]: stage `a`: nothing reads the key `dependson`\n  hint: did you mean `depends_on`?",
                "s.yml:9:18: error[INVALID_VALUE]: stage `b`: `xml` is not allowed here; one of text, json, guided_json\n  hint: write one of these words",
                "s.yml:10:5: error[INVALID_VALUE]: the key `id` is missing\n  hint: add `id: …`",
            ]
        );
    }

    #[test]
    fn numbers_and_texts_stand_for_each_other_in_the_authors_spelling() {
        let text = "\
name: 7
version: 1.10
checkpoint: 'yes'
contracts: {max_llm_calls: '3', timeout_hours: 1}
sandbox: {cpu_limit: 1.50}
tools:
stages: [{id: 1, condition: true, timeout_s: '2.5', fan_out: 3.0}]
";
        let spec = parse("s", text).unwrap().spec;
        assert_eq!((spec.name.as_str(), spec.version.as_str()), ("7", "1.10"));
        assert!(spec.checkpoint);
        assert_eq!(
            (spec.contracts.max_llm_calls, spec.contracts.timeout_hours),
            (3, 1.0)
        );
        assert_eq!(spec.sandbox.cpu_limit.as_deref(), Some("1.50"));
        let stage = &spec.stages[0];
        assert_eq!(
            (stage.id.as_str(), stage.condition.as_deref()),
            ("1", Some("true"))
        );
        assert_eq!((stage.timeout_s, stage.fan_out), (Some(2.5), Some(3)));
    }

    #[test]
    fn an_unquoted_template_is_explained() {
        let text = "name: x\nstages:\n  - id: a\n    condition: {{ ready }}\n";
        let found = findings(text);
        assert!(found[0].contains("s.yml:4:1"), "{found:?}");
        assert!(
            found[0]
                .contains("put quotes around a value that starts with a template: '{{ ready }}'"),
            "{found:?}"
        );
    }
}
