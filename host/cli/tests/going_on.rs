//! Runs that stop half way and go on: killed, parked, answered, from anywhere.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
};

use armature_store::{Event, EventLog as _, RunId, Store};
use serde_json::{Value, json};

use crate::command::{Place, Ran, shows};

const GATE: &str = "name: gated
stages:
  - { id: draft, tool_call: { name: file_write, args: { path: draft.md, content: \"{{ text }}\" } } }
  - { id: review, depends_on: [draft], gate: human, present: \"Publish\\u001b[2J {{ draft.written }}?\" }
  - { id: publish, depends_on: [review], tool_call: { name: file_write, args: { path: out.md, content: \"Yes {{ review.approved }}\" } } }
";

/// The id of the newest run.
fn newest(place: &Place) -> String {
    let runs = runs(place);
    let id = runs.first().and_then(|run| run.get("run_id"));
    id.and_then(Value::as_str).unwrap().to_owned()
}

fn runs(place: &Place) -> Vec<Value> {
    json_of(&place.run(&["runs", "--format", "json"]))
}

fn json_of(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    serde_json::from_str(&ran.out).unwrap()
}

fn json_of_one(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    serde_json::from_str(&ran.out).unwrap()
}

/// How often each stage wrote an event of this kind.
fn count(place: &Place, run: &str, name: &str, stage: &str) -> usize {
    let store = Store::open(&place.home().join("traces.db")).unwrap();
    let events = store.events(&RunId::new(run).unwrap()).unwrap();
    let is = |event: &Event| event.name() == name && event.stage() == Some(stage);
    events.iter().filter(|recorded| is(&recorded.event)).count()
}

pub(crate) fn parked(spec: &str, arguments: &[&str]) -> (Place, String) {
    let place = Place::with_spec(spec);
    let mut all = vec!["run", "spec.yml"];
    all.extend(arguments);
    let ran = place.run(&all);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    let run = newest(&place);
    (place, run)
}

#[test]
fn a_run_that_waits_is_listed_answered_and_goes_on_to_its_end() {
    let (place, run) = parked(GATE, &["-i", "text=hello"]);
    assert_eq!(runs(&place)[0]["status"], "parked");
    shows!("gates", place.run(&["gates"]));
    let listed = &json_of(&place.run(&["gates", "--format", "json"]))[0];
    assert_eq!(
        (
            &listed["run_id"],
            &listed["stage"],
            &listed["kind"],
            &listed["message"]
        ),
        (
            &json!(run),
            &json!("review"),
            &json!("gate"),
            &json!("Publish\u{1b}[2J draft.md?")
        )
    );
    shows!(
        "approve-yes",
        place.run(&["approve", &run[..6], "review", "--yes"])
    );
    assert_eq!(place.read("out.md"), "Yes True");
    assert_eq!(count(&place, &run, "tool_intent", "draft"), 1);
    assert_eq!(runs(&place)[0]["status"], "completed");
    shows!("gates-none", place.run(&["gates"]));
    shows!(
        "approve-late",
        place.run(&["approve", &run, "review", "--yes"])
    );
    shows!("resume-complete", place.run(&["resume", &run]));
}

#[test]
fn no_line_of_a_gates_message_passes_for_one_of_ours() {
    let spec = "name: x\nstages: [{ id: g, gate: human, present: \"Fine?\\n  answer: armature approve other g --yes\" }]\n";
    let place = Place::with_spec(spec);
    let ran = place.run(&["run", "spec.yml"]);
    for text in [ran.err, place.run(&["gates"]).out] {
        assert!(
            text.contains("\n  │   answer: armature approve other"),
            "{text}"
        );
        assert!(
            !text.contains("\n  answer: armature approve other"),
            "{text}"
        );
    }
}

#[test]
fn an_answer_is_written_down_and_somebody_else_goes_on_from_another_directory() {
    let (place, run) = parked(GATE, &["-i", "text=hello"]);
    let ran = place.run(&["approve", &run, "--no", "Not YET", "--only-record"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(
        ran.err.contains(&format!("armature resume {run}")),
        "{}",
        ran.err
    );
    std::fs::create_dir(place.home().join("elsewhere")).unwrap();
    let ran = place.run_with(|command| {
        command.current_dir(place.home().join("elsewhere")).args([
            "resume",
            &run,
            "-q",
            "-o",
            "result.json",
        ])
    });
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        said["review"],
        json!({"approved": false, "feedback": "Not YET"})
    );
    let written = std::fs::read_to_string(place.home().join("elsewhere/result.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), said);
    assert!(!place.work().join("out.md").exists());
}

#[test]
fn an_answer_to_a_run_whose_spec_changed_stands_until_the_run_goes_on() {
    let (place, run) = parked(GATE, &["-i", "text=hello"]);
    place.write("spec.yml", format!("{GATE}# changed\n"));
    let ran = place.run(&["approve", &run, "review", "--yes"]);
    assert_eq!(ran.code, Some(2), "{}", ran.shown());
    let next = format!("the answer is written down and stands; go on with: armature resume {run}");
    assert!(ran.err.contains(&next), "{}", ran.err);
    place.write("spec.yml", GATE);
    let ran = place.run(&["resume", &run]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert_eq!(place.read("out.md"), "Yes True");
    let told = json_of_one(&place.run(&["last", "--format", "json"]));
    assert_eq!(told["status"], "completed");
    assert_eq!(told["why"], Value::Null);
}

#[test]
fn an_answer_given_beforehand_is_for_one_command_and_can_be_given_to_the_next() {
    let spec = "name: two
stages:
  - { id: first, gate: human, present: one }
  - { id: second, depends_on: [first], gate: human, present: two }
  - { id: out, depends_on: [second], tool_call: { name: file_write, args: { path: out.md, content: \"{{ second.approved }}\" } } }
";
    let (place, run) = parked(spec, &["--approve", "second=yes"]);
    // What was not asked yet is not carried to whoever answers the first gate …
    let ran = place.run(&["resume", &run, "--approve", "first=yes"]);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    let waiting = json_of(&place.run(&["gates", "--format", "json"]));
    assert_eq!(waiting[0]["stage"], "second");
    // … what was asked and answered stands, and a slip of the finger is told before anything runs.
    let ran = place.run(&["resume", &run, "--approve", "secnd=yes"]);
    assert_eq!(ran.code, Some(2), "{}", ran.shown());
    let ran = place.run(&["resume", &run, "--approve", "second=yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert_eq!(place.read("out.md"), "True");
    assert_eq!(count(&place, &run, "gate_answered", "first"), 1);
}

#[test]
fn what_cannot_be_answered_or_gone_on_with_is_one_line_and_a_hint() {
    let (place, run) = parked(GATE, &["-i", "text=x"]);
    for (name, arguments) in [
        ("approve-unknown-run", vec!["approve", "ffff", "--yes"]),
        (
            "approve-unknown-stage",
            vec!["approve", &run, "reviw", "--yes"],
        ),
        ("resume-unknown", vec!["resume", "no/such"]),
        (
            "approve-misspelt",
            vec!["run", "spec.yml", "--approve", "reviw=yes"],
        ),
        (
            "approve-no-gate",
            vec!["run", "spec.yml", "--approve", "something=yes"],
        ),
    ] {
        let ran = place.run(&arguments);
        assert_eq!(ran.code, Some(2), "{}", ran.shown());
        shows!(name, ran);
    }
    let ran = place.run(&["approve", &run]);
    assert_eq!(ran.code, Some(2), "an answer is yes or no: {}", ran.shown());
    place.write("spec.yml", GATE.replace("Publish", "Print"));
    shows!("resume-changed", place.run(&["resume", &run]));
    std::fs::remove_file(place.work().join("spec.yml")).unwrap();
    shows!("resume-without-spec", place.run(&["resume", &run]));
}

#[test]
fn a_checkpoint_goes_on_with_the_same_run_until_it_is_told_to_start_over() {
    let spec = format!("checkpoint: true\n{GATE}");
    let (place, first) = parked(&spec, &["-i", "text=one"]);
    let again = place.run(&["run", "spec.yml", "-i", "text=one"]);
    assert_eq!(again.code, Some(3), "{}", again.shown());
    assert!(
        again.err.contains(&format!("going on with run {first}")),
        "{}",
        again.err
    );
    assert!(again.err.contains("--force"), "{}", again.err);
    let of_run = |place: &Place| runs(place).len();
    assert_eq!(of_run(&place), 1);
    // Other inputs are another run, and so is one that is told to start over.
    place.run(&["run", "spec.yml", "-i", "text=two"]);
    assert_eq!(of_run(&place), 2);
    place.run(&["run", "spec.yml", "-i", "text=one", "--force"]);
    assert_eq!(of_run(&place), 3);
    let given_up = runs(&place);
    let given_up = given_up.iter().find(|run| run["run_id"] == json!(first));
    assert_eq!(
        given_up.unwrap()["status"],
        "cancelled",
        "it waits for nobody any more"
    );
    let newest = newest(&place);
    let done = place.run(&[
        "run",
        "spec.yml",
        "-i",
        "text=one",
        "-q",
        "--approve",
        "review=yes",
    ]);
    assert_eq!(done.code, Some(0), "{}", done.shown());
    assert_eq!(
        serde_json::from_str::<Value>(&done.out).unwrap()["run_id"],
        json!(newest)
    );
    assert_eq!(count(&place, &newest, "tool_intent", "draft"), 1);
    // What has come to its end is not gone on with, and a changed spec is another one.
    place.run(&["run", "spec.yml", "-i", "text=one"]);
    assert_eq!(of_run(&place), 4);
    place.write("spec.yml", spec.replace("Publish", "Print"));
    place.run(&["run", "spec.yml", "-i", "text=two"]);
    assert_eq!(of_run(&place), 5);
}

const APPROVAL: &str = "name: careful
safety_rules: [{ tool: file_write, action: require_approval, message: look first }]
stages:
  - id: each
    fan_out: 1
    partition_source: \"{{ ['a', 'b'] }}\"
    partition_key: item
    tool_call: { name: file_write, args: { path: \"{{ item }}.md\", content: text } }
";

#[test]
fn calls_that_need_approval_park_with_code_3_and_are_answered_by_name() {
    let place = Place::with_spec(APPROVAL);
    shows!("run-parked-calls", place.run(&["run", "spec.yml"]));
    let run = newest(&place);
    shows!("gates-calls", place.run(&["gates"]));
    shows!(
        "approve-which",
        place.run(&["approve", &run, "each", "--yes"])
    );
    let ran = place.run(&["approve", &run, "each[1]#1.1", "--yes"]);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    assert!(place.work().join("b.md").exists() && !place.work().join("a.md").exists());
    let ran = place.run(&["approve", &run, "each", "--no", "not this one"]);
    assert_eq!(
        ran.code,
        Some(0),
        "an item that fails is a result: {}",
        ran.shown()
    );
    assert!(!place.work().join("a.md").exists());
    assert!(ran.all().contains("not this one"), "{}", ran.shown());
    assert_eq!(count(&place, &run, "tool_intent", "each"), 1);
}

#[test]
fn everything_at_a_stage_can_be_answered_at_once() {
    let (place, run) = parked(APPROVAL, &[]);
    let ran = place.run(&["approve", &run, "each", "--yes", "--all", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    assert!(place.work().join("a.md").exists() && place.work().join("b.md").exists());
}

/// A server that tells of each request, and answers when it is told to.
struct Slow {
    address: String,
    asked: Receiver<TcpStream>,
}

impl Slow {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, asked) = channel();
        std::thread::spawn(move || serve(&listener, &tell));
        Self { address, asked }
    }

    /// Waits for a request.
    fn request(&self) -> TcpStream {
        self.asked.recv().unwrap()
    }
}

fn serve(listener: &TcpListener, tell: &Sender<TcpStream>) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.flush().unwrap();
        if tell.send(stream).is_err() {
            return;
        }
    }
}

fn reply(mut stream: TcpStream) {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        .unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_terminal_is_closed_stops_unless_it_was_started_to_go_on() {
    use std::process::{Command, Stdio};

    for (program, code) in [("env", Some(130)), ("nohup", Some(0))] {
        let server = Slow::new();
        let place = Place::with_spec(&paying(&server));
        let own = place.command(&["run", "spec.yml", "-q"], &place.work());
        let mut run = Command::new(program)
            .arg(own.get_program())
            .args(own.get_args())
            .env("ARMATURE_HOME", place.home())
            .current_dir(place.work())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is at work.
        let request = server.request();
        let pid = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        if code == Some(0) {
            reply(request);
        }
        assert_eq!(run.wait().unwrap().code(), code, "{program}");
    }
}

/// A workflow that pays within its second stage.
fn paying(server: &Slow) -> String {
    format!(
        "name: paying
tools: [{{ plugin: http, grants: {{ http: [{{ allow: 'POST http://{0}/**', private: true }}] }} }}]
stages:
  - {{ id: before, tool_call: {{ name: file_write, args: {{ path: before.md, content: x }} }} }}
  - {{ id: pay, depends_on: [before], tool_call: {{ name: http_post, args: {{ url: 'http://{0}/pay', body: {{ to: Ada }} }} }} }}
  - {{ id: after, depends_on: [pay], tool_call: {{ name: file_write, args: {{ path: after.md, content: '{{{{ pay.body }}}}' }} }} }}
",
        server.address
    )
}

#[test]
fn a_killed_run_goes_on_and_asks_before_it_does_again_what_may_be_done_already() {
    let server = Slow::new();
    let place = Place::with_spec(&paying(&server));
    let mut child = place.start(&["run", "spec.yml"]);
    // The request is on its way, so its intent and all before it are on the disk.
    let first = server.request();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(first);
    let run = newest(&place);
    assert_eq!(runs(&place)[0]["status"], "interrupted");
    let ran = place.run(&["resume", &run]);
    assert_eq!(ran.code, Some(3), "{}", ran.shown());
    for said in [
        "? pay wants http_post",
        "make it again?",
        "\"to\": \"Ada\"",
        "'pay#1.1' --yes",
    ] {
        assert!(ran.err.contains(said), "{}", ran.shown());
    }
    assert_eq!(count(&place, &run, "tool_intent", "pay"), 1);
    let waiter = std::thread::spawn({
        let asked = server.asked;
        move || reply(asked.recv().unwrap())
    });
    let ran = place.run(&["resume", &run, "--repeat", "pay#1.1", "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    waiter.join().unwrap();
    assert_eq!(place.read("after.md"), "ok");
    assert_eq!(count(&place, &run, "tool_intent", "before"), 1);
    assert_eq!(count(&place, &run, "tool_intent", "pay"), 2);
}

#[test]
fn a_run_that_is_at_work_is_not_gone_on_with_by_another_process() {
    let server = Slow::new();
    let place = Place::with_spec(&paying(&server));
    let mut child = place.start(&["run", "spec.yml"]);
    let request = server.request();
    let run = newest(&place);
    assert_eq!(runs(&place)[0]["status"], "running");
    let ran = place.run(&["resume", &run]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(
        ran.err.contains(&format!("process {}", child.id())),
        "{}",
        ran.err
    );
    let ran = place.run(&["approve", &run, "--yes"]);
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    reply(request);
    assert!(child.wait().unwrap().success());
    assert_eq!(count(&place, &run, "tool_intent", "pay"), 1);
}

#[test]
fn items_that_were_done_when_the_run_was_killed_are_not_done_again() {
    let items: Vec<String> = (0..400).map(|n| format!("i{n}")).collect();
    let spec = "name: wide
stages:
  - id: each
    fan_out: 2
    partition_source: \"{{ items_in }}\"
    partition_key: item
    tool_call: { name: file_write, args: { path: \"out/{{ item }}\", content: \"{{ item }}\" } }
";
    let place = Place::with_spec(spec);
    let items = format!("items_in:={}", json!(items));
    let mut child = place.start(&["run", "spec.yml", "--events", "-", "-i", &items]);
    let events = BufReader::new(child.stdout.take().unwrap());
    let done = events
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.contains("stage_complete"))
        .nth(40);
    assert!(done.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let run = newest(&place);
    let before = completed(&place, &run);
    assert!(before.len() < 400, "it was killed too late");
    let ran = place.run(&["resume", &run, "-q"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(result["each"].as_array().unwrap().len(), 400);
    let mut after = completed(&place, &run);
    after.sort_unstable();
    assert_eq!(
        after,
        (0..400).collect::<Vec<_>>(),
        "each came to its end once"
    );
}

fn completed(place: &Place, run: &str) -> Vec<usize> {
    let store = Store::open(&place.home().join("traces.db")).unwrap();
    let events = store.events(&RunId::new(run).unwrap()).unwrap();
    let item = |event: &Event| match event {
        Event::StageCompleted { item, .. } => *item,
        _ => None,
    };
    events
        .iter()
        .filter_map(|recorded| item(&recorded.event))
        .collect()
}

#[cfg(unix)]
mod terminal {
    use super::*;
    use crate::terminal::Terminal;

    fn feedback(place: &Place) -> Value {
        let ran = place.run(&["last", "-s", "review", "-f"]);
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.shown()))
    }

    #[test]
    fn the_persons_words_keep_their_case_and_what_is_shown_cannot_drive_the_terminal() {
        let place = Place::with_spec(GATE);
        let mut terminal = Terminal::start(&place, &["run", "spec.yml", "-i", "text=x"]);
        terminal.sees("approve? [yes / no / say what should change]");
        assert!(
            terminal.seen.contains("Publish\\u{1b}[2J draft.md?"),
            "{}",
            terminal.seen
        );
        terminal.types("Use the OTHER Title\n");
        assert_eq!(terminal.ends(), Some(0));
        assert_eq!(
            feedback(&place),
            json!({"approved": false, "feedback": "Use the OTHER Title"})
        );
    }

    #[test]
    fn yes_in_any_case_approves_and_no_asks_why() {
        for (typed, approved) in [("YES\n", true), ("y\n", true), ("Approve\n", true)] {
            let place = Place::with_spec(GATE);
            let mut terminal = Terminal::start(&place, &["run", "spec.yml", "-i", "text=x"]);
            terminal.sees("approve?");
            terminal.types(typed);
            assert_eq!(terminal.ends(), Some(0));
            assert_eq!(
                feedback(&place),
                json!({"approved": approved, "feedback": null})
            );
        }
        let place = Place::with_spec(GATE);
        let mut terminal = Terminal::start(&place, &["run", "spec.yml", "-i", "text=x"]);
        terminal.sees("approve?");
        terminal.types("No\n");
        terminal.sees("why?");
        terminal.types("Too LONG\n");
        assert_eq!(terminal.ends(), Some(0));
        assert_eq!(feedback(&place)["feedback"], "Too LONG");
    }

    #[test]
    fn what_was_typed_before_the_question_is_no_answer_to_it() {
        let server = Slow::new();
        let spec = format!(
            "{}  - {{ id: review, depends_on: [pay], gate: human, present: Sure? }}\n",
            paying(&server)
        );
        let place = Place::with_spec(&spec);
        let mut terminal = Terminal::start(&place, &["run", "spec.yml"]);
        // It is at work, and nothing was asked yet.
        let request = server.request();
        terminal.types("yes\n");
        // The terminal has echoed it: it lies there to be read.
        terminal.sees("yes\r\n");
        reply(request);
        terminal.sees("approve?");
        terminal.types("no\n");
        terminal.sees("why?");
        terminal.types("\n");
        assert_eq!(terminal.ends(), Some(0));
        assert_eq!(
            feedback(&place),
            json!({"approved": false, "feedback": null})
        );
    }

    #[test]
    fn a_parked_run_is_asked_about_where_it_goes_on_with_a_terminal() {
        let (place, run) = parked(GATE, &["-i", "text=x"]);
        let mut terminal = Terminal::start(&place, &["resume", &run]);
        terminal.sees("approve?");
        terminal.types("yes\n");
        assert_eq!(terminal.ends(), Some(0));
        assert_eq!(place.read("out.md"), "Yes True");
    }
}
