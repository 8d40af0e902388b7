//! What the event log promises, against real files.

use std::sync::Arc;

use armature_store::{
    Event, EventLog, RunId, RunQuery, RunState, RunStatus, Seq, Store, StoreError,
    event::{RunStarted, ToolIntent, ToolResult, UnknownEvent},
};
use serde_json::json;

fn started(workflow: &str) -> Event {
    Event::RunStarted(RunStarted {
        workflow: workflow.to_owned(),
        spec_digest: "s1".to_owned(),
        inputs_digest: "i1".to_owned(),
        ..RunStarted::default()
    })
}

fn completed(stage: &str, result: serde_json::Value) -> Event {
    Event::StageCompleted {
        stage: stage.to_owned(),
        elapsed_s: 0.1,
        item: None,
        result,
    }
}

fn intent(call_id: &str) -> Event {
    Event::ToolIntent(ToolIntent {
        stage: "a".to_owned(),
        call_id: call_id.to_owned(),
        ..ToolIntent::default()
    })
}

fn line(message: &str) -> Event {
    Event::PluginLog {
        stage: "a".to_owned(),
        plugin: "p".to_owned(),
        level: "info".to_owned(),
        message: message.to_owned(),
    }
}

fn last_answer<'s>(state: &'s RunState, gate: &str) -> Option<(bool, &'s str)> {
    let answers = state.gate_answers.get(&(gate.to_owned(), None))?;
    let last = answers.last()?;
    Some((last.approved, &last.text))
}

#[test]
fn events_come_back_in_order_and_in_full() {
    let store = Store::memory().unwrap();
    let run = RunId::fresh();
    let big =
        json!({ "text": "x".repeat(200_000), "nested": [1, 2.5, null, { "z": 1, "a": "ä\u{0}" }] });
    let written = [
        started("w"),
        completed("a", big),
        intent("c1"),
        Event::RunCompleted {
            run_id: run.clone(),
            elapsed_s: 0.5,
        },
    ];
    for (at, event) in written.iter().enumerate() {
        assert_eq!(store.append(&run, event).unwrap(), Seq(at as u64 + 1));
    }
    let read = store.events(&run).unwrap();
    assert_eq!(
        read.iter()
            .map(|recorded| recorded.event.clone())
            .collect::<Vec<_>>(),
        written
    );
    assert_eq!(
        read.iter()
            .map(|recorded| recorded.seq.0)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert_eq!(store.events_after(&run, Seq(2)).unwrap(), read[2..]);
    assert_eq!(store.last_seq(&run).unwrap(), Seq(4));
    assert_eq!(store.events(&RunId::fresh()).unwrap(), []);
}

#[test]
fn ten_thousand_events_are_ten_thousand_events() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("traces.db")).unwrap();
    let run = RunId::fresh();
    for n in 0..10_000 {
        store.append(&run, &line(&n.to_string())).unwrap();
    }
    let read = store.events(&run).unwrap();
    assert_eq!(read.len(), 10_000);
    assert!(
        read.iter()
            .zip(1..)
            .all(|(recorded, place)| recorded.seq.0 == place)
    );
    assert_eq!(store.write_errors(), 0);
}

#[test]
fn threads_of_one_store_share_a_run_without_holes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("traces.db")).unwrap();
    let run = RunId::fresh();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (store, run) = (&store, &run);
            scope.spawn(move || {
                for n in 0..50 {
                    let event = if n % 10 == 0 {
                        intent(&format!("{thread}-{n}"))
                    } else {
                        line("x")
                    };
                    store.append(run, &event).unwrap();
                }
            });
        }
    });
    let places: Vec<u64> = store
        .events(&run)
        .unwrap()
        .iter()
        .map(|recorded| recorded.seq.0)
        .collect();
    assert_eq!(places, (1..=400).collect::<Vec<_>>());
}

#[test]
fn two_handles_write_different_runs_of_one_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    std::thread::scope(|scope| {
        for name in ["one", "two", "three"] {
            let path = &path;
            scope.spawn(move || {
                let store = Store::open(path).unwrap();
                let run = RunId::new(name).unwrap();
                for n in 0..300 {
                    let event = if n % 20 == 0 {
                        intent(&n.to_string())
                    } else {
                        line("x")
                    };
                    store.append(&run, &event).unwrap();
                }
                assert_eq!(store.write_errors(), 0);
            });
        }
    });
    let store = Store::open(&path).unwrap();
    for name in ["one", "two", "three"] {
        assert_eq!(
            store.events(&RunId::new(name).unwrap()).unwrap().len(),
            300,
            "{name}"
        );
    }
}

