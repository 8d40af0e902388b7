//! One run at the command line: who watches it, who may stop it, what is shown of its end.
//!
//! Shared by every command that starts or continues a run, so that a run looks the same however it came about. What a
//! run does is the engine's; here is only what people see of it. Standard output belongs to one thing alone: the
//! primary result (at the end, or with `--stream` as it comes), the results as JSON (`--quiet`), or the events
//! (`--events -`).

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_engine::{Engine, Plan, RunError, RunReport};
use armature_spec::Step;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    environment,
    exit::Exit,
    failure::Failure,
    files, keep,
    render::{
        outcome,
        progress::{Detail, Progress, Tally},
        screen::Screen,
        style, text, waiting,
    },
    targets,
};

/// How a run is shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Show {
    /// Print nothing but the results of all stages, as one JSON object
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Write the results of all stages to this file, as one JSON object
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Show what plugins log and what models use, too
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Show the answer of the `response_stage` on standard output while it comes
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) stream: bool,

    /// Write each event of the run to this file, as a line of JSON; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<String>,
}

/// What ran.
pub(crate) struct Ran<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) engine: &'a Engine,
    /// armature's home, where the command line named it.
    pub(crate) home: Option<&'a Path>,
}

/// What a run needs of the session it runs in.
pub(crate) struct Session {
    /// Watches it, and is silent while a person is asked.
    pub(crate) progress: Arc<Progress>,
    /// Stops it.
    pub(crate) cancel: CancellationToken,
}

impl Show {
    /// Refuses before a run what would go wrong after it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.quiet && self.events_on_stdout() {
            return Err(
                Failure::usage("--quiet and --events - both want standard output")
                    .hint("write the events to a file: --events FILE"),
            );
        }
        if self.stream && self.events_on_stdout() {
            return Err(
                Failure::usage("--stream and --events - both want standard output")
                    .hint("write the events to a file (--events FILE), or leave --stream out: they have the text, too"),
            );
        }
        if self.output.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("--output wants the name of a file")
                .hint("--quiet writes the results of all stages to standard output"));
        }
        for file in self.files() {
            targets::check(file)?;
        }
        match (self.output.as_deref(), self.events_file()) {
            (Some(output), Some(events)) => targets::check_apart(output, events),
            _ => Ok(()),
        }
    }

    /// Refuses to write over what the workflow is made from.
    pub(crate) fn check_against(&self, plan: &Plan) -> Result<(), Failure> {
        self.files()
            .try_for_each(|file| targets::check_spares(file, plan))
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        self.output.as_deref().into_iter().chain(self.events_file())
    }

    fn events_file(&self) -> Option<&Path> {
        let file = self.events.as_deref().filter(|file| *file != "-");
        file.map(Path::new)
    }

    /// Are the header, warnings and progress shown?
    pub(crate) fn tells(&self) -> bool {
        !self.quiet
    }

    fn events_on_stdout(&self) -> bool {
        self.events.as_deref() == Some("-")
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }

    /// Runs something to its end, while somebody watches and may interrupt.
    pub(crate) async fn follow<F>(
        &self,
        screen: &Screen,
        work: impl FnOnce(Session) -> F,
    ) -> Result<(Result<RunReport, RunError>, Tally), Failure>
    where
        F: Future<Output = Result<RunReport, RunError>>,
    {
        let lines = self.events.as_deref().map(files::lines).transpose()?;
        let progress = Arc::new(Progress::start(*screen, self.detail(), self.stream, lines));
        let cancel = CancellationToken::new();
        let session = Session {
            progress: Arc::clone(&progress),
            cancel: cancel.clone(),
        };
        let interrupt = tokio::spawn(interrupted(*screen, cancel));
        let result = work(session).await;
        interrupt.abort();
        let tally = progress.end();
        if let Some(why) = &tally.unwritten {
            screen.warning(&format!("not all events could be written: {why}"));
        }
        Ok((result, tally))
    }

    /// The same, where relative paths begin elsewhere from now on.
    pub(crate) fn into_paths_from_here(mut self) -> Self {
        let from_root = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        self.output = self.output.map(from_root);
        self.events = self.events.map(|file| match file.as_str() {
            "-" => file,
            _ => from_root(PathBuf::from(&file)).display().to_string(),
        });
        self
    }

    /// Shows how it ended, keeps the result where it was asked for, and says with which code to end.
    pub(crate) fn finish(
        &self,
        screen: &Screen,
        ran: &Ran<'_>,
        result: Result<RunReport, RunError>,
        tally: &Tally,
    ) -> Result<Exit, Failure> {
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                self.unfinished(screen, ran, &error, tally);
                return Ok(outcome::exit(&error));
            }
        };
        let all = Value::Object(report.outputs.clone());
        if self.quiet {
            screen.result(&outcome::pretty(&all))?;
        } else {
            outcome::end(screen, &report, tally);
            for limit in outcome::overdrawn(&ran.plan.document().spec.contracts, &report.summary) {
                screen.warning(&limit);
            }
            // What was shown while it came is not shown again.
            if !self.events_on_stdout() && !outcome::was_streamed(&report, tally) {
                outcome::primary(screen, &report)?;
            }
        }
        if let Some(home) = environment::home(ran.home)
            && let Err(why) = keep::results(&home, ran.plan.name(), &(outcome::pretty(&all) + "\n"))
        {
            screen.warning(&format!(
                "the results are not kept in last/: {}",
                files::reason(&why)
            ));
        }
        // Last, so that a disk that is full does not take the result off the screen, too.
        if let Some(file) = &self.output {
            files::write(file, &(outcome::pretty(&all) + "\n"))?;
        }
        Ok(Exit::Done)
    }
}

