//! Commands outside of components, with the real program: a container command of the test's own that writes down what it
//! is told, and the host's own shell. What a real engine does with those arguments is in `containers`.

use std::os::unix::fs::PermissionsExt as _;

use crate::project::{Project, Said};

/// What the fake says an image's digest is.
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// Answers as `docker` does, and writes down what it was asked, a line each.
const FAKE: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "$(dirname "$0")/asked"
case "$1 $2" in
  "version --format") echo 20.10 ;;
  "image inspect") test ! -e "$(dirname "$0")/missing" && echo DIGEST ;;
  "pull --quiet") rm "$(dirname "$0")/missing" ;;
  "run --rm") printf '%s\n' "$@" > "$(dirname "$0")/run"; echo hello; exit 3 ;;
esac
"#;

const SPEC: &str = r#"
name: boxed
sandbox:
  mode: docker
  image: python:3.11-slim
  platform: linux/amd64
  cpu_limit: 1.5
  memory_limit: 512m
  env: { LANG: C.UTF-8 }
adapters:
  a: { type: script, cmd: "echo {{ v | sh }}" }
stages:
  - { id: a, adapter: a }
contracts: { inputs: [{ name: v }] }
"#;

fn project(fake: &str) -> Project {
    let project = Project::new();
    std::fs::create_dir(project.path("bin")).unwrap();
    program(&project, "docker", &fake.replace("DIGEST", DIGEST));
    project
}

fn program(project: &Project, name: &str, text: &str) {
    let path = project.path("bin").join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(project: &Project, args: &[&str]) -> Said {
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    project.run_with(args, &[("PATH", &path)])
}

fn policy(project: &Project, text: &str) {
    std::fs::create_dir_all(project.path("home")).unwrap();
    std::fs::write(project.path("home/policy.toml"), text).unwrap();
}

fn said_to_the_fake(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path("bin").join(name)).unwrap_or_default()
}

#[test]
fn a_container_is_started_with_these_arguments_and_no_others() {
    let project = project(FAKE);
    project.write("spec.yml", SPEC);
    let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(said.json()["a"]["stdout"], "hello\n");
    assert_eq!(said.json()["a"]["exit_code"], 3);
    let work = project.path("work").canonicalize().unwrap();
    let meta = std::fs::metadata(&work).unwrap();
    let (user, group) = {
        use std::os::unix::fs::MetadataExt as _;
        (meta.uid(), meta.gid())
    };
    let run = said_to_the_fake(&project, "run");
    let args: Vec<String> = run
        .lines()
        .map(|arg| match arg {
            _ if arg.starts_with("armature-") => "NAME".to_owned(),
            _ if arg.starts_with("armature.run=") => "armature.run=RUN".to_owned(),
            _ if arg.ends_with("target=/run/armature,readonly") => "CALL".to_owned(),
            _ => arg.replace(&*work.to_string_lossy(), "WORK"),
        })
        .collect();
    let expected = format!(
        "run --rm --interactive --pull never --name NAME --label armature.run=RUN --network none --read-only \
         --tmpfs /tmp:rw,nosuid,nodev,noexec,size=256m --cap-drop ALL --security-opt no-new-privileges \
         --pids-limit 256 --memory 512m --memory-swap 512m --cpus 1.5 --user {user}:{group} --log-driver none \
         --workdir /workspace --env HOME=/tmp --env LANG=C.UTF-8 --platform linux/amd64 \
         --mount type=bind,source=WORK/.,target=/workspace \
         --mount type=bind,source=WORK/spec.yml,target=/workspace/spec.yml,readonly \
         --mount CALL --entrypoint sh {DIGEST} -c"
    );
    let words: Vec<&str> = expected.split_whitespace().collect();
    let (before, rest) = args.split_at(words.len());
    assert_eq!(before, words);
    assert_eq!(
        rest,
        [
            "exec 3<&0 </dev/null; { cat <&3 && kill -9 -1; } >/dev/null 2>&1 & exec 3<&-; \
             sh -c '. \"$0/variables\"; . \"$0/command\"' \"$0\"; exit $?",
            "/run/armature"
        ]
    );
    let traced = digest_in_trace(&project);
    assert_eq!(traced, DIGEST, "the trace names the image that ran");
}

