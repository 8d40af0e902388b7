//! What a script could try: every way out of its workspace and of its limits.

use std::time::{Duration, Instant};

use armature_grants::LimitId;
use armature_sandbox::{CallError, ToolError};
use serde_json::json;

use crate::{Shell, text, workspace};

#[tokio::test]
async fn nothing_of_the_host_is_there_to_be_found() {
    let shell = Shell::new().await;
    let dir = workspace();
    let real = dir.path().to_str().unwrap().to_owned();
    for cmd in [
        "cat /etc/passwd",
        "ls -R /",
        "env",
        "cat /proc/self/environ /proc/1/cmdline /proc/mounts",
        "ls /proc /home /root /var",
        "cat ../../../../../etc/hostname",
        "cd ..; cd ..; ls",
        "ls /workspace/..",
        "cat /workspace/../../etc/shadow",
        "find / -maxdepth 3",
        "hostname; whoami; id; uname -a",
    ] {
        let outcome = shell.run(dir.path(), cmd).await;
        let value = outcome.result.unwrap();
        let said = text(&value, "stdout") + &text(&value, "stderr");
        for secret in [
            real.as_str(),
            env!("CARGO_MANIFEST_DIR"),
            "root:x:0",
            "CARGO",
            "HOSTNAME=",
            "/usr/lib/x86_64",
        ] {
            assert!(!said.contains(secret), "{cmd}: {said}");
        }
    }
}

#[tokio::test]
async fn programs_of_the_host_are_not_there_and_the_ways_out_are_named() {
    let shell = Shell::new().await;
    let dir = workspace();
    for name in ["curl", "wget", "git", "docker", "ssh", "nc", "gcc", "node"] {
        let outcome = shell.run(dir.path(), &format!("{name} x")).await;
        let value = outcome.result.unwrap();
        assert_eq!(value["exit_code"], 127, "{name}: {value}");
        let stderr = text(&value, "stderr");
        for way in [name, "a plugin", "sandbox.mode: docker", "`process` grant"] {
            assert!(stderr.contains(way), "{name}: {stderr}");
        }
    }
    let found = shell
        .run(dir.path(), "python3 -c 'print(1)' || echo no")
        .await;
    assert_eq!(text(&found.result.unwrap(), "stdout"), "no\n");
}

#[tokio::test]
async fn a_script_that_never_ends_is_stopped_at_its_deadline() {
    let shell = Shell::new().await;
    let dir = workspace();
    for cmd in [
        "while :; do :; done",
        "while true; do echo x; done > /dev/null",
        "sleep 30",
        "f() { f | f & }; f; while :; do :; done",
        "for ((;;)); do :; done",
        "awk 'BEGIN{while(1){}}'",
        "jq -n 'last(repeat(1))'",
        "tail -f words.txt; while :; do :; done",
        "yes > /dev/null; while :; do :; done",
    ] {
        let mut limits = shell.limits();
        limits.timeout_s = 700;
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let call = shell.call(dir.path(), all, limits);
        let began = Instant::now();
        let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
        let took = began.elapsed();
        match &outcome.result {
            Err(CallError::Limit { limit, .. }) => {
                let is_named = matches!(
                    limit,
                    LimitId::Timeout
                        | LimitId::Memory
                        | LimitId::Stack
                        | LimitId::Fuel
                        | LimitId::HostCalls
                );
                assert!(is_named, "{cmd}: {outcome:?}");
            }
            // The interpreter may give up before.
            Err(CallError::Tool(_)) => {}
            other => panic!("{cmd}: {other:?}"),
        }
        assert!(took < Duration::from_millis(1500), "{cmd} took {took:?}");
        let next = shell.run(dir.path(), "echo next").await;
        assert_eq!(text(&next.result.unwrap(), "stdout"), "next\n");
    }
}

