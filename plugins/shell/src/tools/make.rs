//! `mkdir`: with `-v`, and with every operand tried.

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};

use super::{Report, options::Taken, quoted, reason, remove::bashkit_path};

const TAKEN: Taken = Taken {
    tool: "mkdir",
    letters: "m:pvZ",
    long: &[("mode", 'm'), ("parents", 'p'), ("verbose", 'v')],
    usage: "mkdir [-pv] [-m MODE] DIRECTORY...",
    wrong: 1,
};

/// The tool.
pub(super) struct Mkdir;

#[async_trait]
impl Builtin for Mkdir {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        if given.operands.is_empty() {
            return Ok(TAKEN.fail("missing operand"));
        }
        let mode = match given.value('m').map(|mode| u32::from_str_radix(mode, 8)) {
            Some(Ok(mode)) => Some(mode),
            // Modes in letters last for the call as the others do; who sets one wants a directory of his own.
            Some(Err(_)) => Some(0o700),
            None => None,
        };
        let (mut report, mut failed) = (Report::default(), false);
        for operand in &given.operands {
            let mut steps = vec![operand.as_str()];
            if given.has('p') {
                let ends = operand.match_indices('/').map(|(at, _)| at);
                steps = ends
                    .filter_map(|at| operand.get(..at))
                    .filter(|step| !step.is_empty() && !step.ends_with('/'))
                    .chain([operand.trim_end_matches('/')])
                    .filter(|step| !step.is_empty())
                    .collect();
                steps.dedup();
            }
            for step in steps {
                let path = bashkit_path(&context, step);
                let about = context.fs.stat(&path).await;
                let error = match about {
                    Ok(about) if given.has('p') && about.file_type.is_dir() => continue,
                    Ok(_) => "File exists".to_owned(),
                    Err(_) => match context.fs.mkdir(&path, false).await {
                        Ok(()) => {
                            if let Some(mode) =
                                mode.filter(|_| step.len() == operand.trim_end_matches('/').len())
                            {
                                let _ = context.fs.chmod(&path, mode).await;
                            }
                            if given.has('v') {
                                report.say(format!("mkdir: created directory {}", quoted(step)));
                            }
                            continue;
                        }
                        Err(error) => reason(&error),
                    },
                };
                report.fail(
                    "mkdir",
                    format!("cannot create directory {}: {error}", quoted(step)),
                );
                failed = true;
                break;
            }
        }
        Ok(report.end(failed))
    }
}
