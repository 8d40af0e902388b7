//! `rm`: what it could not remove it names, with `-f` too, and ends with 1.

use bashkit::{Builtin, BuiltinContext, Error, ExecResult, FileType, Result, async_trait};

use super::{
    Report, base_name, below, is_missing,
    options::{Given, Taken},
    quoted, reason,
};

const TAKEN: Taken = Taken {
    tool: "rm",
    letters: "dfiIrRvPNW::",
    long: &[
        ("dir", 'd'),
        ("force", 'f'),
        ("interactive", 'W'),
        ("no-preserve-root", 'N'),
        ("one-file-system", 'P'),
        ("preserve-root", 'P'),
        ("recursive", 'r'),
        ("verbose", 'v'),
    ],
    usage: "rm [-dfirRv] FILE...",
    wrong: 1,
};

/// The tool.
pub(super) struct Rm;

/// One call of it.
struct Removal<'a> {
    context: &'a BuiltinContext<'a>,
    is_recursive: bool,
    is_forced: bool,
    takes_empty: bool,
    is_verbose: bool,
    /// Answers to the questions, where it asks.
    answers: Option<std::vec::IntoIter<String>>,
    report: Report,
    failed: bool,
}

#[async_trait]
impl Builtin for Rm {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        if given.operands.is_empty() {
            return Ok(if given.has('f') {
                ExecResult::ok("")
            } else {
                TAKEN.fail("missing operand")
            });
        }
        let mut removal = Removal {
            context: &context,
            is_recursive: given.has('r') || given.has('R'),
            is_forced: given.last_of("fiIW") == Some('f'),
            takes_empty: given.has('d'),
            is_verbose: given.has('v'),
            answers: asks(&given).then(|| answers(&context)),
            report: Report::default(),
            failed: false,
        };
        for operand in &given.operands {
            let resolved = bashkit_path(&context, operand);
            let base = base_name(operand);
            if base == "." || base == ".." {
                removal.fail(format!(
                    "refusing to remove '.' or '..' directory: skipping {}",
                    quoted(operand)
                ));
            } else if resolved.parent().is_none() && !given.has('N') && removal.is_recursive {
                removal.fail("it is dangerous to operate recursively on '/'");
                removal.fail("use --no-preserve-root to override this failsafe");
            } else {
                removal.remove(operand).await?;
            }
        }
        Ok(removal.report.end(removal.failed))
    }
}

/// The path that a word of the user means.
pub(super) fn bashkit_path(context: &BuiltinContext<'_>, word: &str) -> std::path::PathBuf {
    bashkit::normalize_path(&context.cwd.join(word))
}

/// Whether it asks before each removal.
fn asks(given: &Given) -> bool {
    match given.last_of("fiIW") {
        Some('i') => true,
        Some('W') => !matches!(given.value('W'), Some("never" | "no" | "none" | "once")),
        _ => false,
    }
}

/// The lines of standard input.
pub(super) fn answers(context: &BuiltinContext<'_>) -> std::vec::IntoIter<String> {
    let text = context.stdin_text_lossy().unwrap_or_default();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.into_iter()
}

impl Removal<'_> {
    fn fail(&mut self, text: impl AsRef<str>) {
        self.report.fail("rm", text);
        self.failed = true;
    }

    fn cannot(&mut self, shown: &str, error: &Error) {
        self.fail(format!(
            "cannot remove {}: {}",
            quoted(shown),
            reason(error)
        ));
    }

    /// Asks, where it is to ask.
    fn may(&mut self, question: &str) -> bool {
        let Some(answers) = &mut self.answers else {
            return true;
        };
        self.report.stderr += &format!("rm: {question}? ");
        answers
            .next()
            .is_some_and(|answer| answer.starts_with(['y', 'Y']))
    }

    async fn remove(&mut self, shown: &str) -> Result<()> {
        let path = bashkit_path(self.context, shown);
        let about = match self.context.fs.lstat(&path).await {
            Ok(about) => about,
            Err(error) if is_missing(&error) && self.is_forced => return Ok(()),
            Err(error) => {
                self.cannot(shown, &error);
                return Ok(());
            }
        };
        if about.file_type != FileType::Directory {
            if self.may(&format!("remove regular file {}", quoted(shown))) {
                self.remove_one(shown, "removed ").await;
            }
        } else if self.is_recursive {
            self.remove_tree(shown).await?;
        } else if self.takes_empty {
            match self.context.fs.read_dir(&path).await {
                Ok(entries) if !entries.is_empty() => {
                    self.fail(format!(
                        "cannot remove {}: Directory not empty",
                        quoted(shown)
                    ));
                }
                _ => self.remove_one(shown, "removed directory ").await,
            }
        } else {
            self.fail(format!("cannot remove {}: Is a directory", quoted(shown)));
        }
        Ok(())
    }

    /// A file, or a directory with nothing in it.
    async fn remove_one(&mut self, shown: &str, done: &str) {
        let path = bashkit_path(self.context, shown);
        match self.context.fs.remove(&path, false).await {
            Ok(()) if self.is_verbose => self.report.say(format!("{done}{}", quoted(shown))),
            Ok(()) => {}
            Err(error) => self.cannot(shown, &error),
        }
    }

    async fn remove_tree(&mut self, shown: &str) -> Result<()> {
        let path = bashkit_path(self.context, shown);
        // At once where nobody wants to hear of each; one by one to say what it is that cannot be removed.
        let is_quiet = !self.is_verbose && self.answers.is_none();
        if is_quiet && self.context.fs.remove(&path, true).await.is_ok() {
            return Ok(());
        }
        let entries = match self.context.fs.read_dir(&path).await {
            Ok(entries) => entries,
            Err(error) => {
                self.cannot(shown, &error);
                return Ok(());
            }
        };
        if !entries.is_empty() && !self.may(&format!("descend into directory {}", quoted(shown))) {
            return Ok(());
        }
        let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
        names.sort();
        let before = self.failed;
        self.failed = false;
        for name in names {
            Box::pin(self.remove(&below(shown, &name))).await?;
        }
        // What is in it stays, and so does the directory: its files were named.
        if !self.failed && self.may(&format!("remove directory {}", quoted(shown))) {
            self.remove_one(shown, "removed directory ").await;
        }
        self.failed |= before;
        Ok(())
    }
}