/// The digest in the trace of stage `a`.
fn digest_in_trace(project: &Project) -> String {
    let store = rusqlite::Connection::open(project.path("home/traces.db")).unwrap();
    store
        .query_row(
            "SELECT sandbox_image_digest FROM traces WHERE stage_id = 'a'",
            [],
            |row| row.get(0),
        )
        .unwrap()
}

#[test]
fn an_image_that_is_not_there_is_fetched_before_the_first_stage_and_said() {
    let project = project(FAKE);
    std::fs::write(project.path("bin/missing"), "").unwrap();
    project.write("spec.yml", SPEC);
    let said = run(&project, &["run", "spec.yml", "-i", "v=x"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let told = said.err.find("getting the image `python:3.11-slim`");
    let first = said.err.find("→ a");
    assert!(told.is_some() && told < first, "{}", said.err);
    assert!(
        said.err
            .contains("commands run in containers of python:3.11-slim (docker, without a network)")
    );
    let asked = said_to_the_fake(&project, "asked");
    assert!(asked.contains("pull --quiet --platform linux/amd64 python:3.11-slim"));
}

#[test]
fn a_client_without_an_engine_is_found_out_before_the_first_stage() {
    let project = project("#!/bin/sh\necho 'Cannot connect to the daemon' >&2; exit 1\n");
    let spec = SPEC.replace(
        "stages:\n",
        "stages:\n  - { id: first, tool_call: { name: file_write, args: { path: made, content: x } } }\n",
    );
    project.write("spec.yml", &spec);
    let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("does not reach a container engine: Cannot connect to the daemon"),
        "{}",
        said.err
    );
    assert!(project.read("made").is_none());
    std::fs::remove_file(project.path("bin/docker")).unwrap();
    let said = project.run_with(
        &["run", "spec.yml", "-q", "-i", "v=x"],
        &[("PATH", "/nowhere")],
    );
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("`docker` cannot be started"),
        "{}",
        said.err
    );
}

#[test]
fn what_the_engine_says_is_no_result_of_the_command() {
    let says = |words: &str, code: u8| {
        let fake = FAKE.replace("echo hello; exit 3", &format!("{words}; exit {code}"));
        let project = project(&fake);
        project.write("spec.yml", SPEC);
        run(&project, &["run", "spec.yml", "-q", "-i", "v=x"])
    };
    for (words, code) in [
        ("echo 'docker: no space left on device' >&2", 125),
        (
            "echo 'Error: crun: no such runtime: OCI permission denied' >&2",
            126,
        ),
    ] {
        let said = says(words, code);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(
            said.err.contains("no container was started"),
            "{}",
            said.all()
        );
    }
    // A command may say the like, too.
    let said = says("echo 'Error: no such thing' >&2", 126);
    assert_eq!(said.json()["a"]["exit_code"], 126);
}

#[test]
fn what_a_spec_writes_is_no_option_and_no_program_of_the_host() {
    let project = project(FAKE);
    program(
        &project,
        "evil",
        "#!/bin/sh\ntouch \"$(dirname \"$0\")/owned\"\n",
    );
    let evil = project.path("bin/evil").display().to_string();
    for line in [
        format!("runtime: {evil}"),
        "runtime: evil".to_owned(),
        "image: --privileged".to_owned(),
        "image: 'a b'".to_owned(),
        "image: ''".to_owned(),
        "workspace: '/w,readonly'".to_owned(),
        "workspace: work".to_owned(),
        "workspace: /proc/x".to_owned(),
        "workspace: /a/../etc".to_owned(),
        "platform: '--privileged'".to_owned(),
        "memory_limit: '1g --privileged'".to_owned(),
        "memory_limit: lots".to_owned(),
        "cpu_limit: '-1'".to_owned(),
        "env: { 'A=B --privileged': x }".to_owned(),
    ] {
        let key = line.split(':').next().unwrap();
        let spec: String = SPEC
            .lines()
            .filter(|own| !own.trim_start().starts_with(&format!("{key}:")))
            .map(|own| format!("{own}\n"))
            .collect();
        let spec = spec.replace("  mode: docker\n", &format!("  mode: docker\n  {line}\n"));
        project.write("spec.yml", &spec);
        let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
        assert_eq!(said.code, 2, "{line}: {}", said.all());
        assert!(said.err.contains("INVALID_SANDBOX"), "{line}: {}", said.err);
    }
    assert!(!project.path("bin/owned").exists());
    assert_eq!(said_to_the_fake(&project, "asked"), "");
}

