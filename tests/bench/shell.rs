//! A line of bash in a fresh instance, beside the same line in the host's own `bash -c`; and what the first call costs
//! that compiles the component.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use armature_grants::{Limits, ToolName};
use armature_sandbox::Sandbox;
use armature_tests::Host;
use serde_json::json;

use crate::row::{Rounds, Row, median, p50, show};

const LINE: &str = "sort words | uniq -c | sort -rn | awk '{print $2, $1}' | head -3";

pub(crate) async fn measure(rounds: &Rounds) -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let zstd = std::fs::read(root.join("plugins/compiled/shell.wasm.zst")).unwrap();
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let limits = Limits {
        compile_s: 600_000,
        ..Limits::standard()
    };
    let sandbox = Sandbox::new(None, limits).unwrap();
    let plugin = sandbox
        .packed(
            zstd.leak(),
            &read("plugins/compiled/shell.json"),
            &read("plugins/shell/plugin.toml"),
        )
        .unwrap();
    let started = Instant::now();
    sandbox.prepare(&plugin).await.unwrap();
    let compiling = started.elapsed();

    let asked = &plugin.manifest().limits;
    let limits = Limits::standard().with(asked, None).unwrap();
    let host = Host::new()
        .granting(&json!({"fs": {"read": ["."], "write": ["."]}}))
        .limited(|all| *all = limits.clone());
    let words: String = (0..1_000).map(|at| format!("word{}\n", at % 7)).collect();
    std::fs::write(host.workspace().join("words"), words).unwrap();
    let (tool, args) = (ToolName::new("shell").unwrap(), json!({ "cmd": LINE }));
    let count = rounds.of(300);
    let mut times = Vec::with_capacity(count);
    for round in 0..count + count / 10 {
        let call = host.call_with();
        let started = Instant::now();
        let outcome = sandbox.call_tool(&plugin, &tool, &args, call).await;
        let took = started.elapsed();
        let answer = outcome.result.expect("an answer");
        assert_eq!(answer.get("exit_code"), Some(&json!(0)));
        if round >= count / 10 {
            times.push(took);
        }
    }
    let ours = median(times);
    let bash = Path::new("/bin/bash").exists().then(|| {
        p50(count, || {
            let status = Command::new("/bin/bash")
                .args(["-c", LINE])
                .current_dir(host.workspace())
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        })
    });
    vec![
        Row::time(
            "shell, a pipeline of five, fresh instance",
            ours,
            "≤ 3 ms",
            Duration::from_millis(3),
            None,
        ),
        Row {
            what: "the same line in the host's own `bash -c`, for comparison",
            figure: bash.map_or_else(|| "no bash here".to_owned(), show),
            target: "–",
            ratio: None,
            met: None,
        },
        Row {
            what: "shell, unpacked and compiled: the first call ever",
            figure: show(compiling),
            target: "–",
            ratio: None,
            met: None,
        },
    ]
}
