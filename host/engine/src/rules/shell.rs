//! Commands that destroy: found in the text of a shell command before it runs.
//!
//! This is no sandbox: the sandbox is what keeps a command in its workspace. It is the question whether a person should
//! have a say before files are removed. So it looks where people and models write such commands (in chains, behind
//! `env` and `xargs`, in `sh -c "…"` and `$(…)`), and asks once too often rather than not: a text that it loses its way in,
//! and a shell that reads its commands from a pipe, it takes for destructive. It does not see what a script in a file
//! does, a name that is put together while the script runs, what `awk` and the like run, and files that are overwritten:
//! who must not change files is given no right to write them.

mod reader;

use reader::Reader;

/// Deepest `sh -c "sh -c …"` that is read.
const MAX_DEPTH: usize = 4;

/// Programs that destroy, whatever their arguments.
const DESTRUCTIVE: &[&str] = &[
    "rm", "shred", "sudo", "doas", "shutdown", "reboot", "halt", "poweroff", "dd", "chown", "kill",
    "killall", "pkill", "wipefs", "unlink", "truncate",
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
    ("coproc", &[]),
    ("busybox", &[]),
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
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash"];

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
    if let Some(lost) = reader.lost {
        return Some(lost.to_owned());
    }
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
    let all = words;
    let words = without_what_is_before(words);
    let (name, rest) = words.split_first()?;
    let name = program(name);
    if is_destructive(name) {
        return Some(name.to_owned());
    }
    // Which options of a program that runs another take an argument is not known of all: then any word may be the other.
    let before = all.get(..all.len() - words.len()).unwrap_or_default();
    if before.iter().any(|word| word.starts_with("--")) {
        let later = words.iter().map(|word| program(word));
        if let Some(name) = later.into_iter().find(|name| is_destructive(name)) {
            return Some(name.to_owned());
        }
    }
    match name {
        "chmod" if rest.iter().any(|word| is_open_to_all(word)) => Some("chmod 777".to_owned()),
        "find" => of_find(rest, depth),
        "eval" => in_script(&rest.join(" "), depth + 1),
        "trap" => rest.first().and_then(|text| in_script(text, depth + 1)),
        name if SHELLS.contains(&name) => {
            match rest.iter().position(|word| is_command_option(word)) {
                Some(at) => in_script(rest.get(at + 1)?, depth + 1),
                None if reads_its_input(rest) => Some(format!("{name} on a text that is not read")),
                None => None,
            }
        }
        _ => None,
    }
}

/// The name of a program, without the way to it.
fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_destructive(name: &str) -> bool {
    DESTRUCTIVE.contains(&name) || name.starts_with("mkfs")
}

/// Is a shell given neither a command nor a file? Then its commands come from a pipe or a here-document.
fn reads_its_input(rest: &[String]) -> bool {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if let Some(file) = redirected_to(word) {
            if file.is_empty() {
                words.next();
            }
        } else if word == "-s" || word == "-" {
            return true;
        } else if !word.starts_with('-') {
            return false;
        }
    }
    !rest
        .iter()
        .any(|word| word == "--version" || word == "--help")
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
        let name = program(first);
        if is_assignment(first) {
            words = rest;
        } else if name == "function" {
            words = rest.get(1..).unwrap_or_default();
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
            "echo \"$(echo \\\")\" ; rm x",
            "echo $(case a in a) rm x;; esac)",
            "((a=1<<2))\nrm x",
            "((rm x); ls)",
            "echo 'rm x' | sh",
            "sh <<< 'rm x'",
            "bash -s <<< 'rm x'",
            "sh <<E\nrm x\nE\n",
            "cat <<E\nrm x",
            "function f { rm x; }; f",
            "f() { rm x; }; f",
            "coproc rm x",
            "$'rm' x",
            "$\"rm\" x",
            "nice --adjustment 5 rm x",
            "busybox rm x",
            "busybox sh -c 'rm x'",
            "unlink x",
            "truncate -s 0 x",
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
            "bash build.sh",
            "sh ./x.sh 2>/dev/null",
            "bash --version",
            "echo $((1 << 2)) $((3 * (2 + 1)))",
            "((n = 1 << 2)); echo $n",
            "for ((i = 0; i < 3; i++)); do echo $i; done",
            "env --chdir=a ls",
            "echo \"a $(echo \"b\") c\"",
            "function f { ls; }; f",
            "echo $'a\\nb'",
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