#[test]
fn rights_are_mounts_and_a_grant_that_is_narrower_is_a_smaller_one() {
    let project = project(FAKE);
    std::fs::create_dir_all(project.path("work/data")).unwrap();
    let spec = SPEC.replace(
        "adapter: a }",
        "adapter: a, grants: { fs: { read: [data] } } }",
    );
    project.write("spec.yml", &spec);
    let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let asked = said_to_the_fake(&project, "run");
    let mounts: Vec<&str> = asked
        .lines()
        .filter(|arg| arg.starts_with("type=bind"))
        .collect();
    assert_eq!(mounts.len(), 2, "{mounts:?}");
    let data = project.path("work").canonicalize().unwrap().join("data");
    assert_eq!(
        mounts[0],
        format!(
            "type=bind,source={},target=/workspace/data,readonly",
            data.display()
        )
    );
    std::fs::remove_dir(project.path("work/data")).unwrap();
    std::os::unix::fs::symlink("/etc", project.path("work/data")).unwrap();
    let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        said.err
            .contains("`data` is granted, and a container cannot have it"),
        "{}",
        said.err
    );
}

#[test]
fn the_policy_says_where_commands_may_run() {
    let project = project(FAKE);
    let denied = |spec: &str, policed: &str, why: &str| {
        project.write("spec.yml", spec);
        policy(&project, policed);
        let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
        assert_eq!(said.code, 4, "{}", said.all());
        assert!(said.err.contains(why), "{}", said.err);
    };
    denied(
        SPEC,
        "[sandbox]\nallow = []\n",
        "does not allow `sandbox.mode: docker`",
    );
    denied(
        SPEC,
        "[sandbox]\nimages = [\"box:1\"]\n",
        "does not allow the image `python:3.11-slim`",
    );
    let network = SPEC.replace(
        "  mode: docker\n",
        "  mode: docker\n  allow_network: true\n",
    );
    denied(
        &network,
        "[sandbox]\nnetwork = false\n",
        "does not allow a container to have a network",
    );
    denied(
        &network,
        "[ceiling]\n",
        "does not allow a container to have a network",
    );
    assert_eq!(said_to_the_fake(&project, "asked"), "");
    policy(&project, "");
    let said = run(&project, &["run", "spec.yml", "-q", "-i", "v=x"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!said_to_the_fake(&project, "run").contains("--network"));
}

const HOST: &str = r#"
name: bare
sandbox: { mode: none, env: { GREETING: "it's" } }
adapters:
  a: { type: script, cmd: "env | sort | cut -d= -f1; echo $GREETING; pwd" }
stages:
  - { id: a, adapter: a }
"#;

#[test]
fn the_hosts_shell_needs_the_operators_word_and_is_said_loudly() {
    let project = Project::new();
    project.write("spec.yml", HOST);
    let said = project.run(&["run", "spec.yml", "-q"]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.err.contains("allow = [\"none\"]"), "{}", said.err);
    policy(&project, "[sandbox]\nallow = [\"none\"]\n");
    let said = project.run_with(
        &["run", "spec.yml"],
        &[("PATH", "/usr/bin:/bin"), ("SECRET", "x")],
    );
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(
        said.err.contains("commands run in the HOST'S OWN SHELL"),
        "{}",
        said.err
    );
    assert!(said.err.contains("HOST_SHELL"), "{}", said.err);
    let said = project.run(&["validate", "spec.yml"]);
    assert!(said.all().contains("HOST_SHELL"), "{}", said.all());
    assert!(
        said.all().contains("the host's own shell"),
        "{}",
        said.all()
    );
    let said = project.run_with(&["run", "spec.yml", "-q"], &[("SECRET", "x")]);
    let printed = said.json()["a"]["stdout"].as_str().unwrap().to_owned();
    let work = project.path("work").canonicalize().unwrap();
    let names: Vec<&str> = printed.lines().collect();
    assert_eq!(names.last(), Some(&work.to_str().unwrap()), "{printed}");
    assert!(
        printed.contains("it's") && !printed.contains("SECRET"),
        "{printed}"
    );
    let known = [
        "ARMATURE_CONTEXT",
        "ARMATURE_CONTEXT_FILE",
        "GREETING",
        "HOME",
        "LANG",
        "OLDPWD",
        "PATH",
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
    ];
    for name in &names[..names.len() - 2] {
        assert!(known.contains(name), "{name} in {printed}");
    }
}

#[test]
fn everything_that_a_command_started_ends_with_it() {
    let project = Project::new();
    policy(&project, "[sandbox]\nallow = [\"none\"]\n");
    // The first is stopped, the second ends and leaves something behind.
    let spec = HOST.replace(
        "  a: { type: script, cmd: \"env | sort | cut -d= -f1; echo $GREETING; pwd\" }\nstages:\n  - { id: a, adapter: a }\n",
        "  a: { type: script, timeout: 1, cmd: \"sleep 1000 & echo $! > stopped; sleep 1000\" }\n  b: { type: script, cmd: \"sleep 1000 & echo $! > left; echo done\" }\nstages:\n  - { id: a, adapter: a, fail_as_value: true }\n  - { id: b, adapter: b }\n",
    );
    project.write("spec.yml", &spec);
    let said = project.run_with(&["run", "spec.yml", "-q"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(
        said.json()["a"]["_failed_type"],
        "LimitExceeded",
        "{}",
        said.out
    );
    assert_eq!(said.json()["b"]["stdout"], "done\n");
    for file in ["stopped", "left"] {
        let pid = project.read(file).unwrap();
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // One that nobody has collected yet is as dead as one that is gone.
        assert!(
            state.as_ref().map_or(true, |stat| stat.contains(") Z ")),
            "{file}: {state:?}"
        );
    }
}

#[test]
fn a_context_of_any_size_reaches_a_command() {
    let project = Project::new();
    policy(&project, "[sandbox]\nallow = [\"none\"]\n");
    let spec = "name: big\nsandbox: { mode: none }\nadapters:\n  a: { type: script, cmd: 'wc -c < \"$ARMATURE_CONTEXT_FILE\"; echo \"[${#ARMATURE_CONTEXT}]\"' }\nstages: [{ id: a, adapter: a }]\n";
    project
        .write("spec.yml", spec)
        .write("big", &"x".repeat(1_000_000));
    let path = [("PATH", "/usr/bin:/bin")];
    let said = project.run_with(&["run", "spec.yml", "-q", "-i", "v=@big"], &path);
    assert_eq!(said.code, 0, "{}", said.all());
    let printed = said.json()["a"]["stdout"].as_str().unwrap().to_owned();
    let (size, variable) = printed.split_once('\n').unwrap();
    assert!(size.trim().parse::<u64>().unwrap() > 1_000_000, "{printed}");
    assert_eq!(variable, "[0]\n");
}

#[test]
fn a_stage_that_was_given_less_than_the_workspace_gets_no_shell_of_the_host() {
    let project = Project::new();
    policy(&project, "[sandbox]\nallow = [\"none\"]\n");
    let spec = HOST.replace(
        "adapter: a }",
        "adapter: a, grants: { fs: { read: [.] } } }",
    );
    project.write("spec.yml", &spec);
    let said = project.run_with(&["run", "spec.yml", "-q"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(
        said.err.contains("the stage does not grant it"),
        "{}",
        said.err
    );
}