#[test]
fn of_two_that_take_a_run_over_one_succeeds_and_the_old_owner_is_fenced_before_its_next_effect() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    let run = RunId::fresh();
    let old = Store::open(&path).unwrap();
    old.append(&run, &started("w")).unwrap();
    old.append(&run, &intent("c1")).unwrap();

    let resumed = Event::RunResumed {
        after: Seq(2),
        reason: "test".to_owned(),
    };
    let (first, second) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    assert_eq!(first.append_after(&run, Seq(2), &resumed).unwrap(), Seq(3));
    assert!(matches!(
        second.append_after(&run, Seq(2), &resumed),
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        second.append_after(&run, Seq(9), &resumed),
        Err(StoreError::Fenced { .. })
    ));

    // A plain event is only queued, so it may seem to succeed; the durable one that precedes an effect does not.
    let _ = old.append(&run, &line("still here"));
    assert!(matches!(
        old.append(&run, &intent("c2")),
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        old.append(&run, &line("x")),
        Err(StoreError::Fenced { .. })
    ));

    assert_eq!(first.append(&run, &line("on")).unwrap(), Seq(4));
    let names: Vec<String> = first
        .events(&run)
        .unwrap()
        .iter()
        .map(|it| it.event.name().to_owned())
        .collect();
    assert_eq!(
        names,
        ["run_start", "tool_intent", "run_resumed", "plugin_log"]
    );
    // Other runs of the fenced store are not concerned, and it may take the run back in an orderly way.
    old.append(&RunId::fresh(), &intent("c3")).unwrap();
    assert_eq!(old.append_after(&run, Seq(4), &resumed).unwrap(), Seq(5));
    assert_eq!(old.append(&run, &line("back")).unwrap(), Seq(6));
}

#[test]
fn an_event_of_another_version_survives_reading_and_writing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.db");
    let run = RunId::fresh();
    let unknown = Event::Unknown(UnknownEvent {
        kind: "quantum_leap".to_owned(),
        data: json!({ "stage": "a", "far": [1, { "b": 2 }] }),
    });
    Store::open(&path).unwrap().append(&run, &unknown).unwrap();
    let store = Store::open(&path).unwrap();
    let read = store.events(&run).unwrap();
    assert_eq!(read[0].event, unknown);
    assert_eq!(read[0].event.name(), "quantum_leap");
    assert_eq!(
        serde_json::to_value(&read[0].event).unwrap(),
        json!({ "type": "quantum_leap", "data": { "stage": "a", "far": [1, { "b": 2 }] } })
    );
    assert_eq!(RunState::fold(read).unreadable, [Seq(1)]);
}

