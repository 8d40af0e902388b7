//! Scripts with the real program: the result, the exit code, and what people see.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{project::Project, warm::warm};

fn project() -> Project {
    let project = Project::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(warm(&project.path("home")));
    project
}

#[test]
fn a_spec_with_a_script_runs_over_the_workspace_and_its_result_is_printed() {
    let project = project();
    project.write("words.txt", "b\na\nb\n").write(
        "spec.yml",
        r#"
name: words
adapters:
  count: { type: script, cmd: "sort {{ file | sh }} | uniq -c | sort -rn | awk '{print $2, $1}' | tee counted.txt" }
stages:
  - { id: count, adapter: count }
contracts: { inputs: [{ name: file }] }
"#,
    );
    let said = project.run(&["run", "spec.yml", "-q", "-i", "file=words.txt"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(
        said.json()["count"],
        json!({"stdout": "b 2\na 1\n", "stderr": "", "exit_code": 0})
    );
    assert_eq!(project.read("counted.txt").as_deref(), Some("b 2\na 1\n"));
}

#[test]
fn an_input_that_looks_like_a_command_stays_an_input() {
    let project = project();
    project.write(
        "spec.yml",
        "name: x\nadapters: { a: { type: script, cmd: 'echo {{ v | sh }}' } }\nstages: [{ id: a, adapter: a }]\n",
    );
    for value in ["; rm -rf ~", "$(id)", "`touch made`", "a\nb", "'", "\\"] {
        let said = project.run(&["run", "spec.yml", "-q", "-i", &format!("v={value}")]);
        assert_eq!(said.code, 0, "{}", said.all());
        assert_eq!(said.json()["a"]["stdout"], format!("{value}\n"));
    }
    assert!(project.read("made").is_none());
}

#[test]
fn a_command_that_destroys_waits_for_a_person() {
    let project = project();
    project.write("precious", "x").write(
        "spec.yml",
        "name: x\nadapters: { a: { type: script, cmd: 'rm precious' } }\nstages: [{ id: a, adapter: a }]\n",
    );
    let said = project.run(&["run", "spec.yml"]);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(said.all().contains("rm"), "{}", said.all());
    assert!(project.read("precious").is_some());
}

#[test]
fn a_shell_can_be_called_by_hand_and_a_command_that_is_missing_names_the_ways_out() {
    let project = project();
    let args = r#"{"cmd": "curl https://example.com"}"#;
    let said = project.run(&["plugin", "call", "shell", "--args", args]);
    assert_eq!(said.code, 0, "{}", said.all());
    let result = said.json();
    assert_eq!(result["exit_code"], 127);
    let stderr = result["stderr"].as_str().unwrap();
    for way in ["curl", "a plugin", "sandbox.mode: docker", "process"] {
        assert!(stderr.contains(way), "{stderr}");
    }
}

#[test]
fn validation_of_a_spec_with_scripts_compiles_nothing() {
    let project = Project::new();
    project.write(
        "spec.yml",
        "name: x\nadapters: { a: { type: script, cmd: 'ls {{ dir }}' } }\nstages: [{ id: a, adapter: a }, { id: b, tool_call: { name: shell, args: { cmd: ls } } }]\n",
    );
    let began = Instant::now();
    let said = project.run(&["validate", "spec.yml"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(
        said.all().contains("UNQUOTED_SHELL_VALUE"),
        "{}",
        said.all()
    );
    assert!(said.all().contains("{{ dir | sh }}"), "{}", said.all());
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn plugins_are_compiled_ahead_and_not_twice() {
    let project = project();
    let first = project.run(&["precompile"]);
    assert_eq!(first.code, 0, "{}", first.all());
    let again = project.run(&["precompile"]);
    assert_eq!(again.code, 0, "{}", again.all());
    for name in ["file", "http", "shell"] {
        assert!(first.out.contains(&format!("{name}: ")), "{}", first.out);
        assert!(
            again.out.contains(&format!("{name}: there already")),
            "{}",
            again.out
        );
    }
}

#[test]
fn a_script_of_javascript_reaches_the_network_as_far_as_it_is_granted_and_no_further() {
    let project = project();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
            let _ = std::io::Write::write_all(&mut stream, answer);
        }
    });
    let spec = |grants: &str| {
        format!(
            "name: x\nadapters:\n  a:\n    type: javascript\n    cmd: |\n      import {{ fetch }} from 'armature';\n      export default fetch('http://{address}/x').body\n{grants}stages: [{{ id: a, adapter: a }}]\n"
        )
    };
    project.write("spec.yml", &spec(""));
    let said = project.run(&["run", "spec.yml", "-q"]);
    assert!(
        said.all().contains("not granted: http GET"),
        "{}",
        said.all()
    );
    let granted = format!(
        "    grants: {{ http: [{{ allow: 'GET http://{address}/**', private: true }}] }}\n"
    );
    project.write("spec.yml", &spec(&granted));
    let said = project.run(&["run", "spec.yml", "-q"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(said.json()["a"]["result"], "hello", "{}", said.all());
}
