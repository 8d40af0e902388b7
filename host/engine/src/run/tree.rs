//! What a run shares with every run below it: what none of their tools may touch, and how much they may start.
//!
//! A child opens a workspace of its own, but what belongs to armature or gives rights in the next run is the same for
//! the whole tree: no child can write what its parent may not, and no parent what a child is made from.
//!
//! How much is at work at one time is counted for the tree as well, or specs within specs would multiply it. Stages
//! that do something take turns with one another. A stage that waits for a run below it takes its turn with those of
//! its own depth, and so waits only for deeper ones: there is no circle in which everybody waits.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use armature_grants::{RelPath, RunLimit};
use armature_sandbox::Workspace;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{RunError, make::width};
use crate::{
    engine::Shared,
    failure::Failure,
    files,
    plan::{Plan, stage::Kind},
};

/// The right to be at work, until it is dropped. A gate needs none: it only waits for a person.
#[derive(Debug)]
pub(crate) struct Turn(
    #[expect(dead_code, reason = "held, not used")] Option<OwnedSemaphorePermit>,
);

/// What the runs of one tree share.
#[derive(Debug)]
pub(crate) struct Tree {
    /// armature's home, and every link to it: closed to every tool.
    home: Vec<PathBuf>,
    /// What no tool writes: where plugins are loaded from, every file that a plan of this tree is made from, and the
    /// links through which they are reached.
    read_only: Vec<PathBuf>,
    /// Stages and items that may still be started.
    left: AtomicU64,
    /// Stages and items at work that wait for no other run.
    work: Arc<Semaphore>,
    /// Runs at work below those of each depth.
    runs: Vec<Arc<Semaphore>>,
}

impl Tree {
    /// The tree below the run of this plan.
    pub(super) fn new(engine: &Shared, plan: &Plan) -> Self {
        Self {
            home: files::places(&engine.home),
            read_only: engine
                .plugin_dirs
                .iter()
                .map(PathBuf::as_path)
                .chain(plan.files())
                .flat_map(files::places)
                .collect(),
            left: AtomicU64::new(RunLimit::amount_of("starts")),
            work: Arc::new(Semaphore::new(width())),
            runs: (0..=RunLimit::amount_of("subagent_depth"))
                .map(|_| Arc::new(Semaphore::new(width())))
                .collect(),
        }
    }

    /// Counts what is about to be started: all of it, or nothing.
    pub(crate) fn start(&self, count: u64) -> Result<(), Failure> {
        self.left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(count))
            .map(drop)
            .map_err(|_| Failure::TooMuch {
                limit: RunLimit::amount_of("starts"),
            })
    }

    /// Waits until a stage of this kind may work in a run of this depth.
    pub(crate) async fn turn(&self, kind: &Kind, depth: u64) -> Turn {
        let turns = match kind {
            Kind::Gate(_) => None,
            Kind::Subagent(_) => usize::try_from(depth)
                .ok()
                .and_then(|depth| self.runs.get(depth)),
            Kind::ToolCall(_) | Kind::Adapter(_) | Kind::Role(_) => Some(&self.work),
        };
        match turns {
            // They are never closed.
            Some(turns) => Turn(Arc::clone(turns).acquire_owned().await.ok()),
            None => Turn(None),
        }
    }

    /// Opens a workspace in which all of it is held back.
    pub(super) fn open(&self, path: &Path) -> Result<Workspace, RunError> {
        let root = files::absolute(path);
        let held = |place: &PathBuf| below(place, &root);
        Workspace::open(path, self.read_only.iter().filter_map(held).collect())
            .map(|workspace| workspace.closing(self.home.iter().filter_map(held).collect()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tree_may_start_is_used_up_by_all_of_it_and_never_in_part() {
        let tree = Tree {
            home: Vec::new(),
            read_only: Vec::new(),
            left: AtomicU64::new(10),
            work: Arc::new(Semaphore::new(1)),
            runs: Vec::new(),
        };
        assert!(tree.start(6).is_ok());
        assert!(tree.start(6).is_err());
        assert!(tree.start(4).is_ok());
        assert!(tree.start(1).is_err());
    }
}
