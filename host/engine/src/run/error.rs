//! Why a run did not come to its end.

use armature_llm::LlmError;
use armature_store::{RunId, StoreError};

use super::resume::ResumeProblem;
use crate::failure::Failure;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An input is missing or is not what the spec declares. Nothing has run.
    #[error("{0}")]
    Input(InputError),
    /// A model that a stage asks cannot be reached as things are here: its key is missing. Nothing has run.
    #[error("stage `{stage}`{} has nobody to ask: {source}", spec.as_ref().map_or(String::new(), |spec| format!(" of `{spec}`")))]
    Model {
        /// The stage.
        stage: String,
        /// The spec that it is in; none for the one that is run.
        spec: Option<String>,
        /// What is missing.
        source: Box<LlmError>,
    },
    /// A stage failed, and with it the run.
    #[error("stage `{stage}` failed: {failure}")]
    Stage {
        /// The run.
        run_id: RunId,
        /// The stage.
        stage: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// The workflow ended without a value that it promises.
    #[error("Required output '{key}' from stage '{stage}' missing or None in results")]
    Output {
        /// The run.
        run_id: RunId,
        /// The stage that was to deliver it.
        stage: String,
        /// The key in that stage's result.
        key: String,
    },
    /// `contracts.timeout_hours` is over.
    #[error("Workflow '{workflow}' exceeded timeout_hours={hours}")]
    Timeout {
        /// The run.
        run_id: RunId,
        /// The workflow.
        workflow: String,
        /// Its `timeout_hours`.
        hours: f64,
    },
    /// Whoever started it told it to stop.
    #[error("the run was stopped")]
    Cancelled {
        /// The run.
        run_id: RunId,
    },
    /// A gate or a call waits for a person, and nobody can be asked here. Everything else is done.
    #[error("the run waits for an answer at {}", named(.waiting))]
    Parked {
        /// The run.
        run_id: RunId,
        /// The first stage that waits.
        stage: String,
        /// All of them, each by the way to it.
        waiting: Vec<String>,
    },
    /// The run cannot be gone on with.
    #[error("{0}")]
    Resume(ResumeProblem),
    /// The log could not be read.
    #[error("the event log cannot be read: {source}")]
    Store {
        /// What the store says.
        source: StoreError,
    },
    /// The run cannot be claimed for this process.
    #[error("run {run_id} cannot be claimed: {why}")]
    Claim {
        /// The run.
        run_id: RunId,
        /// What the system says.
        why: String,
    },
    /// The event log could not be written.
    #[error("the event log cannot be written: {source}")]
    Log {
        /// The run.
        run_id: RunId,
        /// What the store says.
        source: StoreError,
    },
    /// The workspace cannot be used.
    #[error("the workspace `{path}` cannot be opened: {why}")]
    Workspace {
        /// `sandbox.host_workspace`.
        path: String,
        /// What the system says.
        why: String,
    },
}

fn named(stages: &[String]) -> String {
    let names: Vec<String> = stages.iter().map(|stage| format!("`{stage}`")).collect();
    names.join(", ")
}

/// A required input that was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The input.
    pub name: String,
    /// What the spec says about it.
    pub description: Option<String>,
}

fn missing(inputs: &[Missing]) -> String {
    let names: Vec<String> = inputs
        .iter()
        .map(|input| format!("'{}'", input.name))
        .collect();
    let noun = if names.len() == 1 { "input" } else { "inputs" };
    format!("Required {noun} {} missing from context", names.join(", "))
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// They are required and not there.
    #[error("{}", missing(.0))]
    Missing(Vec<Missing>),
    /// It is not of the type that the spec declares.
    #[error("input '{name}' must be {expected}, found {found}")]
    Type {
        /// The input.
        name: String,
        /// The declared type.
        expected: String,
        /// What was given.
        found: String,
    },
}

impl RunError {
    /// The run, when one was begun.
    pub fn run_id(&self) -> Option<&RunId> {
        match self {
            Self::Input(_)
            | Self::Model { .. }
            | Self::Workspace { .. }
            | Self::Resume(_)
            | Self::Store { .. }
            | Self::Claim { .. } => None,
            Self::Stage { run_id, .. }
            | Self::Output { run_id, .. }
            | Self::Timeout { run_id, .. }
            | Self::Cancelled { run_id }
            | Self::Parked { run_id, .. }
            | Self::Log { run_id, .. } => Some(run_id),
        }
    }

    /// The failure of the stage, when it was one that ended the run.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stage { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// The class under which the original would report it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Input(_) | Self::Output { .. } => "ValueError",
            Self::Model { .. } => "ModelError",
            Self::Stage { failure, .. } => failure.class(),
            Self::Timeout { .. } => "TimeoutError",
            Self::Cancelled { .. } => "CancelledError",
            Self::Parked { .. } => "Parked",
            Self::Log { .. } | Self::Store { .. } | Self::Claim { .. } => "LogError",
            Self::Resume(_) => "ResumeError",
            Self::Workspace { .. } => "FileNotFoundError",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Input(InputError::Missing(inputs)) => {
                let lines: Vec<String> = inputs
                    .iter()
                    .map(|Missing { name, description }| {
                        let what = description.as_ref();
                        let what = what.map_or_else(String::new, |text| format!(" ({text})"));
                        format!("give it with -i {name}=…{what}")
                    })
                    .collect();
                Some(lines.join("\n"))
            }
            Self::Input(InputError::Type { name, expected, .. }) => {
                Some(format!("write it like this: -i {}", example(name, expected)))
            }
            Self::Model { source, .. } => Some(source.hint()),
            Self::Stage { failure, .. } => failure.hint(),
            Self::Output { stage, key, .. } => Some(format!(
                "stage `{stage}` ran; look at its result, or leave `{key}` out of contracts.outputs"
            )),
            Self::Timeout { .. } => Some("raise `contracts.timeout_hours`".to_owned()),
            Self::Parked { run_id, stage, .. } => {
                Some(format!("armature approve {run_id} {stage} --yes"))
            }
            Self::Resume(problem) => Some(problem.hint()),
            Self::Claim { .. } => Some("armature's home must be yours to write".to_owned()),
            Self::Workspace { .. } => {
                Some("`sandbox.host_workspace` must be a directory that is there, and `file_state` must lead below it".to_owned())
            }
            Self::Cancelled { .. } | Self::Log { .. } | Self::Store { .. } => None,
        }
    }
}

/// An input of this type, as it is given on the command line.
fn example(name: &str, expected: &str) -> String {
    let value = match expected.trim().to_ascii_lowercase().as_str() {
        "int" | "integer" => "3",
        "number" | "float" => "0.5",
        "bool" | "boolean" => "true",
        "list" | "array" => r#"'["a", "b"]'"#,
        _ => r#"'{"key": "value"}'"#,
    };
    format!("{name}:={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_for_a_value_of_another_type_shows_one_of_the_right_type() {
        let error = RunError::Input(InputError::Type {
            name: "files".into(),
            expected: "array".into(),
            found: "\"a.md\"".into(),
        });
        assert_eq!(
            error.hint().unwrap(),
            r#"write it like this: -i files:='["a", "b"]'"#
        );
    }
}
