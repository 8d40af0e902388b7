//! `armature new`: what it writes is valid without a warning, and runs as it is.

use crate::command::{Place, Ran, repository, shows};

/// The names that `--list` gives.
fn templates() -> Vec<String> {
    let ran = Place::new().run(&["new", "--list"]);
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    ran.out.lines().map(name).collect()
}

fn is_valid(place: &Place, file: &str) {
    let ran = place.run(&["validate", file]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), ""),
        "{}",
        ran.shown()
    );
}

fn ran_well(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
}

#[test]
fn every_template_is_valid_without_a_warning_and_runs_as_it_is() {
    let all = templates();
    assert!(all.len() >= 9, "{all:?}");
    // One home, so that plugins are compiled once.
    let place = Place::new();
    for template in all {
        let file = format!("{template}/mine.yml");
        place.write(&format!("{template}/.keep"), "");
        ran_well(&place.run(&["new", &file, "--template", &template]));
        is_valid(&place, &file);
        let ran = place.run(&["run", &file, "-q"]);
        // A workflow with a gate waits where nobody can be asked; all others come to their end.
        let waits = place.read(&file).contains("gate: human");
        assert_eq!(
            ran.code,
            Some(if waits { 3 } else { 0 }),
            "{template}: {}",
            ran.shown()
        );
    }
}

#[test]
fn every_template_is_valid_with_a_real_model_and_another_name() {
    let place = Place::new();
    for template in templates() {
        let file = format!("{template}/mine.yml");
        place.write(&format!("{template}/.keep"), "");
        ran_well(&place.run(&[
            "new",
            &file,
            "-t",
            &template,
            "--name",
            "my own: \"one\"",
            "--model",
            "ollama/qwen3:8b",
        ]));
        is_valid(&place, &file);
        let text = place.read(&file);
        assert!(text.contains("name: \"my own: \\\"one\\\"\""), "{text}");
        assert!(
            !text
                .lines()
                .any(|line| !line.trim().starts_with('#') && line.contains("scripted")),
            "{text}"
        );
    }
}

#[test]
fn no_workflow_that_ships_is_forgotten() {
    let all = templates();
    for entry in repository().join("specs").read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name
            .strip_suffix(".yml")
            .filter(|stem| !stem.ends_with(".model"))
        else {
            continue;
        };
        let is_beside = all
            .iter()
            .any(|template| stem.starts_with(&format!("{template}-")));
        assert!(
            is_beside || all.iter().any(|template| template == stem),
            "{stem}"
        );
    }
}

#[test]
fn a_workflow_of_ones_own_is_valid_and_runs() {
    let place = Place::new();
    let ran = place.run(&[
        "new",
        "tea.yml",
        "--name",
        "tea",
        "--description",
        "A page: about \"tea\"",
        "-i",
        "topic",
        "-i",
        "tone=calm",
        "--stage",
        "draft=Write a page about {{ topic }}, {{ tone }}: say \"hi\" # not a comment",
        "--stage",
        "check=gate:Is it good?\n{{ draft.content }}",
    ]);
    shows!("new-own", ran);
    is_valid(&place, "tea.yml");
    let ran = place.run(&[
        "run",
        "tea.yml",
        "-i",
        "topic=tea",
        "--approve",
        "check=yes",
        "-q",
    ]);
    ran_well(&ran);
    let explained = place.run(&["explain", "tea.yml"]);
    ran_well(&explained);
}

#[test]
fn what_is_there_is_not_replaced_unless_that_is_said() {
    let place = Place::new();
    place.write("hello.yml", "mine");
    let ran = place.run(&["new", "--yes"]);
    shows!("new-there", ran);
    assert_eq!(place.read("hello.yml"), "mine");
    assert!(!place.work().join("hello.model.yml").exists());
    ran_well(&place.run(&["new", "--yes", "--force"]));
    is_valid(&place, "hello.yml");
    // The same again changes nothing, and needs no force.
    ran_well(&place.run(&["new", "--yes"]));
}

#[test]
fn what_cannot_be_made_is_refused_in_a_line_and_nothing_is_written() {
    let cases: [&[&str]; 8] = [
        &["new"],
        &["new", "--template", "helo"],
        &["new", "x.yml", "--stage", "draft"],
        &["new", "x.yml", "--stage", "a=Do it.", "--stage", "a=Again."],
        &["new", "x.yml", "--stage", "a={{ broken"],
        &["new", "x.yml", "--stage", "a=b", "--model", "gpt-4o"],
        &["new", "x.yml", "--stage", "a=b", "--model", "opnai/gpt-4o"],
        &["new", "nowhere/x.yml", "--yes"],
    ];
    let place = Place::new();
    let said: Vec<String> = cases
        .iter()
        .map(|arguments| {
            let ran = place.run(arguments);
            assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.shown());
            format!("$ armature {}\n{}", arguments.join(" "), ran.err)
        })
        .collect();
    assert_eq!(place.work().read_dir().unwrap().count(), 0);
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("new-refused", said.join("\n"));
    });
}

#[cfg(unix)]
#[test]
fn a_person_who_is_asked_makes_a_workflow_that_runs() {
    let place = Place::new();
    let mut terminal = crate::terminal::Terminal::start(&place, &["new"]);
    for (question, answer) in [
        ("begin with [0]", ""),
        ("name [workflow]", "Tea \"Time\""),
        ("model, as provider/model", "gpt-4o"),
        ("is no model", ""),
        ("what it is for", "A page: about tea"),
        ("input: its name", "topic"),
        ("  what it is [nothing]", "What about"),
        ("  default [it is required]", ""),
        ("input: its name", ""),
        ("stage: its id [answer]", "draft"),
        ("what the model is to do", "Write about {{ topic }}: now."),
        ("stage: its id [no more]", "check"),
        ("what the model is to do", ""),
        ("what the person is shown", "Is {{ draft.content }} good?"),
        ("stage: its id [no more]", ""),
        ("file [Tea--Time.yml]", "tea.yml"),
        ("write it?", "yes"),
    ] {
        terminal.sees(question);
        terminal.types(&format!("{answer}\n"));
    }
    assert_eq!(terminal.ends(), Some(0));
    is_valid(&place, "tea.yml");
    let ran = place.run(&[
        "run",
        "tea.yml",
        "-i",
        "topic=tea",
        "--approve",
        "check=yes",
        "-q",
    ]);
    ran_well(&ran);
}

#[test]
fn a_file_beside_the_workflow_that_is_somebody_elses_is_not_replaced() {
    let place = Place::new();
    place.write("tea.model.yml", "mine");
    let ran = place.run(&["new", "tea.yml", "--stage", "draft=Write."]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(
        ran.err.contains("name another file for the workflow"),
        "{}",
        ran.err
    );
    assert_eq!(place.read("tea.model.yml"), "mine");
    assert!(!place.work().join("tea.yml").exists());
    let ran = place.run(&["new", "tea.yml", "--name", " ", "--stage", "draft=Write."]);
    assert_eq!(ran.code, Some(2), "{}", ran.shown());
}

#[cfg(unix)]
#[test]
fn a_person_who_does_not_want_it_after_all_has_nothing_written() {
    let place = Place::new();
    let mut terminal = crate::terminal::Terminal::start(&place, &["new", "mine.yml"]);
    for (question, answer) in [
        ("begin with", "research"),
        ("name [", ""),
        ("model, as", ""),
        ("write it?", "no"),
    ] {
        terminal.sees(question);
        terminal.types(&format!("{answer}\n"));
    }
    assert_eq!(terminal.ends(), Some(1));
    assert_eq!(place.work().read_dir().unwrap().count(), 0);
}
