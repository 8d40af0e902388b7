//! The table of event kinds: name, durability, meaning. Documentation and tests are checked against it.
//!
//! A durable event is on the disk before the call that appends it returns, because an effect follows it (an intent), an
//! effect was made (a result), a person decided, or the process may end right after. All else is queued: losing the
//! last milliseconds of it costs a repeated pure step, waiting for the disk would cost every step a millisecond.

use crate::Event;

/// When an event must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Soon. The append does not wait.
    Queued,
    /// Before the append returns, if the event says that its effect leaves this machine (`outside`).
    Outside,
    /// Before the append returns.
    Always,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The `type` of the event wherever it is written.
    pub name: &'static str,
    /// When it must be on the disk.
    pub durability: Durability,
    /// Whether a run that has it as its last lifecycle event is not running.
    pub ends_run: bool,
    /// What it says.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $durability:ident $ends:literal $meaning:literal;)*) => {
        /// Every kind this version writes.
        pub const KINDS: &[Kind] = &[$(
            Kind { name: $name, durability: Durability::$durability, ends_run: $ends, meaning: $meaning },
        )*];

        impl Event {
            /// Its row in [`KINDS`]; none for an event of another version.
            pub fn kind(&self) -> Option<&'static Kind> {
                match self {
                    $(Self::$variant { .. } => Some(
                        &Kind { name: $name, durability: Durability::$durability, ends_run: $ends, meaning: $meaning }
                    ),)*
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

kinds! {
    RunStarted      "run_start"               Queued  false "a run begins, with the digests of all that decides it";
    RunResumed      "run_resumed"             Always  false "another process goes on with the run";
    StageStarted    "stage_start"             Queued  false "a stage begins; also each fan-out item and each retry";
    StageCompleted  "stage_complete"          Queued  false "a stage, or an item of it, ended with this result";
    StageSkipped    "stage_skipped"           Queued  false "skip_if or condition left the stage out";
    StageResumed    "stage_resumed"           Queued  false "the result was taken from before the interruption";
    StageFailed     "stage_failed"            Queued  false "a stage ended in an error";
    RetryAttempt    "retry_attempt"           Queued  false "the stage is tried again";
    TierEscalation  "tier_escalation_warning" Queued  false "a reply did not hold and a larger model is asked";
    ToolIntent      "tool_intent"             Outside false "a tool is about to be called";
    ToolResult      "tool_result"             Outside false "the call ended, with its result and usage";
    ModelIntent     "model_intent"            Outside false "a model is about to be asked";
    ModelResult     "model_result"            Outside false "the model answered, with tokens and cost";
    RuleVerdict     "rule_verdict"            Queued  false "a safety rule decided on a call";
    ApprovalAsked   "approval_asked"          Always  false "a call waits for a person's approval";
    Approval        "approval"                Always  false "a person approved or refused a call";
    GateOpened      "gate_opened"             Always  false "a gate waits for a person";
    GateAnswered    "gate_answered"           Always  false "a person answered a gate";
    Denied          "denied"                  Queued  false "a right was asked for that is not granted";
    PluginLog       "plugin_log"              Queued  false "a line from a plugin";
    Progress        "progress"                Queued  false "how far a call is";
    RunSummary      "run_summary"             Queued  false "counts of the run";
    RunCompleted    "run_complete"            Always  true  "the run ended well";
    RunFailed       "run_failed"              Always  true  "the run ended in an error";
    RunParked       "run_parked"              Always  true  "the run waits for a person, no process with it";
    RunCancelled    "run_cancelled"           Always  true  "the run was stopped by whoever started it";
}

impl Event {
    /// The `type` of the event.
    pub fn name(&self) -> &str {
        match (self.kind(), self) {
            (Some(kind), _) => kind.name,
            (None, Self::Unknown(event)) => &event.kind,
            (None, _) => "",
        }
    }

    /// Whether it must be on the disk before what follows it. An event of another version is: it may be an intent.
    pub fn is_durable(&self) -> bool {
        match self.kind().map(|kind| kind.durability) {
            Some(Durability::Queued) => false,
            Some(Durability::Outside) => self.leaves_this_machine(),
            Some(Durability::Always) | None => true,
        }
    }
}
