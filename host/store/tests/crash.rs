//! What is left when a process dies: real processes, killed without a chance to tidy up.
//!
//! The child is this very test binary, asked to run [`child_that_dies`] with the database in its environment.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the child is a process and told its database by its environment; what starts it may fail the test"
)]

use std::{path::Path, process::Command};

use armature_store::{Event, EventLog, RunId, RunState, Store, event::ToolIntent};

const DATABASE: &str = "STORE_TEST_DATABASE";
const RUN: &str = "dies";

fn line(message: String) -> Event {
    Event::PluginLog {
        stage: "a".to_owned(),
        plugin: "p".to_owned(),
        level: "info".to_owned(),
        message,
    }
}

fn intent(call_id: String) -> Event {
    Event::ToolIntent(ToolIntent {
        stage: "a".to_owned(),
        call_id,
        ..ToolIntent::default()
    })
}

#[test]
#[ignore = "the child of the tests below"]
fn child_that_dies() {
    let Ok(path) = std::env::var(DATABASE) else {
        return;
    };
    let store = Store::open(Path::new(&path)).unwrap();
    let run = RunId::new(RUN).unwrap();
    let mut last = store.last_seq(&run).unwrap().0;
    for n in 0..20 {
        store.append(&run, &line(format!("{n}"))).unwrap();
        last = store.append(&run, &intent(format!("c{n}"))).unwrap().0;
    }
    store
        .append(&run, &line("perhaps lost".to_owned()))
        .unwrap();
    println!("durable up to {last}");
    std::process::abort();
}

fn run_child(path: &Path) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "child_that_dies"])
        .env(DATABASE, path)
        .output()
        .unwrap();
    assert!(!output.status.success(), "the child was to die");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text
        .lines()
        .find_map(|line| line.split_once("durable up to "))
        .expect("the child came to its end");
    said.1.trim().parse().unwrap()
}

#[test]
fn durable_events_and_all_before_them_outlive_a_process_that_aborts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    let durable = run_child(&path);
    assert_eq!(durable, 40);
    let store = Store::open(&path).unwrap();
    let events = store.events(&RunId::new(RUN).unwrap()).unwrap();
    assert!(events.len() >= 40, "{} events", events.len());
    assert!(
        events
            .iter()
            .zip(1..)
            .all(|(recorded, place)| recorded.seq.0 == place)
    );
    assert_eq!(RunState::fold(events).open_calls.len(), 20);
}

#[test]
fn a_file_left_by_a_dead_process_is_gone_on_with_by_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    let first = run_child(&path);
    let second = run_child(&path);
    assert!(second >= first + 40, "{first} then {second}");
    let store = Store::open(&path).unwrap();
    let events = store.events(&RunId::new(RUN).unwrap()).unwrap();
    assert!(
        events
            .iter()
            .zip(1..)
            .all(|(recorded, place)| recorded.seq.0 == place)
    );
}

#[test]
fn processes_append_to_one_file_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    // The children die in the same run, so all but the one that owns it at the moment are fenced or begin behind it:
    // either way nobody's file is damaged and no place is taken twice.
    let children: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "child_that_dies"])
                .env(DATABASE, &path)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let store = Store::open(&path).unwrap();
    let mine = RunId::fresh();
    for n in 0..50 {
        store.append(&mine, &intent(n.to_string())).unwrap();
    }
    for mut child in children {
        child.wait().unwrap();
    }
    assert_eq!(store.events(&mine).unwrap().len(), 50);
    let theirs = store.events(&RunId::new(RUN).unwrap()).unwrap();
    assert!(theirs.len() >= 40);
    assert!(
        theirs
            .iter()
            .zip(1..)
            .all(|(recorded, place)| recorded.seq.0 == place)
    );
}
