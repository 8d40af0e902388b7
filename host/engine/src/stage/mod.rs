//! Running one stage: who is asked depends on its kind, everything around it does not.
//!
//! [`start`] is what the scheduler calls for a stage. It sees to gates that were rejected, hands the stage to
//! [`recovery`], and puts the result on the run's board. The table of kinds is [`work`]: one file a kind.

pub(crate) mod adapter;
mod again;
mod fan_out;
mod gate;
mod passes;
mod recovery;
mod subagent;
mod tool_call;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use armature_grants::Capability;
use armature_sandbox::{Caller, Placeholder};
use armature_store::{Event, TraceRow, event::Denied};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use gate::rejections;

use crate::{
    ask::BoxFuture,
    context::Context,
    diagnose,
    failure::Failure,
    plan::stage::{EnvUse, Kind, Source, Stage},
    role,
    run::Run,
    schedule::Step,
};

/// Which execution of which stage: what tells one from the others in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The stage.
    pub(crate) number: usize,
    /// The item of a fan-out.
    pub(crate) item: Option<usize>,
    /// How often the stage was begun again by a later stage, or went back to an earlier one.
    pub(crate) round: u32,
    /// The pass of the stage's loop, from 1; 0 without a loop.
    pub(crate) pass: u32,
}

impl Place {
    /// A stage in this round.
    pub(crate) fn of(number: usize, round: u32) -> Self {
        Self {
            number,
            item: None,
            round,
            pass: 0,
        }
    }

    /// What calls within it are named after: the same when the run is repeated. What did not happen is left out.
    fn prefix(self, id: &str, attempt: u32) -> String {
        let round = if self.round > 0 {
            format!("~{}", self.round)
        } else {
            String::new()
        };
        let pass = if self.pass > 0 {
            format!("@{}", self.pass)
        } else {
            String::new()
        };
        let item = self.item.map_or(String::new(), |item| format!("[{item}]"));
        format!("{id}{item}{round}{pass}#{attempt}")
    }
}

/// One attempt at a stage, or at one item of it: what calls and events within it are written down under.
pub(crate) struct Scope {
    pub(crate) run: Arc<Run>,
    /// None for what is no stage's.
    number: Option<usize>,
    /// What events of no stage are written down under.
    beside: &'static str,
    pub(crate) item: Option<usize>,
    attempt: u32,
    /// The pass of the stage's loop, from 1; 0 without one.
    pass: u32,
    /// Calls that wait for the one that is being made.
    pub(crate) depth: u64,
    /// The least that any of them allows.
    pub(crate) deepest: u64,
    /// What calls within this one are named after.
    prefix: String,
    calls: AtomicU32,
    /// Tools that were called, for the trace.
    called: Mutex<Vec<String>>,
    /// Has the stage its row in the trace?
    traced: AtomicBool,
    /// Tells a child run to stop.
    pub(crate) stop: CancellationToken,
}

impl Scope {
    /// An attempt, the first being 1.
    pub(crate) fn new(run: &Arc<Run>, place: Place, attempt: u32, stop: CancellationToken) -> Self {
        let id = run.plan.0.ids.get(place.number).map_or("", String::as_str);
        Self {
            number: Some(place.number),
            item: place.item,
            attempt: place.round.saturating_add(attempt),
            pass: place.pass,
            prefix: place.prefix(id, attempt),
            stop,
            ..Self::outside(run)
        }
    }

    /// A call outside a workflow.
    pub(crate) fn outside(run: &Arc<Run>) -> Self {
        Self {
            run: Arc::clone(run),
            number: None,
            beside: "",
            item: None,
            attempt: 1,
            pass: 0,
            depth: 0,
            deepest: u64::MAX,
            prefix: "call".to_owned(),
            calls: AtomicU32::new(0),
            called: Mutex::default(),
            traced: AtomicBool::new(false),
            stop: run.stop.clone(),
        }
    }

    /// Something that the run does beside its stages, when they are over.
    pub(crate) fn beside(run: &Arc<Run>, name: &'static str) -> Self {
        Self {
            beside: name,
            prefix: name.to_owned(),
            stop: run.halt_all.clone(),
            ..Self::outside(run)
        }
    }

    /// The scope of calls that a guest makes during a call; `deepest` is how deep that one lets calls be.
    pub(crate) fn deeper(&self, call_id: &str, deepest: u64) -> Self {
        Self {
            run: Arc::clone(&self.run),
            number: self.number,
            beside: self.beside,
            item: self.item,
            attempt: self.attempt,
            pass: self.pass,
            depth: self.depth + 1,
            deepest: self.deepest.min(deepest),
            prefix: call_id.to_owned(),
            calls: AtomicU32::new(0),
            called: Mutex::default(),
            // A call within a call is not the stage's own.
            traced: AtomicBool::new(true),
            stop: self.stop.clone(),
        }
    }

