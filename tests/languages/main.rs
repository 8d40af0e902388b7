//! Scripts in Python and JavaScript run in their components and in the real interpreters, and compared: standard output
//! and exit code.
//!
//! Each script in `tests/python` and `tests/javascript` runs in a directory of its own with the same files in it. Where
//! there is no `python3` or `node` on the machine nothing is compared, and the test says so; the scripts run all the
//! same. What is known to differ is a row in the plugin's README, and a row that differs no longer fails too.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test prepares its own files, runs the real interpreters, and says what it left out"
)]

mod functions;
mod hostile;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use armature_grants::{Grants, Layer, Limits, Rights};
use armature_sandbox::{Call, CallContext, Outcome, Plugin, Sandbox, Services, Workspace};
use serde_json::{Value, json};

/// The files that every script finds.
const FILES: &[(&str, &str)] = &[
    (
        "words.txt",
        "banana\napple\ncherry\nbanana\nfig\ndate\napple\nbanana\nelderberry\ngrape\n",
    ),
    (
        "data.csv",
        "name,age,city\nAda,36,London\nBob,25,Paris\nCleo,41,Cairo\nDan,25,London\n",
    ),
    (
        "data.json",
        r#"{"name": "shop", "items": [{"name": "tea", "price": 3}, {"name": "milk", "price": 1}, {"name": "cake", "price": 4.5}]}"#,
    ),
    (
        "access.log",
        "10.0.0.1 GET /a 200\n10.0.0.2 GET /b 500\n10.0.0.1 POST /a 200\n",
    ),
    ("notes/a.md", "# First\n\nSome words here.\n"),
    ("notes/b.md", "# Second\n\nOther words.\n"),
];

/// A language: its plugin, how its files end, and the program that runs them elsewhere.
pub(crate) struct Language {
    pub(crate) plugin: &'static str,
    ending: &'static str,
    program: &'static str,
    /// Options of the program: nothing beside a script is imported instead of the library.
    options: &'static [&'static str],
    /// Scripts that are wanted at least.
    least: usize,
}

