//! `armature plugin inspect`: a page about one plugin. Its code runs only to say which tools it has, without any right.

use std::{path::Path, sync::Arc};

use armature_sandbox::{Plugin, ToolDefinition};

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    opening,
    render::{outcome::pretty, plugin, screen::Screen},
};

/// Show what a plugin is, what it asks for and which tools it has.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature plugin inspect examples/plugins/notes")]
pub(crate) struct Inspect {
    /// A .wasm file, a directory with a plugin.toml, or the name of a plugin
    #[arg(value_name = "FILE|NAME")]
    plugin: String,

    /// Print JSON, with the schemas of the tools
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    places: Places,
}

impl Inspect {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        opening::wait(async {
            let engine = opening::engine(&self.places, false)?;
            let found = find(&engine, &self.plugin)?;
            let tools: Arc<[ToolDefinition]> = if found.kinds().tool {
                let tools = engine.sandbox().tools(&found).await;
                tools.map_err(|error| {
                    let failure = Failure::failed(format!(
                        "`{}` does not say which tools it has: {error}",
                        found.name()
                    ));
                    Failure {
                        hint: error.hint(),
                        ..failure
                    }
                })?
            } else {
                Arc::default()
            };
            if self.json {
                screen.result(&pretty(&plugin::as_json(&found, Some(&tools))))?;
            } else {
                for line in plugin::page(&found, &tools) {
                    screen.print(&line);
                }
            }
            Ok(Exit::Done)
        })
    }
}

/// A name that is known, else a file.
fn find(engine: &armature_engine::Engine, plugin: &str) -> Result<Arc<Plugin>, Failure> {
    if let Some(found) = engine.plugins().get(plugin) {
        return Ok(Arc::clone(found));
    }
    let path = Path::new(plugin);
    if path.exists() {
        return engine.sandbox().read(path).map_err(|error| {
            Failure::failed(error).hint("how a plugin is built: plugins/README.md")
        });
    }
    let failure = Failure::usage(format!(
        "there is no plugin and no file `{}`",
        plugin.escape_debug()
    ));
    let names: Vec<&str> = engine.plugins().names().collect();
    Err(failure.hint(format!(
        "name a .wasm file, or one of {}; more directories with --plugins DIR",
        names.join(", ")
    )))
}
