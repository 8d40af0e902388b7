//! What is wrong with a spec once the plugins are known: the spec's own findings, and those of the table here.
//!
//! A problem has a code that reports and tests can rely on, a place in the source, and what to do about it. Errors
//! stop a run, warnings never do.

use std::fmt;

use armature_spec::{Document, Finding, Location, Severity, Step};

macro_rules! codes {
    ($($name:ident $text:literal $severity:ident $doc:literal;)*) => {
        /// What only the engine can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum PlanCode { $(#[doc = $doc] $name,)* }

        impl PlanCode {
            /// All of them.
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
    UnknownPlugin "UNKNOWN_PLUGIN" Error "A plugin is named that is not in any plugin directory.";
    DeniedPlugin "DENIED_PLUGIN" Error "The operator's policy does not allow the plugin.";
    UnusablePlugin "UNUSABLE_PLUGIN" Error "The plugin cannot be loaded, or does not say which tools it has.";
    UnknownTool "UNKNOWN_TOOL" Error "No plugin in use has a tool of this name.";
    AmbiguousTool "AMBIGUOUS_TOOL" Error "Two plugins in use have a tool of one name.";
    InvalidToolSchema "INVALID_TOOL_SCHEMA" Error "A plugin declares a schema that is none.";
    NotAnAdapter "NOT_AN_ADAPTER" Error "An adapter names a plugin that does not export `adapter`.";
    NotARule "NOT_A_RULE" Error "A safety rule names a plugin that does not export `rule`.";
    LimitTooHigh "LIMIT_TOO_HIGH" Error "A limit is above what the table or the operator's policy allows.";
    LaterRelease "LATER_RELEASE" Error "The stage needs something that comes with a later release.";
    NotYet "NOT_YET" Warning "A setting has no effect yet.";
    ImplicitDependency "IMPLICIT_DEPENDENCY" Warning "A template names a stage that `depends_on` does not: the stage waits for it.";
    UnseenStage "UNSEEN_STAGE" Warning "A template names a stage that is not done by then: it sees nothing.";
    TooManyStages "TOO_MANY_STAGES" Error "More stages than a spec may have.";
    WorkspaceInHome "WORKSPACE_IN_HOME" Error "The workspace lies in armature's own directory.";
    UnreadableSkill "UNREADABLE_SKILL" Error "The file of a skill cannot be read.";
    UnreadableSubagent "UNREADABLE_SUBAGENT" Error "The spec of a subagent cannot be read, or has errors of its own.";
    UnplaceableSecret "UNPLACEABLE_SECRET" Warning "A secret is used in arguments, but no host is named that may receive it.";
    NoModel "NO_MODEL" Error "A stage asks a model, and no tier is set.";
    CircularUse "CIRCULAR_USE" Error "Stages wait for one another.";
    UngrantedRequest "UNGRANTED_REQUEST" Warning "A plugin asks for rights that the spec does not give it.";
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its code, e.g. `UNKNOWN_TOOL`.
    pub code: &'static str,
    /// Whether it stops a run.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The stage that it is about.
    pub stage: Option<String>,
    /// Where it is in the spec.
    pub at: Option<Location>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// One line, and one for the hint: `spec.yml:3:5: error[UNKNOWN_TOOL]: …`.
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

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        let Finding {
            code,
            severity,
            message,
            stage,
            at,
            hint,
        } = finding;
        Self {
            code: code.as_str(),
            severity,
            message,
            stage,
            at,
            hint,
        }
    }
}

/// Why there is no plan: every problem, errors among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The problems that stop a run.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.0
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
    }

    /// Every problem on lines of its own, with the name of the file.
    pub fn render(&self, file: &str) -> String {
        self.0
            .iter()
            .map(|problem| problem.render(file))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render("spec"))
    }
}

impl std::error::Error for Problems {}

/// Collects problems while a plan is made.
pub(crate) struct Reporter<'d> {
    document: &'d Document,
    pub(crate) found: Vec<Problem>,
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
            found: own.map(Problem::from).collect(),
        }
    }

    /// Is one of them an error?
    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// One more, at the place that `path` names.
    pub(crate) fn add(
        &mut self,
        code: PlanCode,
        path: &[Step<'_>],
        message: impl Into<String>,
    ) -> &mut Problem {
        let stage = match path {
            [Step::Key("stages"), Step::Index(place), ..] => self
                .document
                .spec
                .stages
                .get(*place)
                .map(|stage| stage.id.clone()),
            _ => None,
        };
        self.found.push(Problem {
            code: code.as_str(),
            severity: code.severity(),
            message: message.into(),
            stage,
            at: Some(self.document.source.locate(path)),
            hint: None,
        });
        let last = self.found.len() - 1;
        // Just pushed.
        #[expect(
            clippy::indexing_slicing,
            reason = "the element was pushed two lines above"
        )]
        &mut self.found[last]
    }
}

impl Problem {
    /// With advice.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
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