pub(crate) const PYTHON: Language = Language {
    plugin: "python",
    ending: "py",
    program: "python3",
    options: &["-I"],
    least: 60,
};
pub(crate) const JAVASCRIPT: Language = Language {
    plugin: "javascript",
    ending: "mjs",
    program: "node",
    options: &[],
    least: 40,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An interpreter, compiled once for all tests.
pub(crate) struct Interpreter {
    sandbox: Arc<Sandbox>,
    plugin: Arc<Plugin>,
}

impl Interpreter {
    pub(crate) async fn new(language: &Language) -> Self {
        let name = language.plugin;
        let compiled = root().join("plugins/compiled");
        let zstd = std::fs::read(compiled.join(format!("{name}.wasm.zst"))).unwrap();
        let about = std::fs::read_to_string(compiled.join(format!("{name}.json"))).unwrap();
        let manifest = root().join(format!("plugins/{name}/plugin.toml"));
        let limits = Limits {
            compile_s: 600_000,
            ..Limits::standard()
        };
        let cache = root().join("plugins/target/test-cache");
        let sandbox = Sandbox::new(Some(cache.clone()), limits).unwrap();
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let plugin = sandbox.packed(zstd.leak(), &about, &manifest).unwrap();
        // Processes that run at one time wait for whoever compiles it.
        let lock = std::fs::File::create(cache.join(format!("lock-{name}"))).unwrap();
        lock.lock().unwrap();
        sandbox.prepare(&plugin).await.unwrap();
        Self { sandbox, plugin }
    }

    /// The limits that the manifest asks for.
    pub(crate) fn limits(&self) -> Limits {
        let asked = &self.plugin.manifest().limits;
        Limits::standard().with(asked, None).unwrap()
    }

    /// Runs code over a directory, with rights and limits.
    pub(crate) async fn run_with(
        &self,
        workspace: &Path,
        config: &Value,
        context: &Value,
        grants: Value,
        limits: Limits,
    ) -> Outcome<Value> {
        let grants: Grants = serde_json::from_value(grants).unwrap();
        let requests = self.plugin.manifest().requests.clone();
        let call = Call {
            rights: Rights::new(self.plugin.name().clone(), requests).narrowed(Layer::Spec, grants),
            limits,
            services: Services::nothing(),
            workspace: Some(Workspace::open(workspace, Vec::new()).unwrap()),
            context: CallContext::default(),
        };
        self.sandbox
            .run_adapter(&self.plugin, config, context, call)
            .await
    }

    /// Runs code over a directory, with every right to it.
    pub(crate) async fn run(&self, workspace: &Path, config: &Value) -> Outcome<Value> {
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let context = json!({"topic": "tea", "n": 3});
        self.run_with(workspace, config, &context, all, self.limits())
            .await
    }
}

/// A text of a result.
pub(crate) fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A directory with the files in it.
pub(crate) fn workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in FILES {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    dir
}

#[derive(Debug, PartialEq)]
struct Done {
    stdout: String,
    exit_code: i64,
}

async fn here(interpreter: &Interpreter, file: &str, code: &str) -> (Done, String) {
    let dir = workspace();
    let config = json!({"code": code, "file": file, "function": null, "args": {}});
    match interpreter.run(dir.path(), &config).await.result {
        Ok(value) => {
            let done = Done {
                stdout: text(&value, "stdout"),
                exit_code: value.get("exit_code").and_then(Value::as_i64).unwrap_or(-1),
            };
            (done, text(&value, "stderr"))
        }
        Err(error) => {
            let done = Done {
                stdout: String::new(),
                exit_code: -1,
            };
            (done, error.to_string())
        }
    }
}

/// The program, where it is installed.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

fn elsewhere(program: &Path, options: &[&str], file: &Path) -> Done {
    let dir = workspace();
    let done = Command::new(program)
        .args(options)
        .arg(file)
        .current_dir(dir.path())
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    Done {
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        exit_code: i64::from(done.status.code().unwrap_or(-1)),
    }
}

/// The scripts that are known to differ, from the table.
fn known(language: &Language) -> BTreeSet<String> {
    let readme = format!("plugins/{}/README.md", language.plugin);
    let readme = std::fs::read_to_string(root().join(readme)).unwrap();
    let ending = format!(".{}`", language.ending);
    readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(&ending))
        .map(|(name, _)| name.to_owned())
        .collect()
}

async fn compare(language: &Language) {
    let folder = root().join("tests").join(language.plugin);
    let interpreter = Interpreter::new(language).await;
    let program = program(language.program);
    if program.is_none() {
        eprintln!(
            "not compared: there is no {} on this machine",
            language.program
        );
    }
    let known = known(language);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| {
            Some(
                name.strip_suffix(language.ending)?
                    .strip_suffix('.')?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    assert!(names.len() >= language.least, "{} scripts", names.len());
    let (mut wrong, mut same) = (Vec::new(), 0);
    for name in &names {
        let file = format!("{name}.{}", language.ending);
        let code = std::fs::read_to_string(folder.join(&file)).unwrap();
        let (ours, stderr) = here(&interpreter, &file, &code).await;
        let Some(program) = &program else {
            if ours.exit_code < 0 {
                wrong.push(format!("{name}: {stderr}"));
            }
            continue;
        };
        let theirs = elsewhere(program, language.options, &folder.join(&file));
        match (ours == theirs, known.contains(name)) {
            (true, false) => same += 1,
            (false, true) => {}
            (true, true) => wrong.push(format!("{name}: listed as different, and does the same")),
            (false, false) => wrong.push(format!(
                "{name}\n--- here {}\n{}--- {} {}\n{}--- stderr here\n{stderr}",
                ours.exit_code, ours.stdout, language.program, theirs.exit_code, theirs.stdout
            )),
        }
    }
    eprintln!(
        "{same} of {} scripts do the same, {} are listed",
        names.len(),
        known.len()
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

#[tokio::test]
async fn python_does_here_what_it_does_elsewhere_but_for_what_is_listed() {
    compare(&PYTHON).await;
}

#[tokio::test]
async fn javascript_does_here_what_it_does_elsewhere_but_for_what_is_listed() {
    compare(&JAVASCRIPT).await;
}
