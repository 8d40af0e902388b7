//! Where `cp` and `mv` put things.

use bashkit::{BuiltinContext, ExecResult};

use super::{
    base_name, below,
    options::{Ended, Given, Taken},
    quoted,
    remove::bashkit_path,
};

/// Where things go: into a directory, or to this very name.
pub(super) struct Target {
    pub(super) shown: String,
    is_folder: bool,
}

impl Target {
    /// The target of a copy or a move; it is taken off the operands.
    pub(super) async fn of(
        taken: &Taken,
        given: &mut Given,
        context: &BuiltinContext<'_>,
    ) -> std::result::Result<Self, Ended> {
        let is_folder = async |word: &str| {
            let about = context.fs.stat(&bashkit_path(context, word)).await;
            about.is_ok_and(|about| about.file_type.is_dir())
        };
        let tool = taken.tool;
        let missing = |word: &str| {
            let text = format!(
                "{tool}: target {}: No such file or directory\n",
                quoted(word)
            );
            Box::new(ExecResult::err(text, 1))
        };
        if given.operands.is_empty() {
            return Err(Box::new(taken.fail("missing file operand")));
        }
        if let Some(folder) = given.value('t') {
            let shown = folder.to_owned();
            if !is_folder(&shown).await {
                return Err(missing(&shown));
            }
            return Ok(Self {
                shown,
                is_folder: true,
            });
        }
        let shown = given.operands.pop().unwrap_or_default();
        let Some(first) = given.operands.first() else {
            let text = format!("missing destination file operand after {}", quoted(&shown));
            return Err(Box::new(taken.fail(&text)));
        };
        if given.has('T') {
            if given.operands.len() > 1 {
                return Err(Box::new(
                    taken.fail(&format!("extra operand {}", quoted(&shown))),
                ));
            }
            return Ok(Self {
                shown,
                is_folder: false,
            });
        }
        let is_folder = is_folder(&shown).await;
        if !is_folder && given.operands.len() > 1 {
            return Err(missing(&shown));
        }
        if !is_folder && shown.ends_with('/') {
            let about = context.fs.stat(&bashkit_path(context, first)).await;
            if about.is_ok_and(|about| !about.file_type.is_dir()) {
                let text = format!(
                    "{tool}: cannot create regular file {}: Not a directory\n",
                    quoted(&shown)
                );
                return Err(Box::new(ExecResult::err(text, 1)));
            }
        }
        Ok(Self { shown, is_folder })
    }

    /// Where a source goes.
    pub(super) fn place(&self, source: &str) -> String {
        if self.is_folder {
            below(&self.shown, base_name(source))
        } else {
            self.shown.clone()
        }
    }
}
