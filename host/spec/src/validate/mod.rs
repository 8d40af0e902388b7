//! What can only be judged by looking at the whole spec.
//!
//! Each file checks one family; all run, always, and everything is reported at once, in the order of the text.
//! Errors stop a run, warnings never do. Whether plugins and tools exist is not known here; the engine says that.

mod actions;
mod again;
mod agents;
mod contracts;
mod dead;
mod graph;
mod inputs;
mod layers;
mod names;
mod safety;
mod shell;
mod stages;
mod templates;
mod triggers;
mod unread;

use std::collections::HashMap;

use crate::{
    codes::Code,
    document::{Document, Source},
    finding::{Finding, sort},
    location::Step,
    model::{Spec, Stage},
    suggest::did_you_mean,
};

/// Every check that needs no plugin. What was doubtful while reading is in [`Document::warnings`] and not repeated.
pub fn validate(document: &Document) -> Vec<Finding> {
    let mut checker = Checker::new(document);
    graph::check(&mut checker);
    stages::check(&mut checker);
    again::check(&mut checker);
    agents::check(&mut checker);
    layers::check(&mut checker);
    actions::check(&mut checker);
    contracts::check(&mut checker);
    safety::check(&mut checker);
    shell::check(&mut checker);
    shell::rules(&mut checker);
    templates::check(&mut checker);
    inputs::check(&mut checker);
    names::check(&mut checker);
    unread::check(&mut checker);
    triggers::check(&mut checker);
    dead::check(&mut checker);
    let mut findings = checker.findings;
    sort(&mut findings);
    findings
}

struct Checker<'a> {
    spec: &'a Spec,
    source: &'a Source,
    /// Where the stage of each id is in the list; of two with one id, the first.
    places: HashMap<&'a str, usize>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn new(document: &'a Document) -> Self {
        let mut places = HashMap::new();
        for (index, stage) in document.spec.stages.iter().enumerate() {
            places.entry(stage.id.as_str()).or_insert(index);
        }
        Self {
            spec: &document.spec,
            source: &document.source,
            places,
            findings: Vec::new(),
        }
    }

    /// The stage of this id.
    fn stage_named(&self, id: &str) -> Option<&'a Stage> {
        self.places
            .get(id)
            .and_then(|index| self.spec.stages.get(*index))
    }

    /// What to say about a name that is no stage.
    fn stage_hint(&self, id: &str) -> Option<String> {
        meant_or_known(
            id,
            "stages",
            self.spec.stages.iter().map(|stage| stage.id.as_str()),
        )
    }

    /// Reports something about a section of the spec.
    fn section(
        &mut self,
        code: Code,
        path: &[Step<'_>],
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.at(code, None, path, message, hint);
    }

    /// Reports something at a place, about a stage if there is one.
    fn at(
        &mut self,
        code: Code,
        stage: Option<usize>,
        path: &[Step<'_>],
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut finding = Finding::new(code, message)
            .file(self.source)
            .at(self.source.locate(path));
        finding.stage = stage
            .and_then(|index| self.spec.stages.get(index))
            .map(|stage| stage.id.clone());
        finding.hint = hint;
        self.findings.push(finding);
    }

    /// Reports something about the stage at `index`; `path` begins within it.
    fn stage(
        &mut self,
        code: Code,
        index: usize,
        path: &[Step<'_>],
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut whole = vec![Step::Key("stages"), Step::Index(index)];
        whole.extend_from_slice(path);
        self.at(code, Some(index), &whole, message, hint);
    }
}

/// What could have been meant, else what there is.
fn meant_or_known<'a>(
    word: &str,
    what: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    /// Names that a hint lists.
    const LISTED: usize = 10;
    did_you_mean(word, known.clone()).or_else(|| {
        let names: Vec<String> = known
            .take(LISTED + 1)
            .map(|name| format!("`{}`", name.escape_debug()))
            .collect();
        match names.len() {
            0 => Some(format!("there are no {what}")),
            count if count <= LISTED => Some(format!("the {what} are {}", names.join(", "))),
            _ => None,
        }
    })
}

/// A name from the spec, safe to print.
fn show(name: &str) -> String {
    format!("`{}`", name.escape_debug())
}
