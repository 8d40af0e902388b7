//! `armature plugin`: look at plugins, and call their tools.

mod call;
mod inspect;
mod list;

use crate::{exit::Exit, failure::Failure, render::screen::Screen};

/// Look at plugins, and call their tools.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature plugin inspect ./plugins/weather")]
pub(crate) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::List),
    Inspect(inspect::Inspect),
    Call(call::Call),
}

impl Plugin {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self.command {
            Command::List(command) => command.run(screen),
            Command::Inspect(command) => command.run(screen),
            Command::Call(command) => command.run(screen),
        }
    }
}
