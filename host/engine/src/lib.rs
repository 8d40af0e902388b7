//! Runs specs: plan, schedule, stages, safety rules, and the one path of a call.
//!
//! A [`Document`](armature_spec::Document) becomes a [`Plan`], in which nothing is left to look up, and a plan becomes
//! a run. Everything in a run that acts goes through one function (`tools/path.rs`); everything that happens in it is
//! an event in one journal (`journal.rs`).
//!
//! Reading order: `engine`, `plan/build`, `run/life`, `schedule`, `stage/mod`, `stage/recovery`, `tools/path`,
//! `rules`, `role`.
//!
//! What this crate refuses: to read the environment, to print, to open files outside `files.rs` and `home.rs`, to call a plugin on
//! any other path, and to go on with anything once [`Engine::run`] has returned.

mod ask;
mod budget;
mod context;
mod diagnose;
mod engine;
mod failure;
mod files;
mod home;
mod journal;
mod memory;
mod misfit;
mod plan;
mod plugins;
mod provenance;
mod role;
mod rules;
mod run;
mod schedule;
mod secrets;
mod stage;
mod tools;
mod truncate;

pub use ask::{Answer, Approval, Approver, BoxFuture, Gate, GateAnswer, Nobody, Observer, nobody};
pub use engine::{CallRequest, CallToolError, Engine, EngineConfig, EngineError, LastResult};
pub use failure::Failure;
pub use home::worker;
pub use plan::{AskedRight, Held, ModelCalls, Plan, PlanCode, PluginRights, SecretUse};
pub use plugins::{Builtin, PluginProblem, PluginSet};
pub use run::{
    InputError, Missing, ResumeProblem, RunError, RunReport, RunRequest, Summary, Unfinished,
};
pub use secrets::Environment;
