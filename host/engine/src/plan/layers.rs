//! Context layers and policies, made ready: which texts a stage's prompt carries, which names a stage never sees.
//!
//! Closing wins: a layer that is closed for a stage is not in its prompt, whoever says that it must be. The files of
//! layers lie in the spec's directory, links followed, so that a spec from elsewhere cannot put other files of this
//! machine into a prompt.

use std::{path::PathBuf, sync::Arc};

use armature_spec::{ContextPolicy, Document, Stage, path};

use super::problem::{PlanCode, Reporter};
use crate::{context::Names, files};

/// The layers of a spec, and what holds for all of its stages.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Name and text, in the order in which prompts carry them.
    texts: Vec<(String, String)>,
    /// What no stage sees: `never` of the layers and of the workflow.
    floor: Vec<String>,
    /// The layers that every prompt carries.
    must: Vec<String>,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    /// Their texts.
    pub(crate) read: Vec<String>,
}

impl Layers {
    /// Reads the layers of a document.
    pub(crate) fn read(document: &Document, report: &mut Reporter<'_>) -> Self {
        let spec = &document.spec;
        let (mut files, mut read) = (Vec::new(), Vec::new());
        let mut found: Vec<(i64, String, String)> = Vec::new();
        for (place, layer) in spec.context_layers.iter().enumerate() {
            let text = match (&layer.content, &layer.src) {
                (Some(text), _) => text.clone(),
                (None, Some(src)) => {
                    let file = files::inside(&document.source.name, src);
                    match file.and_then(|file| Ok((files::text(&file)?, file))) {
                        Ok((text, file)) => {
                            files.push(file);
                            read.push(text.clone());
                            text
                        }
                        Err(error) => {
                            report
                                .add(
                                    PlanCode::SrcFileNotFound,
                                    path!["context_layers", place, "src"],
                                    format!("context layer `{}`: {error}", layer.name),
                                )
                                .hint("`src` is a file in the spec's directory, or below it");
                            continue;
                        }
                    }
                }
                // Validation of the spec has reported it.
                (None, None) => continue,
            };
            found.push((layer.precedence, layer.name.clone(), text));
        }
        // Stable: of equals the one that is written first stays first.
        found.sort_by_key(|(precedence, ..)| std::cmp::Reverse(*precedence));
        let of_layers = spec.context_layers.iter().flat_map(|layer| &layer.never);
        let policy = spec.context_policy.as_ref();
        Self {
            texts: found
                .into_iter()
                .map(|(_, name, text)| (name, text))
                .collect(),
            floor: of_layers.chain(never(policy)).cloned().collect(),
            must: must(policy).to_vec(),
            files,
            read,
        }
    }

    fn all_closed<'a>(&'a self, stage: &'a Stage) -> impl Iterator<Item = &'a str> {
        let own = never(stage.context_policy.as_ref());
        self.floor.iter().chain(own).map(String::as_str)
    }

    /// The names that are not there for a stage.
    pub(crate) fn closed(&self, stage: &Stage) -> Option<Arc<Names>> {
        let names: Names = self.all_closed(stage).collect();
        let is_any = names.iter().next().is_some();
        is_any.then(|| Arc::new(names))
    }

    /// The layers in a stage's prompt.
    pub(crate) fn shown(&self, stage: &Stage) -> Vec<(String, String)> {
        let own = must(stage.context_policy.as_ref());
        let is_shown = |name: &String| {
            (self.must.contains(name) || own.contains(name))
                && !self.all_closed(stage).any(|closed| closed == name)
        };
        self.texts
            .iter()
            .filter(|(name, _)| is_shown(name))
            .cloned()
            .collect()
    }
}

fn never(policy: Option<&ContextPolicy>) -> &[String] {
    policy.map_or(&[], |policy| &policy.never)
}

fn must(policy: Option<&ContextPolicy>) -> &[String] {
    policy.map_or(&[], |policy| &policy.must)
}
