//! What a script in a language could try: every way out of its workspace and of its limits.

use std::time::{Duration, Instant};

use armature_grants::LimitId;
use armature_sandbox::CallError;
use serde_json::{Value, json};

use crate::{Interpreter, JAVASCRIPT, Language, PYTHON, text, workspace};

fn module(code: &str) -> Value {
    json!({"code": code, "file": "attack", "function": null, "args": {}})
}

/// The same interpreter serves the next call.
async fn goes_on(interpreter: &Interpreter, language: &Language) {
    let code = match language.plugin {
        "python" => "print('alive')",
        _ => "console.log('alive')",
    };
    let dir = workspace();
    let value = interpreter
        .run(dir.path(), &module(code))
        .await
        .result
        .unwrap();
    assert_eq!(text(&value, "stdout"), "alive\n");
}

async fn finds_nothing(language: &Language, attacks: &[&str]) {
    let interpreter = Interpreter::new(language).await;
    for code in attacks {
        let dir = workspace();
        let real = dir.path().to_str().unwrap().to_owned();
        let outcome = interpreter.run(dir.path(), &module(code)).await;
        let said = match &outcome.result {
            Ok(value) => text(value, "stdout") + &text(value, "stderr"),
            Err(error) => error.to_string(),
        };
        for secret in [
            &real,
            env!("CARGO_MANIFEST_DIR"),
            "root:x:0",
            "CARGO",
            "/usr/lib/x86_64",
        ] {
            assert!(!said.contains(secret), "{code}: {said}");
        }
        // A traceback repeats the script's own lines: what was printed counts.
        let printed = outcome.result.map(|value| text(&value, "stdout"));
        assert!(
            !printed.is_ok_and(|text| text.contains("GOT IT")),
            "{code}: {said}"
        );
    }
    goes_on(&interpreter, language).await;
}

#[tokio::test]
async fn python_finds_nothing_of_the_host() {
    finds_nothing(
        &PYTHON,
        &[
            "print('GOT IT', open('/etc/passwd').read())",
            "print('GOT IT', open('../../../../etc/hostname').read())",
            "import os; print('GOT IT', os.listdir('/'))",
            "import os; print(dict(os.environ))",
            "import os; print('GOT IT', os.open('/etc/passwd', os.O_RDONLY))",
            "import posix; print(posix.listdir('/home')); print('GOT IT')",
            "import posix; print('GOT IT', posix.open('/etc/passwd', 0))",
            "import _io; print('GOT IT', _io.open('/etc/passwd').read())",
            "import _io; print('GOT IT', _io.FileIO('/etc/passwd').read())",
            "import subprocess; print('GOT IT', subprocess.run(['id'], capture_output=True))",
            "import os; print('GOT IT', os.system('id'))",
            "import os; print('GOT IT', os.fork())",
            "import ctypes; print('GOT IT', ctypes.CDLL(None))",
            "import socket; socket.create_connection(('127.0.0.1', 80), 1); print('GOT IT')",
            "import urllib.request; print('GOT IT', urllib.request.urlopen('http://127.0.0.1/').read())",
            "import armature; print('GOT IT', armature.fetch('http://127.0.0.1/').text)",
            "import armature; print('GOT IT', armature.call_tool('shell', cmd='id'))",
            "import os; os.symlink('/etc/passwd', 'link'); print('GOT IT', open('link').read())",
            "open('.git/config', 'w').write('x'); print('GOT IT')",
            "import sys; print(sys.argv, sys.executable, sys.path)",
        ],
    )
    .await;
}

#[tokio::test]
async fn javascript_finds_nothing_of_the_host() {
    finds_nothing(
        &JAVASCRIPT,
        &[
            "import { readText } from 'armature'; console.log('GOT IT', readText('/etc/passwd'))",
            "import { readText } from 'armature'; console.log('GOT IT', readText('../../etc/hostname'))",
            "import { list } from 'armature'; console.log('GOT IT', list('/'))",
            "import { writeText } from 'armature'; writeText('.git/config', 'x'); console.log('GOT IT')",
            "import { fetch } from 'armature'; console.log('GOT IT', fetch('http://127.0.0.1/').body)",
            "import { callTool } from 'armature'; console.log('GOT IT', callTool('shell', { cmd: 'id' }))",
            "import { kvSet } from 'armature'; kvSet('a', 'b'); console.log('GOT IT')",
            "import fs from 'node:fs'; console.log('GOT IT', fs)",
            "import x from './other.js'; console.log('GOT IT', x)",
            "console.log(Object.getOwnPropertyNames(globalThis).join()); console.log(process.env)",
            "const f = (() => {}).constructor; console.log(f('return this')().process?.env)",
        ],
    )
    .await;
}

async fn is_stopped(language: &Language, attacks: &[&str]) {
    let interpreter = Interpreter::new(language).await;
    for code in attacks {
        let mut limits = interpreter.limits();
        limits.timeout_s = 700;
        let dir = workspace();
        let started = Instant::now();
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let outcome = interpreter
            .run_with(dir.path(), &module(code), &json!({}), all, limits)
            .await;
        assert!(started.elapsed() < Duration::from_secs(20), "{code}");
        match outcome.result {
            Err(CallError::Limit { limit, .. }) => {
                assert!(
                    matches!(limit, LimitId::Timeout | LimitId::Fuel),
                    "{code}: {limit:?}"
                );
            }
            other => panic!("{code}: {other:?}"),
        }
    }
    goes_on(&interpreter, language).await;
}

#[tokio::test]
async fn python_that_never_ends_is_stopped_at_its_deadline() {
    is_stopped(
        &PYTHON,
        &[
            "while True: pass",
            "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')",
            "import time; time.sleep(100)",
            "sum(range(10 ** 12))",
        ],
    )
    .await;
}

#[tokio::test]
async fn javascript_that_never_ends_is_stopped_at_its_deadline() {
    is_stopped(
        &JAVASCRIPT,
        &[
            "while (true) {}",
            "/^(a+)+$/.test('a'.repeat(40) + 'b')",
            "const f = () => Promise.resolve().then(f); await f();",
        ],
    )
    .await;
}

async fn ends_somehow(language: &Language, attacks: &[&str]) {
    let interpreter = Interpreter::new(language).await;
    for code in attacks {
        let dir = workspace();
        let outcome = interpreter.run(dir.path(), &module(code)).await;
        let ended = match &outcome.result {
            Ok(value) => value.get("exit_code") != Some(&json!(0)),
            Err(_) => true,
        };
        assert!(ended, "{code}: {:?}", outcome.result);
        goes_on(&interpreter, language).await;
    }
}

#[tokio::test]
async fn python_gets_no_more_memory_and_no_deeper_than_it_may() {
    ends_somehow(
        &PYTHON,
        &[
            "x = 'x' * (2 * 10 ** 9)\nprint(len(x))",
            "x = [bytes(10 ** 6) for _ in range(10 ** 4)]",
            "def f(n): return f(n + 1)\nf(0)",
            "x = []\nfor _ in range(10 ** 6): x = [x]\nprint(repr(x))",
        ],
    )
    .await;
}

#[tokio::test]
async fn javascript_gets_no_more_memory_and_no_deeper_than_it_may() {
    ends_somehow(
        &JAVASCRIPT,
        &[
            "const all = []; for (;;) all.push(new Uint8Array(1e6));",
            "const f = (n) => f(n + 1) + 1; f(0)",
            "'x'.repeat(2 ** 31)",
        ],
    )
    .await;
}
