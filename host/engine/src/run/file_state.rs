//! `file_state`: a workspace for one run alone, and the list of the files in it when the run ends.
//!
//! The directory lies in armature's home below `runs/`, or below the spec's own workspace, and always has the run's id
//! in its path: two runs never share one, and a run that goes on finds its own again. The list lies beside the workspace
//! and not in it, so that no tool can write it. What a spec writes here can lead nowhere else.

use std::path::{Path, PathBuf};

use armature_grants::RelPath;
use armature_sandbox::Workspace;
use armature_store::RunId;
use serde_json::json;

use super::{Run, RunError, tree::Tree};
use crate::{engine::Shared, files, plan::Plan};

/// How a path in armature's home begins in a spec.
const HOME: &str = "~/.armature/";

/// Most files that a list holds; beyond that it says that there are more.
const MOST_FILES: usize = 10_000;

/// Where a run works and keeps its list.
#[derive(Debug, Clone)]
pub(crate) struct FileState {
    /// The workspace.
    pub(super) workspace: PathBuf,
    /// The list.
    manifest: PathBuf,
    /// Is it below armature's home?
    in_home: bool,
}

impl FileState {
    /// Makes the directories of a run, if its spec wants any of its own.
    pub(super) fn of(engine: &Shared, plan: &Plan, run: &RunId) -> Result<Option<Self>, RunError> {
        let settings = &plan.document().spec.file_state;
        if !settings.enabled {
            return Ok(None);
        }
        let fail = |path: &str, why: String| RunError::Workspace {
            path: path.to_owned(),
            why,
        };
        let named = ["{{run_id}}", "{{ run_id }}"]
            .iter()
            .fold(settings.base.clone(), |text, name| {
                text.replace(name, run.as_str())
            });
        let (root, below) = match named.strip_prefix(HOME) {
            Some(below) => (engine.home.clone(), below),
            None => (files::absolute(plan.workspace()), named.as_str()),
        };
        let below = relative(below).map_err(|why| fail(&settings.base, why))?;
        let is_of_runs = below.names().next() == Some("runs");
        if root == engine.home && !is_of_runs {
            let why = "in armature's home it must lie below `runs/`".to_owned();
            return Err(fail(&settings.base, why));
        }
        let mut base = root.join(below.as_str());
        if !below.names().any(|name| name == run.as_str()) {
            base.push(run.as_str());
        }
        let inner = |text: &str| match relative(text) {
            Ok(path) if path.as_str() != "." => Ok(path),
            Ok(_) => Err(fail(
                text,
                "it must be a name below `file_state.base`".to_owned(),
            )),
            Err(why) => Err(fail(text, why)),
        };
        let workspace = base.join(inner(&settings.workspace)?.as_str());
        let manifest = base.join(inner(&settings.manifest)?.as_str());
        if manifest.starts_with(&workspace) {
            let why = "the list must not lie in the workspace, where tools write".to_owned();
            return Err(fail(&settings.manifest, why));
        }
        files::make_home(&workspace)
            .map_err(|error| fail(&workspace.display().to_string(), error.to_string()))?;
        // Looked at once it is there: a link that a tool of an earlier run left on the way leads elsewhere.
        if files::absolute(&workspace) != files::absolute(&root).join(below_root(&workspace, &root))
        {
            let why = "a link on the way leads elsewhere".to_owned();
            return Err(fail(&settings.base, why));
        }
        Ok(Some(Self {
            in_home: root == engine.home,
            workspace,
            manifest,
        }))
    }

    /// Opens the workspace. In armature's home it is the run's alone and has nothing in it that belongs to anybody else;
    /// elsewhere what is held back for the whole tree of runs is held back in it too.
    pub(super) fn open(&self, tree: &Tree) -> Result<Workspace, RunError> {
        if !self.in_home {
            return tree.open(&self.workspace);
        }
        Workspace::open(&self.workspace, Vec::new()).map_err(|error| RunError::Workspace {
            path: self.workspace.display().to_string(),
            why: error.to_string(),
        })
    }

    /// Where the list is.
    pub(super) fn manifest(&self) -> &Path {
        &self.manifest
    }
}

/// The rest of a path below another one.
fn below_root<'p>(path: &'p Path, root: &Path) -> &'p Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// A path that leads down and nowhere else.
fn relative(text: &str) -> Result<RelPath, String> {
    RelPath::new(text.trim_end_matches('/')).map_err(|why| why.to_string())
}

impl Run {
    /// Writes the list of what is in the run's own workspace. One that cannot be written is missed, and no more: the
    /// run is over.
    pub(crate) async fn list_files(&self) {
        let Some(state) = self.file_state.clone() else {
            return;
        };
        let head = (self.id.to_string(), self.plan.name().to_owned());
        let list = move || {
            let (mut found, is_all) = files::below(&state.workspace, MOST_FILES)?;
            found.sort_by(|a, b| a.path.cmp(&b.path));
            let entries: Vec<_> = found
                .into_iter()
                .map(|file| json!({"path": file.path, "bytes": file.bytes, "digest": file.digest}))
                .collect();
            let list =
                json!({"run_id": head.0, "workflow": head.1, "complete": is_all, "files": entries});
            files::replace(&state.manifest, &format!("{list:#}\n"))
        };
        let _ = tokio::task::spawn_blocking(list).await;
    }
}
