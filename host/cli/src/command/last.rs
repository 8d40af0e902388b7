//! `armature last`: what the last run made, as its log has it.

use std::path::Path;

use armature_store::{Event, EventLog as _, RunQuery, RunRecord, RunState, RunStatus, Store};
use serde_json::{Value, json};

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    format::Format,
    going_on,
    opening::{self, DATABASE},
    render::{
        outcome::{pretty, readable},
        screen::Screen,
        style, text,
    },
};

/// Characters of a stage's result, unless all of it is asked for.
const MAX_RESULT: usize = 2_000;

/// Show the results of the last run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  armature last\n  armature last research --stage report > report.md\n  armature last --format json | jq .status"
)]
pub(crate) struct Last {
    /// A workflow's file or name; the last run of any workflow when left out
    #[arg(value_name = "SPEC|NAME")]
    workflow: Option<String>,

    /// Show this stage only
    #[arg(short, long)]
    stage: Option<String>,

    /// Show all of every result
    #[arg(short, long)]
    full: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

impl Last {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let home = opening::home(&self.home)?;
        let nothing = |what: &str| {
            Failure::usage(format!("there is no run{what}")).hint("start one: armature run SPEC")
        };
        let database = home.join(DATABASE);
        if !database.is_file() {
            return Err(nothing(&format!(" in `{}`", home.display())));
        }
        let store = Store::open(&database).map_err(Failure::failed)?;
        let meant = self.workflow.as_deref().map(meant).transpose()?;
        let Some(run) = newest(&store, meant.as_ref())? else {
            let of = meant
                .map(|meant| format!(" of `{}`", meant.name.escape_debug()))
                .unwrap_or_default();
            return Err(nothing(&of));
        };
        let events = store.events(&run.run_id).map_err(Failure::failed)?;
        // A wait or a failure that the run has got over is no more to be told.
        let end = events
            .iter()
            .rev()
            .find(|recorded| RunStatus::after(&recorded.event).is_some())
            .and_then(|recorded| ending(&recorded.event));
        let state = RunState::fold(events);
        match &self.stage {
            Some(stage) => {
                let Some(value) = state.results.get(stage) else {
                    let stages: Vec<&str> = state.results.keys().map(String::as_str).collect();
                    return Err(Failure::usage(format!(
                        "run {} has no result of stage `{}`",
                        run.run_id,
                        stage.escape_debug()
                    ))
                    .hint(format!("it has results of {}", stages.join(", "))));
                };
                match self.format {
                    Format::Text => self.one(screen, value)?,
                    Format::Json => screen.result(&pretty(value))?,
                }
            }
            None if self.format == Format::Json => {
                let told = json!({
                    "run": run.run_id,
                    "workflow": run.workflow,
                    "status": going_on::status(&store, &run),
                    "started": run.started,
                    "ended": run.ended,
                    "why": end,
                    "results": state.results,
                });
                screen.result(&pretty(&told))?;
            }
            None => {
                head(screen, &run, going_on::status(&store, &run), end.as_deref());
                for (stage, value) in &state.results {
                    screen.print(&style::name(&text::line(stage, 80)));
                    self.one(screen, value)?;
                    screen.print("");
                }
            }
        }
        Ok(Exit::Done)
    }

    fn one(&self, screen: &Screen, value: &Value) -> Result<(), Failure> {
        let shown = readable(value);
        // One stage is asked for to be used: it is never cut.
        if self.full || self.stage.is_some() {
            screen.result(&shown)
        } else {
            screen.result(&text::bounded(&shown, MAX_RESULT))
        }
    }
}

/// Why a run has no more results than it has.
fn ending(event: &Event) -> Option<String> {
    match event {
        Event::RunFailed { reason, stage, .. } => {
            let stage = stage.as_ref().map(|stage| format!("stage `{stage}`: "));
            Some(format!("{}{reason}", stage.unwrap_or_default()))
        }
        Event::RunParked { waiting, .. } => Some(format!("it waits at {}", waiting.join(", "))),
        Event::RunCancelled { reason } => Some(reason.clone()),
        _ => None,
    }
}

fn head(screen: &Screen, run: &RunRecord, status: &str, end: Option<&str>) {
    let name = text::line(&run.workflow, 120);
    screen.say(&style::faint(&format!(
        "{name}, run {}, {status}, {}",
        run.run_id, run.started
    )));
    if let Some(end) = end {
        screen.say(&style::doubtful(&text::line(end, 600)));
    }
}

/// Which workflow's runs are meant.
struct Meant {
    name: String,
    /// The spec's file, from the root. The name in it may be made of inputs, and then each run has another one.
    file: Option<String>,
}

fn meant(given: &str) -> Result<Meant, Failure> {
    let path = Path::new(given);
    if !path.is_file() {
        return Ok(Meant {
            name: given.to_owned(),
            file: None,
        });
    }
    let document =
        armature_spec::load(path).map_err(|found| Failure::usage(found.render(given)))?;
    // As a run writes it down: links followed.
    let file = path.canonicalize().ok();
    Ok(Meant {
        name: document.spec.name,
        file: file.map(|file| file.to_string_lossy().into_owned()),
    })
}

/// The newest run of what is meant, or of all. A run within a run is shown by the run around it.
fn newest(store: &Store, meant: Option<&Meant>) -> Result<Option<RunRecord>, Failure> {
    let first = |workflow: Option<String>, spec_path: Option<String>| {
        let query = RunQuery {
            workflow,
            spec_path,
            top: true,
            limit: Some(1),
            ..RunQuery::default()
        };
        store.runs(&query).map_err(Failure::failed)
    };
    let mut found = first(meant.map(|meant| meant.name.clone()), None)?;
    if let Some(file) = meant.and_then(|meant| meant.file.clone()) {
        found.extend(first(None, Some(file))?);
    }
    Ok(found.into_iter().max_by(|a, b| a.started.cmp(&b.started)))
}
