//! How several opinions become one decision: the most restrictive wins.
//!
//! allow < log < warn < require approval < block. Everything that is said is kept and written down; what decides is
//! the highest. In strict mode a call needs somebody to vouch for it: an `allow` rule of the spec, or a person. A
//! plugin's `allow` means that it has nothing against the call, which is not the same.

use armature_sandbox::Verdict;

/// What one rule says about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opinion {
    /// Which rule: `safety_rules[2]`, with the plugin's name where there is one.
    pub(crate) rule: String,
    /// Its verdict.
    pub(crate) verdict: Verdict,
    /// Does it vouch for the call, so that strict mode lets it through?
    pub(crate) vouches: bool,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The call is made.
    Go,
    /// A person is asked first, with these words.
    Ask { rule: String, message: String },
    /// The call is not made.
    Stop { rule: String, message: String },
}

/// The word for a verdict, as events carry it.
pub(crate) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Log(_) => "log",
        Verdict::Warn(_) => "warn",
        Verdict::RequireApproval(_) => "require_approval",
        Verdict::Block(_) => "block",
    }
}

/// What a verdict says, if anything.
pub(crate) fn message(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Allow => "",
        Verdict::Log(text)
        | Verdict::Warn(text)
        | Verdict::RequireApproval(text)
        | Verdict::Block(text) => text,
    }
}

fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Log(_) => 1,
        Verdict::Warn(_) => 2,
        Verdict::RequireApproval(_) => 3,
        Verdict::Block(_) => 4,
    }
}

/// The decision that follows from all opinions. Of several that are equally restrictive the first speaks.
pub(crate) fn decide(opinions: &[Opinion], strict: bool) -> Decision {
    let mut worst: Option<&Opinion> = None;
    for opinion in opinions {
        if worst.is_none_or(|w| rank(&opinion.verdict) > rank(&w.verdict)) {
            worst = Some(opinion);
        }
    }
    match worst.map(|opinion| (opinion, &opinion.verdict)) {
        Some((opinion, Verdict::Block(text))) => Decision::Stop {
            rule: opinion.rule.clone(),
            message: text.clone(),
        },
        Some((opinion, Verdict::RequireApproval(text))) => Decision::Ask {
            rule: opinion.rule.clone(),
            message: text.clone(),
        },
        _ if strict && !opinions.iter().any(|opinion| opinion.vouches) => Decision::Stop {
            rule: "safety_mode: strict".into(),
            message: "no safety rule allows it, and `safety_mode` is `strict`".into(),
        },
        _ => Decision::Go,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(verdict: Verdict, vouches: bool) -> Opinion {
        Opinion {
            rule: message(&verdict).to_owned(),
            verdict,
            vouches,
        }
    }

    fn all() -> Vec<Verdict> {
        vec![
            Verdict::Allow,
            Verdict::Log("l".into()),
            Verdict::Warn("w".into()),
            Verdict::RequireApproval("r".into()),
            Verdict::Block("b".into()),
        ]
    }

    #[test]
    fn adding_an_opinion_never_makes_a_decision_milder() {
        let severity = |decision: &Decision| match decision {
            Decision::Go => 0,
            Decision::Ask { .. } => 1,
            Decision::Stop { .. } => 2,
        };
        for first in all() {
            for second in all() {
                let one = decide(&[opinion(first.clone(), false)], false);
                let two = decide(
                    &[
                        opinion(first.clone(), false),
                        opinion(second.clone(), false),
                    ],
                    false,
                );
                let swapped = decide(
                    &[
                        opinion(second.clone(), false),
                        opinion(first.clone(), false),
                    ],
                    false,
                );
                assert!(severity(&two) >= severity(&one), "{first:?} {second:?}");
                assert_eq!(severity(&two), severity(&swapped), "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn strict_needs_somebody_to_vouch_and_a_plugin_that_has_no_objection_does_not() {
        assert!(matches!(decide(&[], true), Decision::Stop { .. }));
        assert!(matches!(
            decide(&[opinion(Verdict::Allow, false)], true),
            Decision::Stop { .. }
        ));
        assert!(matches!(
            decide(&[opinion(Verdict::Log("x".into()), false)], true),
            Decision::Stop { .. }
        ));
        assert_eq!(decide(&[opinion(Verdict::Allow, true)], true), Decision::Go);
        assert!(matches!(
            decide(
                &[opinion(Verdict::RequireApproval("x".into()), false)],
                true
            ),
            Decision::Ask { .. }
        ));
        assert_eq!(decide(&[], false), Decision::Go);
    }
}