    /// The stage's id; empty outside a workflow, and a name where something is done beside the stages.
    pub(crate) fn id(&self) -> &str {
        self.number
            .and_then(|number| self.run.plan.0.ids.get(number))
            .map_or(self.beside, String::as_str)
    }

    /// How a person names what this is an attempt at: the stage, or one item of it, `stage[2]`.
    pub(crate) fn path(&self) -> String {
        match self.item {
            Some(item) => format!("{}[{item}]", self.id()),
            None => self.id().to_owned(),
        }
    }

    /// The stage's number.
    pub(crate) fn number(&self) -> Option<usize> {
        self.number
    }

    /// The stage.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        self.run.plan.0.stages.get(self.number?)
    }

    /// The name of the next call: the same when the run is repeated.
    pub(crate) fn next_call(&self) -> String {
        format!(
            "{}.{}",
            self.prefix,
            self.calls.fetch_add(1, Ordering::Relaxed) + 1
        )
    }

    /// Tells what is asked again on purpose (another attempt, another pass, another copy of a subagent) from what is
    /// merely the same: an answer of one is none of the other. Empty for the first of each.
    pub(crate) fn sample(&self) -> String {
        let mut sample = self.run.sample.clone();
        if self.attempt > 1 {
            sample.push_str(&format!("#{}", self.attempt));
        }
        if self.pass > 1 {
            sample.push_str(&format!("@{}", self.pass));
        }
        sample
    }

    /// [`Scope::sample`] for the stages of a run that this stage starts.
    pub(crate) fn sample_below(&self) -> String {
        let copies = self
            .stage()
            .and_then(|stage| stage.fan_out.as_ref())
            .is_some_and(|fan_out| matches!(fan_out.source, Source::Copies));
        match self.item.filter(|item| copies && *item > 0) {
            Some(item) => format!("{}[{item}]", self.sample()),
            None => self.sample(),
        }
    }

    /// Remembers that a tool was called.
    pub(crate) fn note_call(&self, tool: &str) {
        self.called
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tool.to_owned());
    }

    /// Says that somebody asked for a call that this stage gives nobody, and what would change that.
    pub(crate) fn not_given(&self, by: Caller, asked: &str, hint: Option<String>) {
        self.run.journal.note(Event::Denied(Denied {
            stage: self.id().to_owned(),
            plugin: by.word().to_owned(),
            tool: None,
            capability: Capability::Tool.to_string(),
            asked: asked.to_owned(),
            hint,
        }));
    }

    /// The tools that were called.
    pub(crate) fn called(&self) -> Vec<String> {
        self.called
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A trace row with what is the same for everything in this attempt.
    pub(crate) fn row(&self) -> TraceRow {
        let plan = &self.run.plan;
        let agent = self.stage().and_then(|stage| stage.agent.as_ref());
        TraceRow {
            run_id: Some(self.run.id.clone()),
            workflow_name: plan.name().to_owned(),
            stage_id: self.id().to_owned(),
            item: self.item.map(|item| item as u64),
            attempt: u64::from(self.attempt),
            success: true,
            output_valid: true,
            spec_version: plan.digest().short(),
            policy_version: plan.0.policy_version.clone(),
            loop_iteration: (self.pass > 0).then_some(u64::from(self.pass)),
            context_policy: self.stage().map(policy).unwrap_or_default(),
            agent_id: agent.map(|(name, _)| name.clone()),
            agent_version: agent
                .map(|(_, version)| version.clone())
                .filter(|version| !version.is_empty()),
            ..TraceRow::default()
        }
    }

    /// Writes the stage's row in the trace.
    pub(crate) fn trace(&self, row: &TraceRow) {
        self.traced.store(true, Ordering::Relaxed);
        self.diagnose(row);
        self.run.journal.trace(row);
    }

    /// Writes the row of a stage that failed before anything could write one.
    pub(crate) fn trace_failure(&self, failure: &Failure, elapsed: Duration) {
        if !self.run.journal.traces() || self.traced.swap(true, Ordering::Relaxed) {
            return;
        }
        let kind = self.stage().map_or("", |stage| stage.kind.word());
        let mut row = self.row();
        kind.clone_into(&mut row.kind);
        kind.clone_into(&mut row.role_type);
        row.latency_ms = elapsed.as_secs_f64() * 1000.0;
        self.mark_failed(&mut row, failure);
        self.diagnose(&row);
        self.run.journal.trace(&row);
    }

    /// Keeps what a row shows for the stages that run last.
    fn diagnose(&self, row: &TraceRow) {
        let found = diagnose::of(row);
        if !found.is_empty() {
            self.run
                .diagnoses
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(found);
        }
    }

    /// Says in a row that it failed, and how.
    pub(crate) fn mark_failed(&self, row: &mut TraceRow, failure: &Failure) {
        row.success = false;
        row.output_valid = false;
        row.error_type = Some(failure.class().to_owned());
        row.error_kind = failure.provider_problem().map(str::to_owned);
        row.error_message = Some(self.run.secrets.text(&failure.to_string()));
    }

    /// The placeholders for the secrets that a stage's arguments mention.
    pub(crate) fn placeholders(&self, uses: &[EnvUse]) -> Vec<Placeholder> {
        let placeholder = |used: &EnvUse| Placeholder {
            token: self.run.secrets.token(&used.name),
            name: used.name.clone(),
            hosts: used.hosts.clone(),
        };
        uses.iter().map(placeholder).collect()
    }
}

