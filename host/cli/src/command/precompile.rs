//! `armature precompile`: compile every plugin ahead, so that no run waits for it. For images, and for machines that
//! share a home.

use std::time::Instant;

use armature_sandbox::Origin;

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    opening,
    render::{screen::Screen, text},
};

/// Compile every plugin now, so that no run waits for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature precompile --plugins ./plugins")]
pub(crate) struct Precompile {
    #[command(flatten)]
    places: Places,
}

impl Precompile {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        opening::wait(async {
            let engine = opening::engine(&self.places, false)?;
            let (plugins, sandbox) = (engine.plugins(), engine.sandbox());
            let mut exit = Exit::Done;
            for plugin in plugins.iter() {
                let name = plugin.name();
                if !sandbox.is_to_be_compiled(plugin) {
                    screen.print(&format!("{name}: there already"));
                    continue;
                }
                let begun = Instant::now();
                match sandbox.prepare(plugin).await {
                    Ok(()) => {
                        let took = begun.elapsed().as_secs_f64();
                        screen.print(&format!("{name}: compiled in {took:.1} s"));
                    }
                    // The others are compiled all the same.
                    Err(error) => {
                        let place = match plugin.origin() {
                            Origin::Builtin | Origin::Host => String::new(),
                            Origin::File(path) => {
                                format!(" ({})", text::visible(&path.to_string_lossy()))
                            }
                        };
                        screen.warning(&format!("{name}{place}: {error}"));
                        exit = Exit::Failed;
                    }
                }
            }
            Ok(exit)
        })
    }
}
