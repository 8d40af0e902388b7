//! Text that wants to hurt: refused with a place and a reason, quickly, and never with a crash.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail tests"
)]
#![expect(clippy::disallowed_methods, reason = "makes the files that it reads")]

use std::{fmt::Write as _, time::Instant};

use armature_spec::{Code, Finding, load, parse};

/// The one finding that stops a text from being read at all.
fn refused(text: &str) -> Finding {
    let started = Instant::now();
    let findings = parse("s.yml", text).expect_err("the text is taken");
    assert!(
        started.elapsed().as_secs() < 20,
        "took {:?}",
        started.elapsed()
    );
    assert_eq!(findings.0.len(), 1, "{findings}");
    let finding = findings.0.into_iter().next().unwrap();
    assert_eq!(finding.code, Code::YamlSyntax, "{finding}");
    finding
}

fn place(finding: &Finding) -> (usize, usize) {
    finding.at.map(|at| (at.line, at.column)).unwrap()
}

#[test]
fn an_alias_bomb_stops_at_the_bound() {
    let mut text = String::from("name: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{refs}]");
    }
    assert!(
        refused(&text)
            .message
            .contains("values, aliases written out")
    );
}

#[test]
fn an_alias_bomb_of_long_texts_stops_at_the_bound() {
    let refs = vec!["*a"; 5000].join(", ");
    let text = format!("name: x\na: &a \"{}\"\nb: [{refs}]\n", "x".repeat(100_000));
    assert!(refused(&text).message.contains("bytes of text"));
}

#[test]
fn an_alias_within_the_value_that_it_names_is_refused() {
    assert!(
        refused("name: x\na: &a [1, *a]\n")
            .message
            .contains("inside the value that it names")
    );
}

#[test]
fn an_honest_alias_means_what_it_names() {
    let text = "
name: x
stages:
  - {id: a, role: &r {name: n, type: worker, description: d}}
  - {id: b, role: *r}
";
    let spec = parse("s", text).unwrap().spec;
    assert_eq!(spec.stages[0].role, spec.stages[1].role);
}

#[test]
fn nesting_stops_at_the_bound_in_every_style() {
    let indented: String = (0..200)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        indented,
    ] {
        let message = refused(&format!("x:\n  {text}")).message;
        assert!(
            message.contains("levels deep") || message.contains("not YAML"),
            "{message}"
        );
    }
}

