//! What can still be said about a spec of which some values were wrong and left out.
//!
//! Only what no missing value can have caused: a stage whose `role` was wrong has not "nothing to run". What is not
//! certain is not said; it will be when the wrong values are mended.

use std::collections::HashSet;

use crate::{
    codes::Code,
    document::{Document, stage_node_around},
    finding::Finding,
    validate::validate,
    yaml::{Node, NodeKind},
};

/// What must have been read whole for a finding to be certain.
enum Needs {
    /// Nothing: the finding is about what is there.
    Nothing,
    /// The stage that it is about.
    ItsStage,
    /// These sections of the spec.
    Sections(&'static [&'static str]),
}

/// What a code can be relied on for; `None` where it is not known to be certain.
fn needs(code: &str) -> Option<Needs> {
    use Code as C;
    let code = C::ALL
        .iter()
        .copied()
        .find(|known| known.as_str() == code)?;
    Some(match code {
        C::DuplicateStageId
        | C::InvalidStageId
        | C::InvalidGate
        | C::InvalidFanOut
        | C::InvalidTemplate
        | C::InvalidRegex
        | C::InvalidOutputSchema
        | C::InvalidDuration
        | C::InvalidCron
        | C::InvalidWebhookPath
        | C::ConstantCondition
        | C::CircularDependency
        | C::ConflictingSafetyRules
        | C::SeveralExecutionTypes
        | C::SignatureTypeMismatch => Needs::Nothing,
        C::NoExecutionType
        | C::FanOutMissingPartitionSource
        | C::PartitionSourceMissingFanOut
        | C::InjectFileMissingPartitionSource => Needs::ItsStage,
        C::UndefinedDependency | C::UndefinedLoopStage | C::ContractOutputUndefinedStage => {
            Needs::Sections(&["stages"])
        }
        C::UndefinedAdapter | C::InvalidAdapter => Needs::Sections(&["adapters"]),
        C::InvalidToolEntry => Needs::Sections(&["tools"]),
        C::UndefinedModelTier | C::DefaultTierNotConfigured => {
            Needs::Sections(&["model_tiers", "role_type_defaults"])
        }
        C::UnknownSkill => Needs::Sections(&["skill_library"]),
        _ => return None,
    })
}

/// What is certain about `rest`, which is what could be read of `root` without the values in `left_out`.
pub(crate) fn findings(rest: &Document, root: &Node, left_out: &HashSet<u32>) -> Vec<Finding> {
    let whole = |node: &Node| !node.has_any(left_out);
    let section_is_whole = |key: &&str| {
        root.entry(key)
            .is_none_or(|entry| section_whole(key, &entry.value, left_out))
    };
    let is_certain = |finding: &Finding| match needs(finding.code) {
        None => false,
        Some(Needs::Nothing) => true,
        Some(Needs::ItsStage) => finding
            .at
            .and_then(|at| stage_node_around(root, at))
            .is_some_and(whole),
        Some(Needs::Sections(keys)) => keys.iter().all(section_is_whole),
    };
    let mut found = validate(rest);
    found.retain(is_certain);
    found
}

/// Of the stages only the ids matter to others.
fn section_whole(key: &str, section: &Node, left_out: &HashSet<u32>) -> bool {
    match &section.kind {
        NodeKind::List(stages) if key == "stages" && !left_out.contains(&section.id) => {
            stages.iter().all(|stage| {
                let id = stage.entry("id").map(|entry| entry.value.id);
                !left_out.contains(&stage.id) && id.is_some_and(|id| !left_out.contains(&id))
            })
        }
        _ => !section.has_any(left_out),
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn codes(text: &str) -> Vec<&'static str> {
        parse("s", text).map_or_else(|f| f.0.iter().map(|f| f.code).collect(), |_| Vec::new())
    }

    #[test]
    fn a_wrong_word_hides_no_other_error_of_its_stage_and_makes_none_up() {
        let text = "
name: x
stages:
- {id: a, role: {type: boss, description: d, temperature: hot}, depends_on: [ghost], output_mode: xml}
- {id: b, adapter: nope, fan_out: two, partition_source: '{{ x }}', gate: robot}
- {id: b, gate: human, timeout_s: -1}
";
        let found = codes(text);
        assert_eq!(
            found,
            [
                "INVALID_VALUE",
                "INVALID_VALUE",
                "UNDEFINED_DEPENDENCY",
                "INVALID_VALUE",
                "UNDEFINED_ADAPTER",
                "SEVERAL_EXECUTION_TYPES",
                "INVALID_VALUE",
                "INVALID_GATE",
                "DUPLICATE_STAGE_ID",
                "INVALID_DURATION",
            ]
        );
    }

    #[test]
    fn what_was_left_out_is_not_said_to_be_missing() {
        assert_eq!(
            codes(
                "name: x\nadapters: {a: {type: script, cmd: [ls]}}\nstages: [{id: s, adapter: a}]\n"
            ),
            ["INVALID_VALUE"]
        );
        assert_eq!(
            codes(
                "name: x\nstages: [{id: [s], gate: human}, {id: t, gate: human, depends_on: [s]}]\n"
            ),
            ["INVALID_VALUE"]
        );
        assert_eq!(
            codes("name: x\nstages: [{id: s, role: [nobody]}]\n"),
            ["INVALID_VALUE"]
        );
    }

    #[test]
    fn places_stay_right_when_a_stage_before_them_was_left_out() {
        let text = "name: x\nstages:\n- 7\n- {id: a, gate: robot}\n";
        let found = parse("s", text)
            .err()
            .map(|f| f.render("s"))
            .unwrap_or_default();
        assert!(found.contains("s:4:17: error[INVALID_GATE]"), "{found}");
    }
}
