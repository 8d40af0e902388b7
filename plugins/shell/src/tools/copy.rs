//! `cp`.

use std::path::{Path, PathBuf};

use bashkit::{Builtin, BuiltinContext, ExecResult, FileType, Metadata, Result, async_trait};

use super::{
    Report, below,
    options::Taken,
    quoted, reason,
    remove::{answers, bashkit_path},
    target::Target,
};

const TAKEN: Taken = Taken {
    tool: "cp",
    letters: "abdfHilLnPprRsS:t:TuvxZA::BDE::",
    long: &[
        ("archive", 'a'),
        ("backup", 'b'),
        ("dereference", 'L'),
        ("force", 'f'),
        ("interactive", 'i'),
        ("link", 'l'),
        ("no-clobber", 'n'),
        ("no-dereference", 'P'),
        ("no-preserve", 'A'),
        ("no-target-directory", 'T'),
        ("one-file-system", 'x'),
        ("parents", 'D'),
        ("preserve", 'E'),
        ("recursive", 'r'),
        ("reflink", 'A'),
        ("remove-destination", 'f'),
        ("sparse", 'A'),
        ("strip-trailing-slashes", 'B'),
        ("suffix", 'S'),
        ("symbolic-link", 's'),
        ("target-directory", 't'),
        ("update", 'u'),
        ("verbose", 'v'),
    ],
    usage: "cp [-afinprRuv] [-t DIRECTORY | -T] SOURCE... DEST",
    wrong: 1,
};

/// The tool.
pub(super) struct Cp;

/// One call of it.
struct Copying<'a> {
    context: &'a BuiltinContext<'a>,
    is_recursive: bool,
    keeps_times: bool,
    keeps_links: bool,
    /// `n`, `i` or neither.
    over: Option<char>,
    only_newer: bool,
    as_link: bool,
    is_verbose: bool,
    answers: std::vec::IntoIter<String>,
    report: Report,
    failed: bool,
}

#[async_trait]
impl Builtin for Cp {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let mut given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let target = match Target::of(&TAKEN, &mut given, &context).await {
            Ok(target) => target,
            Err(ended) => return Ok(*ended),
        };
        let is_recursive = ['a', 'r', 'R'].iter().any(|letter| given.has(*letter));
        let follows = given.last_of("aLPd").map(|letter| letter == 'L');
        let mut copying = Copying {
            context: &context,
            is_recursive,
            keeps_times: ['a', 'p', 'E'].iter().any(|letter| given.has(*letter)),
            keeps_links: !follows.unwrap_or(!is_recursive),
            over: given.last_of("nif").filter(|letter| *letter != 'f'),
            only_newer: given.has('u'),
            as_link: given.has('s'),
            is_verbose: given.has('v'),
            answers: answers(&context),
            report: Report::default(),
            failed: false,
        };
        for source in &given.operands {
            let mut place = target.place(source);
            if given.has('D') {
                place = below(&target.shown, source.trim_start_matches('/'));
                let folder = bashkit_path(&context, &place);
                if let Some(folder) = folder.parent() {
                    let _ = context.fs.mkdir(folder, true).await;
                }
            }
            copying.copy(source, &place).await;
        }
        Ok(copying.report.end(copying.failed))
    }
}