#[test]
fn the_state_of_a_run_is_read_from_its_events() {
    let store = Store::memory().unwrap();
    let run = RunId::fresh();
    for event in [
        started("w"),
        completed("b", json!({ "n": 1 })),
        completed("a", json!("text")),
        intent("done"),
        Event::ToolResult(ToolResult {
            call_id: "done".to_owned(),
            ok: true,
            ..ToolResult::default()
        }),
        intent("open"),
        Event::GateOpened {
            stage: "g".to_owned(),
            item: None,
            message: "ok?".to_owned(),
            show: json!(null),
        },
        Event::GateOpened {
            stage: "h".to_owned(),
            item: None,
            message: "ok?".to_owned(),
            show: json!(null),
        },
        Event::GateAnswered {
            stage: "g".to_owned(),
            item: None,
            approved: false,
            text: "no".to_owned(),
            by: "me".to_owned(),
        },
    ] {
        store.append(&run, &event).unwrap();
    }
    let state = RunState::fold(store.events(&run).unwrap());
    assert_eq!(state.status, Some(RunStatus::Running));
    assert_eq!(state.last, Seq(9));
    assert_eq!(state.results.keys().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(
        state
            .open_calls
            .iter()
            .map(|call| call.call_id.as_str())
            .collect::<Vec<_>>(),
        ["open"]
    );
    assert!(state.calls["done"].1.ok);
    assert_eq!(state.open_gates(), ["h"]);
    assert_eq!(last_answer(&state, "g"), Some((false, "no")));
}

#[test]
fn the_list_of_runs_follows_the_log() {
    let store = Store::memory().unwrap();
    let (first, second, other) = (RunId::fresh(), RunId::fresh(), RunId::fresh());
    store.append(&first, &started("w")).unwrap();
    store
        .append(
            &first,
            &Event::RunParked {
                waiting: vec!["g".to_owned()],
                reason: "gate".to_owned(),
            },
        )
        .unwrap();
    store.append(&second, &started("w")).unwrap();
    store.append(&other, &started("v")).unwrap();
    store
        .append(
            &other,
            &Event::RunFailed {
                failure: "E".to_owned(),
                reason: "r".to_owned(),
                stage: None,
            },
        )
        .unwrap();

    assert_eq!(store.last_run("w").unwrap().unwrap().run_id, second);
    assert_eq!(store.last_run("nothing").unwrap(), None);
    let parked = store.run(&first).unwrap().unwrap();
    assert_eq!(
        (parked.status, parked.ended.is_some()),
        (RunStatus::Parked, true)
    );
    store
        .append_after(
            &first,
            Seq(2),
            &Event::RunResumed {
                after: Seq(2),
                reason: "answered".to_owned(),
            },
        )
        .unwrap();
    let resumed = store.run(&first).unwrap().unwrap();
    assert_eq!((resumed.status, resumed.ended), (RunStatus::Running, None));
    let failed = RunQuery {
        status: Some(RunStatus::Failed),
        ..RunQuery::default()
    };
    assert_eq!(
        store
            .runs(&failed)
            .unwrap()
            .iter()
            .map(|run| &run.run_id)
            .collect::<Vec<_>>(),
        [&other]
    );
    let same = RunQuery {
        digests: Some(("s1".to_owned(), "i1".to_owned())),
        limit: Some(2),
        ..RunQuery::default()
    };
    assert_eq!(store.runs(&same).unwrap().len(), 2);
}

#[test]
fn a_log_behind_the_trait_is_all_that_the_engine_needs() {
    let log: Arc<dyn EventLog> = Arc::new(Store::memory().unwrap());
    let run = RunId::fresh();
    log.append(&run, &started("w")).unwrap();
    log.sync().unwrap();
    assert_eq!(log.events(&run).unwrap().len(), 1);
}

#[tokio::test]
async fn async_appends_keep_the_order_of_the_calls() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("traces.db")).unwrap();
    let run = RunId::fresh();
    let first = store.append_async(&run, &intent("1"));
    let second = store.append_async(&run, &line("2"));
    let third = store.append_async(&run, &intent("3"));
    assert_eq!(third.await.unwrap(), Seq(3));
    assert_eq!(second.await.unwrap(), Seq(2));
    assert_eq!(first.await.unwrap(), Seq(1));
    let wanted = run.clone();
    assert_eq!(
        store
            .read_async(move |store| store.events(&wanted))
            .await
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_run_that_has_ended_can_be_forgotten_and_one_that_waits_cannot() {
    let store = Store::memory().unwrap();
    let (ended, parked) = (RunId::fresh(), RunId::fresh());
    for run in [&ended, &parked] {
        store.append(run, &started("w")).unwrap();
    }
    let cancelled = Event::RunCancelled {
        reason: "test".to_owned(),
    };
    store.append(&ended, &cancelled).unwrap();
    store
        .append(
            &parked,
            &Event::RunParked {
                waiting: vec![],
                reason: "gate".to_owned(),
            },
        )
        .unwrap();
    assert!(store.forget_run(&ended).unwrap());
    assert!(!store.forget_run(&parked).unwrap());
    assert_eq!(store.events(&ended).unwrap(), []);
    assert_eq!(store.events(&parked).unwrap().len(), 2);
    assert_eq!(store.runs(&RunQuery::default()).unwrap().len(), 1);
}

#[test]
fn what_waits_is_found_through_runs_within_runs_and_answered_once() {
    let store = Store::memory().unwrap();
    let (parent, child) = (RunId::fresh(), RunId::fresh());
    let parked = |stage: &str| Event::RunParked {
        waiting: vec![stage.to_owned()],
        reason: "gate".to_owned(),
    };
    for event in [
        started("outer"),
        Event::ChildStarted {
            stage: "sub".to_owned(),
            call_id: "sub[1]#1".to_owned(),
            run_id: child.clone(),
        },
        parked("sub/ok"),
    ] {
        store.append(&parent, &event).unwrap();
    }
    for event in [
        started("inner"),
        Event::GateOpened {
            stage: "ok".to_owned(),
            item: None,
            message: "Go On?".to_owned(),
            show: json!(null),
        },
        parked("ok"),
    ] {
        store.append(&child, &event).unwrap();
    }
    let mut first = store.waiting(&parent).unwrap();
    let mut second = store.waiting(&parent).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].path, "sub[1]/ok");
    assert_eq!(first[0].question.message, "Go On?");
    assert!(first[0].is_meant_by("sub/ok"));
    store.answer(&mut first, 0, false, "Not Yet", "me").unwrap();
    let late = store.answer(&mut second, 0, true, "", "you").unwrap_err();
    assert!(matches!(late, StoreError::Fenced { .. }), "{late}");
    assert!(store.waiting(&parent).unwrap().is_empty());
    let state = RunState::fold(store.events(&child).unwrap());
    assert_eq!(last_answer(&state, "ok"), Some((false, "Not Yet")));
}

#[test]
fn a_run_is_found_by_the_first_digits_of_its_id() {
    let store = Store::memory().unwrap();
    for id in ["abc123", "abd456", "b00000"] {
        store
            .append(&RunId::new(id).unwrap(), &started("w"))
            .unwrap();
    }
    let found = |prefix: &str| {
        let runs = store.runs_by_prefix(prefix, 10).unwrap();
        runs.into_iter()
            .map(|run| run.run_id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("ab"), ["abc123", "abd456"]);
    assert_eq!(found("abd"), ["abd456"]);
    assert!(found("ab%").is_empty() && found("x").is_empty());
}
