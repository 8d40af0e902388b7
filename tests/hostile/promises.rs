//! `tests/README.md` says what is promised and which test holds it. Here the two are kept together.

use std::{collections::BTreeSet, path::Path};

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The files of attacks, without this one's runner.
fn files() -> BTreeSet<String> {
    std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "main")
        .collect()
}

/// The names of tests in a file: what follows a line that says `test`.
fn tests(file: &str) -> Vec<String> {
    let text = source(&format!("hostile/{file}.rs"));
    let mut names = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_test = line.trim() == "#[test]" || line.trim().starts_with("#[tokio::test");
        if !is_test {
            continue;
        }
        while lines
            .peek()
            .is_some_and(|next| next.trim().starts_with("#["))
        {
            lines.next();
        }
        let next = lines.peek().copied().unwrap_or_default();
        let name = next
            .split("fn ")
            .nth(1)
            .and_then(|rest| rest.split('(').next());
        names.push(name.unwrap_or_else(|| panic!("{file}: {next}")).to_owned());
    }
    names
}

#[test]
fn no_file_of_attacks_is_forgotten() {
    let main = source("hostile/main.rs");
    for file in files() {
        assert!(
            main.contains(&format!("mod {file};")),
            "hostile/{file}.rs is not in main.rs"
        );
    }
}

#[test]
fn every_attack_is_in_the_readme_and_every_row_is_a_test() {
    let readme = source("README.md");
    let rows: BTreeSet<String> = readme
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| name.contains("::"))
        .map(str::to_owned)
        .collect();
    let known: BTreeSet<String> = files()
        .iter()
        .flat_map(|file| {
            tests(file)
                .into_iter()
                .map(move |name| format!("{file}::{name}"))
        })
        .collect();
    let unlisted: Vec<&String> = known.difference(&rows).collect();
    assert!(unlisted.is_empty(), "not in tests/README.md: {unlisted:#?}");
    let unknown: Vec<&String> = rows.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "in tests/README.md, and no test: {unknown:#?}"
    );
}

#[test]
fn every_row_that_names_a_file_and_a_test_finds_it_there() {
    let readme = source("README.md");
    let named: Vec<(&str, &str)> = readme
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter_map(|name| name.split_once(".rs#"))
        .collect();
    assert!(!named.is_empty());
    for (file, test) in named {
        let text = source(&format!("../{file}.rs"));
        assert!(
            text.contains(&format!("fn {test}(")),
            "tests/README.md names {test}, and {file}.rs has no such test"
        );
    }
}

#[test]
fn every_attack_has_a_sentence_for_a_name() {
    for file in files() {
        let tests = tests(&file);
        assert!(!tests.is_empty(), "{file} has no test");
        for name in tests {
            assert!(
                name.matches('_').count() >= 3,
                "{file}::{name} is no sentence"
            );
        }
    }
}
