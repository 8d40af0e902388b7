//! The README shows what is so: its picture of a run is one, its commands are those that are tested, its YAML is read.

use crate::command::{Place, repository};

/// The fenced blocks of this language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = readme.split(&fence).skip(1);
    parts
        .filter_map(|part| Some(part.split_once("```")?.0.to_owned()))
        .collect()
}

/// A line without numbers, which differ from run to run; also without their points: `1.08s` may be `12s`.
fn without_numbers(line: &str) -> String {
    let is_of_numbers = |c: &char| c.is_ascii_digit() || *c == '.';
    line.chars().filter(|c| !is_of_numbers(c)).collect()
}

#[test]
fn the_picture_of_a_run_is_one() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let command = blocks(&readme, "sh").remove(0);
    let arguments = command
        .lines()
        .next()
        .unwrap()
        .split_once(" -- ")
        .unwrap()
        .1;
    let place = Place::new();
    let top = repository();
    let arguments: Vec<String> = arguments
        .split(' ')
        .map(|word| match word.starts_with("examples/") {
            // Run elsewhere, so that nothing is written into the repository.
            true => top.join(word).display().to_string(),
            false => word.to_owned(),
        })
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = place.run(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let shown = format!("{}{}", ran.err, ran.out);
    let shown: Vec<String> = shown.lines().map(without_numbers).collect();
    let picture = blocks(&readme, "text").remove(0);
    for line in picture.lines().filter(|line| *line != "…") {
        assert!(
            shown.contains(&without_numbers(line)),
            "the README shows `{line}`, the run showed\n{}",
            ran.shown()
        );
    }
}

#[test]
fn the_refusal_of_a_right_reads_as_it_says() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let plugins = repository().join("examples/plugins").display().to_string();
    let ran = Place::new().run(&[
        "plugin",
        "call",
        "note_add",
        "--plugins",
        &plugins,
        "--args",
        r#"{"text": "Ada likes Assam"}"#,
    ]);
    assert_eq!(blocks(&readme, "text").remove(1), ran.err);
}

#[test]
fn its_model_tiers_are_valid() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let mut blocks = blocks(&readme, "yaml");
    blocks.retain(|block| block.starts_with("model_tiers:"));
    let tiers = blocks.remove(0);
    let spec = format!("name: x\n{tiers}stages:\n  - {{id: a, gate: human}}\n");
    let ran = Place::with_spec(&spec).run(&["validate", "spec.yml"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), ""),
        "{}",
        ran.shown()
    );
}

#[test]
fn its_policy_leaves_its_first_workflow_alone_and_stops_what_it_forbids() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let place = Place::new();
    place.write_home("policy.toml", &blocks(&readme, "toml").remove(0));
    for file in blocks(&readme, "yaml") {
        let name = file.strip_prefix("# ").and_then(|rest| rest.lines().next());
        if let Some(name) = name {
            place.write(name, &file);
        }
    }
    let allowed = place.run(&["run", "tea.yml"]);
    assert_eq!(allowed.code, Some(0), "{}", allowed.shown());
    let elsewhere = place.read("tea.yml").replace("out/tea.md", "tea.md");
    place.write("elsewhere.yml", elsewhere);
    let refused = place.run(&["run", "elsewhere.yml"]);
    assert_eq!(refused.code, Some(4), "{}", refused.shown());
}
