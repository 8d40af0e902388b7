//! A function of a script: what it is given, what becomes of what it returns, and how its failures are told.

use armature_sandbox::{CallError, ToolError};
use serde_json::{Value, json};

use crate::{Interpreter, JAVASCRIPT, Language, PYTHON, workspace};

async fn call(interpreter: &Interpreter, code: &str, args: Value) -> Result<Value, String> {
    let dir = workspace();
    let config = json!({"code": code, "file": "steps/clean", "function": "clean", "args": args});
    match interpreter.run(dir.path(), &config).await.result {
        Ok(value) => Ok(value),
        Err(CallError::Tool(error)) => Err(match error {
            ToolError::Failed(text) | ToolError::InvalidArguments(text) => text,
            other => format!("{other:?}"),
        }),
        Err(other) => Err(other.to_string()),
    }
}

async fn gives(language: &Language, cases: &[(&str, Value, Value)]) {
    let interpreter = Interpreter::new(language).await;
    for (code, args, wanted) in cases {
        let answer = call(&interpreter, code, args.clone()).await;
        assert_eq!(answer.as_ref(), Ok(wanted), "{code}");
    }
}

#[tokio::test]
async fn a_python_function_takes_the_context_and_its_arguments_by_name() {
    gives(
        &PYTHON,
        &[
            (
                "def clean(context):\n  return {'t': context['topic']}",
                json!({}),
                json!({"t": "tea"}),
            ),
            (
                "def clean(context, n=1, *, m):\n  return n + m",
                json!({"m": 2}),
                json!({"result": 3}),
            ),
            (
                "def clean(context, args):\n  return args",
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                "def clean(context, **more):\n  return more",
                json!({"b": 2}),
                json!({"b": 2}),
            ),
            (
                "def clean(n):\n  return [n, 'x']",
                json!({"n": 5}),
                json!({"result": [5, "x"]}),
            ),
            (
                "def clean():\n  print('hello')",
                json!({}),
                json!({"result": null, "stdout": "hello\n"}),
            ),
            (
                "async def clean(context):\n  return context['n']",
                json!({}),
                json!({"result": 3}),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn values_of_python_become_json() {
    gives(
        &PYTHON,
        &[
            (
                "from dataclasses import dataclass\n@dataclass\nclass P:\n  x: int\ndef clean(c):\n  return P(1)",
                json!({}),
                json!({"x": 1}),
            ),
            (
                "import datetime, decimal, pathlib, enum\nclass E(enum.Enum):\n  A = 'a'\ndef clean(c):\n  return {'d': datetime.date(2024, 1, 2), 'n': decimal.Decimal('1.50'), 'p': pathlib.Path('a/b'), 's': {3, 1}, 't': (1, 2), 'e': E.A, 'r': range(2)}",
                json!({}),
                json!({"d": "2024-01-02", "n": "1.50", "p": "a/b", "s": [1, 3], "t": [1, 2], "e": "a", "r": [0, 1]}),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_failure_in_python_names_the_line_of_the_script_and_nothing_below_it() {
    let interpreter = Interpreter::new(&PYTHON).await;
    for (code, wanted) in [
        (
            "def clean(c):\n  x = 1\n  raise ValueError('no rows')",
            "steps/clean:3: ValueError: no rows",
        ),
        (
            "def helper():\n  return {}['k']\ndef clean(c):\n  return helper()",
            "steps/clean:2: KeyError: 'k'",
        ),
        ("def clean(c:\n  pass", "steps/clean:1: SyntaxError"),
        (
            "def other(): pass",
            "there is no function `clean` in steps/clean",
        ),
        (
            "def clean(c, rows): pass",
            "`clean` in steps/clean needs `rows`",
        ),
        ("import requests\ndef clean(c): pass", "hint: `http_get`"),
        ("def clean(c):\n  return float('nan')", "is no JSON"),
        (
            "def clean(c):\n  return object()",
            "object cannot be written as JSON",
        ),
    ] {
        let told = call(&interpreter, code, json!({})).await.unwrap_err();
        assert!(told.contains(wanted), "{code}: {told}");
        assert!(
            !told.contains("app.py") && !told.contains("scripts.py"),
            "{told}"
        );
    }
    let told = call(&interpreter, "def clean(c): pass", json!({"rows": 1})).await;
    assert!(told.unwrap_err().contains("takes no argument `rows`"));
}

#[tokio::test]
async fn what_a_python_script_leaves_open_is_written_when_it_ends() {
    let interpreter = Interpreter::new(&PYTHON).await;
    for (code, function) in [
        ("file = open('out.txt', 'w')\nfile.write('kept')", None),
        (
            "file = open('out.txt', 'w')\ndef clean(c):\n  file.write('kept')",
            Some("clean"),
        ),
    ] {
        let dir = workspace();
        let config = json!({"code": code, "file": "open", "function": function, "args": {}});
        interpreter.run(dir.path(), &config).await.result.unwrap();
        let kept = std::fs::read_to_string(dir.path().join("out.txt")).unwrap();
        assert_eq!(kept, "kept", "{code}");
    }
}

#[tokio::test]
async fn a_javascript_function_takes_the_context_and_its_arguments() {
    gives(
        &JAVASCRIPT,
        &[
            ("function clean(context) { return { t: context.topic } }", json!({}), json!({"t": "tea"})),
            ("export function clean({ n }, { m = 1 }) { return n + m }", json!({"m": 2}), json!({"result": 5})),
            ("const clean = (c, args) => args;", json!({"a": [1]}), json!({"a": [1]})),
            ("async function clean() { await null; console.log('hello'); }", json!({}), json!({"result": null, "stdout": "hello\n"})),
            ("function clean() { return { d: new Date(0), u: undefined, m: [undefined] } }", json!({}), json!({"d": "1970-01-01T00:00:00.000Z", "m": [null]})),
            ("import { writeText, readText } from 'armature'; function clean() { writeText('out/a.txt', 'é'); return readText('out/a.txt') }", json!({}), json!({"result": "é"})),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_failure_in_javascript_names_the_script_and_its_line() {
    let interpreter = Interpreter::new(&JAVASCRIPT).await;
    for (code, wanted) in [
        (
            "function clean() {\n  const x = null;\n  return x.rows;\n}",
            "steps/clean:3",
        ),
        (
            "function clean() { throw new RangeError('no rows') }",
            "RangeError: no rows",
        ),
        ("async function clean() { throw new Error('late') }", "late"),
        ("function clean( {", "steps/clean"),
        (
            "function other() {}",
            "there is no function `clean` in steps/clean",
        ),
        (
            "function clean() { return require('fs') }",
            "hint: a script is one ES module",
        ),
        (
            "function clean() { return fetch('http://x') }",
            "hint: `http_get`",
        ),
        (
            "function clean() { return new Promise(() => {}) }",
            "waits for a promise",
        ),
        ("function clean() { return 1n }", "bigint"),
    ] {
        let told = call(&interpreter, code, json!({})).await.unwrap_err();
        assert!(told.contains(wanted), "{code}: {told}");
    }
}