#[tokio::test]
async fn what_a_script_prints_and_holds_is_bounded() {
    let shell = Shell::new().await;
    let dir = workspace();
    for cmd in [
        "yes",
        "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
        "s=x; while :; do s=$s$s; done",
        "printf '%2000000000s' x",
        "head -c 2000000000 /dev/zero | tr '\\0' x",
        "cat /dev/zero",
        "seq 1 1000000000",
        "a=(); while :; do a+=(xxxxxxxxxxxxxxxxxxxxxxxx); done",
        ":(){ :|:& };:",
        "f() { f; }; f",
        "eval \"$(printf '(%.0s' {1..5000})\"",
        "while :; do echo x >> grows; done",
        "i=0; while :; do i=$((i+1)); echo x > f$i; done",
    ] {
        let mut limits = shell.limits();
        limits.timeout_s = 3_000;
        limits.file_written = 1 << 20;
        limits.file_entries = 500;
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let call = shell.call(dir.path(), all, limits);
        let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
        assert!(outcome.usage.memory_peak <= 256 << 20, "{cmd}");
        match &outcome.result {
            Ok(value) => assert!(text(value, "stdout").len() <= 4 << 20, "{cmd}"),
            Err(CallError::Limit { .. } | CallError::Tool(_)) => {}
            other => panic!("{cmd}: {other:?}"),
        }
        let next = shell.run(dir.path(), "echo next").await;
        assert_eq!(text(&next.result.unwrap(), "stdout"), "next\n");
    }
}