impl Copying<'_> {
    fn fail(&mut self, text: impl AsRef<str>) {
        self.report.fail("cp", text);
        self.failed = true;
    }

    fn path(&self, shown: &str) -> PathBuf {
        bashkit_path(self.context, shown)
    }

    async fn copy(&mut self, from: &str, to: &str) {
        let (source, place) = (self.path(from), self.path(to));
        let about = if self.keeps_links {
            self.context.fs.lstat(&source).await
        } else {
            self.context.fs.stat(&source).await
        };
        let about = match about {
            Ok(about) => about,
            Err(error) => {
                return self.fail(format!("cannot stat {}: {}", quoted(from), reason(&error)));
            }
        };
        let there = self.context.fs.stat(&place).await.ok();
        let is_folder = there.as_ref().map(|there| there.file_type.is_dir());
        if about.file_type.is_dir() {
            if !self.is_recursive {
                self.fail(format!(
                    "-r not specified; omitting directory {}",
                    quoted(from)
                ));
            } else if place.starts_with(&source) {
                let text = format!(
                    "cannot copy a directory, {}, into itself, {}",
                    quoted(from),
                    quoted(to)
                );
                self.fail(text);
            } else if is_folder == Some(false) {
                let text = format!(
                    "cannot overwrite non-directory {} with directory {}",
                    quoted(to),
                    quoted(from)
                );
                self.fail(text);
            } else {
                self.copy_folder((from, &source), (to, &place), is_folder.is_none(), &about)
                    .await;
            }
        } else if is_folder == Some(true) {
            self.fail(format!(
                "cannot overwrite directory {} with non-directory",
                quoted(to)
            ));
        } else if source == place {
            self.fail(format!(
                "{} and {} are the same file",
                quoted(from),
                quoted(to)
            ));
        } else if self.may_replace(to, &about, there.as_ref()) {
            self.copy_file((from, &source), (to, &place), there.is_none(), &about)
                .await;
        }
    }

    /// Whether what is there is to be replaced.
    fn may_replace(&mut self, to: &str, about: &Metadata, there: Option<&Metadata>) -> bool {
        let Some(there) = there else {
            return true;
        };
        if self.only_newer && there.modified >= about.modified {
            return false;
        }
        match self.over {
            Some('i') => {
                self.report.stderr += &format!("cp: overwrite {}? ", quoted(to));
                let answer = self.answers.next();
                answer.is_some_and(|answer| answer.starts_with(['y', 'Y']))
            }
            over => over != Some('n'),
        }
    }

    async fn copy_folder(
        &mut self,
        (from, source): (&str, &Path),
        (to, place): (&str, &Path),
        is_new: bool,
        about: &Metadata,
    ) {
        if is_new {
            if let Err(error) = self.context.fs.mkdir(place, false).await {
                return self.fail(format!(
                    "cannot create directory {}: {}",
                    quoted(to),
                    reason(&error)
                ));
            }
            self.say(from, to);
        }
        match self.context.fs.read_dir(source).await {
            Ok(mut entries) => {
                entries.sort_by(|a, b| a.name.cmp(&b.name));
                for entry in entries {
                    Box::pin(self.copy(&below(from, &entry.name), &below(to, &entry.name))).await;
                }
            }
            Err(error) => self.fail(format!(
                "cannot access {}: {}",
                quoted(from),
                reason(&error)
            )),
        }
        if self.keeps_times {
            let _ = self
                .context
                .fs
                .set_modified_time(place, about.modified)
                .await;
        }
    }

    async fn copy_file(
        &mut self,
        (from, source): (&str, &Path),
        (to, place): (&str, &Path),
        is_new: bool,
        about: &Metadata,
    ) {
        let fs = &self.context.fs;
        let done = if self.as_link {
            fs.symlink(source, place).await
        } else if about.file_type == FileType::Symlink {
            match fs.read_link(source).await {
                Ok(end) => fs.symlink(&end, place).await,
                Err(error) => Err(error),
            }
        } else {
            fs.copy(source, place).await
        };
        if let Err(error) = done {
            return self.fail(format!(
                "cannot copy {} to {}: {}",
                quoted(from),
                quoted(to),
                reason(&error)
            ));
        }
        // A new file has the mode of what it is a copy of.
        if (is_new || self.keeps_times)
            && fs
                .stat(place)
                .await
                .is_ok_and(|made| made.mode != about.mode)
        {
            let _ = fs.chmod(place, about.mode).await;
        }
        if self.keeps_times {
            let _ = fs.set_modified_time(place, about.modified).await;
        }
        self.say(from, to);
    }

    fn say(&mut self, from: &str, to: &str) {
        if self.is_verbose {
            self.report
                .say(format!("{} -> {}", quoted(from), quoted(to)));
        }
    }
}
