//! `armature completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory as _;

use crate::{arguments::Arguments, exit::Exit, failure::Failure, render::screen::Screen};

/// Print the completions for a shell.
///
/// For example: `armature completions bash > ~/.local/share/bash-completion/completions/armature`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  armature completions fish > ~/.config/fish/completions/armature.fish"
)]
pub(crate) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "armature", &mut text);
        screen.result(&String::from_utf8_lossy(&text))?;
        Ok(Exit::Done)
    }
}
