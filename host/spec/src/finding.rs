//! What is wrong with a spec, or doubtful: one table of codes, and findings that know their place.

use std::fmt;

use crate::location::Location;

/// Whether a finding stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It does.
    Error,
    /// It never does.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $severity:ident $doc:literal;)*) => {
        /// The kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $doc] $name,)* }

        impl Code {
            /// All of them, in the order in which the reference lists them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as reports print it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether it stops a run.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }

            /// When it is reported, in one line.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc),* }
            }
        }
    };
}

codes! {
    Unreadable "UNREADABLE" Error "The file cannot be read, or is no UTF-8.";
    YamlSyntax "YAML_SYNTAX" Error "The text is no YAML, or uses what is refused: duplicate and merge keys, tags, several documents, sizes beyond the bounds.";
    InvalidValue "INVALID_VALUE" Error "A value has the wrong type, is none of the allowed words, or is missing.";
    UnknownKey "UNKNOWN_KEY" Warning "Nothing reads the key.";
    DuplicateStageId "DUPLICATE_STAGE_ID" Error "Two stages have one id.";
    InvalidStageId "INVALID_STAGE_ID" Error "A stage's id is empty.";
    UndefinedDependency "UNDEFINED_DEPENDENCY" Error "`depends_on` names a stage that is not there.";
    CircularDependency "CIRCULAR_DEPENDENCY" Error "Stages wait for each other in a circle.";
    UndefinedAdapter "UNDEFINED_ADAPTER" Error "`adapter` names none of `adapters`.";
    NoExecutionType "NO_EXECUTION_TYPE" Error "A stage has none of `role`, `tool_call`, `adapter`, `gate`, `subagent_spec`.";
    SeveralExecutionTypes "SEVERAL_EXECUTION_TYPES" Warning "A stage has more than one of them; all but the first in the order of precedence are ignored.";
    InvalidGate "INVALID_GATE" Error "`gate` has another value than `human`.";
    FanOutMissingPartitionSource "FAN_OUT_MISSING_PARTITION_SOURCE" Error "`fan_out` without `partition_source`, and the stage is no subagent.";
    PartitionSourceMissingFanOut "PARTITION_SOURCE_MISSING_FAN_OUT" Error "`partition_source` without `fan_out`.";
    InvalidFanOut "INVALID_FAN_OUT" Error "`fan_out` is below 1, or above what one fan-out may have.";
    InjectFileMissingPartitionSource "INJECT_FILE_MISSING_PARTITION_SOURCE" Error "`inject_file_as` without `partition_source`.";
    UndefinedLoopStage "UNDEFINED_LOOP_STAGE" Error "`on_fail.loop.stage` names a stage that is not there.";
    LoopStageIgnored "LOOP_STAGE_IGNORED" Warning "`on_fail.loop.stage` names another stage; the stage itself is repeated.";
    UndefinedModelTier "UNDEFINED_MODEL_TIER" Error "`role.model_tier` names none of `model_tiers`.";
    DefaultTierNotConfigured "DEFAULT_TIER_NOT_CONFIGURED" Error "A role names no tier, and the default tier of its type is not set although others are.";
    GuidedJsonLowTierRisk "GUIDED_JSON_LOW_TIER_RISK" Warning "`guided_json` is asked of a tiny or small model.";
    ContractInputMissingName "CONTRACT_INPUT_MISSING_NAME" Error "An entry of `contracts.inputs` has no name.";
    ContractOutputMissingStage "CONTRACT_OUTPUT_MISSING_STAGE" Error "An entry of `contracts.outputs` has no stage.";
    ContractOutputUndefinedStage "CONTRACT_OUTPUT_UNDEFINED_STAGE" Error "An entry of `contracts.outputs` names a stage that is not there.";
    ContractOutputMissingKey "CONTRACT_OUTPUT_MISSING_KEY" Error "An entry of `contracts.outputs` has no key.";
    PostRunTranscriptOverflowRisk "POST_RUN_TRANSCRIPT_OVERFLOW_RISK" Warning "A post_run stage without `signature.input` is shown the transcript of a fan-out.";
    PostRunDependsOn "POST_RUN_DEPENDS_ON" Warning "`depends_on` of a post_run stage has no effect: those stages run last, in order.";
    SignatureTypeMismatch "SIGNATURE_TYPE_MISMATCH" Error "A value has one type where it is made and another where it is used.";
    UndefinedSignatureInput "UNDEFINED_SIGNATURE_INPUT" Error "`signature.input` names a value that nothing provides.";
    StageShadowsInput "STAGE_SHADOWS_INPUT" Warning "A stage and an input have one name; the stage's result replaces the input.";
    ConflictingSafetyRules "CONFLICTING_SAFETY_RULES" Error "One rule allows what another blocks.";
    InvalidTemplate "INVALID_TEMPLATE" Error "A template has a mistake in its syntax.";
    InvalidRegex "INVALID_REGEX" Error "The regular expression of a `matches_regex` condition is none.";
    InvalidOutputSchema "INVALID_OUTPUT_SCHEMA" Error "`output_schema` is no JSON Schema, or takes too long to check.";
    MissingOutputSchema "MISSING_OUTPUT_SCHEMA" Warning "`guided_json` without `output_schema`: any JSON object is taken.";
    InvalidToolEntry "INVALID_TOOL_ENTRY" Error "An entry of `tools` names no plugin, or two.";
    InvalidAdapter "INVALID_ADAPTER" Error "An adapter lacks what its type needs.";
    UnknownAdapterType "UNKNOWN_ADAPTER_TYPE" Warning "An adapter's type is an unknown word; it runs as a script.";
    UnknownSkill "UNKNOWN_SKILL" Warning "A role names a skill that `skill_library` has not.";
    UnknownMemoryStage "UNKNOWN_MEMORY_STAGE" Warning "`memory.capture` or `continuation` names a stage that is not there.";
    InvalidDuration "INVALID_DURATION" Error "A time is negative or zero.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something wrong or doubtful, where it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which kind.
    pub code: Code,
    /// Whether it stops a run.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The stage that it is about.
    pub stage: Option<String>,
    /// Where it is.
    pub at: Option<Location>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding of this kind, with the severity that the table gives it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            stage: None,
            at: None,
            hint: None,
        }
    }

    /// About this stage.
    #[must_use]
    pub fn stage(mut self, id: &str) -> Self {
        self.stage = Some(id.to_owned());
        self
    }

    /// At this place.
    #[must_use]
    pub fn at(mut self, at: Location) -> Self {
        self.at = Some(at);
        self
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// One line, and one for the hint: `spec.yml:3:5: error[UNDEFINED_ADAPTER]: …`.
    pub fn render(&self, file: &str) -> String {
        let place = self.at.map_or_else(String::new, |at| format!("{at}:"));
        let stage = self
            .stage
            .as_ref()
            .map_or_else(String::new, |id| format!("stage `{}`: ", id.escape_debug()));
        let hint = self
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!("\n  hint: {hint}"));
        format!(
            "{file}:{place} {}[{}]: {stage}{}{hint}",
            self.severity, self.code, self.message
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render("spec"))
    }
}

/// Several findings, errors among them, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// The findings that stop a run.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.0
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// Is one of them an error?
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Every finding on lines of its own, with the name of the file.
    pub fn render(&self, file: &str) -> String {
        self.0
            .iter()
            .map(|finding| finding.render(file))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render("spec"))
    }
}

impl std::error::Error for Findings {}

/// Puts findings into the order of the text; what has no place comes first.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        (
            finding.at.map(|at| at.offset),
            finding.severity,
            finding.code,
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_text_of_its_own_and_a_line_of_documentation() {
        let texts: std::collections::HashSet<_> =
            Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.doc().ends_with('.')));
    }

    #[test]
    fn a_finding_renders_as_a_line_that_editors_can_follow() {
        let at = Location {
            line: 3,
            column: 5,
            offset: 20,
            length: 4,
        };
        let finding = Finding::new(Code::UndefinedAdapter, "no adapter `x`")
            .stage("s")
            .at(at)
            .hint("add it");
        assert_eq!(
            finding.render("a.yml"),
            "a.yml:3:5: error[UNDEFINED_ADAPTER]: stage `s`: no adapter `x`\n  hint: add it"
        );
    }
}
