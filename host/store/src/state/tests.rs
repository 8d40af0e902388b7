//! What the events of a run say about it.

use serde_json::json;

use super::*;

fn start(item: Option<usize>) -> Event {
    Event::StageStarted {
        stage: "a".to_owned(),
        kind: "tool_call".to_owned(),
        role: None,
        item,
    }
}

fn end(item: Option<usize>) -> Event {
    Event::StageCompleted {
        stage: "a".to_owned(),
        elapsed_s: 0.0,
        item,
        result: json!(item),
    }
}

fn fold(events: impl IntoIterator<Item = Event>) -> RunState {
    let recorded = |(seq, event)| Recorded {
        seq: Seq(seq),
        timestamp: String::new(),
        event,
    };
    RunState::fold((1..).zip(events).map(recorded))
}

#[test]
fn items_of_an_interrupted_stage_count_and_those_of_a_finished_pass_do_not() {
    let state = fold([
        start(None),
        start(Some(0)),
        end(Some(0)),
        start(Some(1)),
        start(None),
    ]);
    assert_eq!(state.items["a"].keys().copied().collect::<Vec<_>>(), [0]);
    let state = fold([
        start(None),
        start(Some(0)),
        end(Some(0)),
        end(None),
        start(None),
    ]);
    assert!(state.items.is_empty() && state.results.is_empty());
}

#[test]
fn an_empty_log_is_a_run_that_has_not_begun() {
    assert_eq!(fold([]), RunState::default());
}

fn asked(digest: &str) -> Event {
    Event::ApprovalAsked {
        stage: "a".to_owned(),
        call_id: "a#1.1".to_owned(),
        plugin: "p".to_owned(),
        tool: "t".to_owned(),
        args_digest: digest.to_owned(),
        args: Value::Null,
        message: "may it?".to_owned(),
    }
}

fn answered(digest: &str, approved: bool) -> Event {
    Event::Approval {
        stage: "a".to_owned(),
        call_id: "a#1.1".to_owned(),
        args_digest: digest.to_owned(),
        approved,
        text: "words".to_owned(),
        by: "me".to_owned(),
    }
}

fn intent(call_id: &str, digest: &str) -> ToolIntent {
    ToolIntent {
        stage: "a".to_owned(),
        call_id: call_id.to_owned(),
        args_digest: digest.to_owned(),
        ..ToolIntent::default()
    }
}

#[test]
fn an_approval_is_for_one_call_and_a_refusal_for_one_failure() {
    let state = fold([asked("d"), asked("e"), answered("d", true)]);
    assert_eq!(state.questions.len(), 1);
    assert!(
        state
            .approvals
            .values()
            .all(|answer| *answer == (true, "words".to_owned()))
    );
    let made = Event::ToolIntent(intent("a#1.1", "d"));
    assert!(
        fold([asked("d"), answered("d", true), made])
            .approvals
            .is_empty()
    );
    let failed = Event::StageFailed {
        stage: "a".to_owned(),
        failure: String::new(),
        reason: String::new(),
        item: None,
    };
    let state = fold([answered("d", false), answered("e", true), failed]);
    assert_eq!(
        state
            .approvals
            .values()
            .filter(|(approved, _)| *approved)
            .count(),
        1
    );
    assert_eq!(state.approvals.len(), 1);
}

#[test]
fn a_call_that_may_have_been_made_is_settled_by_the_answer_that_it_may_be_made_again() {
    let open = intent("a#1.1", "d");
    let about = again(&open);
    let state = fold([Event::ToolIntent(open.clone()), answered(&about, false)]);
    assert_eq!(state.open_calls, std::slice::from_ref(&open));
    let state = fold([Event::ToolIntent(open.clone()), answered(&about, true)]);
    assert!(state.open_calls.is_empty() && state.approvals.is_empty());
    // Made again, it is one call.
    let twice = [
        Event::ToolIntent(open.clone()),
        Event::ToolIntent(open.clone()),
    ];
    assert_eq!(fold(twice).open_calls, [open]);
}

#[test]
fn a_call_that_ran_into_a_limit_may_have_had_its_effect() {
    let open = intent("a#1.1", "d");
    let ended = |call: &str, class: &str| {
        Event::ToolResult(ToolResult {
            stage: "a".to_owned(),
            call_id: call.to_owned(),
            error: Some(crate::event::Failure {
                class: class.to_owned(),
                reason: String::new(),
            }),
            ..ToolResult::default()
        })
    };
    let after =
        |class: &str| fold([Event::ToolIntent(open.clone()), ended("a#1.1", class)]).open_calls;
    assert_eq!(after("LimitExceeded"), std::slice::from_ref(&open));
    assert_eq!(after("ToolError"), std::slice::from_ref(&open));
    assert!(after("PermissionError").is_empty());
    // The next attempt is the one that is asked about.
    let next = intent("a#2.1", "d");
    let twice = fold([
        Event::ToolIntent(open.clone()),
        ended("a#1.1", "TimeoutError"),
        Event::ToolIntent(next.clone()),
        ended("a#2.1", "TimeoutError"),
    ]);
    assert_eq!(twice.open_calls, [next]);
}

#[test]
fn a_stage_that_begins_again_after_its_end_knows_nothing_of_its_last_pass() {
    let gate = |message: &str| Event::GateOpened {
        stage: "a".to_owned(),
        item: None,
        message: message.to_owned(),
        show: Value::Null,
    };
    let yes = Event::GateAnswered {
        stage: "a".to_owned(),
        item: None,
        approved: true,
        text: String::new(),
        by: String::new(),
    };
    let child = |id: &str| Event::ChildStarted {
        stage: "a".to_owned(),
        call_id: id.to_owned(),
        run_id: RunId::new("child").unwrap(),
    };
    let first = [
        start(None),
        gate("1"),
        yes.clone(),
        child("a[0]#1"),
        child("ab#1"),
    ];
    let state = fold(first.clone());
    let answers = &state.gate_answers[&("a".to_owned(), None)];
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].message.as_str(), answers[0].approved),
        ("1", true)
    );
    assert_eq!(state.children.len(), 2);
    let state = fold(first.into_iter().chain([end(None), start(None)]));
    assert!(state.gate_answers.is_empty() && state.done.is_empty());
    assert_eq!(state.children.keys().collect::<Vec<_>>(), ["ab#1"]);
}

#[test]
fn time_at_work_leaves_out_the_time_between_two_processes() {
    let at = |second: u32, event: Event| Recorded {
        seq: Seq(u64::from(second)),
        timestamp: format!("2025-01-01T00:00:{second:02}.500000+00:00"),
        event,
    };
    let parked = Event::RunParked {
        waiting: Vec::new(),
        reason: String::new(),
    };
    let resumed = Event::RunResumed {
        after: Seq(1),
        reason: String::new(),
    };
    let state = RunState::fold([
        at(0, Event::RunStarted(RunStarted::default())),
        at(3, parked),
        at(20, answered("d", true)),
        at(30, resumed),
        at(32, start(None)),
    ]);
    assert_eq!(state.used.active, Duration::from_secs(5));
}
