//! Safety rules: each for itself, and against each other.

use super::{Checker, show};
use crate::{
    codes::Code,
    model::{ConditionOp, SafetyAction, SafetyRule},
    path,
    pattern::Pattern,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    let rules = &checker.spec.safety_rules;
    let blocks: Vec<(usize, &str)> = rules
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| match rule {
            SafetyRule::Dsl(rule) if rule.action == SafetyAction::Block => {
                Some((index, rule.tool.as_str()))
            }
            _ => None,
        })
        .collect();
    for (index, rule) in rules.iter().enumerate() {
        let SafetyRule::Dsl(rule) = rule else {
            continue;
        };
        if let Some(condition) = &rule.condition
            && condition.op == ConditionOp::MatchesRegex
            && let Err(why) = Pattern::new(&condition.value)
        {
            let message = format!("{} is no regular expression: {why}", show(&condition.value));
            checker.section(
                Code::InvalidRegex,
                path!["safety_rules", index, "condition", "value"],
                message,
                Some(
                    "put single quotes around it, and `\\` before a mark that is meant as itself"
                        .to_owned(),
                ),
            );
        }
        if rule.action != SafetyAction::Allow {
            continue;
        }
        // Whatever the order and the conditions: a rule that loosens what another one tightens is a mistake.
        let against = blocks
            .iter()
            .find(|(_, tool)| *tool == "*" || *tool == rule.tool);
        if let Some((other, _)) = against {
            let line = checker.source.locate(path!["safety_rules", *other]).line;
            let message = format!(
                "this rule allows {}, and the rule in line {line} blocks it",
                show(&rule.tool)
            );
            let hint = Some(
                "narrow the blocking rule with a `condition` instead, and drop this one".to_owned(),
            );
            checker.section(
                Code::ConflictingSafetyRules,
                path!["safety_rules", index],
                message,
                hint,
            );
        }
    }
}