#[tokio::test]
async fn removing_everything_removes_the_workspace_at_most() {
    let shell = Shell::new().await;
    let dir = workspace();
    std::fs::create_dir(dir.path().join(".git")).unwrap();
    std::fs::write(dir.path().join(".git/config"), "kept").unwrap();
    let beside = dir
        .path()
        .parent()
        .unwrap()
        .join(format!("beside-{}", std::process::id()));
    std::fs::write(&beside, "kept").unwrap();
    for cmd in [
        "rm -rf /",
        "rm -rf / --no-preserve-root",
        "rm -rf /*",
        "rm -rf ../..",
        "cd /; rm -rf *",
        "rm -rf .git",
        "rm -rf .* *",
        "find . -delete",
        "mv .git x",
        "echo x > .git/config",
    ] {
        shell.run(dir.path(), cmd).await.result.unwrap();
        let config = std::fs::read_to_string(dir.path().join(".git/config"));
        assert_eq!(config.unwrap(), "kept", "{cmd}");
        assert!(beside.exists(), "{cmd}");
    }
    std::fs::remove_file(beside).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_a_script_nowhere() {
    let shell = Shell::new().await;
    let (dir, outside) = (workspace(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("secret"), "OUTSIDE").unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
    for cmd in [
        "cat link/secret file",
        "cat < file",
        "cp file copy; cat copy",
        "cp -rL link copied; cat copied/secret",
        "echo changed > file",
        "echo changed >> link/secret",
        "tee file <<< changed",
        "cd link && cat secret",
        "ln -s /etc/passwd p; cat p",
        "ln words.txt hard; ls -l",
        "tar cf t.tar -h link; tar xOf t.tar",
        "grep -r OUTSIDE .",
    ] {
        let value = shell.run(dir.path(), cmd).await.result.unwrap();
        assert!(
            !text(&value, "stdout").contains("OUTSIDE"),
            "{cmd}: {value}"
        );
    }
    let kept = std::fs::read_to_string(outside.path().join("secret")).unwrap();
    assert_eq!(kept, "OUTSIDE");
}

#[tokio::test]
async fn large_files_are_compared_or_stopped_and_the_next_call_works() {
    let shell = Shell::new().await;
    let dir = workspace();
    for cmd in [
        "seq 1 60000 > a; seq 60000 -1 1 > b; diff a b | wc -l",
        "awk 'BEGIN { for (i = 0; i < 60000; i++) print i * 7919 % 1009 }' > a; sort a > b; diff a b | wc -l",
        "awk 'BEGIN { for (i = 0; i < 60000; i++) print i * 7919 % 1009 }' > a; sort a > b; diff -d a b | wc -l",
        "head -c 30000000 /dev/zero | tr '\\0' x > a; cp a b; echo y >> b; diff -y a b | wc -l",
    ] {
        let mut limits = shell.limits();
        limits.timeout_s = 5_000;
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let call = shell.call(dir.path(), all, limits);
        let began = Instant::now();
        let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
        assert!(outcome.usage.memory_peak <= 256 << 20, "{cmd}");
        match &outcome.result {
            Ok(value) => assert_eq!(value["exit_code"], 0, "{cmd}: {value}"),
            Err(CallError::Limit { .. }) => {}
            other => panic!("{cmd}: {other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(7), "{cmd}");
        let next = shell.run(dir.path(), "echo next").await;
        assert_eq!(text(&next.result.unwrap(), "stdout"), "next\n");
    }
}

#[tokio::test]
async fn an_archive_unpacks_into_its_folder_and_within_the_limits() {
    let shell = Shell::new().await;
    let dir = workspace();
    let outside = dir.path().parent().unwrap().join("armature-tar-outside");
    // Packed as they are named, and so that they lead out.
    let cmd = "mkdir -p in/deep; echo changed > armature-tar-outside; cd in/deep; cp ../../armature-tar-outside .
        tar cPf ../../up.tar ../../armature-tar-outside ../deep/armature-tar-outside; cd ../..; mkdir out; cd out
        tar xf ../up.tar; echo $?; find . -type f; tar xPf ../up.tar 2>&1; find /workspace -newer /workspace/up.tar -type f";
    let value = shell.run(dir.path(), cmd).await.result.unwrap();
    assert!(text(&value, "stdout").starts_with("2\n"), "{value}");
    assert!(!outside.exists());
    // A link in an archive leads nothing that is unpacked behind it elsewhere.
    let cmd = "cd /tmp; mkdir a b; ln -s /workspace a/x; tar cf l.tar -C a x; mkdir b/x; echo y > b/x/words.txt
        tar rf l.tar -C b x/words.txt; mkdir c; tar xf l.tar -C c; head -n 1 /workspace/words.txt
        cd /workspace; tar xf /tmp/l.tar x; echo $?";
    let value = shell.run(dir.path(), cmd).await.result.unwrap();
    assert!(text(&value, "stdout").starts_with("banana\n"), "{value}");
    for cmd in [
        // Packed small, and large when it is not.
        "head -c 1000000000 /dev/zero | tar cz words.txt > /dev/null; echo done",
        "for i in 1 2 3 4 5 6; do head -c 50000000 /dev/zero > z$i; done; tar czf b.tgz z*; tar tzf b.tgz; tar xzOf b.tgz | wc -c",
        // Bytes that are no archive, or were one.
        "tar cf t.tar words.txt; for at in 0 100 124 136 148 156 157 257 345 500; do
            { head -c $at t.tar; printf '\\377\\200zz'; tail -c +$((at + 5)) t.tar; } > bad.tar; tar tvf bad.tar; tar xf bad.tar; done; echo done",
        "head -c 100000 /dev/urandom > r.tar; tar xf r.tar; tar xzf r.tar; tar xjf r.tar; echo done",
        "tar czf t.tgz notes; for at in 1 10 11 30 60; do head -c $at t.tgz > cut.tgz; tar xzf cut.tgz; done; echo done",
    ] {
        let mut limits = shell.limits();
        limits.timeout_s = 5_000;
        let all = json!({"fs": {"read": ["."], "write": ["."]}});
        let call = shell.call(dir.path(), all, limits);
        let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
        assert!(outcome.usage.memory_peak <= 256 << 20, "{cmd}");
        match &outcome.result {
            Ok(_) | Err(CallError::Limit { .. } | CallError::Tool(_)) => {}
            other => panic!("{cmd}: {other:?}"),
        }
        let next = shell.run(dir.path(), "echo next").await;
        assert_eq!(text(&next.result.unwrap(), "stdout"), "next\n");
    }
}

#[tokio::test]
async fn a_script_reaches_what_was_granted_and_nothing_else() {
    let shell = Shell::new().await;
    let dir = workspace();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    let rights = json!({"fs": {"read": ["notes", "out"], "write": ["out"]}});
    let cmd = "cat notes/a.md > out/copy && cat out/copy; cat words.txt; echo x > notes/new; ls";
    let call = shell.call(dir.path(), rights, shell.limits());
    let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
    let value = outcome.result.unwrap();
    assert!(text(&value, "stdout").starts_with("# First"), "{value}");
    assert!(!text(&value, "stdout").contains("banana"), "{value}");
    assert!(!dir.path().join("notes/new").exists());
    assert!(
        outcome.usage.denials.len() >= 3,
        "{:?}",
        outcome.usage.denials
    );
    // Without any right there is still a shell, with nothing to work on.
    let call = shell.call(dir.path(), json!({}), shell.limits());
    let value = shell
        .call_with(
            &json!({"cmd": "echo $((6*7)); echo x > /tmp/t; cat /tmp/t"}),
            call,
        )
        .await;
    assert_eq!(text(&value.result.unwrap(), "stdout"), "42\nx\n");
}

#[tokio::test]
async fn nothing_is_left_of_one_call_for_the_next() {
    let shell = Shell::new().await;
    let dir = workspace();
    shell
        .run(
            dir.path(),
            "echo x > /tmp/left; export LEFT=1; alias ls=echo; cd notes",
        )
        .await;
    let value = shell
        .run(
            dir.path(),
            "cat /tmp/left; echo \"[$LEFT]\"; basename \"$PWD\"",
        )
        .await;
    assert_eq!(text(&value.result.unwrap(), "stdout"), "[]\nworkspace\n");
}

#[tokio::test]
async fn a_context_of_any_size_arrives_as_a_variable_and_as_a_file() {
    let shell = Shell::new().await;
    let dir = workspace();
    let all = json!({"fs": {"read": ["."], "write": ["."]}});
    for size in [10, 200_000, 10_000_000] {
        let context = json!({"topic": "x".repeat(size), "n": 3});
        let config = json!({"cmd": "jq -r '.topic | length' \"$ARMATURE_CONTEXT_FILE\"; echo ${#ARMATURE_CONTEXT}; echo \"$ARMATURE_CONTEXT\" | jq .n"});
        let call = shell.call(dir.path(), all.clone(), shell.limits());
        let outcome = shell.adapter(&config, &context, call).await;
        let value = outcome.result.unwrap();
        let length = context.to_string().len();
        assert_eq!(
            text(&value, "stdout"),
            format!("{size}\n{length}\n3\n"),
            "{}",
            text(&value, "stderr")
        );
    }
}

#[tokio::test]
async fn the_tools_own_timeout_ends_what_waits_and_what_does_not() {
    let shell = Shell::new().await;
    let dir = workspace();
    let all = json!({"fs": {"read": ["."], "write": ["."]}});
    for cmd in [
        "sleep 20",
        "while :; do :; done",
        "for ((;;)); do true; done",
    ] {
        let began = Instant::now();
        let call = shell.call(dir.path(), all.clone(), shell.limits());
        let outcome = shell
            .call_with(&json!({"cmd": cmd, "timeout": 0.3}), call)
            .await;
        let is_timeout = matches!(outcome.result, Err(CallError::Tool(ToolError::Timeout(_))));
        assert!(is_timeout, "{cmd}: {:?}", outcome.result);
        assert!(began.elapsed() < Duration::from_secs(2), "{cmd}");
    }
    for wrong in [json!(0), json!(-1), json!(1e9)] {
        let call = shell.call(dir.path(), all.clone(), shell.limits());
        let outcome = shell
            .call_with(&json!({"cmd": "true", "timeout": wrong}), call)
            .await;
        let is_refused = matches!(
            outcome.result,
            Err(CallError::Tool(ToolError::InvalidArguments(_)))
        );
        assert!(is_refused, "{:?}", outcome.result);
    }
}

#[tokio::test]
async fn waiting_burns_no_fuel_and_scripts_wait_side_by_side() {
    let shell = Shell::new().await;
    let dir = workspace();
    let one = async {
        let outcome = shell.run(dir.path(), "sleep 0.5; echo done").await;
        assert_eq!(text(&outcome.result.unwrap(), "stdout"), "done\n");
        outcome.usage.fuel
    };
    assert!(one.await < 200_000_000);
    let began = Instant::now();
    let all = (0..4).map(|_| shell.run(dir.path(), "sleep 0.5"));
    futures::future::join_all(all).await;
    assert!(
        began.elapsed() < Duration::from_millis(1200),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn what_could_not_be_changed_is_named_and_the_command_fails() {
    let shell = Shell::new().await;
    let dir = workspace();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    std::fs::create_dir_all(dir.path().join(".git/refs")).unwrap();
    let rights = json!({"fs": {"read": ["."], "write": ["out"]}});
    let mut wrong = Vec::new();
    for cmd in [
        "rm -rf notes",
        "rm -f words.txt",
        "rm -rf notes/a.md out/nosuch",
        "rmdir empty",
        "cp words.txt new.txt",
        "cp -r notes copied",
        "mv words.txt out/",
        "mv words.txt moved.txt",
        "mkdir made",
        "mkdir -p made/below",
        "touch new.txt",
        "echo x > words.txt",
        "echo x >> words.txt",
        "sed -i s/a/b/ words.txt",
        "echo x | tee new.txt",
        "find . -name '*.md' -delete",
        "dd if=words.txt of=new.txt",
        "truncate -s 0 words.txt",
        "tar cf new.tar notes",
        "gzip words.txt",
        "install words.txt new.txt",
        "split -l 2 words.txt part-",
        "sort -o words.txt words.txt",
    ] {
        let call = shell.call(dir.path(), rights.clone(), shell.limits());
        let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
        let value = outcome.result.unwrap();
        let stderr = text(&value, "stderr");
        let last = stderr.lines().last().unwrap_or_default();
        if value["exit_code"] == 0 || !last.contains("has no right to change `") {
            wrong.push(format!("{cmd}: {value}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for path in ["words.txt", "notes/a.md", "notes/c.md"] {
        assert!(dir.path().join(path).exists(), "{path}");
    }
    // The script goes on.
    let cmd = "echo before; echo x | tee new.txt || echo failed; gzip words.txt; echo after";
    let call = shell.call(dir.path(), rights.clone(), shell.limits());
    let outcome = shell.call_with(&json!({ "cmd": cmd }), call).await;
    let value = outcome.result.unwrap();
    let stdout = text(&value, "stdout");
    assert!(
        stdout.starts_with("before\n") && stdout.ends_with("after\n"),
        "{value}"
    );
    // What is held back from everybody, and what is made up for the call.
    for (cmd, exit_code, is_told) in [
        ("rm -rf .git", 1, true),
        ("rm -rf .git/refs", 1, true),
        ("rm -f /etc/nosuch", 0, false),
        ("rm -rf /", 1, true),
        ("rm -rf /workspace", 1, true),
        ("rm -rf ..", 1, true),
    ] {
        let value = shell.run(dir.path(), cmd).await.result.unwrap();
        assert_eq!(value["exit_code"], exit_code, "{cmd}: {value}");
        assert_eq!(
            !text(&value, "stderr").is_empty(),
            is_told,
            "{cmd}: {value}"
        );
    }
    assert!(dir.path().join(".git/refs").exists());
}
