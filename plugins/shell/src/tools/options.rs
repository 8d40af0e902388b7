//! Options as the usual programs take them: bundled, with values attached or apart, long ones by any clear prefix.

use bashkit::ExecResult;

/// What a tool ends with before it has begun.
pub(super) type Ended = Box<ExecResult>;

/// What a tool takes.
pub(super) struct Taken {
    pub(super) tool: &'static str,
    /// Letters; one followed by `:` takes a value, by `::` one that is attached to it.
    pub(super) letters: &'static str,
    /// Long names and the letter that each stands for.
    pub(super) long: &'static [(&'static str, char)],
    /// The line that `--help` prints.
    pub(super) usage: &'static str,
    /// The exit code for an option that there is not.
    pub(super) wrong: i32,
}

/// What a tool was given.
#[derive(Default)]
pub(super) struct Given {
    /// The options in their order, with their values.
    pub(super) options: Vec<(char, Option<String>)>,
    /// For each option, how many operands stand before it.
    pub(super) before: Vec<usize>,
    pub(super) operands: Vec<String>,
    /// The words that are no operands, as they were given.
    pub(super) words: Vec<String>,
}

impl Given {
    pub(super) fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(given, _)| *given == letter)
    }

    /// Whichever of these letters was given last.
    pub(super) fn last_of(&self, letters: &str) -> Option<char> {
        let given = self.options.iter().rev();
        given
            .map(|(letter, _)| *letter)
            .find(|letter| letters.contains(*letter))
    }

    /// The value that an option was given last.
    pub(super) fn value(&self, letter: char) -> Option<&str> {
        let found = self
            .options
            .iter()
            .rev()
            .find(|(given, _)| *given == letter);
        found.and_then(|(_, value)| value.as_deref())
    }
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq)]
enum Value {
    No,
    Attached,
    Yes,
}

impl Taken {
    /// Reads arguments; `Err` is what the tool ends with at once.
    pub(super) fn read(&self, args: &[String]) -> Result<Given, Ended> {
        let mut given = Given::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let before = args.len();
            if arg == "--" {
                given.operands.extend(args.by_ref().cloned());
                continue;
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, attached) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let letter = self.long(name, arg)?;
                let value = match (self.value(letter), attached) {
                    (Some(Value::Yes), None) => Some(args.next().cloned().ok_or_else(|| {
                        Box::new(self.fail(&format!("option '--{name}' requires an argument")))
                    })?),
                    (_, attached) => attached,
                };
                given.options.push((letter, value));
                given.before.push(given.operands.len());
            } else if arg.len() > 1 && arg.starts_with('-') {
                let mut rest = arg.get(1..).unwrap_or_default();
                while let Some(letter) = rest.chars().next() {
                    rest = rest.get(letter.len_utf8()..).unwrap_or_default();
                    let kind = self.value(letter).ok_or_else(|| {
                        Box::new(self.fail(&format!("invalid option -- '{letter}'")))
                    })?;
                    let attached = (kind != Value::No && !rest.is_empty())
                        .then(|| std::mem::take(&mut rest).to_owned());
                    let value = match (kind, attached) {
                        (Value::Yes, None) => Some(args.next().cloned().ok_or_else(|| {
                            Box::new(
                                self.fail(&format!("option requires an argument -- '{letter}'")),
                            )
                        })?),
                        (_, attached) => attached,
                    };
                    given.options.push((letter, value));
                    given.before.push(given.operands.len());
                }
            } else {
                given.operands.push(arg.clone());
                continue;
            }
            given.words.push(arg.clone());
            if args.len() < before {
                given
                    .words
                    .extend(given.options.last().and_then(|(_, value)| value.clone()));
            }
        }
        Ok(given)
    }

    fn value(&self, letter: char) -> Option<Value> {
        let (_, rest) = self.letters.split_once(letter).filter(|_| letter != ':')?;
        Some(match rest {
            _ if rest.starts_with("::") => Value::Attached,
            _ if rest.starts_with(':') => Value::Yes,
            _ => Value::No,
        })
    }

    fn long(&self, name: &str, arg: &str) -> Result<char, Ended> {
        let mut letters: Vec<char> = self
            .long
            .iter()
            .filter(|(long, _)| long.starts_with(name))
            .map(|(_, letter)| *letter)
            .collect();
        if let Some((_, letter)) = self.long.iter().find(|(long, _)| *long == name) {
            return Ok(*letter);
        }
        letters.dedup();
        match *letters {
            [letter] => Ok(letter),
            [] if name == "help" => {
                Err(Box::new(ExecResult::ok(format!("Usage: {}\n", self.usage))))
            }
            [] if name == "version" => Err(Box::new(ExecResult::ok(format!(
                "{} (armature)\n",
                self.tool
            )))),
            [] => Err(Box::new(self.fail(&format!("unrecognized option '{arg}'")))),
            _ => Err(Box::new(self.fail(&format!("option '{arg}' is ambiguous")))),
        }
    }

    /// The tool was called in a way that it does not know.
    pub(super) fn fail(&self, why: &str) -> ExecResult {
        let tool = self.tool;
        let text = format!("{tool}: {why}\nTry '{tool} --help' for more information.\n");
        ExecResult::err(text, self.wrong)
    }
}
