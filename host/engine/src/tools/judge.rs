//! The rules' say about a call, and a person's where the rules want one.

use armature_sandbox::{Digest, Phase, Verdict};
use armature_store::{Event, event::RuleVerdict};
use serde_json::Value;

use super::target::{How, Target};
use crate::{
    failure::Failure,
    plan::adapters::SHELL,
    rules::{Decision, Question, destructive, message, word},
    run::{Asking, Run},
    stage::Scope,
};

/// A call before its rules.
pub(super) struct Hearing<'a> {
    pub(super) run: &'a Run,
    pub(super) scope: &'a Scope,
    pub(super) target: &'a Target<'a>,
    pub(super) call_id: &'a str,
    /// The arguments as they will be passed.
    pub(super) args: &'a Value,
    /// The arguments as a person sees them, who may not see what a rule sees.
    pub(super) shown: &'a Value,
}

impl Hearing<'_> {
    /// What an approval is bound to: everything that makes this call what it is. What a person is shown would not do:
    /// two calls can look the same and differ in a secret.
    pub(super) fn digest(&self, question: &Question<'_>) -> Digest {
        let context = match &self.target.how {
            How::Tool(_) => String::new(),
            How::Adapter(context) => context.to_string(),
        };
        let (secrets, seal) = (&self.run.secrets, &self.run.engine.seal);
        Digest::of(&[
            seal,
            phase(question.phase).as_bytes(),
            question.caller.word().as_bytes(),
            self.scope.id().as_bytes(),
            self.scope
                .item
                .map(|item| item.to_string())
                .unwrap_or_default()
                .as_bytes(),
            self.target.plugin.digest().as_bytes(),
            self.target.name.as_bytes(),
            // A placeholder is another text in each process, and stands for the same secret.
            secrets.named(self.args.to_string(), seal).as_bytes(),
            secrets.named(context, seal).as_bytes(),
            question
                .result
                .map(Value::to_string)
                .unwrap_or_default()
                .as_bytes(),
        ])
    }

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
                phase: phase(question.phase).to_owned(),
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
        let is_vouched_for = opinions.iter().any(|opinion| opinion.vouches);
        if let Some(name) = self.destroys(question).filter(|_| !is_vouched_for)
            && decision == Decision::Go
        {
            decision = Decision::Ask {
                rule: "shell: destructive".into(),
                message: format!(
                    "`{name}` can destroy something; an `allow` rule lets such a command through"
                ),
            };
        }
        // Where no rule said no, nobody has told of it yet.
        if let Decision::Stop { rule, message } = &decision
            && !opinions
                .iter()
                .any(|opinion| matches!(opinion.verdict, Verdict::Block(_)))
        {
            run.journal.note(Event::RuleVerdict(RuleVerdict {
                stage: scope.id().to_owned(),
                call_id: self.call_id.to_owned(),
                tool: target.name.to_owned(),
                rule: rule.clone(),
                phase: phase(question.phase).to_owned(),
                verdict: "block".to_owned(),
                message: message.clone(),
            }));
        }
        // A rule saw values, and may say them.
        match decision {
            Decision::Go => Ok(()),
            Decision::Stop { rule, message } => Err(Failure::Blocked {
                tool: target.name.to_owned(),
                rule,
                message: run.secrets.text(&message),
            }),
            Decision::Ask { message, .. } => {
                let asking = Asking {
                    stage: scope.id(),
                    call_id: self.call_id,
                    plugin: target.plugin.name().as_str(),
                    tool: target.name,
                    shown: self.shown,
                    digest: self.digest(question).to_string(),
                    message: run.secrets.text(&message),
                    // A call that another one waits for cannot wait: the other one has begun.
                    may_park: !scope.id().is_empty() && scope.depth == 0,
                    is_again: false,
                };
                run.consent(asking).await
            }
        }
    }
}

impl Hearing<'_> {
    /// The command that destroys, in a script that is to be run.
    fn destroys(&self, question: &Question<'_>) -> Option<String> {
        let name = self.target.plugin.name();
        let is_shell = name.as_str() == SHELL && self.run.engine.plugins.is_builtin(name);
        if question.phase != Phase::Pre || !is_shell {
            return None;
        }
        destructive(question.args.get("cmd")?.as_str()?)
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Pre => "pre",
        Phase::Post => "post",
    }
}