#[test]
fn aliases_do_not_add_up_to_a_depth_beyond_the_bound() {
    let mut text = String::from("a0: &a0 [x]\n");
    for level in 1..100 {
        let _ = writeln!(text, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(refused(&text).message.contains("levels deep"));
}

#[test]
fn a_duplicate_key_is_refused_where_it_is() {
    let finding = refused("name: x\nstages: []\nname: y\n");
    assert!(
        finding.message.contains("`name` is there twice"),
        "{finding}"
    );
    assert_eq!(place(&finding), (3, 1));
    assert_eq!(finding.at.map(|at| (at.offset, at.length)), Some((19, 4)));
}

#[test]
fn merge_keys_tags_and_several_documents_are_refused() {
    let finding = refused("base: &b {x: 1}\nname:\n  <<: *b\n");
    assert!(finding.message.contains("merge keys"), "{finding}");
    assert_eq!(place(&finding), (3, 3));
    for text in [
        "name: !!python/object/apply:os.system ['id']\n",
        "name: !secret x\n",
        "name: !!binary aGk=\n",
        "! {a: 1}\n",
    ] {
        let finding = refused(text);
        assert!(finding.message.contains("tag"), "{finding}");
    }
    let finding = refused("name: x\n---\nname: y\n");
    assert!(
        finding.message.contains("several YAML documents"),
        "{finding}"
    );
}

#[test]
fn nul_nan_and_numbers_out_of_range_are_refused_where_they_are() {
    let finding = refused("name: x\ndescription: a\0b\n");
    assert!(finding.message.contains("NUL"), "{finding}");
    assert_eq!(place(&finding), (2, 15));
    for number in [".nan", "-.inf", "1e999", "99999999999999999999"] {
        let finding = refused(&format!(
            "name: x\ncontracts: {{timeout_hours: {number}}}\n"
        ));
        assert_eq!(place(&finding), (2, 28), "{finding}");
    }
}

#[test]
fn a_mapping_or_list_as_a_key_is_refused() {
    for text in ["{a: 1}: x\n", "[a]: x\n", "? {a: 1}\n: x\n", "&a [x]: 1\n"] {
        refused(text);
    }
}

#[test]
fn a_text_that_claims_to_be_huge_is_refused_by_its_size() {
    let text = format!("name: \"{}\"\n", "x".repeat(9 << 20));
    assert!(refused(&text).message.contains("is the most that is read"));
}

#[test]
fn texts_that_are_slow_for_careless_parsers_are_read_or_refused_in_time() {
    let started = Instant::now();
    for text in [
        "a".repeat(2 << 20),
        "\"".repeat(1 << 20),
        "? ".repeat(1 << 18),
        ": ".repeat(1 << 18),
        "&a ".repeat(1 << 18),
        "*a ".repeat(1 << 18),
        "|\n".repeat(1 << 18),
        "#".repeat(1 << 20),
        "%TAG ! x\n".repeat(1 << 16),
        "\t".repeat(1 << 18),
        "\r\n".repeat(1 << 19),
        "a: b: ".repeat(1 << 17),
        "- ".repeat(60),
        "é".repeat(1 << 19),
        format!("x: [{}", "a, ".repeat(1 << 17)),
        format!("x: \"{}", "\\u00e9".repeat(1 << 17)),
        "\u{feff}".repeat(1000),
    ] {
        let _ = parse("s", &text);
    }
    assert!(
        started.elapsed().as_secs() < 60,
        "took {:?}",
        started.elapsed()
    );
}

#[test]
fn every_cut_and_every_flipped_byte_of_a_spec_is_read_or_refused_without_a_crash() {
    let text = "
name: &n \"x\\n{{ a }}\"
version: 1.10
stages:
  - {id: a, depends_on: [b, *n], tool_call: {name: t, args: {k: [1, {z: '{{ x.y | join }}'}]}}}
  - id: b
    role:
      type: worker
      description: |
        text é
safety_rules: [{tool: '*', action: block}]
";
    for end in 0..text.len() {
        if let Some(cut) = text.get(..end) {
            let _ = parse("s", cut);
        }
    }
    for at in 0..text.len() {
        for byte in [
            b'{', b'[', b'"', b':', b'&', b'*', b'!', b'\t', b'\n', b'-', b'|', b'%', 0xff, 0,
        ] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(document) = parse("s", &String::from_utf8_lossy(&bytes)) {
                let _ = armature_spec::validate(&document);
            }
        }
    }
}

#[test]
fn ten_thousand_stages_are_read_and_checked_in_time() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..10_000 {
        let needs = if n == 0 {
            String::new()
        } else {
            format!(", depends_on: [s{}]", n - 1)
        };
        let _ = writeln!(
            text,
            "  - {{id: s{n}, tool_call: {{name: t, args: {{k: '{{{{ s{n} }}}}'}}}}{needs}}}"
        );
    }
    let started = Instant::now();
    let document = parse("s", &text).unwrap();
    assert!(armature_spec::validate(&document).is_empty());
    assert!(
        started.elapsed().as_secs() < 30,
        "took {:?}",
        started.elapsed()
    );
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(&dir.path().join("no.yml")).unwrap_err();
    assert!(
        missing.0[0].message.contains("there is no file"),
        "{missing}"
    );
    assert_eq!(load(dir.path()).unwrap_err().0[0].code, Code::Unreadable);

    let path = dir.path().join("latin.yml");
    std::fs::write(&path, b"name: x\ndescription: \"caf\xe9\"\n").unwrap();
    let findings = load(&path).unwrap_err();
    assert!(findings.0[0].message.contains("no UTF-8"), "{findings}");
    assert_eq!(place(&findings.0[0]), (2, 18));

    let path = dir.path().join("good.yml");
    std::fs::write(&path, "\u{feff}name: x\nstages: []\n").unwrap();
    assert_eq!(load(&path).unwrap().spec.name, "x");
}

#[test]
fn a_tab_a_mark_at_the_beginning_and_line_ends_of_other_systems_are_what_they_are() {
    let finding = refused("name: x\nstages:\n\t- {id: a, gate: human}\n");
    assert_eq!(place(&finding).0, 3, "{finding}");
    assert!(
        finding
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("spaces")),
        "{finding:?}"
    );
    let marked = "\u{feff}name: x\r\nstages:\r\n- {id: a, gate: robot}\r\n";
    let document = parse("s", marked).unwrap();
    assert_eq!(
        (document.spec.name.as_str(), document.spec.stages.len()),
        ("x", 1)
    );
    let at = document
        .source
        .locate(armature_spec::path!["stages", 0, "gate"]);
    assert_eq!((at.line, at.column), (3, 17));
}

#[test]
fn an_empty_file_is_told_how_to_begin() {
    for text in ["", "\n\n", "# nothing\n", "\u{feff}"] {
        let finding = refused(text);
        assert!(finding.message.contains("empty"), "{finding}");
        assert!(
            finding
                .hint
                .as_deref()
                .is_some_and(|hint| hint.contains("armature new"))
        );
    }
}
