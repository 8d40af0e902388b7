//! `armature run`: runs a workflow and shows how it goes and what comes out.

use std::{path::PathBuf, sync::Arc};

use armature_engine::{Engine, Plan, RunRequest};
use armature_store::{RunId, RunQuery, RunRecord};
use serde_json::{Map, Value};

use crate::{
    account::Account,
    arguments::Places,
    command::explain,
    compiling,
    exit::Exit,
    failure::Failure,
    going_on, granting,
    inputs::Inputs,
    opening::{self, Planned},
    person::{Answers, Person},
    render::{diagram, findings, outcome, progress::Tally, screen::Screen, text},
    session::{Ran, Session, Show},
};

/// Run a workflow.
///
/// The result of its last stage goes to standard output, everything about the run to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  armature run research.yml -i question='What is tea?' -i parts:=4\n",
    "  armature run report.yml --inputs data.json -i notes=@notes.txt --quiet | jq .report\n",
    "  armature run chat.yml -i question='Why?' --stream\n",
    "  armature run release.yml --approve review=yes --events run.jsonl\n\n",
    "It ends with 0 when it did what it was asked, 1 when a stage failed, 2 for a mistake in the spec or the arguments,\n",
    "3 when it waits for a person, 4 when something was denied, 130 when it was interrupted."
))]
pub(crate) struct Run {
    /// The workflow's file
    #[arg(value_name = "SPEC", value_hint = clap::ValueHint::FilePath)]
    spec: PathBuf,

    #[command(flatten)]
    inputs: Inputs,

    /// Show what would be done, with which rights and within which bounds, and do nothing
    #[arg(long, conflicts_with_all = ["quiet", "events", "output", "stream"])]
    dry_run: bool,

    /// Ask models again what they have answered before, and keep no answer
    #[arg(long)]
    no_cache: bool,

    /// Answer a gate beforehand: STAGE=yes, STAGE=no or STAGE=no:words; can be repeated
    #[arg(long, value_name = "ANSWER")]
    approve: Vec<String>,

    /// Start over, although an unfinished run of the same spec and inputs could go on
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    places: Places,
}

impl Run {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let inputs = self.inputs.read()?;
        Answers::read(&self.approve)?;
        self.show.check()?;
        opening::wait(self.start(screen, inputs))
    }

    async fn start(&self, screen: &Screen, inputs: Map<String, Value>) -> Result<Exit, Failure> {
        let (planned, engine) = opening::plan(&self.spec, &inputs, || {
            opening::engine(&self.places, !self.dry_run)
        })
        .await?;
        let (plan, engine) = match (planned, engine) {
            (Planned::Good(plan), Some(engine)) => (plan, engine),
            (Planned::Bad(problems), _) => {
                return Ok(opening::refuse(screen, &problems));
            }
            (Planned::Good(..), None) => {
                return Err(Failure::failed("no engine was made for a plan"));
            }
        };
        if self.show.tells() {
            findings::show(screen, plan.warnings());
        }
        self.show.check_against(&plan)?;
        if self.dry_run {
            explain::show(screen, &Account::of(&engine, &plan));
            return Ok(Exit::Done);
        }
        let plan = granting::ask(screen, &engine, *plan).await?;
        if self.show.tells() {
            let last = last_run(&engine, plan.name());
            let last = last.as_ref().map(|(run, status)| (run, *status));
            for line in diagram::header(&plan, &engine.shown(&plan, &inputs), last) {
                screen.say(&line);
            }
            warn_of_unknown(screen, &plan, &inputs);
        }
        let stages = &plan.document().spec.stages;
        if self.show.stream && !stages.iter().any(|stage| stage.response_stage) {
            screen.warning("--stream shows nothing: no stage has `response_stage: true`");
        }
        let answers = Answers::read(&self.approve)?;
        answers.check(&plan)?;
        let unfinished = self.unfinished(screen, &engine, &plan, &inputs).await?;
        compiling::compile(screen, &engine, &plan, self.show.tells()).await?;
        let start = async |session: Session| {
            let approver = Person::new(*screen, Arc::clone(&session.progress), answers);
            let request = RunRequest {
                inputs,
                approver: Arc::new(approver),
                observer: session.progress,
                cancel: session.cancel,
                use_cache: !self.no_cache,
            };
            match unfinished {
                Some(run) => engine.resume(&plan, run, request).await,
                None => engine.run(&plan, request).await,
            }
        };
        let (result, tally) = self.show.follow(screen, start).await?;
        let ran = Ran {
            plan: &plan,
            engine: &engine,
            home: self.places.home.home.as_deref(),
        };
        self.show.finish(screen, &ran, result, &tally)
    }
}

/// The last run of a workflow and how far it is; none where that cannot be found out.
fn last_run(engine: &Engine, workflow: &str) -> Option<(RunRecord, &'static str)> {
    let query = RunQuery {
        workflow: Some(workflow.to_owned()),
        top: true,
        limit: Some(1),
        ..RunQuery::default()
    };
    let store = engine.store()?;
    let run = store.runs(&query).ok()?.pop()?;
    let status = going_on::status(store, &run);
    Some((run, status))
}

impl Run {
    /// The run that goes on, where the spec wants that (`checkpoint: true`) and there is one.
    async fn unfinished(
        &self,
        screen: &Screen,
        engine: &Engine,
        plan: &Plan,
        inputs: &Map<String, Value>,
    ) -> Result<Option<RunId>, Failure> {
        if !plan.document().spec.checkpoint {
            return Ok(None);
        }
        let found = engine.unfinished(plan, inputs).await;
        let found = found.map_err(|error| outcome::failure(&error, &Tally::default()))?;
        if self.force {
            if let (Some(found), Some(store)) = (&found, engine.store()) {
                going_on::give_up(store, &found.run_id).map_err(Failure::failed)?;
            }
            return Ok(None);
        }
        if let Some(found) = &found
            && self.show.tells()
        {
            screen.say(&format!(
                "going on with run {} of {}, {} done; --force starts over",
                found.run_id,
                text::moment(&found.started),
                text::length(found.done, "stage")
            ));
        }
        Ok(found.map(|found| found.run_id))
    }
}

/// An input that the workflow does not declare is probably a slip of the finger. Where it declares none, any will do.
fn warn_of_unknown(screen: &Screen, plan: &Plan, inputs: &Map<String, Value>) {
    let declared = &plan.document().spec.contracts.inputs;
    let declared: Vec<&str> = declared
        .iter()
        .filter_map(|input| input.name.as_deref())
        .collect();
    if declared.is_empty() {
        return;
    }
    for name in inputs
        .keys()
        .filter(|name| !declared.contains(&name.as_str()))
    {
        screen.warning(&format!(
            "`{name}` is no input of this workflow; it has {}",
            declared.join(", ")
        ));
    }
}
