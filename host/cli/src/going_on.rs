//! Going on with a run from the command line: finding it, going where it was started, showing what becomes of it.
//!
//! A run is continued from anywhere: its first event says where its spec is, in which directory it was started and
//! where its plugins were found, and that is where it goes on. What a person names on this command line (files to
//! write, armature's home) keeps its meaning from here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use armature_engine::RunRequest;
use armature_store::{
    Event, EventLog as _, RunId, RunRecord, RunStatus, Seq, Store, StoreError, event::RunStarted,
};
use serde_json::{Map, Value};

use crate::{
    arguments::Home,
    compiling, environment,
    exit::Exit,
    failure::Failure,
    opening::{self, DATABASE, Planned},
    person::{Answers, Person},
    render::{diagram, findings, screen::Screen, style, text},
    session::{Ran, Session, Show},
    trust,
};

/// Runs that are listed when a text means several.
const LISTED: usize = 8;

/// The runs of a home.
pub(crate) struct Runs {
    /// armature's home, from the root.
    pub(crate) home: PathBuf,
    pub(crate) store: Store,
}

impl Runs {
    /// Opens them; none if nothing was ever run here.
    pub(crate) fn open(home: &Home) -> Result<Option<Self>, Failure> {
        let home = opening::home(home)?;
        let home = std::path::absolute(&home).unwrap_or(home);
        let database = home.join(DATABASE);
        if !database.is_file() {
            return Ok(None);
        }
        let store = Store::open(&database).map_err(Failure::failed)?;
        Ok(Some(Self { home, store }))
    }

    /// The run whose id begins like this.
    pub(crate) fn find(home: &Home, text: &str) -> Result<(Self, RunRecord), Failure> {
        let shown = text::line(text, 80);
        let unknown = || {
            Failure::usage(format!("there is no run `{shown}`"))
                .hint("`armature runs` lists the runs there are")
        };
        let runs = Self::open(home)?.ok_or_else(unknown)?;
        // Before anything is recorded: an answer that cannot be acted on would be lost to who gave it.
        trust::check(&runs.home)?;
        let found = runs.store.runs_by_prefix(text, LISTED + 1);
        let mut found = found.map_err(Failure::failed)?;
        // A run within a run is reached through the run around it; its own id is taken only when it is written out.
        if found.len() > 1 {
            found.retain(|run| run.parent.is_none() || run.run_id.as_str() == text);
        }
        match (found.pop(), found.len()) {
            (None, _) => Err(unknown()),
            (Some(run), 0) => match &run.parent {
                None => Ok((runs, run)),
                Some(parent) => Err(Failure::usage(format!(
                    "run {} is a part of run {parent}",
                    run.run_id
                ))
                .hint("name that run: what waits in a part of it is answered there")),
            },
            (Some(last), _) => {
                found.push(last);
                let ids: Vec<&str> = found.iter().map(|run| run.run_id.as_str()).collect();
                Err(
                    Failure::usage(format!("`{shown}` is the beginning of several runs"))
                        .hint(format!("write more of it: {}", ids.join(", "))),
                )
            }
        }
    }

    /// [`status`] of a run.
    pub(crate) fn status(&self, run: &RunRecord) -> &'static str {
        status(&self.store, run)
    }

    /// The process at work on a run.
    pub(crate) fn worker(&self, run: &RunId) -> Option<Option<u32>> {
        armature_engine::worker(&self.home, run)
    }

    fn start_of(&self, run: &RunId) -> Result<RunStarted, Failure> {
        let events = self
            .store
            .events_after(run, Seq::START)
            .map_err(Failure::failed)?;
        let start = events
            .into_iter()
            .find_map(|recorded| match recorded.event {
                Event::RunStarted(start) => Some(start),
                _ => None,
            });
        start.ok_or_else(|| Failure::failed(format!("the log of run {run} has no beginning")))
    }
}

/// How far a run is, as a person means it: one whose process died is not running.
pub(crate) fn status(store: &Store, run: &RunRecord) -> &'static str {
    match run.status {
        RunStatus::Running if armature_engine::worker(home_of(store), &run.run_id).is_none() => {
            "interrupted"
        }
        status => status.as_str(),
    }
}

/// The directory in which a store lies.
fn home_of(store: &Store) -> &Path {
    store.path().parent().unwrap_or(Path::new("."))
}

