//! A score of what a spec may do, from its text and from what was found in it.
//!
//! One table says what counts and how much. The points of the original are in it as they were; what it could not see
//! (scripts, rights, the host's own shell, programs, secrets) adds to them, and only where a spec has it. `specs/README.md`
//! shows the table, and a test compares the two.

use armature_grants::{Grants, HostPattern};
use serde::Serialize;

use crate::{
    finding::Finding,
    model::{
        AdapterType, McpTransport, RoleType, SafetyAction, SafetyMode, SafetyRule, SandboxMode,
        Spec, StageKind, Trigger,
    },
};

/// How much harm a workflow could do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// From 0 to 100.
    pub score: u8,
    /// The score in a word.
    pub tier: RiskTier,
    /// What it is made of.
    pub factors: Vec<RiskFactor>,
}

/// A range of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RiskFactor {
    /// What it adds to the score.
    pub points: i32,
    /// What it is.
    pub label: String,
}

/// What a row looks at.
struct Seen<'a> {
    spec: &'a Spec,
    found: &'a [Finding],
}

impl<'a> Seen<'a> {
    /// What plugins are given anywhere in the spec.
    fn grants(&self) -> impl Iterator<Item = &'a Grants> {
        let tools = self
            .spec
            .tools
            .iter()
            .filter_map(|entry| entry.grants.as_ref());
        let adapters = self.spec.adapters.values();
        tools.chain(adapters.filter_map(|adapter| adapter.grants.as_ref()))
    }

    fn plugins(&self, which: impl Fn(&Grants) -> bool) -> usize {
        self.grants().filter(|grants| which(grants)).count()
    }

    fn stages(&self, which: impl Fn(&crate::model::Stage) -> bool) -> usize {
        self.spec.stages.iter().filter(|stage| which(stage)).count()
    }

    fn codes(&self, code: &str) -> usize {
        self.found
            .iter()
            .filter(|finding| finding.code == code)
            .count()
    }
}

