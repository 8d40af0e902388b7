//! Commands that destroy: found in the text of a shell command before it runs.
//!
//! This is no sandbox: the sandbox is what keeps a command in its workspace. It is the question whether a person should
//! have a say before files are removed. So it looks where people and models write such commands (in chains, behind
//! `env` and `xargs`, in `sh -c "…"` and `$(…)`), and asks once too often rather than not: what it cannot read, it
//! takes for destructive. A name that is put together while the script runs is not seen.

/// Deepest `sh -c "sh -c …"` that is read.
const MAX_DEPTH: usize = 4;

/// Programs that destroy, whatever their arguments.
const DESTRUCTIVE: &[&str] = &[
    "rm", "shred", "sudo", "doas", "shutdown", "reboot", "halt", "poweroff", "dd", "chown", "kill",
    "killall", "pkill", "wipefs",
];

/// Words before a command that do not change what it is, with those of their options that take an argument.
const BEFORE: &[(&str, &[&str])] = &[
    ("if", &[]),
    ("then", &[]),
    ("elif", &[]),
    ("else", &[]),
    ("while", &[]),
    ("until", &[]),
    ("do", &[]),
    ("!", &[]),
    ("{", &[]),
    ("time", &[]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("env", &["-u", "-C"]),
    ("nice", &["-n"]),
    ("timeout", &["-k", "-s"]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("xargs", &["-I", "-n", "-P", "-d", "-L", "-s", "-a", "-E"]),
];

/// Programs that take a command as text.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"];

/// The first command that destroys, by its name, if there is one.
pub(crate) fn destructive(script: &str) -> Option<String> {
    in_script(script, 0)
}

fn in_script(script: &str, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return Some("a shell within shells".to_owned());
    }
    let mut reader = Reader::new(script);
    reader.read();
    let inner = reader
        .inner
        .iter()
        .find_map(|text| in_script(text, depth + 1));
    inner.or_else(|| {
        reader
            .commands
            .iter()
            .find_map(|words| in_command(words, depth))
    })
}

fn in_command(words: &[String], depth: usize) -> Option<String> {
    let words = without_what_is_before(words);
    let (name, rest) = words.split_first()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    if DESTRUCTIVE.contains(&name) || name.starts_with("mkfs") {
        return Some(name.to_owned());
    }
    match name {
        "chmod" if rest.iter().any(|word| is_open_to_all(word)) => Some("chmod 777".to_owned()),
        "find" => of_find(rest, depth),
        "eval" => in_script(&rest.join(" "), depth + 1),
        "trap" => rest.first().and_then(|text| in_script(text, depth + 1)),
        name if SHELLS.contains(&name) => {
            let at = rest.iter().position(|word| is_command_option(word))?;
            in_script(rest.get(at + 1)?, depth + 1)
        }
        _ => None,
    }
}

fn is_command_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn is_open_to_all(word: &str) -> bool {
    matches!(
        word.trim_start_matches('0'),
        "777" | "a+rwx" | "a=rwx" | "ugo+rwx" | "+rwx"
    )
}

fn of_find(rest: &[String], depth: usize) -> Option<String> {
    if rest.iter().any(|word| word == "-delete") {
        return Some("find -delete".to_owned());
    }
    let is_exec = |word: &String| matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
    rest.iter()
        .enumerate()
        .filter(|(_, word)| is_exec(word))
        .find_map(|(at, _)| in_command(rest.get(at + 1..)?, depth))
}

/// A command without assignments, keywords and programs that only run another.
fn without_what_is_before(mut words: &[String]) -> &[String] {
    while let Some((first, rest)) = words.split_first() {
        let name = first.rsplit('/').next().unwrap_or(first);
        if is_assignment(first) {
            words = rest;
        } else if let Some(file) = redirected_to(first) {
            let is_next = file.is_empty();
            words = if is_next {
                rest.get(1..).unwrap_or_default()
            } else {
                rest
            };
        } else if let Some((_, with_argument)) = BEFORE.iter().find(|(before, _)| *before == name) {
            words = without_options(rest, with_argument, name == "timeout");
        } else {
            break;
        }
    }
    words
}

/// What follows `>`, `2>>` and the like in a word, if it is one.
fn redirected_to(word: &str) -> Option<&str> {
    let operator = word.trim_start_matches(|c: char| c.is_ascii_digit());
    operator
        .starts_with(['<', '>'])
        .then(|| operator.trim_start_matches(['<', '>']))
}

fn without_options<'w>(
    mut words: &'w [String],
    with_argument: &[&str],
    has_operand: bool,
) -> &'w [String] {
    while let Some((first, rest)) = words.split_first() {
        if !first.starts_with('-') {
            break;
        }
        let takes_next = with_argument.contains(&first.as_str());
        words = if takes_next {
            rest.get(1..).unwrap_or_default()
        } else {
            rest
        };
    }
    if has_operand {
        words.get(1..).unwrap_or_default()
    } else {
        words
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Splits a script into commands of words, and collects what is run within them.
struct Reader<'s> {
    chars: std::iter::Peekable<std::str::Chars<'s>>,
    commands: Vec<Vec<String>>,
    /// Texts of `$(…)` and of backticks.
    inner: Vec<String>,
    words: Vec<String>,
    word: Option<String>,
    /// Ends of here-documents that begin on the next line, and whether what is in them is run.
    documents: Vec<(String, bool)>,
}

