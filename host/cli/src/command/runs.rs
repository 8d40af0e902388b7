//! `armature runs`: the runs there are, newest first.

use armature_store::{RunQuery, RunRecord};
use serde_json::{Value, json};

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    format::Format,
    going_on::Runs as Kept,
    render::{outcome::pretty, screen::Screen, style, text},
};

/// List recent runs and how far they are.
///
/// A run is running, completed, failed, parked (it waits for a person), interrupted (its process died) or cancelled.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  armature runs -n 5\n  armature runs --format json | jq '.[0].status'"
)]
pub(crate) struct Runs {
    /// Of this workflow only
    #[arg(value_name = "NAME")]
    workflow: Option<String>,

    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,

    /// How to write the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

impl Runs {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let mut rows: Vec<(RunRecord, &'static str)> = Vec::new();
        if let Some(kept) = Kept::open(&self.home)? {
            let query = RunQuery {
                workflow: self.workflow.clone(),
                top: true,
                limit: Some(self.limit),
                ..RunQuery::default()
            };
            for run in kept.store.runs(&query).map_err(Failure::failed)? {
                let status = kept.status(&run);
                rows.push((run, status));
            }
        }
        if self.format == Format::Json {
            let list: Vec<Value> = rows.iter().map(|(run, status)| row(run, status)).collect();
            screen.result(&pretty(&Value::from(list)))?;
            return Ok(Exit::Done);
        }
        if rows.is_empty() {
            screen.say("there are no runs; start one: armature run SPEC");
        }
        for (run, status) in &rows {
            screen.print(&line(run, status));
        }
        Ok(Exit::Done)
    }
}

fn row(run: &RunRecord, status: &str) -> Value {
    json!({
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": status,
        "started": run.started,
        "ended": run.ended,
    })
}

fn line(run: &RunRecord, status: &str) -> String {
    let word = format!("{status:<11}");
    let word = match status {
        "failed" => style::bad(&word),
        "parked" | "interrupted" | "cancelled" => style::doubtful(&word),
        _ => word,
    };
    format!(
        "{}  {word}  {}  {}",
        run.run_id,
        style::faint(&text::moment(&run.started)),
        text::line(&run.workflow, 80)
    )
}
