//! The commands, one file each.

pub(crate) mod approve;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod gates;
pub(crate) mod last;
pub(crate) mod memory;
pub(crate) mod new;
pub(crate) mod plugin;
pub(crate) mod precompile;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod validate;

use crate::{
    arguments::{Arguments, Command},
    exit::Exit,
    failure::Failure,
    render::screen::Screen,
};

/// Runs the command that was asked for.
pub(crate) fn run(screen: &Screen, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Run(command) => command.run(screen),
        Command::Resume(command) => command.run(screen),
        Command::Runs(command) => command.run(screen),
        Command::Gates(command) => command.run(screen),
        Command::Approve(command) => command.run(screen),
        Command::Validate(command) => command.run(screen),
        Command::New(command) => command.run(screen),
        Command::Plugin(command) => command.run(screen),
        Command::Explain(command) => command.run(screen),
        Command::Precompile(command) => command.run(screen),
        Command::Doctor(command) => command.run(screen),
        Command::Last(command) => command.run(screen),
        Command::Cache(command) => command.run(screen),
        Command::Memory(command) => command.run(screen),
        Command::Schema(command) => command.run(screen),
        Command::Completions(command) => command.run(screen),
    }
}
