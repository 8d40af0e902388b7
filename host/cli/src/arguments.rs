//! What can be written on the command line. Each command's own arguments stand in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::Styles};

use crate::{
    command::{
        approve, cache, completions, doctor, explain, gates, last, memory, new, plugin, precompile,
        resume, run, runs, schema, validate,
    },
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

    /// When to use colour: auto, always or never
    #[arg(
        long = "color",
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        global = true
    )]
    pub(crate) colour: Colour,
}

/// The commands; what each is for stands where it is.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Run(run::Run),
    Resume(resume::Resume),
    Runs(runs::Runs),
    Gates(gates::Gates),
    Approve(approve::Approve),
    Validate(validate::Validate),
    Explain(explain::Explain),
    Plugin(plugin::Plugin),
    Precompile(precompile::Precompile),
    Doctor(doctor::Doctor),
    Last(last::Last),
    Cache(cache::Cache),
    Memory(memory::Memory),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// Where things are: the same for every command that needs plugins.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Places {
    /// Look for plugins in this directory first; can be repeated [then: ./plugins, HOME/plugins, the built-in ones]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) plugins: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) home: Home,
}

/// armature's own directory.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Home {
    /// Where runs, plugins, the policy and the cache are kept [default: $ARMATURE_HOME, else ~/.armature]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) home: Option<PathBuf>,
}
