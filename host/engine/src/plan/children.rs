//! The specs that a spec runs, and those that these run: read once each, planned once each, and checked for running
//! one another without end.
//!
//! A spec may run itself: under a condition that can be a way to think in steps, and the limit on depth ends it. Without
//! one it can only fail, so that is an error before anything has run.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_spec::{Document, Finding, Findings, Severity, SpecFile, StageKind, path};
use serde_json::{Map, Value};

use super::{Plan, build::one, problem::PlanCode};
use crate::{engine::Shared, files};

/// A stage that runs another spec.
struct Use {
    /// The stage's place in its document.
    place: usize,
    /// The spec that it runs, written so that one file has one name.
    child: PathBuf,
    /// The same as it is seen from where the first spec was named: what people are shown.
    shown: PathBuf,
    /// Whether the stage may decide not to.
    may_end: bool,
}

/// A spec as it was read.
struct Read {
    document: Document,
    uses: Vec<Use>,
}

/// Makes the plan of a document and of all specs that it names.
pub(crate) async fn build(engine: &Shared, document: Document) -> Result<Plan, Findings> {
    let mut found = Vec::new();
    let top = files::canonical(Path::new(&document.source.name));
    let root = Read {
        uses: uses(&document),
        document,
    };
    let read = read_all(&root, &mut found);
    rings(&top, &root, &read, &mut found);
    let mut children: BTreeMap<PathBuf, Plan> = BTreeMap::new();
    let limited = below_a_cost_limit(&root, &read);
    let planned = one(engine, root.document, false).await;
    let mut before = Vec::new();
    for (path, child) in read {
        let findings = match one(engine, child.document, limited.contains(&path)).await {
            Ok(plan) => {
                let warnings = plan.warnings.clone();
                children.insert(path.clone(), Plan(Arc::new(plan)));
                warnings
            }
            Err(findings) => findings.0,
        };
        // A spec that runs itself is said once what is wrong with it.
        if path != top {
            before.extend(findings);
        }
    }
    before.extend(found);
    let is_wrong = before
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    match planned {
        Ok(mut root) if !is_wrong => {
            root.warnings.extend(before);
            root.children = Arc::new(children);
            Ok(Plan(Arc::new(root)))
        }
        Ok(root) => Err(Findings([root.warnings, before].concat())),
        Err(mut findings) => {
            findings.0.extend(before);
            Err(findings)
        }
    }
}

/// The specs that run below one with `contracts.max_cost_usd`, at any depth: it holds for them as well.
fn below_a_cost_limit(root: &Read, read: &BTreeMap<PathBuf, Read>) -> BTreeSet<PathBuf> {
    let has_limit = |read: &&Read| read.document.spec.contracts.max_cost_usd.is_some();
    let mut todo: Vec<&Read> = std::iter::once(root)
        .chain(read.values())
        .filter(has_limit)
        .collect();
    let mut limited = BTreeSet::new();
    while let Some(above) = todo.pop() {
        for used in &above.uses {
            if limited.insert(used.child.clone()) {
                todo.extend(read.get(&used.child));
            }
        }
    }
    limited
}

fn uses(document: &Document) -> Vec<Use> {
    let stages = document.spec.stages.iter().enumerate();
    stages
        .filter(|(_, stage)| stage.kind() == StageKind::Subagent)
        .filter_map(|(place, stage)| {
            let named = stage.subagent_spec.as_deref()?;
            let shown = files::beside(&document.source.name, named);
            let child = files::canonical(&shown);
            let may_end = stage.condition.is_some()
                || stage.skip_if.is_some()
                || stage.partition_source.is_some();
            Some(Use {
                place,
                child,
                shown,
                may_end,
            })
        })
        .collect()
}

/// The inputs that a child has whenever it is started: not those whose name is another value for each item, or a result.
fn known_to_children(document: &Document) -> Map<String, Value> {
    let mut inputs = Map::clone(&document.inputs);
    for stage in &document.spec.stages {
        inputs.remove(&stage.id);
        if stage.fan_out.is_some() {
            inputs.remove(stage.item_key());
        }
        if let Some(name) = &stage.inject_file_as {
            inputs.remove(name);
        }
    }
    inputs
}

