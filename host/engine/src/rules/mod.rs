//! Safety rules: what may not happen, whoever asks.
//!
//! Rules are asked in the order of the spec, about the arguments as they will be passed. The most restrictive opinion
//! wins. One thing is not commutative, because authors write it that way: an `allow` rule of the spec exempts the call
//! from the spec's *later* `require_approval`, `warn` and `log` rules (first the harmless paths, then approval for
//! the rest). It never lifts a block, and never what a rule plugin says.
//!
//! A rule that cannot answer blocks: a safety rule that is silent because it crashed is no safety rule. A child run is
//! judged by its parent's rules too, each against what *that* run has spent.

mod dsl;
mod shell;
mod verdict;

use std::sync::Arc;

use armature_grants::Limits;
use armature_sandbox::{Caller, Phase, Plugin, RuleEvent, Sandbox, Verdict};
use armature_spec::{ConditionOp, SafetyAction, SafetyMode, SafetyRule, Spec, path};
use serde_json::Value;

pub(crate) use shell::destructive;
pub(crate) use verdict::{Decision, Opinion, decide, message, word};

use crate::{
    budget::{Budget, ToolCallTaken},
    plan::{PlanCode, Reporter, Resolver, adapters::SHELL},
};
use dsl::{Condition, Op};

/// The compiled rules of one spec.
#[derive(Debug)]
pub(crate) struct RuleSet {
    rules: Vec<Rule>,
    strict: bool,
    limits: Limits,
}

#[derive(Debug)]
struct Rule {
    /// `safety_rules[2]`, for messages.
    label: String,
    /// A tool's name, or `*`.
    tool: String,
    how: How,
}

impl Rule {
    /// A rule on the tool `shell` holds for scripts too, which the same plugin runs under another name. It vouches for
    /// the tool alone.
    fn is_about(&self, question: &Question<'_>) -> bool {
        let vouches = matches!(
            self.how,
            How::Dsl {
                action: SafetyAction::Allow,
                ..
            }
        );
        self.tool == "*"
            || self.tool == question.tool
            || (self.tool == SHELL && question.plugin == SHELL && !vouches)
    }
}

#[derive(Debug)]
enum How {
    Dsl {
        condition: Option<Condition>,
        action: SafetyAction,
        message: String,
    },
    Plugin {
        plugin: Arc<Plugin>,
        config: Value,
    },
}

/// A call that rules are asked about.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    pub(crate) phase: Phase,
    pub(crate) tool: &'a str,
    pub(crate) plugin: &'a str,
    pub(crate) args: &'a Value,
    pub(crate) result: Option<&'a Value>,
    pub(crate) stage: &'a str,
    pub(crate) caller: Caller,
    pub(crate) reversibility: &'static str,
    /// The call as it is counted, until it is made.
    pub(crate) taken: Option<&'a ToolCallTaken>,
}

impl RuleSet {
    /// Compiles the rules of a spec.
    pub(crate) fn compile(
        spec: &Spec,
        of_agents: &[(String, SafetyRule)],
        resolver: &Resolver<'_>,
        report: &mut Reporter<'_>,
    ) -> Self {
        let mut rules = Vec::new();
        // Those that come with agents are asked first: no `allow` of the spec stands before them.
        let own = spec.safety_rules.iter().enumerate();
        let own = own.map(|(place, rule)| (format!("safety_rules[{place}]"), Some(place), rule));
        let first = of_agents
            .iter()
            .map(|(label, rule)| (label.clone(), None, rule));
        for (label, place, rule) in first.chain(own) {
            let at = match place {
                Some(place) => path!["safety_rules", place, "plugin"].to_vec(),
                None => path!["agent_library"].to_vec(),
            };
            let (label, how) = match rule {
                SafetyRule::Dsl(rule) => {
                    let condition = match &rule.condition {
                        None => None,
                        Some(condition) => match Op::new(op_word(condition.op), &condition.value) {
                            Ok(op) => Some(Condition {
                                field: condition.field.clone(),
                                op,
                            }),
                            // In the spec itself a pattern that is none has been reported by validation.
                            Err(why) => {
                                if place.is_none() {
                                    report.add(
                                        PlanCode::UnreadableAgent,
                                        &at,
                                        format!("{label}: {why}"),
                                    );
                                }
                                continue;
                            }
                        },
                    };
                    (
                        label,
                        How::Dsl {
                            condition,
                            action: rule.action,
                            message: rule.message.clone(),
                        },
                    )
                }
                SafetyRule::Component(rule) => {
                    let Some(plugin) = resolver.plugin(rule.plugin.as_str(), report, &at) else {
                        continue;
                    };
                    if !plugin.kinds().rule {
                        let message = format!("plugin `{}` is no rule", plugin.name());
                        report
                            .add(PlanCode::NotARule, &at, message)
                            .hint("a rule exports `armature:plugin/rule-api`");
                        continue;
                    }
                    let label = format!("{label} ({})", plugin.name());
                    (
                        label,
                        How::Plugin {
                            plugin,
                            config: Value::Object(rule.config.clone()),
                        },
                    )
                }
            };
            rules.push(Rule {
                label,
                tool: resolver.own_name(rule.tool()).to_owned(),
                how,
            });
        }
        let limits =
            Limits::standard().with(&Default::default(), Some(resolver.engine.policy.limits()));
        Self {
            rules,
            strict: spec.safety_mode == SafetyMode::Strict,
            limits: limits.unwrap_or(Limits::standard()),
        }
    }

