//! `date`: the time now, or the one that `-d` describes, in any format. The one time zone that there is is UTC.

use bashkit::{Builtin, BuiltinContext, ExecResult, Result, async_trait};
use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{instant, options::Taken, quoted, reason, remove::bashkit_path};

const TAKEN: Taken = Taken {
    tool: "date",
    letters: "d:f:I::r:Rs:uF:",
    long: &[
        ("date", 'd'),
        ("file", 'f'),
        ("iso-8601", 'I'),
        ("reference", 'r'),
        ("rfc-3339", 'F'),
        ("rfc-email", 'R'),
        ("set", 's'),
        ("universal", 'u'),
        ("utc", 'u'),
    ],
    usage: "date [-u] [-d STRING | -r FILE] [-I[SPEC] | -R | --rfc-3339=SPEC | +FORMAT]",
    wrong: 1,
};

/// The tool.
pub(super) struct Date;

/// Whether `TZ` names UTC.
fn is_utc(zone: &str) -> bool {
    matches!(
        zone.trim_start_matches(':'),
        "" | "UTC" | "UTC0" | "GMT" | "GMT0" | "Z" | "Etc/UTC" | "Etc/GMT" | "Universal" | "Zulu"
    )
}

#[async_trait]
impl Builtin for Date {
    async fn execute(&self, context: BuiltinContext<'_>) -> Result<ExecResult> {
        let given = match TAKEN.read(context.args) {
            Ok(given) => given,
            Err(ended) => return Ok(*ended),
        };
        let fail = |text: &str| Ok(ExecResult::err(format!("date: {text}\n"), 1));
        let zone = context
            .env
            .get("TZ")
            .map(String::as_str)
            .unwrap_or_default();
        if !is_utc(zone) && !given.has('u') {
            return fail(&format!(
                "there is no time zone {} here, UTC alone",
                quoted(zone)
            ));
        }
        let by_format = given
            .operands
            .iter()
            .find_map(|word| word.strip_prefix('+'));
        let format = match (given.last_of("IRF"), by_format) {
            (Some('R'), _) => "%a, %d %b %Y %H:%M:%S %z",
            (Some('I'), _) => match given.value('I').unwrap_or("date") {
                "hours" => "%Y-%m-%dT%H%:z",
                "minutes" => "%Y-%m-%dT%H:%M%:z",
                "s" | "sec" | "second" | "seconds" => "%Y-%m-%dT%H:%M:%S%:z",
                "n" | "ns" => "%Y-%m-%dT%H:%M:%S,%N%:z",
                "date" => "%Y-%m-%d",
                other => {
                    return fail(&format!(
                        "invalid argument {} for '--iso-8601'",
                        quoted(other)
                    ));
                }
            },
            (Some(_), _) => match given.value('F').unwrap_or_default() {
                "date" => "%Y-%m-%d",
                "ns" => "%Y-%m-%d %H:%M:%S.%N%:z",
                _ => "%Y-%m-%d %H:%M:%S%:z",
            },
            (None, Some(format)) => format,
            (None, None) => "%a %b %e %H:%M:%S %Z %Y",
        };
        if let Some(other) = given.operands.iter().find(|word| !word.starts_with('+')) {
            let is_time = other
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
            return if is_time && !other.is_empty() {
                fail("cannot set date: Operation not permitted")
            } else {
                fail(&format!("invalid date {}", quoted(other)))
            };
        }
        if given.has('s') {
            return fail("cannot set date: Operation not permitted");
        }
        let now = Utc::now();
        if let Some(name) = given.value('f') {
            let text = match context.fs.read_file(&bashkit_path(&context, name)).await {
                _ if name == "-" => context.stdin_bytes().unwrap_or_default().to_vec(),
                Ok(text) => text,
                Err(error) => return fail(&format!("{name}: {}", reason(&error))),
            };
            let (mut stdout, mut stderr) = (String::new(), String::new());
            for line in String::from_utf8_lossy(&text).lines() {
                match instant::parse(line, now) {
                    Some(time) => stdout += &(self::format(&time, format) + "\n"),
                    None => stderr += &format!("date: invalid date {}\n", quoted(line)),
                }
            }
            let exit_code = i32::from(!stderr.is_empty());
            return Ok(ExecResult {
                stdout: stdout.into(),
                stderr: stderr.into(),
                exit_code,
                ..ExecResult::default()
            });
        }
        let time = match (given.value('r'), given.value('d')) {
            (Some(name), _) => match context.fs.stat(&bashkit_path(&context, name)).await {
                Ok(about) => about.modified.into(),
                Err(error) => return fail(&format!("{name}: {}", reason(&error))),
            },
            (None, Some(text)) => match instant::parse(text, now) {
                Some(time) => time,
                None => return fail(&format!("invalid date {}", quoted(text))),
            },
            (None, None) => now,
        };
        Ok(ExecResult::ok(self::format(&time, format) + "\n"))
    }
}

