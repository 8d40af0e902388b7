//! `tar`: packs, lists and unpacks archives as GNU's does, with `gzip` and `bzip2`. It is its own because the
//! interpreter's names what it packs in the wrong place, and what it unpacks not at all.
//!
//! An archive is read member by member and never as a whole beside what is in it. What is in a name leads nowhere: `/`
//! and `..` are taken off or refused, and what may be written is the host's business anyway. Not there: `xz` and `zstd`,
//! `-u`, `-d`, `-A`, `--delete`, names that are rewritten on the way, and members that are no plain files, folders or links.

mod entry;
mod listing;
mod names;
mod operands;
mod packing;
mod read;
mod unpack;
mod write;

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};

use super::{
    Report, is_missing,
    options::{Given, Taken},
    reason,
    remove::bashkit_path,
};
use names::Wanted;
use operands::{Operand, spelled_out};
use packing::Packing;

const TAKEN: Taken = Taken {
    tool: "tar",
    letters: "cxtrzjJavf:C:OpPkmhT:X:SoUE:R:K0W123:4:5:6:789",
    long: &[
        ("absolute-names", 'P'),
        ("append", 'r'),
        ("auto-compress", 'a'),
        ("bzip2", 'j'),
        ("create", 'c'),
        ("dereference", 'h'),
        ("directory", 'C'),
        ("exclude", 'E'),
        ("exclude-from", 'X'),
        ("extract", 'x'),
        ("file", 'f'),
        ("files-from", 'T'),
        ("format", '6'),
        ("get", 'x'),
        ("group", '4'),
        ("gunzip", 'z'),
        ("gzip", 'z'),
        ("keep-old-files", 'k'),
        ("list", 't'),
        ("mtime", '5'),
        ("no-recursion", '1'),
        ("no-same-owner", 'o'),
        ("no-same-permissions", 'o'),
        ("no-wildcards", '7'),
        ("null", '0'),
        ("numeric-owner", '2'),
        ("overwrite", 'U'),
        ("owner", '3'),
        ("preserve-permissions", 'p'),
        ("same-owner", 'p'),
        ("same-permissions", 'p'),
        ("skip-old-files", 'K'),
        ("sort", '6'),
        ("sparse", 'S'),
        ("strip-components", 'R'),
        ("to-stdout", 'O'),
        ("touch", 'm'),
        ("ungzip", 'z'),
        ("unlink-first", 'U'),
        ("verbose", 'v'),
        ("wildcards", 'W'),
        ("xz", 'J'),
    ],
    usage: "tar -c|-x|-t|-r [-zjavOPkmh] [-f ARCHIVE] [-C DIRECTORY] [--exclude PATTERN] [--strip-components N] [FILE]...",
    wrong: 64,
};

/// What tar says where an error is the end of it.
const FATAL: &str = "Error is not recoverable: exiting now";

/// The tool.
pub(super) struct Tar;

/// One call of it.
struct Call<'a> {
    context: &'a BuiltinContext<'a>,
    given: &'a Given,
    /// The archive; none is standard input or output.
    archive: Option<String>,
    packing: Packing,
    verbose: usize,
    wanted: Wanted,
    stdout: Vec<u8>,
    report: Report,
    failed: bool,
    /// Each part that was taken off names, to be told once.
    taken_off: Vec<String>,
}

/// What ends the tool at once.
struct Fatal(Vec<String>);

impl From<String> for Fatal {
    fn from(text: String) -> Self {
        Self(vec![text])
    }
}

#[async_trait]
impl Builtin for Tar {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(&spelled_out(context.args)) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let kinds = given.options.iter().map(|(letter, _)| *letter);
        let mut kinds: Vec<char> = kinds.filter(|letter| "cxtr".contains(*letter)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let [kind] = *kinds else {
            let why = if kinds.is_empty() {
                "You must specify one of the '-crtx' options"
            } else {
                "You may not specify more than one '-crtx' option"
            };
            return Ok(wrong(why));
        };
        let archive = given.value('f').filter(|name| *name != "-");
        let packing = match Packing::asked(&given, archive) {
            Ok(packing) => packing,
            Err(why) => return Ok(wrong(&why)),
        };
        let mut call = Call {
            context: &context,
            given: &given,
            archive: archive.map(str::to_owned),
            packing,
            verbose: given.options.iter().filter(|(c, _)| *c == 'v').count(),
            wanted: Wanted::default(),
            stdout: Vec::new(),
            report: Report::default(),
            failed: false,
            taken_off: Vec::new(),
        };
        let done = match call.operands().await {
            Ok(operands) => {
                if kind == 'c' && operands.is_empty() {
                    return Ok(wrong("Cowardly refusing to create an empty archive"));
                }
                match kind {
                    'c' => call.create(&operands).await,
                    'r' => call.append(&operands).await,
                    't' => call.list().await,
                    _ => call.extract().await,
                }
            }
            Err(fatal) => Err(fatal),
        };
        Ok(call.end(done))
    }
}

/// A call that makes no sense.
fn wrong(why: &str) -> ExecResult {
    let text = format!("tar: {why}\nTry 'tar --help' for more information.\n");
    ExecResult::err(text, 2)
}

impl Call<'_> {
    /// Something that could not be done; the rest is.
    fn fail(&mut self, text: impl AsRef<str>) {
        self.report.fail("tar", text);
        self.failed = true;
    }

    fn end(mut self, done: std::result::Result<(), Fatal>) -> ExecResult {
        match done {
            Err(Fatal(lines)) => {
                for line in lines {
                    self.report.fail("tar", line);
                }
                self.fail(FATAL);
            }
            Ok(()) if self.failed => {
                self.fail("Exiting with failure status due to previous errors");
            }
            Ok(()) => {}
        }
        ExecResult {
            stdout: self.stdout.into(),
            stderr: self.report.stderr.into(),
            exit_code: if self.failed { 2 } else { 0 },
            ..ExecResult::default()
        }
    }

    /// Names what is done with, where that is asked for: on standard output, if nothing else goes there.
    fn tell(&mut self, line: &str, is_elsewhere: bool) {
        if is_elsewhere {
            self.report.stderr += line;
            self.report.stderr.push('\n');
        } else {
            self.stdout.extend_from_slice(line.as_bytes());
            self.stdout.push(b'\n');
        }
    }

    /// The name without what would lead out of the folder, unless names are to be kept as they are.
    fn within<'n>(&mut self, name: &'n str) -> &'n str {
        if self.given.has('P') {
            return name;
        }
        let (off, rest) = names::split(name);
        if !off.is_empty() && !self.taken_off.iter().any(|told| told == off) {
            self.taken_off.push(off.to_owned());
            let text = format!("Removing leading `{off}' from member names");
            self.report.fail("tar", text);
        }
        rest
    }

    /// The bytes of the archive, as they lie there.
    async fn packed(&self) -> std::result::Result<Vec<u8>, Fatal> {
        let Some(name) = &self.archive else {
            return Ok(self.context.stdin_bytes().unwrap_or_default().to_vec());
        };
        let path = bashkit_path(self.context, name);
        match self.context.fs.read_file(&path).await {
            Ok(content) => Ok(content),
            // A new one begins where there is none to add to.
            Err(error) if self.given.has('r') && is_missing(&error) => Ok(Vec::new()),
            Err(error) => Err(format!("{name}: Cannot open: {}", reason(&error)).into()),
        }
    }
}
