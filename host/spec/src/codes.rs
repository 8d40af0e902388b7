//! The table of codes: every kind of finding that needs no plugin, with its severity and when it is reported.
//!
//! `specs/README.md` lists it; each row has a spec that is wrong in that way alone, and its nearest valid neighbour, in
//! `tests/validation_codes.rs`.

crate::finding_codes! {
    /// The kinds of findings.
    Code:

    Unreadable "UNREADABLE" Error "The file cannot be read, or is no UTF-8.";
    YamlSyntax "YAML_SYNTAX" Error "The text is no YAML, or uses what is refused: duplicate and merge keys, tags, several documents, sizes beyond the bounds.";
    InvalidValue "INVALID_VALUE" Error "A value has the wrong type, is none of the allowed words, or is missing.";
    UnknownKey "UNKNOWN_KEY" Warning "Nothing reads the key.";
    DuplicateStageId "DUPLICATE_STAGE_ID" Error "Two stages have one id.";
    InvalidStageId "INVALID_STAGE_ID" Error "A stage's id is empty.";
    UndefinedDependency "UNDEFINED_DEPENDENCY" Error "`depends_on` names a stage that is not there.";
    CircularDependency "CIRCULAR_DEPENDENCY" Error "Stages wait for each other in a circle.";
    UndefinedAdapter "UNDEFINED_ADAPTER" Error "`adapter` names none of `adapters`.";
    NoExecutionType "NO_EXECUTION_TYPE" Error "A stage has none of `role`, `agent`, `tool_call`, `adapter`, `gate`, `subagent_spec`.";
    SeveralExecutionTypes "SEVERAL_EXECUTION_TYPES" Warning "A stage has more than one of them; all but the first in the order of precedence are ignored.";
    InvalidGate "INVALID_GATE" Error "`gate` has another value than `human`.";
    FanOutMissingPartitionSource "FAN_OUT_MISSING_PARTITION_SOURCE" Error "`fan_out` without `partition_source`, and the stage is no subagent.";
    PartitionSourceMissingFanOut "PARTITION_SOURCE_MISSING_FAN_OUT" Error "`partition_source` without `fan_out`.";
    InvalidFanOut "INVALID_FAN_OUT" Error "`fan_out` is below 1, or above what one fan-out may have.";
    InjectFileMissingPartitionSource "INJECT_FILE_MISSING_PARTITION_SOURCE" Error "`inject_file_as` without `partition_source`.";
    UndefinedLoopStage "UNDEFINED_LOOP_STAGE" Error "`on_fail.loop.stage` names a stage that is not there.";
    LoopStageNotBefore "LOOP_STAGE_NOT_BEFORE" Error "`on_fail.loop.stage` names a stage that this one does not depend on.";
    LoopInvalidMaxIterations "LOOP_INVALID_MAX_ITERATIONS" Error "`loop.max_iterations` is below 1, or above what one loop may have.";
    LoopAboveContract "LOOP_ABOVE_CONTRACT" Warning "`loop.max_iterations` is above `contracts.max_iterations`, which wins.";
    LoopInvalidUntilExpr "LOOP_INVALID_UNTIL_EXPR" Error "`loop.until` has a mistake in its syntax.";
    LoopEmptyCarryForwardPath "LOOP_EMPTY_CARRY_FORWARD_PATH" Error "An entry of `loop.carry_forward` leads nowhere.";
    LoopInvalidIterationVar "LOOP_INVALID_ITERATION_VAR" Error "`loop.iteration_var` cannot be a name.";
    LoopReservedIterationVar "LOOP_RESERVED_ITERATION_VAR" Error "`loop.iteration_var` is the name of something else.";
    LoopAndOnFailLoopCoexist "LOOP_AND_ON_FAIL_LOOP_COEXIST" Warning "A stage has `loop` and `on_fail.loop`.";
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
    StageShadowsBuiltIn "STAGE_SHADOWS_BUILT_IN" Warning "A stage's id is a name that means something else in a template: the one hides the other.";
    ConflictingSafetyRules "CONFLICTING_SAFETY_RULES" Error "One rule allows what another blocks.";
    RuleBlindToShell "RULE_BLIND_TO_SHELL" Warning "A rule is about `file_read` or `file_write`, and a stage runs commands: what they read and write it does not see.";
    InvalidTemplate "INVALID_TEMPLATE" Error "A template has a mistake in its syntax.";
    InvalidRegex "INVALID_REGEX" Error "The regular expression of a `matches_regex` condition is none.";
    InvalidOutputSchema "INVALID_OUTPUT_SCHEMA" Error "`output_schema` is no JSON Schema, or takes too long to check.";
    MissingOutputSchema "MISSING_OUTPUT_SCHEMA" Warning "`guided_json` without `output_schema`: any JSON object is taken.";
    InvalidToolEntry "INVALID_TOOL_ENTRY" Error "An entry of `tools` names no plugin, or two.";
    InvalidAdapter "INVALID_ADAPTER" Error "An adapter lacks what its type needs.";
    UnknownAdapterType "UNKNOWN_ADAPTER_TYPE" Warning "An adapter's type is an unknown word; it runs as a script.";
    UnquotedShellValue "UNQUOTED_SHELL_VALUE" Warning "A value is put into a shell command without the filter `sh`: what it holds may be run.";
    UnknownSkill "UNKNOWN_SKILL" Warning "A role names a skill that `skill_library` has not.";
    UndefinedRole "UNDEFINED_ROLE" Error "`role` names none of `roles`.";
    UndefinedAgent "UNDEFINED_AGENT" Error "`agent` names none of `agent_library`.";
    AgentPathEscape "AGENT_PATH_ESCAPE" Error "An agent's file is not in the spec's directory.";
    ClosureStageUndefined "CLOSURE_STAGE_UNDEFINED" Error "`closure.stage` names a stage that is not there.";
    ClosureStageNotGuidedJson "CLOSURE_STAGE_NOT_GUIDED_JSON" Error "The stage of `closure` has another `output_mode` than `guided_json`.";
    ClosureSchemaInvalid "CLOSURE_SCHEMA_INVALID" Error "The schema of the stage of `closure` does not require one of the known reasons.";
    ReservedContextLayerName "RESERVED_CONTEXT_LAYER_NAME" Error "A context layer has a name that means something else, or that another layer has.";
    EmptyContextLayer "EMPTY_CONTEXT_LAYER" Error "A context layer has neither `content` nor `src`.";
    SrcPathEscape "SRC_PATH_ESCAPE" Error "The file of a context layer is not in the spec's directory.";
    UnknownContextLayer "UNKNOWN_CONTEXT_LAYER" Error "`context_policy.must` names a layer that is not there.";
    UnknownContextSource "UNKNOWN_CONTEXT_SOURCE" Error "`never` names nothing that a stage could see.";
    ContextPolicyContradictsFloor "CONTEXT_POLICY_CONTRADICTS_FLOOR" Error "`must` names a layer that a layer's `never` closes.";
    NeverBlocksPartitionSource "NEVER_BLOCKS_PARTITION_SOURCE" Warning "`partition_source` reads a name that the stage never sees.";
    ContextTransitLeakRisk "CONTEXT_TRANSIT_LEAK_RISK" Warning "A stage never sees a value, and sees the result of a stage that was told it.";
    UnknownMemoryStage "UNKNOWN_MEMORY_STAGE" Warning "`memory.capture` or `continuation` names a stage that is not there.";
    MemoryWithoutUse "MEMORY_WITHOUT_USE" Warning "A setting of `memory` that needs another one stands without it.";
    MemoryDbPlace "MEMORY_DB_PLACE" Warning "`memory.db` names a place: only the name of the file is used.";
    InvalidBootstrap "INVALID_BOOTSTRAP" Error "`bootstrap` asks for no examples, or too many, or for a score that is none.";
    InvalidDuration "INVALID_DURATION" Error "A time is negative or zero.";
    InvalidCron "INVALID_CRON" Error "The schedule of a trigger is no cron expression of five fields.";
    InvalidWebhookPath "INVALID_WEBHOOK_PATH" Error "The path of a webhook is none, or two webhooks have one path.";
    ConstantCondition "CONSTANT_CONDITION" Warning "`condition`, `skip_if` or `until` has no `{{ … }}` in it, and so never changes.";
    UndefinedName "UNDEFINED_NAME" Warning "A template names a value that nothing provides.";
    UnreadTemplate "UNREAD_TEMPLATE" Warning "A text has `{{ … }}` in it where no template is read, or only inputs are seen: it stays as it is written.";
    InvalidInputName "INVALID_INPUT_NAME" Warning "No template can name the input, or another value has that name.";
    UnknownInputType "UNKNOWN_INPUT_TYPE" Warning "The type of an input is nearly a known word; it is not enforced.";
    DuplicateInput "DUPLICATE_INPUT" Error "Two inputs have one name.";
    DependsOnPostRun "DEPENDS_ON_POST_RUN" Warning "`depends_on` names a post_run stage, which runs after all others.";
    ResponseStageNotText "RESPONSE_STAGE_NOT_TEXT" Warning "A `response_stage` does not answer in text.";
    DeadSetting "DEAD_SETTING" Warning "The setting has no effect where it stands.";
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
}
