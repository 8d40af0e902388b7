//! What a run shares with every run below it: what none of their tools may touch.
//!
//! A child opens a workspace of its own, but what belongs to armature or gives rights in the next run is the same for
//! the whole tree: no child can write what its parent may not, and no parent what a child is made from.

use std::path::{Path, PathBuf};

use armature_grants::RelPath;
use armature_sandbox::Workspace;

use super::RunError;
use crate::{engine::Shared, files, plan::Plan};

/// What the runs of one tree share.
#[derive(Debug)]
pub(crate) struct Tree {
    /// armature's home: closed to every tool.
    home: PathBuf,
    /// What no tool writes: where plugins are loaded from, and every file that a plan of this tree is made from.
    read_only: Vec<PathBuf>,
}

impl Tree {
    /// The tree below the run of this plan.
    pub(super) fn new(engine: &Shared, plan: &Plan) -> Self {
        let plans = std::iter::once(plan).chain(plan.0.children.values());
        let made_of = plans.flat_map(|plan| plan.0.made_of.iter());
        Self {
            home: files::absolute(&engine.home),
            read_only: engine
                .plugin_dirs
                .iter()
                .chain(made_of)
                .map(|place| files::absolute(place))
                .collect(),
        }
    }

    /// Opens a workspace in which all of it is held back.
    pub(super) fn open(&self, path: &Path) -> Result<Workspace, RunError> {
        let root = files::absolute(path);
        let held = |place: &PathBuf| below(place, &root);
        Workspace::open(path, self.read_only.iter().filter_map(held).collect())
            .map(|workspace| workspace.closing(held(&self.home).into_iter().collect()))
            .map_err(|error| RunError::Workspace {
                path: path.display().to_string(),
                why: error.to_string(),
            })
    }
}

/// A place as a tool would name it in the workspace: the whole workspace, if that lies within the place.
fn below(place: &Path, workspace: &Path) -> Option<RelPath> {
    if workspace.starts_with(place) {
        return RelPath::new(".").ok();
    }
    // What no tool can name needs no protection.
    RelPath::new(place.strip_prefix(workspace).ok()?.to_str()?).ok()
}