/// Something that counts.
struct Row {
    points: i32,
    what: &'static str,
    /// Whether it counts as often as it is there, or once.
    each: bool,
    /// Why it counts, for the reference.
    why: &'static str,
    count: fn(&Seen<'_>) -> usize,
}

/// A row that counts as often as it is there.
const fn each(
    points: i32,
    what: &'static str,
    why: &'static str,
    count: fn(&Seen<'_>) -> usize,
) -> Row {
    Row {
        points,
        what,
        each: true,
        why,
        count,
    }
}

/// A row that counts once.
const fn once(
    points: i32,
    what: &'static str,
    why: &'static str,
    count: fn(&Seen<'_>) -> usize,
) -> Row {
    Row {
        points,
        what,
        each: false,
        why,
        count,
    }
}

/// Reaches any host.
fn any_host(grants: &Grants) -> bool {
    let mut all = grants.http.iter();
    all.any(|http| *http.pattern.host() == HostPattern::Any)
}

/// The table: first what the original counts, then what it could not see.
const ROWS: [Row; 22] = [
    each(4, "tool-call stage(s)", "as in the original", |seen| {
        seen.stages(|stage| stage.tool_call.is_some())
    }),
    once(
        15,
        "no judge stage (unvalidated outputs)",
        "as in the original",
        |seen| {
            let judge = |stage: &crate::model::Stage| {
                let role = stage.role.as_ref();
                role.is_some_and(|role| role.role_type == RoleType::Judge)
            };
            usize::from(seen.stages(judge) == 0)
        },
    ),
    each(
        8,
        "require_approval rule(s)",
        "as in the original: somebody thought that these calls need a person",
        |seen| {
            let asks = |rule: &&SafetyRule| matches!(rule, SafetyRule::Dsl(rule) if rule.action == SafetyAction::RequireApproval);
            seen.spec.safety_rules.iter().filter(asks).count()
        },
    ),
    each(6, "fan-out stage(s)", "as in the original", |seen| {
        seen.stages(|stage| stage.fan_out.is_some())
    }),
    each(
        4,
        "loop(s)",
        "what a stage does is done again, as often as a template says",
        |seen| seen.stages(|stage| stage.iteration.is_some()),
    ),
    each(
        2,
        "loop(s) of more than 10 passes",
        "a condition that is never met costs that much",
        |seen| {
            seen.stages(|stage| {
                let passes = stage.iteration.as_ref();
                passes.is_some_and(|passes| passes.max_iterations > 10)
            })
        },
    ),
    once(
        -10,
        "strict safety mode (governance credit)",
        "as in the original",
        |seen| usize::from(seen.spec.safety_mode == SafetyMode::Strict),
    ),
    each(
        4,
        "script adapter(s)",
        "a text is run as a program",
        |seen| {
            let adapters = seen.spec.adapters.values();
            adapters
                .filter(|adapter| adapter.adapter_type != AdapterType::Plugin)
                .count()
        },
    ),
    each(
        8,
        "role(s) that may write shell commands",
        "a model decides what is run",
        |seen| {
            seen.stages(|stage| {
                let role = stage.role.as_ref();
                role.is_some_and(|role| role.tools.iter().any(|tool| tool == "shell"))
            })
        },
    ),
    once(
        30,
        "the host's own shell (sandbox.mode none)",
        "nothing stands between a script and this machine",
        |seen| usize::from(seen.spec.sandbox.mode == SandboxMode::None),
    ),
    once(
        10,
        "containers with a network",
        "what runs in them reaches any address",
        |seen| {
            let sandbox = &seen.spec.sandbox;
            usize::from(sandbox.mode == SandboxMode::Docker && sandbox.allow_network)
        },
    ),
    each(
        4,
        "plugin(s) that may send HTTP requests",
        "data can leave, to the hosts that are named",
        |seen| seen.plugins(|grants| !grants.http.is_empty() && !any_host(grants)),
    ),
    each(
        10,
        "plugin(s) that may send HTTP requests to any host",
        "data can leave, to anybody",
        |seen| seen.plugins(any_host),
    ),
    each(
        10,
        "plugin(s) that may reach private addresses",
        "services that trust their own network are in reach",
        |seen| seen.plugins(|grants| grants.http.iter().any(|http| http.private)),
    ),
    each(
        4,
        "plugin(s) that may use a secret",
        "requests are made in somebody's name",
        |seen| seen.plugins(|grants| !grants.secrets.is_empty()),
    ),
    each(
        4,
        "plugin(s) that may write the whole workspace",
        "a mistake can replace any file of it",
        |seen| {
            seen.plugins(|grants| {
                grants
                    .fs
                    .write
                    .iter()
                    .any(|rule| rule.root().as_str() == ".")
            })
        },
    ),
    each(
        4,
        "plugin(s) that may call other tools",
        "rights add up",
        |seen| seen.plugins(|grants| !grants.tools.is_empty()),
    ),
    each(
        10,
        "MCP server(s) that are programs of this machine",
        "they run outside the sandbox",
        |seen| {
            let servers = seen.spec.mcp_servers.iter();
            servers
                .filter(|server| server.transport == McpTransport::Stdio)
                .count()
        },
    ),
    each(
        4,
        "webhook(s)",
        "whoever reaches the path starts a run",
        |seen| {
            let triggers = seen.spec.triggers.iter();
            triggers
                .filter(|trigger| matches!(trigger, Trigger::Webhook { .. }))
                .count()
        },
    ),
    each(
        2,
        "subagent stage(s)",
        "more happens than this file shows; each spec has a score of its own",
        |seen| seen.stages(|stage| stage.kind() == StageKind::Subagent),
    ),
    each(
        10,
        "plugin(s) that are not there",
        "nobody can have looked at them",
        |seen| seen.codes("UNKNOWN_PLUGIN"),
    ),
    each(
        2,
        "plugin(s) that ask for rights which the spec does not give",
        "somebody will be asked to give them",
        |seen| seen.codes("UNGRANTED_REQUEST"),
    ),
];

/// Scores a spec. `found` is what is known to be wrong with it or doubtful, with what only the engine can find: a plugin
/// that is not there, a request that is not granted.
pub fn risk(spec: &Spec, found: &[Finding]) -> Risk {
    let seen = Seen { spec, found };
    let factor = |row: &Row| {
        let count = (row.count)(&seen);
        let times = i32::try_from(count).unwrap_or(i32::MAX);
        (count > 0).then(|| RiskFactor {
            points: row.points.saturating_mul(if row.each { times } else { 1 }),
            label: if row.each {
                format!("{count} {} ({:+} each)", row.what, row.points)
            } else {
                row.what.to_owned()
            },
        })
    };
    total(ROWS.iter().filter_map(factor).collect())
}

/// The table, for the reference: points, what counts, and why.
pub fn risk_table() -> Vec<(String, &'static str, &'static str)> {
    let points = |row: &Row| format!("{:+}{}", row.points, if row.each { " each" } else { "" });
    ROWS.iter()
        .map(|row| (points(row), row.what, row.why))
        .collect()
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
        risk(&parse("s", text).unwrap().spec, &[])
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
    fn each_row_counts_where_a_spec_has_it_and_not_in_its_neighbour() {
        let plugin = |grants: &str| format!("tools: [{{plugin: p, grants: {{{grants}}}}}]");
        let role = |tool: &str| {
            format!(
                "stages: [{{id: a, role: {{name: n, type: judge, description: d, tools: [{tool}]}}}}]"
            )
        };
        let cases: &[(String, String, i32, &str)] = &[
            (
                "sandbox: {mode: none}".into(),
                "sandbox: {mode: wasm}".into(),
                30,
                "the host's own shell",
            ),
            (
                "sandbox: {mode: docker, allow_network: true}".into(),
                "sandbox: {mode: docker}".into(),
                10,
                "containers with a network",
            ),
            (
                plugin("http: ['GET https://a.com/**']"),
                plugin(""),
                4,
                "may send HTTP requests (",
            ),
            (
                plugin("http: ['GET https://*/**']"),
                plugin("http: ['GET https://a.com/**']"),
                10,
                "to any host",
            ),
            (
                plugin("secrets: {K: {hosts: [a.com], header: 'X: {}'}}"),
                plugin(""),
                4,
                "may use a secret",
            ),
            (
                plugin("fs: {write: [.]}"),
                plugin("fs: {write: [out]}"),
                4,
                "the whole workspace",
            ),
            (role("shell"), role("file_read"), 8, "write shell commands"),
            (
                "mcp_servers: [{name: s, transport: stdio, command: c}]".into(),
                "mcp_servers: [{name: s, transport: http, url: 'https://a.com'}]".into(),
                10,
                "programs of this machine",
            ),
            (
                "triggers: [{type: webhook, path: /x}]".into(),
                "triggers: [{type: cron, schedule: '0 9 * * *'}]".into(),
                4,
                "webhook",
            ),
            (
                "stages: [{id: a, gate: human, loop: {}}]".into(),
                "stages: [{id: a, gate: human, on_fail: {loop: {}}}]".into(),
                4,
                "loop(s) (",
            ),
            (
                "stages: [{id: a, gate: human, loop: {max_iterations: 11}}]".into(),
                "stages: [{id: a, gate: human, loop: {max_iterations: 10}}]".into(),
                2,
                "of more than 10 passes",
            ),
            (
                "stages: [{id: a, subagent_spec: c.yml}]".into(),
                "stages: [{id: a, gate: human}]".into(),
                2,
                "subagent",
            ),
        ];
        for (with, without, points, label) in cases {
            let whole = |text: &str| {
                let rest = if text.starts_with("stages") {
                    ""
                } else {
                    "stages: []\n"
                };
                of(&format!("name: x\n{text}\n{rest}"))
            };
            let found = |risk: &Risk| {
                let factor = risk
                    .factors
                    .iter()
                    .find(|factor| factor.label.contains(label));
                factor.map(|factor| factor.points)
            };
            assert_eq!(found(&whole(with)), Some(*points), "{with}");
            assert_eq!(found(&whole(without)), None, "{without}");
        }
    }

    #[test]
    fn what_only_the_engine_can_find_counts_too() {
        let spec = parse("s", "name: x\nstages: []\n").unwrap().spec;
        let finding = |code: &'static str| Finding {
            code,
            ..Finding::new(crate::Code::UnknownKey, "")
        };
        let found = [finding("UNKNOWN_PLUGIN"), finding("UNGRANTED_REQUEST")];
        assert_eq!(risk(&spec, &found).score, 15 + 10 + 2);
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
