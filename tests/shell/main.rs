//! Scripts run in the shell component and in the real bash, and compared: standard output and exit code.
//!
//! Each `*.sh` beside this file runs in a directory of its own with the same files in it. Where there is no bash on the
//! machine nothing is compared, and the test says so; a script whose first line says `# needs: jq` is compared where
//! that program is, and one that says `# as: file` is a file for the real bash too, not a word behind `bash -c`. What is known to differ is a row in `plugins/shell/README.md`, and a row that differs no longer
//! fails too.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test prepares its own files, runs the real bash, and says what it left out"
)]

mod hostile;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use armature_grants::{Grants, LIMITS, Layer, Limits, Rights, ToolName};
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
        "10.0.0.1 GET /a 200\n10.0.0.2 GET /b 500\n10.0.0.1 GET /a 500\n10.0.0.3 POST /a 200\n10.0.0.2 GET /c 500\n10.0.0.2 GET /a 404\n",
    ),
    (
        "notes/a.md",
        "# First\n\nSome words here. TODO: more words\n",
    ),
    (
        "notes/b.md",
        "# Second note\n\nOther words, and other things.\n",
    ),
    ("notes/c.md", "# Third\n\nTODO one\nTODO two\n"),
];

/// The shell, compiled once for all tests.
pub(crate) struct Shell {
    sandbox: Arc<Sandbox>,
    plugin: Arc<Plugin>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Shell {
    pub(crate) async fn new() -> Self {
        let compiled = root().join("plugins/compiled");
        let zstd = std::fs::read(compiled.join("shell.wasm.zst")).unwrap();
        let about = std::fs::read_to_string(compiled.join("shell.json")).unwrap();
        let manifest = std::fs::read_to_string(root().join("plugins/shell/plugin.toml")).unwrap();
        let limits = Limits {
            compile_s: 600_000,
            ..Limits::standard()
        };
        let cache = root().join("plugins/target/test-cache");
        let sandbox = Sandbox::new(Some(cache), limits).unwrap();
        let plugin = sandbox.packed(zstd.leak(), &about, &manifest).unwrap();
        sandbox.prepare(&plugin).await.unwrap();
        Self { sandbox, plugin }
    }

    /// The limits that the manifest asks for.
    pub(crate) fn limits(&self) -> Limits {
        let asked = &self.plugin.manifest().limits;
        assert!(LIMITS.iter().any(|row| asked.get(row.id).is_some()));
        Limits::standard().with(asked, None).unwrap()
    }

    pub(crate) fn call(&self, workspace: &Path, grants: Value, limits: Limits) -> Call {
        let grants: Grants = serde_json::from_value(grants).unwrap();
        let requests = self.plugin.manifest().requests.clone();
        Call {
            rights: Rights::new(self.plugin.name().clone(), requests).narrowed(Layer::Spec, grants),
            limits,
            services: Services::nothing(),
            workspace: Some(Workspace::open(workspace, Vec::new()).unwrap()),
            context: CallContext::default(),
        }
    }

    /// Runs a command over a directory.
    pub(crate) async fn run(&self, workspace: &Path, cmd: &str) -> Outcome<Value> {
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let call = self.call(workspace, all, self.limits());
        self.sandbox
            .call_tool(
                &self.plugin,
                &ToolName::new("shell").unwrap(),
                &json!({ "cmd": cmd }),
                call,
            )
            .await
    }

    pub(crate) async fn call_with(&self, args: &Value, call: Call) -> Outcome<Value> {
        let tool = ToolName::new("shell").unwrap();
        self.sandbox
            .call_tool(&self.plugin, &tool, args, call)
            .await
    }

    pub(crate) async fn adapter(
        &self,
        config: &Value,
        context: &Value,
        call: Call,
    ) -> Outcome<Value> {
        self.sandbox
            .run_adapter(&self.plugin, config, context, call)
            .await
    }
}

/// A text of a result.
pub(crate) fn text(value: &Value, key: &str) -> String {
    value.get(key).unwrap().as_str().unwrap().to_owned()
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

async fn here(shell: &Shell, script: &str) -> (Done, String) {
    let dir = workspace();
    let outcome = shell.run(dir.path(), script).await;
    match outcome.result {
        Ok(value) => {
            let done = Done {
                stdout: text(&value, "stdout"),
                exit_code: value.get("exit_code").unwrap().as_i64().unwrap(),
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

fn in_bash(script: &str) -> Done {
    let (dir, elsewhere) = (workspace(), tempfile::tempdir().unwrap());
    let mut command = Command::new("/bin/bash");
    if script.starts_with("# as: file\n") {
        let file = elsewhere.path().join("script.sh");
        std::fs::write(&file, script).unwrap();
        command.arg(file);
    } else {
        command.args(["-c", script, "bash"]);
    }
    let done = command
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", dir.path())
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    Done {
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        exit_code: i64::from(done.status.code().unwrap_or(-1)),
    }
}

/// The scripts that are known to differ, from the table.
fn known() -> BTreeSet<String> {
    let readme = std::fs::read_to_string(root().join("plugins/shell/README.md")).unwrap();
    readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(".sh`"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn is_there(program: &str) -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(program).exists())
}

#[tokio::test]
async fn scripts_do_here_what_they_do_in_bash_but_for_what_is_listed() {
    if !Path::new("/bin/bash").exists() {
        eprintln!("not compared: there is no /bin/bash on this machine");
        return;
    }
    let shell = Shell::new().await;
    let known = known();
    let mut names: Vec<String> = std::fs::read_dir(root().join("tests/shell"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".sh").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 150, "{} scripts", names.len());
    let (mut wrong, mut same) = (Vec::new(), 0);
    for name in &names {
        let script =
            std::fs::read_to_string(root().join(format!("tests/shell/{name}.sh"))).unwrap();
        let needed = script
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# needs: "));
        if let Some(program) = needed.filter(|program| !is_there(program)) {
            eprintln!("{name}: not compared, there is no {program} on this machine");
            continue;
        }
        let ((ours, stderr), theirs) = (here(&shell, &script).await, in_bash(&script));
        match (ours == theirs, known.contains(name)) {
            (true, false) => same += 1,
            (false, true) => {}
            (true, true) => wrong.push(format!("{name}: listed as different, and does the same")),
            (false, false) => wrong.push(format!(
                "{name}\n--- here {}\n{}--- bash {}\n{}--- stderr here\n{stderr}",
                ours.exit_code, ours.stdout, theirs.exit_code, theirs.stdout
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