    /// The plugins among them.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.rules.iter().filter_map(|rule| match &rule.how {
            How::Plugin { plugin, .. } => Some(plugin),
            How::Dsl { .. } => None,
        })
    }

    /// Must something vouch for a call?
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// What the rules say about a call, in order.
    pub(crate) async fn ask(
        &self,
        sandbox: &Sandbox,
        question: &Question<'_>,
        budget: &Arc<Budget>,
    ) -> Vec<Opinion> {
        let mut opinions = Vec::new();
        let mut exempt = false;
        for rule in self.rules.iter().filter(|rule| rule.is_about(question)) {
            let opinion = match &rule.how {
                How::Dsl {
                    condition,
                    action,
                    message,
                } => {
                    let met = question.phase == Phase::Pre
                        && condition.as_ref().is_none_or(|c| {
                            c.holds(
                                question.args,
                                question.reversibility,
                                *action != SafetyAction::Allow,
                            )
                        });
                    if !met || (exempt && *action != SafetyAction::Block) {
                        continue;
                    }
                    exempt |= *action == SafetyAction::Allow;
                    Opinion {
                        rule: rule.label.clone(),
                        verdict: verdict_of(*action, message),
                        vouches: *action == SafetyAction::Allow,
                    }
                }
                How::Plugin { plugin, config } => {
                    let event = event(question, config, budget);
                    let verdict = match sandbox
                        .check_rule(plugin, &event, self.limits.clone())
                        .await
                        .result
                    {
                        Ok(verdict) => verdict,
                        Err(error) => Verdict::Block(format!("the rule could not decide: {error}")),
                    };
                    Opinion {
                        rule: rule.label.clone(),
                        verdict,
                        vouches: false,
                    }
                }
            };
            let blocks = matches!(opinion.verdict, Verdict::Block(_));
            opinions.push(opinion);
            if blocks {
                break;
            }
        }
        opinions
    }
}

fn verdict_of(action: SafetyAction, message: &str) -> Verdict {
    let text = || message.to_owned();
    match action {
        SafetyAction::Allow => Verdict::Allow,
        SafetyAction::Log => Verdict::Log(text()),
        SafetyAction::Warn => Verdict::Warn(text()),
        SafetyAction::RequireApproval => Verdict::RequireApproval(text()),
        SafetyAction::Block => Verdict::Block(if message.is_empty() {
            "a safety rule forbids it".into()
        } else {
            text()
        }),
    }
}

fn op_word(op: ConditionOp) -> &'static str {
    match op {
        ConditionOp::Contains => "contains",
        ConditionOp::NotContains => "not_contains",
        ConditionOp::Equals => "equals",
        ConditionOp::NotEquals => "not_equals",
        ConditionOp::MatchesRegex => "matches_regex",
        ConditionOp::Truthy => "truthy",
    }
}

fn event(question: &Question<'_>, config: &Value, budget: &Arc<Budget>) -> RuleEvent {
    RuleEvent {
        phase: question.phase,
        tool: question.tool.to_owned(),
        plugin: question.plugin.to_owned(),
        arguments: question.args.clone(),
        result: question.result.cloned(),
        stage: question.stage.to_owned(),
        caller: question.caller,
        reversibility: question.reversibility.to_owned(),
        spent: match question.taken {
            Some(taken) => taken.spent_before(budget),
            None => budget.spent(),
        },
        config: config.clone(),
    }
}

/// The rules that a run obeys: its own, and those of the runs above it as a floor.
#[derive(Debug, Clone)]
pub(crate) struct Law(Vec<(Arc<RuleSet>, Arc<Budget>)>);

impl Law {
    /// The law of a run without parents.
    pub(crate) fn new(rules: Arc<RuleSet>, budget: Arc<Budget>) -> Self {
        Self(vec![(rules, budget)])
    }

    /// The law of a child: this one, and its own rules.
    #[must_use]
    pub(crate) fn with(&self, rules: Arc<RuleSet>, budget: Arc<Budget>) -> Self {
        Self(self.0.iter().cloned().chain([(rules, budget)]).collect())
    }

    /// Asks everybody. The decisions are combined: each set's own mode decides whether silence is consent there.
    pub(crate) async fn judge(
        &self,
        sandbox: &Sandbox,
        question: &Question<'_>,
    ) -> (Vec<Opinion>, Decision) {
        let (mut all, mut decision) = (Vec::new(), Decision::Go);
        for (rules, budget) in &self.0 {
            let opinions = rules.ask(sandbox, question, budget).await;
            let strict = rules.is_strict() && question.phase == Phase::Pre;
            decision = match (decision, decide(&opinions, strict)) {
                (stop @ Decision::Stop { .. }, _) | (_, stop @ Decision::Stop { .. }) => stop,
                (ask @ Decision::Ask { .. }, _) | (_, ask @ Decision::Ask { .. }) => ask,
                (Decision::Go, Decision::Go) => Decision::Go,
            };
            all.extend(opinions);
        }
        (all, decision)
    }
}
