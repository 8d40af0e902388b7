//! `armature schema`: the JSON Schema of a workflow, for editors and other programs.

use crate::{
    exit::Exit,
    failure::Failure,
    render::{outcome::pretty, screen::Screen},
};

/// Print the JSON Schema of a workflow, for editors.
///
/// An editor that speaks the YAML language server's protocol completes and checks a workflow with it:
/// `armature schema > workflow.schema.json`, and in the workflow `# yaml-language-server: $schema=workflow.schema.json`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature schema > workflow.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        screen.result(&pretty(&armature_spec::schema()))?;
        Ok(Exit::Done)
    }
}