/// What a stage's prompt must say, and what the stage never sees, as traces carry it.
fn policy(stage: &Stage) -> Map<String, Value> {
    let mut policy = Map::new();
    if let Some(closed) = &stage.closed {
        let names: Vec<&str> = closed.iter().collect();
        policy.insert("never".to_owned(), json!(names));
    }
    if let Kind::Role(role) = &stage.kind
        && !role.layers.is_empty()
    {
        let names: Vec<&str> = role.layers.iter().map(|(name, _)| name.as_str()).collect();
        policy.insert("must".to_owned(), json!(names));
    }
    policy
}

/// The table of kinds. Boxed: a subagent's stages are polled within it, and no level of that needs the room that the
/// largest kind takes.
fn work<'a>(
    scope: &'a Arc<Scope>,
    stage: &'a Stage,
    context: &'a Context,
) -> BoxFuture<'a, Result<Value, Failure>> {
    match &stage.kind {
        Kind::Gate(gate) => Box::pin(gate::ask(scope, gate, context)),
        Kind::Subagent(subagent) => Box::pin(subagent::run(scope, subagent, context)),
        Kind::ToolCall(call) => Box::pin(tool_call::call(scope, call, context)),
        Kind::Adapter(adapter) => Box::pin(adapter::run(scope, adapter, context)),
        Kind::Role(role) => Box::pin(role::ask(scope, role, context)),
    }
}

/// A stage that could not be done, and why.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) stage: usize,
    pub(crate) failure: Failure,
}

/// Runs a stage from beginning to end and puts its result on the board.
pub(crate) async fn start(run: Arc<Run>, number: usize) -> Result<Step, Broken> {
    let Some(stage) = run.plan.0.stages.get(number) else {
        return Ok(Step::Done);
    };
    if let Some(gate) = run.gate_in_the_way(number, stage) {
        run.halt(number, gate.clone());
        run.tally.skipped();
        run.journal.note(Event::StageSkipped {
            stage: stage.id.clone(),
            reason: format!("gate {gate} was rejected"),
        });
        run.board.put(number, Arc::new(json!({"_skipped": true})));
        return Ok(Step::Done);
    }
    match result_of(&run, number, stage).await {
        Ok(value) => {
            if !rejections(stage, &value).is_empty() {
                run.halt(number, stage.id.clone());
            }
            run.board.put(number, value);
            Ok(Step::Done)
        }
        Err(Failure::Parked { waiting }) => {
            run.tally.held(waiting);
            Ok(Step::Held)
        }
        Err(failure) => Err(Broken {
            stage: number,
            failure,
        }),
    }
}

/// The result of a stage: from before the run was interrupted, or from running it.
async fn result_of(run: &Arc<Run>, number: usize, stage: &Stage) -> Result<Arc<Value>, Failure> {
    if let Some(value) = run.past.stage(number) {
        run.results.hold(&stage.id, value)?;
        run.tally.resumed();
        run.journal.note(Event::StageResumed {
            stage: stage.id.clone(),
        });
        return Ok(Arc::clone(value));
    }
    run.journal.room().await;
    let stop = run.stop_of(number);
    tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Failure::Cancelled),
        settled = run.settle(&stage.id) => settled?,
    }
    recovery::execute(run, Place::of(number, 0), stage).await
}
