//! What is wrong with a spec, or doubtful: findings that know their file, their place and their remedy.
//!
//! There is one type for all of them. Which kinds there are stands in tables: [`Code`](crate::Code) here, and one in
//! each crate that looks at a spec with more knowledge; [`finding_codes!`](crate::finding_codes) makes them alike.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{document::Source, location::Location};

/// Whether a finding stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// A row of a table of codes.
pub trait FindingCode: Copy {
    /// The code as reports print it.
    fn as_str(self) -> &'static str;
    /// Whether it stops a run.
    fn severity(self) -> Severity;
}

/// Makes a table of codes: each row has a name, the text of the code, a severity, and when it is reported.
#[macro_export]
macro_rules! finding_codes {
    ($(#[$meta:meta])* $table:ident: $($name:ident $text:literal $severity:ident $doc:literal;)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $table { $(#[doc = $doc] $name,)* }

        impl $table {
            /// All of them, in the order in which the reference lists them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as reports print it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether it stops a run.
            pub const fn severity(self) -> $crate::Severity {
                match self { $(Self::$name => $crate::Severity::$severity),* }
            }

            /// When it is reported, in one line.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc),* }
            }
        }

        impl $crate::FindingCode for $table {
            fn as_str(self) -> &'static str {
                $table::as_str(self)
            }

            fn severity(self) -> $crate::Severity {
                $table::severity(self)
            }
        }

        impl ::std::fmt::Display for $table {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq<$table> for &'static str {
            fn eq(&self, code: &$table) -> bool {
                *self == code.as_str()
            }
        }
    };
}

/// The file that a finding is about, as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct SpecFile {
    /// Its name, as it was given.
    pub name: Arc<str>,
    /// Its text; empty when it could not be read.
    pub text: Arc<str>,
}

impl SpecFile {
    /// A file of this name and text.
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

impl From<&Source> for SpecFile {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.as_str().into(),
            text: Arc::clone(&source.text),
        }
    }
}

impl fmt::Debug for SpecFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpecFile").field(&self.name).finish()
    }
}

/// Something wrong or doubtful, where it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which kind: the text of a row of a table of codes.
    pub code: &'static str,
    /// Whether it stops a run.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The stage that it is about.
    pub stage: Option<String>,
    /// The file that it is about.
    pub file: Option<SpecFile>,
    /// Where it is in that file.
    pub at: Option<Location>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding of this kind, with the severity that the table gives it.
    pub fn new(code: impl FindingCode, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str(),
            severity: code.severity(),
            message: message.into(),
            stage: None,
            file: None,
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

    /// In this file.
    #[must_use]
    pub fn file(mut self, file: impl Into<SpecFile>) -> Self {
        self.file = Some(file.into());
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

    /// One line, and one for the hint: `spec.yml:3:5: error[UNDEFINED_ADAPTER]: …`. `file` is what the file is called
    /// where the finding does not say it.
    pub fn render(&self, file: &str) -> String {
        let file = self.file.as_ref().map_or(file, |file| &file.name);
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
    /// The findings of one file, in the order of its text.
    pub fn sorted(mut findings: Vec<Finding>) -> Self {
        sort(&mut findings);
        Self(findings)
    }

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

    /// Every finding on lines of its own, with the name of the file where it does not say it.
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
    use crate::Code;

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