/// A time in a format of `date`: `%`, flags (`-_0^#`), a width, and a letter.
pub(super) fn format(time: &DateTime<Utc>, text: &str) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        made += before;
        let spec = after.get(1..).unwrap_or_default();
        let flags = spec.len()
            - spec
                .trim_start_matches(['-', '_', '0', '^', '#', '+'])
                .len();
        let (flags, spec) = spec.split_at(flags);
        let width = spec.len() - spec.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (width, spec) = spec.split_at(width);
        let spec = spec.trim_start_matches(['E', 'O']);
        let colons = spec.len() - spec.trim_start_matches(':').len();
        let (colons, spec) = spec.split_at(colons);
        let Some(letter) = spec.chars().next() else {
            made += after;
            return made;
        };
        match field(time, letter, colons.len()) {
            Some(field) => made += &field.shown(flags, width.parse().ok()),
            // What is no field stays as it is.
            None => {
                made += after
                    .get(..after.len() - spec.len() + letter.len_utf8())
                    .unwrap_or_default();
            }
        }
        rest = spec.get(letter.len_utf8()..).unwrap_or_default();
    }
    made + rest
}

/// What a letter stands for.
enum Field {
    /// A number, how wide it usually is, and what it is filled with.
    Number(i64, usize, char),
    /// Digits of a second: cut, not filled.
    Fraction(u32),
    Text(String),
}

impl Field {
    fn shown(self, flags: &str, width: Option<usize>) -> String {
        let fill = flags.chars().rev().find(|flag| "-_0".contains(*flag));
        match self {
            Self::Fraction(nanos) => {
                let digits = format!("{nanos:09}");
                let wide = width.unwrap_or(9);
                let cut = digits.get(..wide.min(9)).unwrap_or_default();
                if fill == Some('-') {
                    cut.trim_end_matches('0').to_owned()
                } else {
                    format!("{cut:0<wide$}")
                }
            }
            Self::Number(number, usual, with) => {
                let wide = width.unwrap_or(if fill == Some('-') { 0 } else { usual });
                match fill.unwrap_or(with) {
                    '_' | ' ' => format!("{number:>wide$}"),
                    _ => format!("{number:0>wide$}"),
                }
            }
            Self::Text(mut text) => {
                if flags.contains('^') {
                    text = text.to_uppercase();
                } else if flags.contains('#') {
                    let is_upper = text.chars().all(|c| !c.is_lowercase());
                    text = if is_upper {
                        text.to_lowercase()
                    } else {
                        text.to_uppercase()
                    };
                }
                let wide = width.unwrap_or(0);
                if fill == Some('0') {
                    format!("{text:0>wide$}")
                } else {
                    format!("{text:>wide$}")
                }
            }
        }
    }
}

fn field(time: &DateTime<Utc>, letter: char, colons: usize) -> Option<Field> {
    let zero = |number: u32, wide| Field::Number(number.into(), wide, '0');
    let space = |number: u32, wide| Field::Number(number.into(), wide, ' ');
    let text = |format: &str| Field::Text(time.format(format).to_string());
    let (_, hour) = time.hour12();
    let week = time.iso_week();
    let since_monday = time.weekday().num_days_from_monday();
    let since_sunday = time.weekday().num_days_from_sunday();
    Some(match letter {
        'Y' => Field::Number(time.year().into(), 1, '0'),
        'C' => Field::Number((time.year() / 100).into(), 2, '0'),
        'y' => Field::Number(time.year().rem_euclid(100).into(), 2, '0'),
        'G' => Field::Number(week.year().into(), 1, '0'),
        'g' => Field::Number(week.year().rem_euclid(100).into(), 2, '0'),
        'm' => zero(time.month(), 2),
        'd' => zero(time.day(), 2),
        'e' => space(time.day(), 2),
        'H' => zero(time.hour(), 2),
        'k' => space(time.hour(), 2),
        'I' => zero(hour, 2),
        'l' => space(hour, 2),
        'M' => zero(time.minute(), 2),
        'S' => zero(time.second(), 2),
        'N' => Field::Fraction(time.nanosecond() % 1_000_000_000),
        's' => Field::Number(time.timestamp(), 1, '0'),
        'j' => zero(time.ordinal(), 3),
        'q' => zero((time.month() - 1) / 3 + 1, 1),
        'u' => zero(time.weekday().number_from_monday(), 1),
        'w' => zero(since_sunday, 1),
        'V' => zero(week.week(), 2),
        'U' => zero((time.ordinal() + 6 - since_sunday) / 7, 2),
        'W' => zero((time.ordinal() + 6 - since_monday) / 7, 2),
        'a' => text("%a"),
        'A' => text("%A"),
        'b' | 'h' => text("%b"),
        'B' => text("%B"),
        'p' => text("%p"),
        'P' => text("%P"),
        'c' => text("%a %b %e %H:%M:%S %Y"),
        'D' | 'x' => text("%m/%d/%y"),
        'F' => text("%Y-%m-%d"),
        'r' => text("%I:%M:%S %p"),
        'R' => text("%H:%M"),
        'T' | 'X' => text("%H:%M:%S"),
        'Z' => Field::Text("UTC".to_owned()),
        'z' => Field::Text(
            ["+0000", "+00:00", "+00:00:00", "+00"]
                .get(colons)?
                .to_string(),
        ),
        'n' => Field::Text("\n".to_owned()),
        't' => Field::Text("\t".to_owned()),
        '%' => Field::Text("%".to_owned()),
        _ => return None,
    })
}
