//! What a run is asked and what it leaves.

use std::{fmt, path::PathBuf, sync::Arc};

use armature_sandbox::Spending;
use armature_store::RunId;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::ask::{Approver, Observer, nobody};

/// How a run is started.
#[derive(Clone)]
pub struct RunRequest {
    /// Values by name.
    pub inputs: Map<String, Value>,
    /// Who approves calls and answers gates.
    pub approver: Arc<dyn Approver>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Stops the run.
    pub cancel: CancellationToken,
    /// Whether answers of models may come from the cache, and are kept in it.
    pub use_cache: bool,
}

impl RunRequest {
    /// A run with these inputs, with nobody to ask and nobody watching.
    pub fn new(inputs: Map<String, Value>) -> Self {
        Self {
            inputs,
            approver: nobody(),
            observer: nobody(),
            cancel: CancellationToken::new(),
            use_cache: true,
        }
    }
}

impl fmt::Debug for RunRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Inputs may hold anything, secrets too.
        f.debug_struct("RunRequest")
            .field("use_cache", &self.use_cache)
            .finish_non_exhaustive()
    }
}

/// What a run leaves.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The run.
    pub run_id: RunId,
    /// The workflow.
    pub workflow: String,
    /// Inputs, what the engine added, and the results of all stages.
    pub outputs: Map<String, Value>,
    /// Counts.
    pub summary: Summary,
    /// The result that the workflow is about: that of its `response_stage`, else of the last stage that has one.
    pub primary: Option<(String, Value)>,
    /// Gates whose rejection stopped what depends on them, with the words of whoever did. A gate on which everything that
    /// depends on it branches is not among them.
    pub rejected: Vec<(String, String)>,
    /// Rights that plugins asked for and did not have.
    pub denials: u64,
    /// How the workflow ended, in the words of the stage that `closure` names: `reason`, and `notes` and `follow_on` if
    /// it gave them.
    pub closure: Option<Value>,
    /// The list of the files in the run's own workspace, where `file_state` gives it one. Written when the run ends.
    pub manifest: Option<PathBuf>,
}

/// Counts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// From the start to the end.
    pub elapsed_s: f64,
    /// Stages of the spec, those that run last too.
    pub stages_total: u64,
    /// Stages that ran.
    pub stages_ran: u64,
    /// Stages that were left out.
    pub stages_skipped: u64,
    /// Stages that had run before the run was interrupted.
    pub stages_resumed: u64,
    /// Stages that failed, whether or not the failure became a value.
    pub stages_failed: u64,
    /// Calls that a rule, a person or a missing right stopped.
    pub rogue_signals: u64,
    /// What was spent.
    pub spent: Spending,
}
