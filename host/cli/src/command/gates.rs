//! `armature gates`: what waits for a person, in all runs.

use armature_store::{RunQuery, RunRecord, RunStatus, Waiting};
use serde_json::{Value, json};

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    format::Format,
    going_on::Runs,
    render::{outcome::pretty, screen::Screen, waiting},
};

/// Most runs that are looked through.
const MAX_RUNS: usize = 10_000;

/// List the gates and calls that wait for a person.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature gates\n  armature approve 3f2a9c01d4e7 review --yes")]
pub(crate) struct Gates {
    /// How to write the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

impl Gates {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let mut all = Vec::new();
        if let Some(runs) = Runs::open(&self.home)? {
            let query = RunQuery {
                status: Some(RunStatus::Parked),
                top: true,
                limit: Some(MAX_RUNS),
                ..RunQuery::default()
            };
            for run in runs.store.runs(&query).map_err(Failure::failed)? {
                let asked = runs.store.waiting(&run.run_id).map_err(Failure::failed)?;
                all.extend(asked.into_iter().map(|asked| (run.clone(), asked)));
            }
        }
        if self.format == Format::Json {
            let list: Vec<Value> = all.iter().map(|(run, asked)| row(run, asked)).collect();
            screen.result(&pretty(&Value::from(list)))?;
            return Ok(Exit::Done);
        }
        if all.is_empty() {
            screen.say("nothing waits for a person");
        }
        for (run, asked) in &all {
            for line in waiting::lines(run, asked, self.home.home.as_deref()) {
                screen.print(&line);
            }
        }
        Ok(Exit::Done)
    }
}

fn row(run: &RunRecord, asked: &Waiting) -> Value {
    let mut row = json!({
        "run_id": run.run_id,
        "workflow": run.workflow,
        "stage": asked.path,
        "kind": if asked.question.call.is_some() { "call" } else { "gate" },
        "since": asked.question.since,
        "message": asked.question.message,
    });
    if let (Some(row), Some(call)) = (row.as_object_mut(), &asked.question.call) {
        row.insert("call_id".into(), json!(asked.call_path()));
        row.insert("plugin".into(), json!(call.plugin));
        row.insert("tool".into(), json!(call.tool));
        row.insert("args".into(), call.args.clone());
    }
    row
}
