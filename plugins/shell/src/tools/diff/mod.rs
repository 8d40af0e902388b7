//! `diff`: what differs between two files or two folders, shown as GNU's does. It is its own because the interpreter's
//! knows no folders and chooses other lines to show.
//!
//! The search ([`search`], [`sift`], [`slide`]) takes the lines that GNU's takes. What is not there is refused as an
//! option that it does not know: `ed` scripts, merges with `-D`, formats of one's own, lines to ignore by an expression.

mod changes;
mod files;
mod lines;
mod places;
mod search;
mod show;
mod sides;
mod sift;
mod slide;

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};

use super::{
    Report,
    options::{Given, Taken},
};
use changes::How;
use lines::{Ignored, Space};
use places::Comparison;
use sides::Halves;

const TAKEN: Taken = Taken {
    tool: "diff",
    letters: "abBcC:dEHiL:nNopqrstuU:vwW:x:yZF::",
    long: &[
        ("brief", 'q'),
        ("color", 'F'),
        ("context", 'c'),
        ("exclude", 'x'),
        ("expand-tabs", 't'),
        ("ignore-all-space", 'w'),
        ("ignore-blank-lines", 'B'),
        ("ignore-case", 'i'),
        ("ignore-space-change", 'b'),
        ("ignore-tab-expansion", 'E'),
        ("ignore-trailing-space", 'Z'),
        ("label", 'L'),
        ("left-column", 'v'),
        ("minimal", 'd'),
        ("new-file", 'N'),
        ("normal", 'n'),
        ("recursive", 'r'),
        ("report-identical-files", 's'),
        ("show-c-function", 'p'),
        ("side-by-side", 'y'),
        ("speed-large-files", 'H'),
        ("suppress-common-lines", 'o'),
        ("text", 'a'),
        ("unified", 'u'),
        ("width", 'W'),
    ],
    usage: "diff [-abBcdEiNpqrstuwyZ] [-U LINES | -C LINES] [-L LABEL] [-W WIDTH] [-x PATTERN] FILE FILE",
    wrong: 2,
};

/// Lines around a change, where nobody says how many.
const CONTEXT: usize = 3;

/// How wide both sides are together, where nobody says.
const WIDTH: usize = 130;

/// How changes are written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Normal,
    Unified,
    Context,
    Sides,
}

/// What was asked for.
struct Asked {
    style: Style,
    how: How,
    halves: Halves,
    is_brief: bool,
    names_same: bool,
    is_recursive: bool,
    takes_missing: bool,
    is_text: bool,
    has_headings: bool,
    labels: Vec<String>,
    excluded: Vec<String>,
    /// The options as they were given.
    words: String,
}

/// The tool.
pub(super) struct Diff;

#[async_trait]
impl Builtin for Diff {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let asked = match Asked::of(&given) {
            Ok(asked) => asked,
            Err(why) => return Ok(TAKEN.fail(&why)),
        };
        let [old, new] = match given.operands.as_slice() {
            [old, new] => [old, new],
            [_, _, extra, ..] => return Ok(TAKEN.fail(&format!("extra operand '{extra}'"))),
            few => {
                let last = few.last().map_or("diff", String::as_str);
                return Ok(TAKEN.fail(&format!("missing operand after '{last}'")));
            }
        };
        let mut comparison = Comparison {
            context: &context,
            asked: &asked,
            out: Vec::new(),
            report: Report::default(),
            status: 0,
        };
        comparison.operands(old, new).await;
        Ok(ExecResult {
            stdout: comparison.out.into(),
            stderr: comparison.report.stderr.into(),
            exit_code: comparison.status,
            ..ExecResult::default()
        })
    }
}

impl Asked {
    fn of(given: &Given) -> std::result::Result<Self, String> {
        let mut styles: Vec<Style> = given
            .options
            .iter()
            .filter_map(|(letter, _)| match letter {
                'n' => Some(Style::Normal),
                'u' | 'U' => Some(Style::Unified),
                'c' | 'C' => Some(Style::Context),
                'y' => Some(Style::Sides),
                _ => None,
            })
            .collect();
        styles.dedup();
        let style = match *styles {
            [] if given.has('p') => Style::Context,
            [] => Style::Normal,
            [style] => style,
            _ => return Err("conflicting output style options".to_owned()),
        };
        let number = |value: &str, of: &str| {
            let number = value.parse::<usize>();
            number.map_err(|_| format!("invalid {of} '{value}'"))
        };
        let mut context = 0;
        for (letter, value) in &given.options {
            let lines = match (letter, value) {
                ('u' | 'c' | 'U' | 'C', Some(value)) => number(value, "context length")?,
                ('u' | 'c', None) => CONTEXT,
                _ => continue,
            };
            context = context.max(lines);
        }
        if styles.is_empty() && given.has('p') {
            context = CONTEXT;
        }
        let space = match given.has('w') {
            true => Space::All,
            false if given.has('b') => Space::Amount,
            false if given.has('Z') => Space::Trailing,
            false => Space::None,
        };
        let values = |wanted: char| {
            let all = given.options.iter();
            all.filter(move |(letter, _)| *letter == wanted)
                .filter_map(|(_, value)| value.clone())
                .collect::<Vec<String>>()
        };
        let width = given.value('W').map(|width| number(width, "width"));
        let mut halves = Halves::of(width.unwrap_or(Ok(WIDTH))?, given.has('t'));
        halves.only_changes = given.has('o');
        halves.only_left = given.has('v');
        Ok(Self {
            style,
            how: How {
                ignored: Ignored {
                    case: given.has('i'),
                    space,
                    tabs: given.has('E'),
                },
                ignores_blank: given.has('B'),
                context,
                is_exact: given.has('d'),
            },
            halves,
            is_brief: given.has('q'),
            names_same: given.has('s'),
            is_recursive: given.has('r'),
            takes_missing: given.has('N'),
            is_text: given.has('a'),
            has_headings: given.has('p'),
            labels: values('L'),
            excluded: values('x'),
            words: given.words.iter().map(|word| plain(word) + " ").collect(),
        })
    }
}

/// A word as a shell would have to be given it.
fn plain(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%^".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