impl<'s> Reader<'s> {
    fn new(script: &'s str) -> Self {
        Self {
            chars: script.chars().peekable(),
            commands: Vec::new(),
            inner: Vec::new(),
            words: Vec::new(),
            word: None,
            documents: Vec::new(),
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_with(String::new).push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }

    fn read(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c) => self.push(c),
                },
                '\'' => self.single(),
                '"' => self.double(),
                '`' => self.backticks(),
                '$' if self.chars.peek() == Some(&'(') => self.substitution(),
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '<' if self.chars.peek() == Some(&'<') => self.document(),
                '<' | '>' if self.chars.peek() == Some(&'(') => self.substitution(),
                '\n' => {
                    self.end_command();
                    self.skip_documents();
                }
                ';' | '&' | '|' | '(' | ')' => self.end_command(),
                c if c.is_whitespace() => self.end_word(),
                c => self.push(c),
            }
        }
        self.end_command();
    }

    fn single(&mut self) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.chars.next_if(|c| *c != '\'') {
            self.push(c);
        }
        self.chars.next();
    }

    fn double(&mut self) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return,
                '\\' => {
                    let c = self.chars.next();
                    c.into_iter().for_each(|c| self.push(c));
                }
                '`' => self.backticks(),
                '$' if self.chars.peek() == Some(&'(') => self.substitution(),
                c => self.push(c),
            }
        }
    }

    fn backticks(&mut self) {
        self.word.get_or_insert_with(String::new);
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != '`') {
            text.push(c);
        }
        self.chars.next();
        self.inner.push(text);
    }

    /// `$(…)` to the bracket that closes it; quotes within may hold brackets too.
    fn substitution(&mut self) {
        self.word.get_or_insert_with(String::new);
        self.chars.next();
        let (mut text, mut open, mut quote) = (String::new(), 1_usize, None);
        for c in self.chars.by_ref() {
            match (quote, c) {
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                (None, '\'' | '"') => quote = Some(c),
                (Some(end), c) if c == end => quote = None,
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(c);
        }
        self.inner.push(text);
    }

    /// `<<END`, `<<-'END'`, and `<<<word`, which is none.
    fn document(&mut self) {
        self.chars.next();
        if self.chars.next_if_eq(&'<').is_some() {
            return;
        }
        self.end_word();
        self.chars.next_if_eq(&'-');
        while self.chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let (mut end, mut runs) = (String::new(), true);
        while let Some(c) = self
            .chars
            .next_if(|c| !c.is_whitespace() && !";&|()".contains(*c))
        {
            if matches!(c, '\'' | '"' | '\\') {
                runs = false;
            } else {
                end.push(c);
            }
        }
        self.documents.push((end, runs));
    }

    fn skip_documents(&mut self) {
        for (end, runs) in std::mem::take(&mut self.documents) {
            let mut body = String::new();
            loop {
                let mut line = String::new();
                while let Some(c) = self.chars.next_if(|c| *c != '\n') {
                    line.push(c);
                }
                let is_last = self.chars.next().is_none();
                if line.trim_start_matches('\t') == end || is_last {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            if runs {
                // Only what is between `$(` and `)` or between backticks is run.
                let mut reader = Reader::new(&body);
                reader.double_without_end();
                self.inner.extend(reader.inner);
            }
        }
    }

    fn double_without_end(&mut self) {
        while self.chars.peek().is_some() {
            self.double();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::destructive;

    #[test]
    fn a_command_that_destroys_is_found_wherever_it_stands() {
        for script in [
            "rm -rf build",
            "/bin/rm x",
            "ls; rm x",
            "ls && rm x || true",
            "true | rm x",
            "ls\nrm x",
            "FOO=1 BAR=2 rm x",
            "env -u HOME FOO=1 rm x",
            "if true; then rm x; fi",
            "while :; do rm x; done",
            "(rm x)",
            "{ rm x; }",
            "sh -c 'rm x'",
            "bash -lc \"cd a && rm x\"",
            "sh -c \"sh -c 'rm x'\"",
            "eval 'rm x'",
            "echo $(rm x)",
            "echo \"$(rm x)\"",
            "echo `rm x`",
            "cat <(rm x)",
            "find . -name '*.o' -delete",
            "find . -exec rm {} +",
            "ls | xargs -n 1 rm",
            "timeout 5 rm x",
            "time nohup rm x &",
            "r\\m x",
            "'rm' x",
            "\"rm\" x",
            "> log rm x",
            "2>/dev/null rm x",
            ">>log 2> err rm x",
            "command rm x",
            "chmod -R 777 .",
            "chmod 0777 f",
            "chmod a+rwx f",
            "sudo ls",
            "kill -9 1",
            "dd if=a of=b",
            "mkfs.ext4 /dev/sda",
            "chown me f",
            "trap 'rm x' EXIT",
            "cat <<END\n$(rm x)\nEND\n",
            "cat <<'END'\nhello\nEND\nrm x",
            "sh -c \"sh -c \\\"sh -c 'sh -c eval'\\\"\"; rm x",
        ] {
            assert!(destructive(script).is_some(), "{script}");
        }
    }

    #[test]
    fn words_that_only_look_like_it_are_left_alone() {
        for script in [
            "ls -la",
            "echo rm -rf /",
            "echo 'a; rm x'",
            "echo \"a; rm x\"",
            "grep rm file",
            "cat rm.txt",
            "rmate x",
            "./killswitch.sh",
            "# rm x",
            "ls # ; rm x",
            "cat <<END\nrm x\nEND\n",
            "cat <<'END'\n$(rm x)\nEND\n",
            "chmod 755 f",
            "chmod +x f",
            "find . -name rm",
            "mkdir -p kill",
            "RM=rm",
            "cat <<< 'rm x'",
            "",
            "'",
            "$(",
            "`",
            "<<",
        ] {
            assert_eq!(destructive(script), None, "{script}");
        }
    }

    #[test]
    fn a_shell_within_more_shells_than_are_read_is_taken_for_destructive() {
        let mut script = "true".to_owned();
        for _ in 0..6 {
            script = format!("eval {script}");
        }
        assert!(destructive(&script).is_some());
    }
}
