//! A score of what a spec may do, from its text alone.
//!
//! The points of the original stay as they are, so that scores of old specs stay. What it could not see (scripts,
//! plugins with wide rights) adds to them, and only occurs in specs that use it.

use armature_grants::{Grants, HostPattern};

use crate::model::{AdapterType, RoleType, SafetyAction, SafetyMode, SafetyRule, Spec};

/// How much harm a workflow could do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// From 0 to 100.
    pub score: u8,
    /// The score in a word.
    pub tier: RiskTier,
    /// What it is made of.
    pub factors: Vec<RiskFactor>,
}

/// A range of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskTier {
    /// Below 30.
    Low,
    /// Below 60.
    Medium,
    /// Below 85.
    High,
    /// From 85 on.
    Critical,
}

impl RiskTier {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Something that makes a workflow more or less of a risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskFactor {
    /// What it adds to the score.
    pub points: i32,
    /// What it is.
    pub label: String,
}

/// A thing that counts as often as it is there: points, label, and how often.
type Row = (i32, &'static str, fn(&Spec) -> usize);

/// What the original counts, around its one factor that is there or not (a judge).
const BEFORE_JUDGE: Row = (4, "tool-call stage(s)", |spec| {
    spec.stages
        .iter()
        .filter(|stage| stage.tool_call.is_some())
        .count()
});
const AFTER_JUDGE: [Row; 2] = [
    (8, "require_approval rule(s)", |spec| {
        let asks = |rule: &&SafetyRule| matches!(rule, SafetyRule::Dsl(rule) if rule.action == SafetyAction::RequireApproval);
        spec.safety_rules.iter().filter(asks).count()
    }),
    (6, "fan-out stage(s)", |spec| {
        spec.stages
            .iter()
            .filter(|stage| stage.fan_out.is_some())
            .count()
    }),
];
/// What it could not see.
const ADDED: [Row; 5] = [
    (4, "script adapter(s)", |spec| {
        spec.adapters
            .values()
            .filter(|adapter| adapter.adapter_type != AdapterType::Plugin)
            .count()
    }),
    (
        10,
        "plugin(s) that may send HTTP requests to any host",
        |spec| {
            grants(spec)
                .filter(|grants| {
                    grants
                        .http
                        .iter()
                        .any(|http| *http.pattern.host() == HostPattern::Any)
                })
                .count()
        },
    ),
    (10, "plugin(s) that may reach private addresses", |spec| {
        grants(spec)
            .filter(|grants| grants.http.iter().any(|http| http.private))
            .count()
    }),
    (4, "plugin(s) that may call other tools", |spec| {
        grants(spec)
            .filter(|grants| !grants.tools.is_empty())
            .count()
    }),
    (4, "plugin(s) that may write the whole workspace", |spec| {
        let whole = |grants: &&Grants| {
            grants
                .fs
                .write
                .iter()
                .any(|rule| rule.root().as_str() == ".")
        };
        grants(spec).filter(whole).count()
    }),
];

/// What plugins are given anywhere in the spec.
fn grants(spec: &Spec) -> impl Iterator<Item = &Grants> {
    let tools = spec.tools.iter().filter_map(|entry| entry.grants.as_ref());
    tools.chain(
        spec.adapters
            .values()
            .filter_map(|adapter| adapter.grants.as_ref()),
    )
}

/// Scores a spec.
pub fn risk(spec: &Spec) -> Risk {
    let count = |(points, what, count): &Row| {
        let count = count(spec);
        let total = points.saturating_mul(i32::try_from(count).unwrap_or(i32::MAX));
        let label = format!("{count} {what} ({points:+} each)");
        (count > 0).then_some(RiskFactor {
            points: total,
            label,
        })
    };
    let fixed = |applies: bool, points: i32, label: &str| {
        applies.then(|| RiskFactor {
            points,
            label: label.to_owned(),
        })
    };
    let judged = spec.stages.iter().any(|stage| {
        stage
            .role
            .as_ref()
            .is_some_and(|role| role.role_type == RoleType::Judge)
    });
    let strict = spec.safety_mode == SafetyMode::Strict;
    let mut factors = Vec::new();
    factors.extend(count(&BEFORE_JUDGE));
    factors.extend(fixed(!judged, 15, "no judge stage (unvalidated outputs)"));
    factors.extend(AFTER_JUDGE.iter().filter_map(count));
    factors.extend(fixed(strict, -10, "strict safety mode (governance credit)"));
    factors.extend(ADDED.iter().filter_map(count));
    total(factors)
}

fn total(factors: Vec<RiskFactor>) -> Risk {
    let sum = factors
        .iter()
        .fold(0i32, |sum, factor| sum.saturating_add(factor.points));
    let score = u8::try_from(sum.clamp(0, 100)).unwrap_or(100);
    let tier = match score {
        0..30 => RiskTier::Low,
        30..60 => RiskTier::Medium,
        60..85 => RiskTier::High,
        _ => RiskTier::Critical,
    };
    Risk {
        score,
        tier,
        factors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn of(text: &str) -> Risk {
        risk(&parse("s", text).unwrap().spec)
    }

    #[test]
    fn a_workflow_without_a_judge_scores_fifteen_and_is_low() {
        let risk =
            of("name: hello\nstages: [{id: a, role: {name: n, type: worker, description: d}}]\n");
        assert_eq!((risk.score, risk.tier.as_str()), (15, "low"));
        assert_eq!(
            risk.factors[0].label,
            "no judge stage (unvalidated outputs)"
        );
    }

    #[test]
    fn every_factor_counts_as_often_as_it_is_there() {
        let risk = of("
name: x
safety_mode: strict
safety_rules: [{tool: a, action: require_approval}, {tool: b, action: require_approval}]
adapters: {s: {type: script, cmd: ls}}
tools:
  - {plugin: p, grants: {http: ['GET https://*/**'], tools: [file_read]}}
stages:
  - {id: a, tool_call: {name: t}, fan_out: 2, partition_source: '{{ x }}'}
  - {id: b, tool_call: {name: t}}
");
        let shown: Vec<(i32, &str)> = risk
            .factors
            .iter()
            .map(|f| (f.points, f.label.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (8, "2 tool-call stage(s) (+4 each)"),
                (15, "no judge stage (unvalidated outputs)"),
                (16, "2 require_approval rule(s) (+8 each)"),
                (6, "1 fan-out stage(s) (+6 each)"),
                (-10, "strict safety mode (governance credit)"),
                (4, "1 script adapter(s) (+4 each)"),
                (
                    10,
                    "1 plugin(s) that may send HTTP requests to any host (+10 each)"
                ),
                (4, "1 plugin(s) that may call other tools (+4 each)"),
            ]
        );
        assert_eq!((risk.score, risk.tier), (53, RiskTier::Medium));
    }

    #[test]
    fn the_score_stays_between_0_and_100() {
        let stages: String = (0..40)
            .map(|n| format!("  - {{id: s{n}, tool_call: {{name: t}}}}\n"))
            .collect();
        let risk = of(&format!("name: x\nstages:\n{stages}"));
        assert_eq!((risk.score, risk.tier), (100, RiskTier::Critical));
    }
}
