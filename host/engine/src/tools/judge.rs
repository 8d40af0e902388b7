//! The rules' say about a call, and a person's where the rules want one.

use armature_sandbox::{Digest, Phase, Verdict};
use armature_store::{Event, event::RuleVerdict};
use serde_json::Value;

use super::target::Target;
use crate::{
    ask::{Answer, Approval},
    failure::Failure,
    rules::{Decision, Question, message, word},
    run::Run,
    stage::Scope,
};

/// A call before its rules.
pub(super) struct Hearing<'a> {
    pub(super) run: &'a Run,
    pub(super) scope: &'a Scope,
    pub(super) target: &'a Target<'a>,
    pub(super) call_id: &'a str,
    pub(super) digest: &'a Digest,
    /// The arguments as a person sees them, who may not see what a rule sees.
    pub(super) shown: &'a Value,
}

impl Hearing<'_> {
    /// Asks the rules, and a person if they say so.
    pub(super) async fn judge(&self, question: &Question<'_>) -> Result<(), Failure> {
        let Self {
            run, scope, target, ..
        } = self;
        let (opinions, mut decision) = run.law.judge(&run.engine.sandbox, question).await;
        for opinion in opinions
            .iter()
            .filter(|opinion| opinion.verdict != Verdict::Allow)
        {
            run.journal.note(Event::RuleVerdict(RuleVerdict {
                stage: scope.id().to_owned(),
                call_id: self.call_id.to_owned(),
                tool: target.name.to_owned(),
                rule: opinion.rule.clone(),
                phase: if question.phase == Phase::Pre {
                    "pre"
                } else {
                    "post"
                }
                .to_owned(),
                verdict: word(&opinion.verdict).to_owned(),
                message: message(&opinion.verdict).to_owned(),
            }));
        }
        if question.phase == Phase::Pre && target.destructive && decision == Decision::Go {
            let message = "the tool says that it can destroy something".to_owned();
            decision = Decision::Ask {
                rule: "effect: destructive".into(),
                message,
            };
        }
        // A rule saw values, and may say them.
        match decision {
            Decision::Go => Ok(()),
            Decision::Stop { rule, message } => Err(Failure::Blocked {
                tool: target.name.to_owned(),
                rule,
                message: run.secrets.text(&message),
            }),
            Decision::Ask { message, .. } => self.approve(run.secrets.text(&message)).await,
        }
    }

    async fn approve(&self, message: String) -> Result<(), Failure> {
        let Self {
            run,
            scope,
            target,
            digest,
            ..
        } = self;
        let asked = Event::ApprovalAsked {
            stage: scope.id().to_owned(),
            call_id: self.call_id.to_owned(),
            plugin: target.plugin.name().to_string(),
            tool: target.name.to_owned(),
            args_digest: digest.to_string(),
            message: message.clone(),
        };
        run.journal.record(asked).await?;
        let answer = run
            .approver
            .approve(Approval {
                run: run.id.clone(),
                stage: scope.id().to_owned(),
                plugin: target.plugin.name().to_string(),
                tool: target.name.to_owned(),
                args: self.shown.clone(),
                digest: digest.to_string(),
                message: message.clone(),
            })
            .await;
        let answered = Event::Approval {
            stage: scope.id().to_owned(),
            call_id: self.call_id.to_owned(),
            args_digest: digest.to_string(),
            approved: answer == Answer::Approved,
            by: run.approver.name().to_owned(),
        };
        run.journal.record(answered).await?;
        let refused = |why: &str| Failure::NotApproved {
            tool: target.name.to_owned(),
            why: if message.is_empty() {
                why.to_owned()
            } else {
                format!("{why} ({message})")
            },
        };
        match answer {
            Answer::Approved => Ok(()),
            Answer::Refused => Err(refused("a person refused it")),
            Answer::Unavailable => Err(refused("nobody could be asked")),
        }
    }
}
