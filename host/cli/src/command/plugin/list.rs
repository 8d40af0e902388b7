//! `armature plugin list`: the plugins that a workflow can name, and the files that are none.

use serde_json::Value;

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    opening,
    render::{outcome::pretty, plugin, screen::Screen},
};

/// List the plugins that a workflow can name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature plugin list --plugins ./plugins")]
pub(crate) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    places: Places,
}

impl List {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        // Compiling and the clock of the sandbox belong to a runtime; listing needs neither, but the engine does.
        opening::wait(async {
            let engine = opening::engine(&self.places, false)?;
            let plugins = engine.plugins();
            if self.json {
                let all: Vec<Value> = plugins
                    .iter()
                    .map(|one| plugin::as_json(one, None))
                    .collect();
                screen.result(&pretty(&Value::Array(all)))?;
            } else {
                for line in plugin::list(&plugins.iter().map(|one| &**one).collect::<Vec<_>>()) {
                    screen.print(&line);
                }
            }
            for problem in plugin::problems(plugins.problems()) {
                screen.warning(&problem);
            }
            Ok(Exit::Done)
        })
    }
}
