//! `mv`.

use std::path::Path;

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};

use super::{
    Report,
    options::Taken,
    quoted, reason,
    remove::{answers, bashkit_path},
    target::Target,
};
use crate::session::WORKSPACE;

const TAKEN: Taken = Taken {
    tool: "mv",
    letters: "bfinS:t:TuvZB",
    long: &[
        ("backup", 'b'),
        ("force", 'f'),
        ("interactive", 'i'),
        ("no-clobber", 'n'),
        ("no-target-directory", 'T'),
        ("strip-trailing-slashes", 'B'),
        ("suffix", 'S'),
        ("target-directory", 't'),
        ("update", 'u'),
        ("verbose", 'v'),
    ],
    usage: "mv [-finuv] [-t DIRECTORY | -T] SOURCE... DEST",
    wrong: 1,
};

/// The tool.
pub(super) struct Mv;

/// Moves a directory into the workspace or out of it, which no renaming does: all of it is copied, then removed.
async fn carry(context: &BuiltinContext<'_>, from: &Path, to: &Path) -> Result<()> {
    context.fs.mkdir(to, false).await?;
    for entry in context.fs.read_dir(from).await? {
        let (from, to) = (from.join(&entry.name), to.join(&entry.name));
        if entry.metadata.file_type.is_dir() {
            Box::pin(carry(context, &from, &to)).await?;
        } else {
            context.fs.rename(&from, &to).await?;
        }
    }
    context.fs.remove(from, true).await
}

#[async_trait]
impl Builtin for Mv {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let mut given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let target = match Target::of(&TAKEN, &mut given, &context).await {
            Ok(target) => target,
            Err(ended) => return Ok(*ended),
        };
        let over = given.last_of("nif");
        let mut answers = answers(&context);
        let (mut report, mut failed) = (Report::default(), false);
        for from in &given.operands {
            let to = target.place(from);
            let (source, place) = (bashkit_path(&context, from), bashkit_path(&context, &to));
            let about = match context.fs.lstat(&source).await {
                Ok(about) => about,
                Err(error) => {
                    report.fail(
                        "mv",
                        format!("cannot stat {}: {}", quoted(from), reason(&error)),
                    );
                    failed = true;
                    continue;
                }
            };
            let there = context.fs.stat(&place).await.ok();
            let is_folder = about.file_type.is_dir();
            let wrong = match &there {
                _ if source == place => Some(format!(
                    "{} and {} are the same file",
                    quoted(from),
                    quoted(&to)
                )),
                _ if is_folder && place.starts_with(&source) => Some(format!(
                    "cannot move {} to a subdirectory of itself, {}",
                    quoted(from),
                    quoted(&to)
                )),
                Some(there) if there.file_type.is_dir() && !is_folder => Some(format!(
                    "cannot overwrite directory {} with non-directory",
                    quoted(&to)
                )),
                Some(there) if !there.file_type.is_dir() && is_folder => Some(format!(
                    "cannot overwrite non-directory {} with directory {}",
                    quoted(&to),
                    quoted(from)
                )),
                _ => None,
            };
            if let Some(wrong) = wrong {
                report.fail("mv", wrong);
                failed = true;
                continue;
            }
            if let Some(there) = &there {
                let is_kept = match over {
                    Some('n') => true,
                    Some('i') => {
                        report.stderr += &format!("mv: overwrite {}? ", quoted(&to));
                        let answer = answers.next();
                        !answer.is_some_and(|answer| answer.starts_with(['y', 'Y']))
                    }
                    _ => false,
                };
                if is_kept || given.has('u') && there.modified >= about.modified {
                    continue;
                }
            }
            let is_elsewhere = source.starts_with(WORKSPACE) != place.starts_with(WORKSPACE);
            let done = if is_folder && is_elsewhere {
                carry(&context, &source, &place).await
            } else {
                context.fs.rename(&source, &place).await
            };
            match done {
                Ok(()) if given.has('v') => {
                    report.say(format!("renamed {} -> {}", quoted(from), quoted(&to)));
                }
                Ok(()) => {}
                Err(error) => {
                    let text = format!(
                        "cannot move {} to {}: {}",
                        quoted(from),
                        quoted(&to),
                        reason(&error)
                    );
                    report.fail("mv", text);
                    failed = true;
                }
            }
        }
        Ok(report.end(failed))
    }
}
