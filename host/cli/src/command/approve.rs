//! `armature approve`: answers what a run waits for, and goes on with the run.
//!
//! The answer is for what is shown. It is written into the run's log first, so that it stands whatever becomes of this
//! process, and of two people who answer at the same time one is told.

use armature_store::{RunRecord, StoreError, Waiting};

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    going_on::{GoingOn, Runs},
    person::Answers,
    render::{screen::Screen, text, waiting},
    session::Show,
};

/// Who answered, for the log.
const BY: &str = "command line";

/// Answer a gate or a call that waits, and go on with its run.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("answer").required(true),
    after_help = "Example:\n  armature gates\n  armature approve 3f2a9c01d4e7 review --yes\n  \
                  armature approve 3f2a9c01d4e7 review --no \"Shorter, please\""
)]
pub(crate) struct Approve {
    /// The run, or the first digits of its id
    #[arg(value_name = "RUN")]
    run: String,

    /// The stage, or the call, as `armature gates` shows it; may be left out where one thing waits
    #[arg(value_name = "STAGE")]
    stage: Option<String>,

    /// Yes: let it go on
    #[arg(short, long, group = "answer")]
    yes: bool,

    /// No; with what should change, if you like
    #[arg(
        short,
        long,
        group = "answer",
        value_name = "WHY",
        num_args = 0..=1,
        default_missing_value = ""
    )]
    no: Option<String>,

    /// Answer everything that waits at this stage
    #[arg(long)]
    all: bool,

    /// Write the answer down, and let somebody else go on
    #[arg(long, conflicts_with_all = ["quiet", "output", "events", "verbose", "stream"])]
    only_record: bool,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    home: Home,
}

impl Approve {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        self.show.check()?;
        let (runs, run) = Runs::find(&self.home, &self.run)?;
        if let Some(pid) = runs.worker(&run.run_id) {
            let process = pid.map_or_else(
                || "another process".to_owned(),
                |pid| format!("process {pid}"),
            );
            return Err(
                Failure::failed(format!("run {} is at work in {process}", run.run_id))
                    .hint("answer it at the terminal where it runs"),
            );
        }
        let mut waits = runs.store.waiting(&run.run_id).map_err(Failure::failed)?;
        let places = self.meant(&run, &waits)?;
        let words = self.no.as_deref().unwrap_or_default();
        for place in places {
            if let Some(asked) = waits.get(place).filter(|_| self.show.tells()) {
                let answer = if self.yes { "yes" } else { "no" };
                for line in waiting::question(asked) {
                    screen.say(&line);
                }
                screen.say(&format!("  {answer}{}", reason(words)));
            }
            runs.store
                .answer(&mut waits, place, self.yes, words, BY)
                .map_err(|error| late(&error))?;
        }
        if self.only_record {
            screen.say(&format!(
                "the answer is written down; go on with: armature resume {}",
                run.run_id
            ));
            return Ok(Exit::Done);
        }
        let going_on = GoingOn {
            show: self.show,
            answers: Answers::default(),
            no_cache: false,
            home: self.home.home,
        };
        let went = going_on.run(screen, runs, &run);
        // It was not used up: whoever puts right what was in the way need not give it again.
        if matches!(went, Ok(Exit::Usage) | Err(_)) {
            screen.say(&format!(
                "the answer is written down and stands; go on with: armature resume {}",
                run.run_id
            ));
        }
        went
    }

    /// Which of the questions are answered.
    fn meant(&self, run: &RunRecord, waits: &[Waiting]) -> Result<Vec<usize>, Failure> {
        if waits.is_empty() {
            return Err(
                Failure::usage(format!("run {} waits for nothing", run.run_id))
                    .hint("`armature gates` lists what waits"),
            );
        }
        let list = || {
            let names: Vec<String> = waits.iter().map(name).collect();
            names.join(", ")
        };
        let of_stage = |asked: &Waiting| {
            let stage = self.stage.as_deref();
            stage.is_none_or(|stage| asked.is_meant_by(stage))
        };
        let mut meant: Vec<usize> = (0..waits.len())
            .filter(|place| waits.get(*place).is_some_and(of_stage))
            .collect();
        // A name that is one's own goes before what it is a part of.
        let exact = |place: &usize| {
            let asked = waits.get(*place);
            asked.is_some_and(|asked| self.stage.as_deref() == Some(asked.path.as_str()))
        };
        if meant.iter().filter(|place| exact(place)).count() == 1 {
            meant.retain(exact);
        }
        match (meant.len(), &self.stage) {
            (0, stage) => Err(Failure::usage(format!(
                "run {} waits for nothing at `{}`",
                run.run_id,
                text::line(stage.as_deref().unwrap_or_default(), 80)
            ))
            .hint(format!("it waits at {}", list()))),
            (2.., _) if !self.all => {
                Err(
                    Failure::usage(format!("{} things wait there", meant.len())).hint(format!(
                        "name one of {}, or answer all of them with --all",
                        list()
                    )),
                )
            }
            _ => Ok(meant),
        }
    }
}

/// What to write for one question alone.
fn name(asked: &Waiting) -> String {
    text::line(
        &asked.call_path().unwrap_or_else(|| asked.path.clone()),
        120,
    )
}

fn reason(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {}", text::visible(words))
    }
}

fn late(error: &StoreError) -> Failure {
    match error {
        StoreError::Fenced { .. } => {
            Failure::failed("somebody else has answered, or gone on with the run, just now")
                .hint("`armature gates` lists what still waits")
        }
        error => Failure::failed(error),
    }
}
