//! `zcat` and `zgrep`: what `gzip` packed, read without unpacking a file.

use std::io::Read;

use bashkit::{
    Builtin, BuiltinContext, ExecResult, ExecutionPlan, Result, StreamData, SubCommand, async_trait,
};
use flate2::read::MultiGzDecoder;

use super::{is_missing, quoted, reason, remove::bashkit_path};

/// The tool that prints.
pub(super) struct Zcat;

/// The tool that searches.
pub(super) struct Zgrep;

/// What is in a packed file; a name without its ending is found too.
async fn unpacked(
    tool: &str,
    context: &BuiltinContext<'_>,
    name: &str,
) -> std::result::Result<Vec<u8>, String> {
    let packed = if name == "-" {
        context.stdin_bytes().unwrap_or_default().to_vec()
    } else {
        let read = match context.fs.read_file(&bashkit_path(context, name)).await {
            Err(error) if is_missing(&error) => {
                let with_ending = bashkit_path(context, &format!("{name}.gz"));
                context.fs.read_file(&with_ending).await
            }
            read => read,
        };
        read.map_err(|error| format!("{tool}: {name}: {}\n", reason(&error)))?
    };
    if !packed.starts_with(&[0x1f, 0x8b]) {
        // `zgrep` reads what is not packed as it is.
        return match tool {
            "zgrep" => Ok(packed),
            _ if packed.is_empty() => Err(format!("gzip: {name}: unexpected end of file\n")),
            _ => Err(format!("gzip: {name}: not in gzip format\n")),
        };
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(packed.as_slice())
        .read_to_end(&mut text)
        .map_err(|error| format!("gzip: {name}: {error}\n"))?;
    Ok(text)
}

#[async_trait]
impl Builtin for Zcat {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let (options, mut names): (Vec<&str>, Vec<&str>) = context
            .args
            .iter()
            .map(String::as_str)
            .partition(|arg| arg.len() > 1 && arg.starts_with('-'));
        let known = ["-f", "-c", "-d", "-k", "-q", "--force", "--quiet", "--"];
        if let Some(option) = options.iter().find(|option| !known.contains(option)) {
            let text = format!("gzip: unknown option {}\n", quoted(option));
            return Ok(ExecResult::err(text, 1));
        }
        if names.is_empty() {
            names.push("-");
        }
        let (mut stdout, mut stderr) = (Vec::new(), String::new());
        for name in names {
            match unpacked("gzip", &context, name).await {
                Ok(mut text) => stdout.append(&mut text),
                Err(text) => stderr += &text,
            }
        }
        let exit_code = i32::from(!stderr.is_empty());
        Ok(ExecResult {
            stdout: stdout.into(),
            stderr: stderr.into(),
            exit_code,
            ..ExecResult::default()
        })
    }
}

/// Options of `grep` whose value is a word of its own.
const WITH_VALUE: &[&str] = &["-e", "-f", "-m", "-A", "-B", "-C"];

#[async_trait]
impl Builtin for Zgrep {
    async fn execute(&self, _context: BuiltinContext<'_>) -> Result<ExecResult> {
        let text = "Usage: zgrep [OPTION]... PATTERN [FILE]...\n";
        Ok(ExecResult::err(text, 2))
    }

    async fn execution_plan(&self, context: &BuiltinContext<'_>) -> Result<Option<ExecutionPlan>> {
        let (mut options, mut words) = (Vec::new(), Vec::new());
        let mut args = context.args.iter();
        while let Some(arg) = args.next() {
            if arg.len() > 1 && arg.starts_with('-') {
                options.push(arg.clone());
                if WITH_VALUE.contains(&arg.as_str()) {
                    options.extend(args.next().cloned());
                }
            } else {
                words.push(arg.clone());
            }
        }
        let has_pattern = options
            .iter()
            .any(|option| option == "-e" || option == "-f");
        if !has_pattern {
            if words.is_empty() {
                return Ok(None);
            }
            options.extend(["-e".to_owned(), words.remove(0)]);
        }
        if words.is_empty() {
            words.push("-".to_owned());
        }
        if words.len() > 1 {
            options.insert(0, "-H".to_owned());
        }
        let (mut commands, mut stderr) = (Vec::new(), String::new());
        for name in &words {
            match unpacked("zgrep", context, name).await {
                Ok(text) => commands.push(SubCommand {
                    name: "grep".to_owned(),
                    args: [vec![format!("--label={name}")], options.clone()].concat(),
                    stdin: Some(StreamData::from(text)),
                    assignments: Vec::new(),
                }),
                Err(text) => stderr += &text,
            }
        }
        Ok(Some(ExecutionPlan::BatchWithStatus {
            commands,
            force_error_exit: !stderr.is_empty(),
            stderr_prefix: stderr,
        }))
    }
}
