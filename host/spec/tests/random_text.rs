//! Text that nobody wrote: the reader of specs answers to all of it, and every place that it names is in the text.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use armature_spec::{Finding, parse, risk, validate};

/// Numbers that are always the same and look as if they were not (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

/// Whatever is found must be at a place of the text that can be shown.
fn look(text: &str) {
    let all = |findings: &[Finding]| {
        for finding in findings {
            assert!(!finding.message.is_empty());
            assert!(finding.hint.is_some(), "{finding}");
            let shown = &finding.file.as_ref().unwrap().text;
            if let Some(at) = finding.at {
                assert!(at.line >= 1 && at.column >= 1, "{finding}");
                assert!(
                    shown.get(at.offset..at.offset + at.length).is_some(),
                    "{finding:?}\n{text}"
                );
            }
        }
    };
    match parse("s.yml", text) {
        Ok(document) => {
            all(&document.warnings);
            let found = validate(&document);
            all(&found);
            assert!(risk(&document.spec, &found).score <= 100);
        }
        Err(findings) => {
            assert!(findings.has_errors(), "refused without an error:\n{text}");
            all(&findings.0);
        }
    }
}

/// A spec with most of what one can say.
const WHOLE: &str = "\
name: whole ü
contracts: {inputs: [{name: topic, required: true, type: string}], outputs: [{stage: b, key: content}], timeout_hours: 1}
model_tiers: {small: {provider: scripted, model: m, script: s.yml}}
safety_rules: [{tool: t, condition: {field: f, op: matches_regex, value: '^a+$'}, action: block, message: no}]
triggers: [{type: cron, schedule: '0 9 * * *'}, {type: webhook, path: /x}]
tools: [{plugin: p, grants: {http: ['GET https://a.com/**'], fs: {read: [data]}}, limits: {memory: 64MiB}}]
adapters: {a: &a {type: script, cmd: 'echo {{ topic | sh }}'}, b: *a}
stages:
  - id: a
    role: {name: n, type: worker, description: \"about {{ topic }}\", tools: [t], skills: []}
    output_mode: json
    output_schema: {type: object}
    on_fail: {loop: {max: 2, until: '{{ ok }}'}}
  - id: b
    depends_on: [a]
    fan_out: 2
    partition_source: '{{ a.list }}'
    tool_call: {name: t, args: {x: ['{{ item }}', 1, {y: null}]}}
  - {id: c, gate: human, present: '{% if a %}{{ a }}{% endif %}', depends_on: [b], condition: '{{ a > 3 }}'}
";

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n\t",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!!x ",
    "#",
    "?",
    "<<: ",
    "---\n",
    "...",
    "\0",
    "\u{feff}",
    "ü",
    "😀",
    "\r",
    "~",
    "null",
    "-1",
    "1e999",
    ".nan",
    "stages",
    "id",
    "role",
    "gate",
    "on_fail",
    "99999999999999999999",
    "\\",
    "\u{7f}",
    "\u{2028}",
];

#[test]
fn no_text_makes_the_reader_panic_or_lose_its_place() {
    look(WHOLE);
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let characters: Vec<char> = WHOLE.chars().collect();
    for _ in 0..1500 {
        let mut text = characters.clone();
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(text.len());
            match numbers.next(4) {
                0 => {
                    let end = (at + numbers.next(12)).min(text.len());
                    text.drain(at..end);
                }
                1 => text.truncate(at.max(1)),
                _ => {
                    let piece = PIECES[numbers.next(PIECES.len())];
                    text.splice(at..at, piece.chars());
                }
            }
        }
        look(&text.into_iter().collect::<String>());
    }
    for _ in 0..1500 {
        let text: String = (0..numbers.next(40))
            .map(|_| PIECES[numbers.next(PIECES.len())])
            .collect();
        look(&text);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_at_the_first_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(42);
    for _ in 0..200 {
        let mut bytes = WHOLE.as_bytes().to_vec();
        let at = numbers.next(bytes.len());
        bytes.splice(at..at, [0xFF, 0xC0]);
        let path = dir.path().join("s.yml");
        write(&path, &bytes);
        let findings = armature_spec::load(&path).unwrap_err();
        let finding = findings.0.first().unwrap();
        assert_eq!(finding.code, "UNREADABLE");
        assert!(
            finding.at.is_some_and(|place| place.offset <= at),
            "{finding:?}"
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "makes the file that is read")]
fn write(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