/// Reads every spec that is named, each once.
fn read_all(root: &Read, found: &mut Vec<Finding>) -> BTreeMap<PathBuf, Read> {
    let inputs = known_to_children(&root.document);
    let mut read: BTreeMap<PathBuf, Read> = BTreeMap::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut todo = named_by(root);
    while let Some((path, shown, mut missing)) = todo.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        match armature_spec::load_for(&shown, &inputs) {
            Ok(document) => {
                let child = Read {
                    uses: uses(&document),
                    document,
                };
                todo.extend(named_by(&child));
                read.insert(path, child);
            }
            Err(findings) => {
                let unreadable = findings
                    .0
                    .iter()
                    .find(|f| f.code == armature_spec::Code::Unreadable);
                if let Some(why) = unreadable.filter(|why| why.at.is_none()) {
                    missing.message = why.message.clone();
                    found.push(missing);
                } else {
                    found.extend(findings.0);
                }
            }
        }
    }
    read
}

/// The specs that a spec names, each with what to say when it cannot be read.
fn named_by(read: &Read) -> Vec<(PathBuf, PathBuf, Finding)> {
    let named = read.uses.iter().map(|used| {
        let missing = finding(read, used, PlanCode::UnreadableSubagent, String::new())
            .hint("write the path as it is seen from this spec's directory");
        (used.child.clone(), used.shown.clone(), missing)
    });
    // The first is looked at first.
    let mut named: Vec<_> = named.collect();
    named.reverse();
    named
}

fn finding(read: &Read, used: &Use, code: PlanCode, message: String) -> Finding {
    let source = &read.document.source;
    let finding = Finding::new(code, message)
        .file(SpecFile::from(source))
        .at(source.locate(path!["stages", used.place, "subagent_spec"]));
    match read.document.spec.stages.get(used.place) {
        Some(stage) => finding.stage(&stage.id),
        None => finding,
    }
}

/// Reports every way that leads back to a spec that is on it.
fn rings(top: &Path, root: &Read, read: &BTreeMap<PathBuf, Read>, found: &mut Vec<Finding>) {
    let reading = |path: &Path| match read.get(path) {
        Some(read) => Some(read),
        None => (path == top).then_some(root),
    };
    let mut done: BTreeSet<PathBuf> = BTreeSet::new();
    // The way from the top to where the walk is: the spec, and which of its uses is followed next.
    let mut way: Vec<(PathBuf, usize)> = vec![(top.to_owned(), 0)];
    while let Some((at, next)) = way.last_mut() {
        let Some(here) = reading(at) else {
            way.pop();
            continue;
        };
        let Some(used) = here.uses.get(*next) else {
            done.insert(at.clone());
            way.pop();
            continue;
        };
        *next += 1;
        let begins = way.iter().position(|(path, _)| *path == used.child);
        if let Some(begins) = begins {
            let ring = way.get(begins..).unwrap_or_default();
            found.push(ring_finding(ring, here, used, &reading));
        } else if !done.contains(&used.child) && read.contains_key(&used.child) {
            way.push((used.child.clone(), 0));
        }
    }
}

fn ring_finding<'r>(
    ring: &[(PathBuf, usize)],
    here: &Read,
    used: &Use,
    reading: &impl Fn(&Path) -> Option<&'r Read>,
) -> Finding {
    let may_end = ring.iter().any(|(path, next)| {
        let taken = reading(path).and_then(|read| read.uses.get(next.checked_sub(1)?));
        taken.is_some_and(|used| used.may_end)
    });
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        format!("`{}`", name.to_string_lossy().escape_debug())
    };
    let names: Vec<String> = ring
        .iter()
        .map(|(path, _)| path.as_path())
        .chain([used.child.as_path()])
        .map(name)
        .collect();
    let names = names.join(" runs ");
    if may_end {
        let message = format!("a spec runs itself: {names}");
        finding(here, used, PlanCode::RecursiveSubagent, message)
            .hint("make sure that the condition ends it; a limit on depth does otherwise, and fails the run")
    } else {
        let message = format!("specs run one another without end: {names}");
        finding(here, used, PlanCode::CircularSubagent, message)
            .hint("take one of these stages out, or give it a `condition` that ends it")
    }
}
