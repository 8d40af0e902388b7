//! What went wrong in a run: `_diagnostics`, which the stages that run last are told.
//!
//! Each row of the trace is looked at once, when it is written; what it shows is an entry with a code, the stage, and
//! where the cause may be. The codes, the thresholds and the words of the attribution are those of the original, because
//! specs loop over them. A run in which nothing went wrong has none.

use armature_store::TraceRow;
use serde_json::{Value, json};

/// A judge that is less sure than this is not sure.
const LOW_CONFIDENCE: f64 = 0.30;

/// From so many larger models asked the stage's own is too small.
const HIGH_ESCALATION: u64 = 2;

/// The class of a result that breaks its tool's promise.
const BROKEN_PROMISE: &str = "PostconditionFailed";

/// A kind of diagnosis: its code, what it ended in, whose problem that is, and how it came about.
struct Kind(&'static str, &'static str, &'static str, &'static str);

const TIMED_OUT: Kind = Kind("stage_failed", "execution_error", "spec_problem", "timeout");
const FAILED: Kind = Kind(
    "stage_failed",
    "execution_error",
    "model_problem",
    "runtime_error",
);
const TOO_STRICT: Kind = Kind(
    "output_invalid",
    "schema_validation",
    "spec_problem",
    "schema_too_strict",
);
const UNDERPOWERED: Kind = Kind(
    "output_invalid",
    "schema_validation",
    "model_problem",
    "model_underpowered",
);
const UNSURE: Kind = Kind(
    "low_confidence",
    "low_confidence",
    "model_problem",
    "judge_uncertain",
);
const TIER_TOO_SMALL: Kind = Kind(
    "high_escalation",
    "schema_escalation",
    "model_problem",
    "tier_insufficient",
);
const PROMISE: Kind = Kind(
    "postcondition_failed",
    "postcondition",
    "tool_problem",
    "tool_violation",
);
const TOOLS_UNUSED: Kind = Kind(
    "low_skill_activation",
    "prompt_weak",
    "spec_problem",
    "prompt_missing_instruction",
);

impl Kind {
    fn of(&self, stage: &str, details: impl Into<String>) -> Value {
        let Self(code, cause, status, mechanism) = self;
        json!({
            "code": code,
            "stage_id": stage,
            "details": details.into(),
            "causal_attribution": {"terminal_cause": cause, "causal_status": status, "mechanism": mechanism},
        })
    }
}

/// What a row shows.
pub(crate) fn of(row: &TraceRow) -> Vec<Value> {
    let stage = row.stage_id.as_str();
    let error = row.error_type.as_deref().unwrap_or_default();
    let mut found = Vec::new();
    if !row.success && error != BROKEN_PROMISE {
        found.push(failure(stage, error));
    }
    if !row.output_valid {
        let kind = if row.escalation_count >= HIGH_ESCALATION {
            UNDERPOWERED
        } else {
            TOO_STRICT
        };
        found.push(kind.of(stage, "the output does not fit its schema"));
    }
    if let Some(score) = row.quorum_score
        && row.role_type == "judge"
        && score < LOW_CONFIDENCE
    {
        found.push(UNSURE.of(stage, format!("confidence={score:.2}")));
    }
    if row.escalation_count >= HIGH_ESCALATION {
        let details = format!("escalation_count={}", row.escalation_count);
        found.push(TIER_TOO_SMALL.of(stage, details));
    }
    if error == BROKEN_PROMISE {
        found.push(PROMISE.of(stage, "the result breaks the tool's promise"));
    }
    if !row.tools_declared.is_empty() && row.tools_called.is_empty() {
        let details = format!("declared=[{}], called=[]", row.tools_declared.join(", "));
        found.push(TOOLS_UNUSED.of(stage, details));
    }
    found
}

/// A stage, or with no name the run, that failed with an error of this class.
pub(crate) fn failure(stage: &str, class: &str) -> Value {
    let kind = if class.contains("Timeout") {
        TIMED_OUT
    } else {
        FAILED
    };
    kind.of(stage, class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> TraceRow {
        TraceRow {
            stage_id: "s".into(),
            success: true,
            output_valid: true,
            ..TraceRow::default()
        }
    }

    fn codes(row: &TraceRow) -> Vec<String> {
        let found = of(row);
        found
            .iter()
            .map(|entry| entry["code"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_good_row_shows_nothing() {
        assert!(of(&good()).is_empty());
    }

    #[test]
    fn each_code_has_its_row() {
        let row = |change: fn(&mut TraceRow)| {
            let mut row = good();
            change(&mut row);
            codes(&row)
        };
        assert_eq!(row(|r| r.success = false), ["stage_failed"]);
        assert_eq!(row(|r| r.output_valid = false), ["output_invalid"]);
        let judged = |r: &mut TraceRow| {
            r.role_type = "judge".into();
            r.quorum_score = Some(0.29);
        };
        assert_eq!(row(judged), ["low_confidence"]);
        assert_eq!(row(|r| r.quorum_score = Some(0.1)), [""; 0]);
        assert_eq!(row(|r| r.escalation_count = 2), ["high_escalation"]);
        assert_eq!(row(|r| r.escalation_count = 1), [""; 0]);
        assert_eq!(
            row(|r| {
                r.success = false;
                r.error_type = Some(BROKEN_PROMISE.into());
            }),
            ["postcondition_failed"]
        );
        assert_eq!(
            row(|r| r.tools_declared = vec!["t".into()]),
            ["low_skill_activation"]
        );
    }

    #[test]
    fn a_timeout_is_told_from_other_failures() {
        let mechanism =
            |class: &str| failure("s", class)["causal_attribution"]["mechanism"].clone();
        assert_eq!(mechanism("TimeoutError"), "timeout");
        assert_eq!(mechanism("ToolError"), "runtime_error");
    }
}