impl Show {
    /// Says why a run did not come to its end, and how to go on.
    fn unfinished(&self, screen: &Screen, ran: &Ran<'_>, error: &RunError, tally: &Tally) {
        let mut failure = outcome::failure(error, tally);
        let waits = match (error, ran.engine.store()) {
            (RunError::Parked { run_id, .. }, Some(store)) => store.waiting(run_id),
            _ => Ok(Vec::new()),
        };
        // What waits is said below, where it can be read; what cannot be read is said by its names alone.
        let waits = waits.unwrap_or_default();
        let Some(run) = error.run_id() else {
            screen.failure(&failure);
            return;
        };
        if !waits.is_empty() {
            failure.hint = None;
        }
        match error {
            RunError::Parked { .. } => screen.parked(&failure),
            _ => screen.failure(&failure),
        }
        if let RunError::Stage { stage, .. } = error
            && let Some(place) = place(ran.plan, stage)
        {
            screen.say(&format!("  at: {place}"));
        }
        for asked in &waits {
            for line in waiting::question(asked) {
                screen.say(&line);
            }
            let command = waiting::command(run.as_str(), asked, ran.home);
            screen.say(&format!("  answer: {command} --yes"));
            let why = match asked.question.call {
                Some(_) => "why not",
                None => "what should change",
            };
            screen.say(&format!("      or: {command} --no \"{why}\""));
        }
        let used = tally.used();
        if !used.is_empty() {
            let used = used.join(" · ");
            screen.say(&style::faint(&format!("  until then: {used}")));
        }
        // Where every stage is done, or the contract is at its end, going on would end in the same way.
        let can_help = match error {
            RunError::Log { .. } | RunError::Output { .. } => false,
            RunError::Stage { failure, .. } => !failure.is_spent(),
            _ => true,
        };
        if waits.is_empty() && can_help {
            let name = text::line(ran.plan.name(), 120);
            screen.say(&format!(
                "  run {run} of '{name}' is kept; go on with it: armature resume {run}"
            ));
        }
    }
}

/// Where a stage stands in its spec.
fn place(plan: &Plan, stage: &str) -> Option<String> {
    let document = plan.document();
    let (number, _) = document.spec.stage(stage)?;
    let path = [Step::Key("stages"), Step::Index(number), Step::Key("id")];
    let at = document.source.locate(&path);
    Some(format!("{}:{at}", text::line(&document.source.name, 200)))
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
    // Its terminal was closed, and neither `nohup` nor the like had it ignore that: to listen would undo it.
    let hangup = async {
        let listening = !files::ignores_hangups();
        match listening.then(|| signal(SignalKind::hangup())) {
            Some(Ok(mut hangup)) => drop(hangup.recv().await),
            _ => std::future::pending().await,
        }
    };
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                () = hangup => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}
