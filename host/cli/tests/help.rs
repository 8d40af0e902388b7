//! The whole help, so that no word of it changes unseen; and the commands that touch nothing.

use crate::command::{Place, shows};

/// Every command that has a help.
const COMMANDS: [&[&str]; 25] = [
    &[],
    &["new"],
    &["run"],
    &["validate"],
    &["explain"],
    &["gates"],
    &["approve"],
    &["resume"],
    &["runs"],
    &["last"],
    &["cache"],
    &["cache", "stats"],
    &["cache", "clear"],
    &["memory"],
    &["memory", "list"],
    &["memory", "show"],
    &["memory", "forget"],
    &["plugin"],
    &["plugin", "list"],
    &["plugin", "inspect"],
    &["plugin", "call"],
    &["precompile"],
    &["doctor"],
    &["schema"],
    &["completions"],
];
#[test]
fn the_help_of_every_command() {
    let place = Place::new();
    let help = COMMANDS.iter().map(|command| {
        let ran = place.run(&[command, &["--help"][..]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{command:?}");
        format!(
            "$ armature {}--help\n{}\n",
            command.iter().map(|c| format!("{c} ")).collect::<String>(),
            ran.out
        )
    });
    let help: String = help.collect();
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("help", help);
    });
}

#[test]
fn every_command_is_in_the_list_and_teaches_with_an_example() {
    let place = Place::new();
    let top = place.run(&["--help"]).out;
    let (_, commands) = top.split_once("Commands:\n").unwrap();
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        // The rest of a description that is longer than a line is indented further.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    for name in &names {
        let is_listed = COMMANDS.iter().any(|command| command == &[*name]);
        assert!(is_listed, "{name} is in no test of the help");
    }
    for command in COMMANDS.iter().filter(|command| !command.is_empty()) {
        let help = place.run(&[command, &["--help"][..]].concat()).out;
        let example = help
            .split_once("Example")
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let called = format!("armature {}", command.join(" "));
        assert!(
            example.contains(&called),
            "{command:?} shows no example of itself:\n{help}"
        );
    }
}

#[test]
fn without_a_command_the_help_is_shown_and_that_is_a_mistake_of_usage() {
    let ran = Place::new().run(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("Commands:") && ran.err.contains("Exit codes:"),
        "{}",
        ran.err
    );
}

#[test]
fn the_version_touches_nothing() {
    let place = Place::new();
    for flag in ["--version", "-V"] {
        let ran = place.run(&[flag]);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (
                Some(0),
                concat!("armature ", env!("CARGO_PKG_VERSION"), "\n")
            )
        );
    }
    assert!(!place.home().exists());
}

#[test]
fn a_command_that_does_not_exist_is_a_mistake_of_usage() {
    shows!("no-such-command", Place::new().run(&["rum"]));
}

#[test]
fn the_schema_is_json_and_completions_are_not_empty() {
    let place = Place::new();
    let schema: serde_json::Value = serde_json::from_str(&place.run(&["schema"]).out).unwrap();
    assert!(schema["properties"]["stages"].is_object());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            place.run(&["completions", shell]).out.contains("validate"),
            "{shell}"
        );
    }
    assert!(!place.home().exists());
}

#[test]
fn a_doctor_in_an_empty_home_finds_everything_in_order() {
    let place = Place::new().set("OPENAI_API_KEY", "sk-secret-value");
    let ran = place.run(&["doctor"]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert!(
        ran.out
            .contains("keys set: OPENAI_API_KEY; not set: ANTHROPIC_API_KEY"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("sk-secret"), "{}", ran.out);
    assert!(!ran.out.contains('✗'), "{}", ran.out);
}

#[test]
fn a_doctor_says_that_the_policy_is_wrong() {
    let place = Place::new();
    place.write_home("policy.toml", "deny_plugin = [\"x\"]\n");
    let ran = place.run(&["doctor"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("✗ policy") && ran.out.contains("line 1"),
        "{}",
        ran.out
    );
}
