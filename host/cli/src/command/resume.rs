//! `armature resume`: goes on with a run that stopped half way.

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    going_on::{GoingOn, Runs},
    person::Answers,
    render::screen::Screen,
    session::Show,
};

/// Go on with a run that was interrupted, failed, or waits.
///
/// Stages that were done are not run again. A call that may have been made just before an interruption, and would do
/// harm when it is made twice, is asked about first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  armature resume 3f2a9c01d4e7\n  armature resume 3f2a9c01d4e7 --approve review=yes"
)]
pub(crate) struct Resume {
    /// The run, or the first digits of its id
    #[arg(value_name = "RUN")]
    run: String,

    /// Answer a gate beforehand: STAGE=yes, STAGE=no or STAGE=no:words; can be repeated. What `run` was told so holds for
    /// that command alone: give it again
    #[arg(long, value_name = "ANSWER")]
    approve: Vec<String>,

    /// Make this call again although it may have been made before the interruption; can be repeated
    #[arg(long, value_name = "CALL")]
    repeat: Vec<String>,

    /// Ask models again what they have answered before, and keep no answer
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    home: Home,
}

impl Resume {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let answers = Answers::read(&self.approve)?.again(self.repeat);
        let (runs, run) = Runs::find(&self.home, &self.run)?;
        let going_on = GoingOn {
            show: self.show,
            answers,
            no_cache: self.no_cache,
            home: self.home.home,
        };
        going_on.run(screen, runs, &run)
    }
}
