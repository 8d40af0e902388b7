//! `armature doctor`: whether everything is in order on this machine, a line for each thing.
//!
//! Each check says what it looked at; one that is essential and fails makes the command fail. Keys are looked for by
//! the names that providers use; whether one is there is told, its value is not.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use armature_engine::Engine;
use armature_llm::PROVIDERS;

use crate::{
    arguments::Places,
    environment,
    exit::Exit,
    failure::Failure,
    files, opening,
    render::{plugin, screen::Screen, style, text},
    trust,
};

/// Say whether everything is in order on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature doctor --plugins ./plugins")]
pub(crate) struct Doctor {
    #[command(flatten)]
    places: Places,
}

/// What a check found.
enum Found {
    Good(String),
    Doubtful(String),
    Bad(String),
}

impl Doctor {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let mut is_well = true;
        let mut tell = |what: &str, found: Found| {
            let (sign, text) = match found {
                Found::Good(text) => (style::good("✓"), text),
                Found::Doubtful(text) => (style::doubtful("-"), text),
                Found::Bad(text) => {
                    is_well = false;
                    (style::bad("✗"), text)
                }
            };
            screen.print(&format!("{sign} {what:<10} {}", text::visible(&text)));
        };
        tell(
            "armature",
            Found::Good(format!(
                "{} on {} {}",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS,
                std::env::consts::ARCH
            )),
        );
        let home = opening::home(&self.places.home)?;
        tell(
            "home",
            match files::try_directory(&home) {
                Ok(()) => Found::Good(format!("{} can be written", home.display())),
                Err(error) => Found::Bad(format!(
                    "{}: {} (choose another with {}=DIR)",
                    home.display(),
                    files::reason(&error),
                    environment::HOME
                )),
            },
        );
        tell(
            "policy",
            match opening::policy(&home) {
                Ok(_) if home.join(opening::POLICY).is_file() => Found::Good(format!(
                    "{} is understood",
                    home.join(opening::POLICY).display()
                )),
                Ok(_) => Found::Good(format!(
                    "none: specs decide alone ({} would set a ceiling)",
                    home.join(opening::POLICY).display()
                )),
                Err(failure) => Found::Bad(failure.message),
            },
        );
        let mut doubts = trust::doubts(&home);
        if doubts.is_empty() {
            tell(
                "access",
                Found::Good("only you can change what decides about rights".to_owned()),
            );
        }
        for (why, repair) in doubts.drain(..) {
            tell("access", Found::Bad(format!("{why}: {repair}")));
        }
        let named = self.places.plugins.iter().cloned();
        for dir in named.chain([PathBuf::from("plugins")]) {
            for (why, repair) in trust::doubts_of_plugins(&dir) {
                tell("access", Found::Doubtful(format!("{why}: {repair}")));
            }
        }
        opening::wait(async {
            let begun = Instant::now();
            match opening::engine(&self.places, true) {
                Ok(engine) => {
                    tell(
                        "engine",
                        Found::Good(format!("starts in {} ms", begun.elapsed().as_millis())),
                    );
                    tell("database", database(&engine));
                    tell("built in", builtins(&engine).await);
                    tell("cache", cache(&self.places).await);
                    for problem in plugin::problems(engine.plugins().problems()) {
                        tell("plugins", Found::Doubtful(problem));
                    }
                }
                Err(failure) => tell("engine", Found::Bad(failure.message)),
            }
            Ok(())
        })?;
        if let Some(found) = weights(&home) {
            tell("weights", found);
        }
        tell("terminal", Found::Good(terminal(screen)));
        tell("models", keys());
        Ok(if is_well { Exit::Done } else { Exit::Failed })
    }
}

fn database(engine: &Engine) -> Found {
    match engine.store() {
        Some(store) => match store.runs(&armature_store::RunQuery {
            limit: Some(1),
            ..Default::default()
        }) {
            Ok(runs) => {
                let last = runs.first().map_or_else(
                    || "no run yet".to_owned(),
                    |run| format!("last run {}", run.started),
                );
                Found::Good(format!("{} ({last})", store.path().display()))
            }
            Err(error) => Found::Bad(error.to_string()),
        },
        None => Found::Bad("is not there".to_owned()),
    }
}

/// Do the built-in plugins load? The first time they are compiled, and from then on taken from the cache.
async fn builtins(engine: &Engine) -> Found {
    let begun = Instant::now();
    // A packed one takes seconds to compile: that is for whoever calls it first.
    let (builtins, later): (Vec<_>, Vec<_>) = engine
        .plugins()
        .iter()
        .filter(|plugin| engine.plugins().is_builtin(plugin.name()))
        .partition(|plugin| !plugin.is_packed() || !engine.sandbox().is_to_be_compiled(plugin));
    for plugin in &builtins {
        if let Err(error) = engine.sandbox().prepare(plugin).await {
            return Found::Bad(format!("`{}` cannot be loaded: {error}", plugin.name()));
        }
    }
    let names: Vec<&str> = builtins
        .iter()
        .map(|plugin| plugin.name().as_str())
        .collect();
    let later: String = later
        .iter()
        .map(|plugin| format!("; `{}` is compiled when it is first called", plugin.name()))
        .collect();
    Found::Good(format!(
        "{} load in {} ms{later}",
        names.join(", "),
        begun.elapsed().as_millis()
    ))
}

/// A second engine must find what the first one compiled, and believe it.
async fn cache(places: &Places) -> Found {
    let begun = Instant::now();
    let Ok(engine) = opening::engine(places, false) else {
        return Found::Bad("a second engine cannot start".to_owned());
    };
    match builtins(&engine).await {
        Found::Good(_) => Found::Good(format!(
            "with it, engine and plugins are there in {} ms",
            begun.elapsed().as_millis()
        )),
        other => other,
    }
}

/// The weights that make vectors of texts, where there are any.
fn weights(home: &Path) -> Option<Found> {
    let begun = Instant::now();
    Some(match armature_embed::open(home) {
        Ok(weights) => {
            let weights = weights?;
            Found::Good(format!(
                "{} make vectors of {} numbers, and are read in {} ms",
                weights.model(),
                weights.dimensions(),
                begun.elapsed().as_millis()
            ))
        }
        Err(error) => Found::Doubtful(format!("{error}; {}", error.hint())),
    })
}

fn terminal(screen: &Screen) -> String {
    let can = if screen.can_ask() {
        "gates can be answered here"
    } else {
        "none: gates are answered with --approve"
    };
    let colour = if screen.err_has_colour() {
        "colour"
    } else {
        "no colour"
    };
    format!("{can}; {colour}")
}

/// Which providers have a key here. Whether, never which.
fn keys() -> Found {
    let keys = || PROVIDERS.iter().filter_map(|provider| provider.key_env);
    let of = |there: bool| {
        keys()
            .filter(|key| environment::is_set(key) == there)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (set, unset) = (of(true), of(false));
    if set.is_empty() {
        return Found::Doubtful(format!(
            "no key is set, local and scripted models need none; looked for {unset}"
        ));
    }
    Found::Good(format!("keys set: {set}; not set: {unset}"))
}
