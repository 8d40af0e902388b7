//! `bc`: a calculator with as many digits as one likes, and its language: variables, arrays, functions, loops, bases.
//!
//! The interpreter's own counts in floating point; a sum of money or 2^100 came out wrong.

mod expression;
mod function;
mod machine;
mod mathematics;
mod number;
mod output;
mod syntax;
mod tokens;
mod tree;

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};

use self::{machine::Machine, syntax::Reader};
use super::{options::Taken, quoted, reason, remove::bashkit_path};

const TAKEN: Taken = Taken {
    tool: "bc",
    letters: "ilqsw",
    long: &[
        ("interactive", 'i'),
        ("mathlib", 'l'),
        ("quiet", 'q'),
        ("standard", 's'),
        ("warn", 'w'),
    ],
    usage: "bc [-lq] [FILE]...",
    wrong: 1,
};

/// The tool.
pub(super) struct Bc;

#[async_trait]
impl Builtin for Bc {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let mut machine = Machine::new(given.has('l'));
        let mut stderr = String::new();
        let mut programs = Vec::new();
        for name in &given.operands {
            match context.fs.read_file(&bashkit_path(&context, name)).await {
                Ok(text) => programs.push(String::from_utf8_lossy(&text).into_owned()),
                Err(error) => {
                    let text = format!(
                        "bc: file {} is unavailable: {}\n",
                        quoted(name),
                        reason(&error)
                    );
                    return Ok(ExecResult::err(text, 1));
                }
            }
        }
        programs.push(context.stdin_text_lossy().unwrap_or_default().into_owned());
        for program in programs {
            let mut reader = Reader::new(&program);
            // Each line is read, done, and its errors told, before the next one is looked at.
            while let Some(read) = reader.line() {
                let done = match read {
                    Ok(statements) => machine.run(&statements),
                    Err(line) => Err(format!("(standard_in) {line}: syntax error")),
                };
                if let Err(error) = done {
                    stderr += &error;
                    stderr.push('\n');
                }
                if machine.has_quit {
                    break;
                }
            }
            if machine.has_quit {
                break;
            }
        }
        Ok(ExecResult {
            stdout: machine.output.text.into(),
            stderr: stderr.into(),
            ..ExecResult::default()
        })
    }
}
