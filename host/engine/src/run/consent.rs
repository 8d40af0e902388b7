//! A person's agreement to one call: asked for, waited for, written down.
//!
//! The one place where an approval is asked, whether a rule wants it or a call may have been made before the run was
//! interrupted. An answer that was given while no process was there (`armature approve`) is in the log, and is used
//! once. Where nobody can be asked the run parks; only a call within another call cannot wait, because the outer one
//! has begun.

use armature_store::{Event, again, event::ToolIntent};
use serde_json::Value;

use super::Run;
use crate::{
    ask::{Answer, Approval},
    failure::Failure,
};

/// What a person is to agree to.
pub(crate) struct Asking<'a> {
    pub(crate) stage: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) plugin: &'a str,
    pub(crate) tool: &'a str,
    /// The arguments as a person may see them.
    pub(crate) shown: &'a Value,
    pub(crate) digest: String,
    pub(crate) message: String,
    /// May the run wait for the answer without a process?
    pub(crate) may_park: bool,
    /// Is it about making a call again?
    pub(crate) is_again: bool,
}

impl Run {
    /// Asks for it. Without it there is a failure that says why.
    pub(crate) async fn consent(&self, asking: Asking<'_>) -> Result<(), Failure> {
        let answer = match self.past.take_approval(asking.stage, &asking.digest) {
            Some((true, _)) => return Ok(()),
            Some((false, text)) => return Err(refused(&asking, &text)),
            None => self.ask(&asking).await?,
        };
        if answer == Answer::Unavailable {
            return Err(if asking.may_park {
                Failure::parked(asking.stage)
            } else {
                not_approved(&asking, "nobody could be asked")
            });
        }
        let answered = Event::Approval {
            stage: asking.stage.to_owned(),
            call_id: asking.call_id.to_owned(),
            args_digest: asking.digest.clone(),
            approved: answer == Answer::Approved,
            text: String::new(),
            by: self.approver.name().to_owned(),
        };
        self.journal.record(answered).await?;
        match answer {
            Answer::Approved => Ok(()),
            Answer::Refused | Answer::Unavailable => Err(refused(&asking, "")),
        }
    }

    async fn ask(&self, asking: &Asking<'_>) -> Result<Answer, Failure> {
        let asked = Event::ApprovalAsked {
            stage: asking.stage.to_owned(),
            call_id: asking.call_id.to_owned(),
            plugin: asking.plugin.to_owned(),
            tool: asking.tool.to_owned(),
            args_digest: asking.digest.clone(),
            args: asking.shown.clone(),
            message: asking.message.clone(),
        };
        self.journal.record(asked).await?;
        let approval = Approval {
            run: self.id.clone(),
            stage: asking.stage.to_owned(),
            call_id: asking.call_id.to_owned(),
            plugin: asking.plugin.to_owned(),
            tool: asking.tool.to_owned(),
            args: asking.shown.clone(),
            digest: asking.digest.clone(),
            message: asking.message.clone(),
            is_again: asking.is_again,
        };
        Ok(self.approver.approve(approval).await)
    }

    /// Asks about each call of a stage that may have been made before the run was interrupted, and that does harm when
    /// it is made twice. Without agreement to all of them the stage does not begin again.
    pub(crate) async fn settle(&self, stage: &str) -> Result<(), Failure> {
        let open = self.past.take_open(stage);
        let mut waits = None;
        for intent in &open {
            match self.consent(about(intent)).await {
                Ok(()) => {}
                // The others are asked too: one visit of a person settles all of them.
                Err(failure @ Failure::Parked { .. }) => waits = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        waits.map_or(Ok(()), Err)
    }
}

fn about(intent: &ToolIntent) -> Asking<'_> {
    Asking {
        stage: &intent.stage,
        call_id: &intent.call_id,
        plugin: &intent.plugin,
        tool: &intent.tool,
        shown: &intent.args,
        digest: again(intent),
        message: "it may have been made just before the run was interrupted: make it again?"
            .to_owned(),
        may_park: true,
        is_again: true,
    }
}

fn refused(asking: &Asking<'_>, text: &str) -> Failure {
    let said = if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    };
    not_approved(asking, &format!("a person refused it{said}"))
}

fn not_approved(asking: &Asking<'_>, why: &str) -> Failure {
    Failure::NotApproved {
        tool: asking.tool.to_owned(),
        why: if asking.message.is_empty() {
            why.to_owned()
        } else {
            format!("{why} ({})", asking.message)
        },
    }
}
