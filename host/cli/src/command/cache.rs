//! `armature cache`: the kept replies of models.

use armature_store::CacheStats;
use serde_json::json;

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    format::Format,
    going_on::Runs,
    opening,
    render::{outcome::pretty, screen::Screen, text},
};

/// Look at the kept replies of models, and forget them.
///
/// A question that was answered before is answered from here, unless `run --no-cache` asks the model again. How much is
/// kept is set in policy.toml, under `[home]`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature cache stats")]
pub(crate) struct Cache {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Stats(Stats),
    Clear(Clear),
}

/// Show how much is kept and how often it was used.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature cache stats --format json | jq .hits")]
struct Stats {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

/// Forget every kept reply.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature cache clear")]
struct Clear {
    /// How to write what was forgotten
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

impl Cache {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self.command {
            Command::Stats(command) => command.run(screen),
            Command::Clear(command) => command.run(screen),
        }
    }
}

impl Stats {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let stats = match Runs::open(&self.home)? {
            Some(runs) => runs.store.cache_stats().map_err(Failure::failed)?,
            None => CacheStats::default(),
        };
        let policy = opening::policy(&opening::home(&self.home)?)?;
        let home = policy.home();
        if self.format == Format::Json {
            let mut told = json!(stats);
            if let Some(told) = told.as_object_mut() {
                told.insert("max_bytes".into(), json!(home.cache));
                told.insert("max_days".into(), json!(home.cache_days));
            }
            screen.result(&pretty(&told))?;
            return Ok(Exit::Done);
        }
        let replies = match stats.entries {
            1 => "1 reply".to_owned(),
            count => format!("{} replies", text::thousands(count)),
        };
        screen.print(&format!(
            "{replies}, {} of {}, for {} at most",
            text::bytes(stats.bytes),
            text::bytes(home.cache),
            text::count(home.cache_days, "day")
        ));
        screen.print(&format!(
            "used {} in a model's place",
            text::count(stats.hits, "time")
        ));
        for (what, when) in [("oldest", &stats.oldest), ("last used", &stats.last_used)] {
            if let Some(when) = when {
                screen.print(&format!("{what}: {}", text::moment(when)));
            }
        }
        Ok(Exit::Done)
    }
}

impl Clear {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let forgotten = match Runs::open(&self.home)? {
            Some(runs) => runs.store.cache_clear().map_err(Failure::failed)?,
            None => 0,
        };
        if self.format == Format::Json {
            screen.result(&pretty(&json!({ "forgotten": forgotten })))?;
        } else {
            screen.say(&match forgotten {
                1 => "1 reply is forgotten".to_owned(),
                count => format!("{} replies are forgotten", text::thousands(count)),
            });
        }
        Ok(Exit::Done)
    }
}