/// Ends a run that another one takes the place of, so that it waits for nobody any more. One that is at work, or has
/// gone on just now, is left alone.
pub(crate) fn give_up(store: &Store, run: &RunId) -> Result<(), StoreError> {
    if armature_engine::worker(home_of(store), run).is_some() {
        return Ok(());
    }
    let over = Event::RunCancelled {
        reason: "started over".to_owned(),
    };
    match store.append_after(run, store.last_seq(run)?, &over) {
        Ok(_) | Err(StoreError::Fenced { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How a run is gone on with.
pub(crate) struct GoingOn {
    pub(crate) show: Show,
    /// Given beforehand.
    pub(crate) answers: Answers,
    /// Ask models again what they have answered before.
    pub(crate) no_cache: bool,
    /// armature's home, where the command line named it.
    pub(crate) home: Option<PathBuf>,
}

impl GoingOn {
    /// Goes on with a run, to its end or the next question.
    pub(crate) fn run(self, screen: &Screen, runs: Runs, run: &RunRecord) -> Result<Exit, Failure> {
        if run.status == RunStatus::Completed {
            return Err(Failure::usage(format!(
                "run {} has come to its end: there is nothing to go on with",
                run.run_id
            ))
            .hint("start another: armature run SPEC"));
        }
        self.show.check()?;
        let start = runs.start_of(&run.run_id)?;
        let place = Place::of(run, &start)?;
        let Runs { home, store } = runs;
        // The engine opens its own.
        drop(store);
        let show = self.show.into_paths_from_here();
        environment::enter(&place.directory).map_err(|error| {
            Failure::failed(format!(
                "the directory `{}`, in which run {} was started, cannot be entered: {}",
                place.directory.display(),
                run.run_id,
                crate::files::reason(&error)
            ))
        })?;
        let going = Going {
            place,
            home,
            run: run.run_id.clone(),
            use_cache: start.use_cache && !self.no_cache,
            named_home: self.home,
            inputs: start.inputs,
            show,
        };
        opening::wait(going.on(screen, self.answers))
    }
}

/// Where a run belongs.
struct Place {
    spec: PathBuf,
    directory: PathBuf,
    plugins: Vec<PathBuf>,
}

impl Place {
    fn of(run: &RunRecord, start: &RunStarted) -> Result<Self, Failure> {
        let (Some(spec), Some(directory)) = (&start.spec_path, &start.directory) else {
            return Err(Failure::failed(format!(
                "the log of run {} does not say where its spec is",
                run.run_id
            ))
            .hint("start it over: armature run SPEC"));
        };
        let spec = PathBuf::from(spec);
        if !spec.is_file() {
            return Err(Failure::failed(format!(
                "the spec of run {} is not there any more: `{}`",
                run.run_id,
                spec.display()
            ))
            .hint("put it back, or start another run"));
        }
        Ok(Self {
            spec,
            directory: PathBuf::from(directory),
            plugins: start.plugin_dirs.iter().map(PathBuf::from).collect(),
        })
    }
}

struct Going {
    place: Place,
    home: PathBuf,
    run: RunId,
    use_cache: bool,
    show: Show,
    named_home: Option<PathBuf>,
    inputs: Map<String, Value>,
}

impl Going {
    async fn on(self, screen: &Screen, answers: Answers) -> Result<Exit, Failure> {
        let spec = shorter(&self.place.spec, &self.place.directory);
        let engine = || opening::engine_in(self.home.clone(), self.place.plugins.clone(), true);
        let (plan, engine) = match opening::plan(&spec, &self.inputs, engine).await? {
            (Planned::Good(plan), Some(engine)) => (plan, engine),
            (Planned::Bad(problems), _) => return Ok(opening::refuse(screen, &problems)),
            (Planned::Good(..), None) => {
                return Err(Failure::failed("no engine was made for a plan"));
            }
        };
        answers.check(&plan)?;
        self.show.check_against(&plan)?;
        if self.show.tells() {
            findings::show(screen, plan.warnings());
            for line in diagram::header(&plan, &engine.shown(&plan, &self.inputs), None) {
                screen.say(&line);
            }
            screen.say(&style::faint(&format!("going on with run {}", self.run)));
        }
        compiling::compile(screen, &engine, &plan, self.show.tells()).await?;
        let (run, use_cache) = (self.run.clone(), self.use_cache);
        let work = async |session: Session| {
            let approver = Person::new(*screen, Arc::clone(&session.progress), answers);
            let request = RunRequest {
                inputs: Map::new(),
                approver: Arc::new(approver),
                observer: session.progress,
                cancel: session.cancel,
                use_cache,
            };
            engine.resume(&plan, run, request).await
        };
        let (result, tally) = self.show.follow(screen, work).await?;
        let ran = Ran {
            plan: &plan,
            engine: &engine,
            home: self.named_home.as_deref(),
        };
        self.show.finish(screen, &ran, result, &tally)
    }
}

/// A path as one would write it in a directory.
fn shorter(path: &Path, directory: &Path) -> PathBuf {
    path.strip_prefix(directory).unwrap_or(path).to_owned()
}
