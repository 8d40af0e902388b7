//! What is wrong with a spec once the plugins are known: the spec's own findings, and those of the table here.

use armature_spec::{Document, Finding, Severity, SpecFile, Step, finding_codes};

finding_codes! {
    /// What only the engine can find.
    PlanCode:

    UnknownPlugin "UNKNOWN_PLUGIN" Error "A plugin is named that is not in any plugin directory.";
    DeniedPlugin "DENIED_PLUGIN" Error "The operator's policy does not allow the plugin.";
    UnusablePlugin "UNUSABLE_PLUGIN" Error "The plugin cannot be loaded, or does not say which tools it has.";
    UnknownTool "UNKNOWN_TOOL" Error "No plugin in use has a tool of this name.";
    AmbiguousTool "AMBIGUOUS_TOOL" Error "Two plugins in use have a tool of one name.";
    InvalidToolSchema "INVALID_TOOL_SCHEMA" Error "A plugin declares a schema that is none.";
    NotAnAdapter "NOT_AN_ADAPTER" Error "An adapter names a plugin that does not export `adapter`.";
    NotARule "NOT_A_RULE" Error "A safety rule names a plugin that does not export `rule`.";
    LimitTooHigh "LIMIT_TOO_HIGH" Error "A limit is above what the table or the operator's policy allows.";
    DeniedSandbox "DENIED_SANDBOX" Error "The operator's policy does not allow that commands run there.";
    InvalidSandbox "INVALID_SANDBOX" Error "A setting of the sandbox is none that a container can be started with.";
    HostShell "HOST_SHELL" Warning "Commands run in the host's own shell.";
    NotYet "NOT_YET" Warning "A setting has no effect yet.";
    ImplicitDependency "IMPLICIT_DEPENDENCY" Warning "A template names a stage that `depends_on` does not: the stage waits for it.";
    UnseenStage "UNSEEN_STAGE" Warning "A template names a stage that is not done by then: it sees nothing.";
    TooManyStages "TOO_MANY_STAGES" Error "More stages than a spec may have.";
    WorkspaceInHome "WORKSPACE_IN_HOME" Error "The workspace lies in armature's own directory.";
    UnreadableSkill "UNREADABLE_SKILL" Error "The file of a skill cannot be read.";
    UnreadableScript "UNREADABLE_SCRIPT" Error "The file of an adapter's function cannot be read, or has no such function.";
    UnreadableAgent "UNREADABLE_AGENT" Error "The file of an agent cannot be read, or is not in the spec's directory.";
    AgentSkillShadowed "AGENT_SKILL_SHADOWED" Warning "An agent brings a skill that the spec has too; the spec's own counts.";
    SrcFileNotFound "SRC_FILE_NOT_FOUND" Error "The file of a context layer cannot be read, or is not in the spec's directory.";
    UnreadableSubagent "UNREADABLE_SUBAGENT" Error "The file of a subagent cannot be read.";
    CircularSubagent "CIRCULAR_SUBAGENT" Error "Specs run one another, and no condition ends it.";
    RecursiveSubagent "RECURSIVE_SUBAGENT" Warning "A spec runs itself under a condition.";
    InvalidArguments "INVALID_ARGUMENTS" Error "What a stage writes as arguments does not fit the tool's schema.";
    InvalidDefault "INVALID_DEFAULT" Error "The default of an input is not of the input's type.";
    UnusableModel "UNUSABLE_MODEL" Error "A tier that a stage asks has an unknown provider, or a script that cannot be used.";
    UnknownRuleTool "UNKNOWN_RULE_TOOL" Warning "A safety rule is about a tool that nobody has: it never applies.";
    UnplaceableSecret "UNPLACEABLE_SECRET" Warning "A secret is used in arguments, but no host is named that may receive it.";
    NoModel "NO_MODEL" Error "A stage asks a model, and no tier is set.";
    CircularUse "CIRCULAR_USE" Error "Stages wait for one another.";
    UngrantedRequest "UNGRANTED_REQUEST" Warning "A plugin asks for rights that the spec does not give it.";
}

/// Collects problems while a plan is made.
pub(crate) struct Reporter<'d> {
    document: &'d Document,
    pub(crate) found: Vec<Finding>,
}

impl<'d> Reporter<'d> {
    /// Starts with what the spec itself reports.
    pub(crate) fn new(document: &'d Document) -> Self {
        let own = document
            .warnings
            .iter()
            .cloned()
            .chain(armature_spec::validate(document));
        Self {
            document,
            found: own.collect(),
        }
    }

    /// Is one of them an error?
    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// One more, at the place that `path` names.
    pub(crate) fn add(
        &mut self,
        code: PlanCode,
        path: &[Step<'_>],
        message: impl Into<String>,
    ) -> Added<'_> {
        let stage = match path {
            [Step::Key("stages"), Step::Index(place), ..] => self
                .document
                .spec
                .stages
                .get(*place)
                .map(|stage| stage.id.clone()),
            _ => None,
        };
        self.found.push(Finding {
            stage,
            file: Some(SpecFile::from(&self.document.source)),
            at: Some(self.document.source.locate(path)),
            ..Finding::new(code, message)
        });
        Added(self.found.last_mut())
    }
}

/// What was added last.
pub(crate) struct Added<'r>(Option<&'r mut Finding>);

impl Added<'_> {
    /// Adds advice.
    pub(crate) fn hint(self, hint: impl Into<String>) {
        if let Some(finding) = self.0 {
            finding.hint = Some(hint.into());
        }
    }
}

/// The candidate that the writer probably meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    /// How alike two words must be, from 0 to 1.
    const ALIKE: f64 = 0.75;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
