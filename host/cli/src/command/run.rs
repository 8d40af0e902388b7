//! `armature run`: runs a workflow and shows how it goes and what comes out.

use std::{path::PathBuf, sync::Arc};

use armature_engine::{Engine, Plan, RunError, RunReport, RunRequest};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    files, inputs,
    opening::{self, Planned},
    person::{self, Person},
    render::{
        diagram, findings, outcome,
        progress::{Detail, Progress, Tally},
        screen::Screen,
        text,
    },
};

/// Run a workflow.
///
/// The result of its last stage goes to standard output, everything about the run to standard error.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Run {
    /// The workflow's file
    #[arg(value_name = "SPEC")]
    spec: PathBuf,

    /// An input: name=text, name:=JSON, name=@file or name:=@file.json; can be repeated
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,

    /// Show what would be done, with which rights and within which bounds, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Print nothing but the results of all stages, as one JSON object
    #[arg(short, long, conflicts_with_all = ["verbose", "events", "dry_run"])]
    quiet: bool,

    /// Write the results of all stages to this file, as one JSON object
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Ask models again what they have answered before, and keep no answer
    #[arg(long)]
    no_cache: bool,

    /// Answer a gate beforehand: STAGE=yes, STAGE=no or STAGE=no:words; can be repeated
    #[arg(long, value_name = "ANSWER")]
    approve: Vec<String>,

    /// Show what plugins log and what models use, too
    #[arg(short, long, conflicts_with = "events")]
    verbose: bool,

    /// Show each event of the run as a line of JSON on standard error
    #[arg(long)]
    events: bool,

    #[command(flatten)]
    places: Places,
}

impl Run {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let inputs = inputs::read(&self.inputs)?;
        person::answers(&self.approve)?;
        self.output.as_deref().map_or(Ok(()), files::check_target)?;
        opening::wait(self.start(screen, inputs))
    }

    async fn start(&self, screen: &Screen, inputs: Map<String, Value>) -> Result<Exit, Failure> {
        let (planned, engine) =
            opening::plan(&self.spec, || opening::engine(&self.places, !self.dry_run)).await?;
        let (plan, shown, engine) = match (planned, engine) {
            (Planned::Good(plan, shown), Some(engine)) => (plan, shown, engine),
            (Planned::Bad(problems, shown), _) => {
                return Ok(opening::refuse(screen, &shown, &problems));
            }
            (Planned::Good(..), None) => {
                return Err(Failure::failed("no engine was made for a plan"));
            }
        };
        if !self.quiet && !self.events {
            findings::show(screen, &shown, plan.warnings());
        }
        if self.dry_run {
            for line in diagram::plan(&engine, &plan) {
                screen.print(&line);
            }
            return Ok(Exit::Done);
        }
        if !self.quiet && !self.events {
            for line in diagram::header(&plan) {
                screen.say(&line);
            }
        }
        if !self.quiet && !self.events {
            warn_of_unknown(screen, &plan, &inputs);
        }
        let (result, tally) = self.drive(screen, &engine, &plan, inputs).await?;
        self.finish(screen, &plan, result, &tally)
    }

    /// Runs it, while somebody watches and may interrupt.
    async fn drive(
        &self,
        screen: &Screen,
        engine: &Engine,
        plan: &Plan,
        inputs: Map<String, Value>,
    ) -> Result<(Result<RunReport, RunError>, Tally), Failure> {
        let progress = Arc::new(Progress::start(*screen, self.detail()));
        let cancel = CancellationToken::new();
        let request = RunRequest {
            inputs,
            approver: Arc::new(Person::new(
                *screen,
                Arc::clone(&progress),
                person::answers(&self.approve)?,
            )),
            observer: Arc::clone(&progress) as _,
            cancel: cancel.clone(),
            use_cache: !self.no_cache,
        };
        let interrupt = tokio::spawn(interrupted(*screen, cancel));
        let result = engine.run(plan, request).await;
        interrupt.abort();
        Ok((result, progress.end()))
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.events, self.verbose) {
            (true, ..) => Detail::Quiet,
            (_, true, _) => Detail::Events,
            (.., true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }

    fn finish(
        &self,
        screen: &Screen,
        plan: &Plan,
        result: Result<RunReport, RunError>,
        tally: &Tally,
    ) -> Result<Exit, Failure> {
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                let spec = self.spec.display().to_string();
                let failure = outcome::failure(&error, &spec, tally);
                if self.events {
                    screen.say(&outcome::as_event(&failure).to_string());
                    return Ok(failure.exit);
                }
                screen.failure(&failure);
                if let Some(run) = error.run_id() {
                    let name = text::line(plan.name(), 120);
                    screen.say(&format!(
                        "  run {run} of '{name}' is kept; `armature last` shows what was done"
                    ));
                }
                return Ok(outcome::exit(&error));
            }
        };
        let all = Value::Object(report.outputs.clone());
        if self.quiet {
            screen.result(&outcome::pretty(&all))?;
        } else if !self.events {
            outcome::show(screen, &report, tally)?;
        } else if let Some((_, value)) = &report.primary {
            screen.result(&outcome::readable(value))?;
        }
        // Last, so that a disk that is full does not take the result off the screen, too.
        if let Some(file) = &self.output {
            files::write(file, &(outcome::pretty(&all) + "\n"))?;
        }
        Ok(Exit::Done)
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

/// The first Ctrl-C stops the run and waits for it; the second does not wait.
async fn interrupted(screen: Screen, cancel: CancellationToken) {
    signal().await;
    screen.say("stopping… (once more to stop at once)");
    cancel.cancel();
    signal().await;
    #[expect(
        clippy::exit,
        reason = "the person at the terminal does not want to wait"
    )]
    std::process::exit(Exit::Interrupted as i32)
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}
