//! What can be written on the command line. Each command's own arguments stand in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::Styles};

use crate::{
    command::{completions, doctor, last, plugin, run, schema, validate},
    exit,
    render::screen::Colour,
};

/// Run workflows of language models, tools and people, with every tool in a sandbox.
#[derive(Debug, Parser)]
#[command(
    name = "armature",
    version,
    after_help = exit::table(),
    styles = Styles::plain(),
    max_term_width = 100,
    arg_required_else_help = true,
    infer_subcommands = false
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colour
    #[arg(long = "color", value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub(crate) colour: Colour,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow
    Run(run::Run),
    /// Say what is wrong with a workflow, and how risky it is, without running it
    Validate(validate::Validate),
    /// Look at plugins, and call their tools
    Plugin(plugin::Plugin),
    /// Say whether everything is in order on this machine
    Doctor(doctor::Doctor),
    /// Show the results of the last run
    Last(last::Last),
    /// Print the JSON Schema of a workflow, for editors
    Schema(schema::Schema),
    /// Print the completions for a shell
    Completions(completions::Completions),
}

/// Where things are: the same for every command that needs plugins.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Places {
    /// Look for plugins in this directory first; can be repeated [then: ./plugins, HOME/plugins, the built-in ones]
    #[arg(long, value_name = "DIR")]
    pub(crate) plugins: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) home: Home,
}

/// armature's own directory.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Home {
    /// Where runs, plugins, the policy and the cache are kept [default: $ARMATURE_HOME, else ~/.armature]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}
