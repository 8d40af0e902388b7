//! Commands in real containers of a real engine, which each test starts for itself on a socket of its own. It needs
//! `dockerd` and a static `busybox` (Debian's docker.io and busybox-static) and the right to start them; where they are
//! missing the tests say so and that they were skipped, unless `ARMATURE_TEST_CONTAINERS=required`.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::project::{Project, Said, repository};

/// A container engine of the test's own, with two images: `box:1` and `box:2`.
struct Engine {
    dir: TempDir,
    daemon: Child,
}

impl Engine {
    /// Starts it; none where it cannot be.
    fn start() -> Option<Self> {
        let required = std::env::var("ARMATURE_TEST_CONTAINERS").as_deref() == Ok("required");
        let missing = ["dockerd", "docker", "busybox"]
            .into_iter()
            .find(|name| program(name).is_none());
        let root = rustix::process::geteuid().is_root();
        let why = match missing {
            Some(name) => format!("there is no `{name}`"),
            None if !root => "an engine is started by root".to_owned(),
            None => match Self::daemon() {
                Ok(engine) => return Some(engine),
                Err(why) => why,
            },
        };
        assert!(!required, "containers are required, and {why}");
        println!("SKIPPED, no container engine can be started here: {why}");
        None
    }

    fn daemon() -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let socket = format!("unix://{}", at("docker.sock").display());
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let group = groups
            .lines()
            .find_map(|line| line.split_once(":memory:"))
            .map_or("", |(_, path)| path);
        let mut daemon = Command::new("dockerd");
        daemon
            .args(["--host", &socket])
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"));
        daemon.arg("--pidfile").arg(at("pid"));
        daemon.args([
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--bridge=none",
        ]);
        if !group.is_empty() && group != "/" {
            daemon.args(["--cgroup-parent", &format!("{group}/armature-tests")]);
        }
        let mut daemon = daemon
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
        let mut last = String::new();
        let ready = log.by_ref().map_while(Result::ok).any(|line| {
            let ready = line.contains("API listen on");
            last = line;
            ready
        });
        // Nobody stops reading, or the daemon would stop at a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        let engine = Self { dir, daemon };
        if !ready {
            return Err(last);
        }
        engine.image("box:1", "one", "/bin/sh");
        engine.image("box:2", "two", "/bin/false");
        Ok(engine)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.dir.path().join("docker.sock").display())
    }

    fn docker(&self, args: &[&str]) -> String {
        let output = Command::new("docker")
            .args(args)
            .env("DOCKER_HOST", self.host())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// An image with busybox and nothing else.
    fn image(&self, name: &str, which: &str, entry: &str) {
        let root = self.dir.path().join(which);
        std::fs::create_dir_all(root.join("bin")).unwrap();
        let busybox = program("busybox").unwrap();
        std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
        for tool in [
            "sh", "cat", "ls", "id", "touch", "sleep", "echo", "wget", "env", "tail", "head",
            "mkdir", "yes", "test", "ip", "tr", "grep", "sort", "uniq", "awk",
        ] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(tool)).unwrap();
        }
        let tar = self.dir.path().join(format!("{which}.tar"));
        let packed = Command::new("tar")
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&tar)
            .arg(".")
            .status()
            .unwrap();
        assert!(packed.success());
        let variable = format!("ENV WHICH={which}");
        let entry = format!("ENTRYPOINT [\"{entry}\"]");
        self.docker(&[
            "import",
            "-c",
            &variable,
            "-c",
            &entry,
            tar.to_str().unwrap(),
            name,
        ]);
    }

    fn run(&self, project: &Project, spec: &str, more: &[&str]) -> Said {
        project.write("spec.yml", spec);
        let args = [&["run", "spec.yml", "-q"], more].concat();
        let path = std::env::var("PATH").unwrap();
        project.run_with(&args, &[("DOCKER_HOST", &self.host()), ("PATH", &path)])
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It ends its containers and unmounts what it mounted.
        let pid = rustix::process::Pid::from_child(&self.daemon);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        drop(self.daemon.wait());
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// A spec whose stages are these commands, each named and with what else it says.
fn spec(sandbox: &str, stages: &[(&str, &str, &str)]) -> String {
    let mut text =
        format!("name: boxed\nsandbox: {{ mode: docker, image: 'box:1'{sandbox} }}\nstages:\n");
    for (id, more, cmd) in stages {
        let cmd = serde_json::to_string(cmd).unwrap();
        text += &format!(
            "  - {{ id: {id}, {more} tool_call: {{ name: shell, args: {{ cmd: {cmd} }} }} }}\n"
        );
    }
    text
}

fn stdout(result: &Value, stage: &str) -> String {
    result[stage]["stdout"]
        .as_str()
        .unwrap_or_else(|| panic!("{stage}: {result}"))
        .to_owned()
}

#[test]
fn a_command_in_a_container_has_the_workspace_and_nothing_of_the_host() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let project = Project::new();
    std::fs::create_dir_all(project.path("work/.git/hooks")).unwrap();
    project
        .write("words", "one\ntwo\n")
        .write(".git/config", "secret");
    let text = spec(
        "",
        &[
            ("reads", "", "pwd; cat words; cat .git/config; ls -A .git"),
            (
                "writes",
                "",
                "echo made > made; id -u; touch /x; touch spec.yml; touch .git/hooks/x; touch /tmp/x && echo tmp",
            ),
            ("sees", "", "env; ls /; cat /proc/1/cmdline"),
            (
                "network",
                "",
                "ip addr; wget -T 2 -O - http://127.0.0.1:1/ ; echo end",
            ),
        ],
    );
    let said = engine.run(&project, &text, &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    let result = said.json();
    assert_eq!(
        stdout(&result, "reads"),
        "/workspace\none\ntwo\n",
        "{result}"
    );
    let owner = {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(project.path("work")).unwrap().uid()
    };
    assert_eq!(
        stdout(&result, "writes"),
        format!("{owner}\ntmp\n"),
        "{result}"
    );
    assert_eq!(project.read("made").as_deref(), Some("made\n"));
    assert_eq!(
        project.read("spec.yml"),
        Some(text),
        "who writes it grants himself rights"
    );
    assert!(!project.path("work/.git/hooks/x").exists());
    let sees = stdout(&result, "sees");
    assert!(
        !sees.contains("DOCKER_HOST") && !sees.contains("ARMATURE_HOME"),
        "{sees}"
    );
    assert!(
        !sees.contains(&*project.path("work").to_string_lossy()),
        "{sees}"
    );
    let network = stdout(&result, "network");
    assert!(
        network.contains("lo") && !network.contains("eth0"),
        "{network}"
    );
    assert_eq!(engine.docker(&["ps", "-aq"]), "", "every container is gone");
}

#[test]
fn a_container_is_held_to_its_memory_and_its_time_and_leaves_nothing_behind() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let project = Project::new();
    let text = spec(
        ", memory_limit: 16m",
        &[
            (
                "memory",
                "",
                "head -c 200000000 /dev/zero | tail; echo after",
            ),
            (
                "time",
                "fail_as_value: true,",
                "while true; do echo x >> alive; sleep 1; done",
            ),
            ("output", "fail_as_value: true,", "yes"),
            ("next", "depends_on: [memory, time, output],", "echo next"),
        ],
    )
    .replace(
        "sandbox:",
        "tools: [{ plugin: shell, limits: { timeout_s: 5 } }]\nsandbox:",
    );
    let said = engine.run(&project, &text, &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    let result = said.json();
    assert!(
        result["memory"]["stderr"]
            .as_str()
            .unwrap()
            .contains("Killed")
            || result["memory"]["exit_code"] == 137,
        "{result}"
    );
    assert_eq!(result["time"]["_failed_type"], "LimitExceeded", "{result}");
    assert!(
        result["time"]["_failed_reason"]
            .as_str()
            .unwrap()
            .contains("timeout_s"),
        "{result}"
    );
    assert_eq!(
        result["output"]["_failed_type"], "LimitExceeded",
        "{result}"
    );
    assert_eq!(stdout(&result, "next"), "next\n");
    assert_eq!(engine.docker(&["ps", "-aq"]), "", "every container is gone");
}

#[test]
fn stages_side_by_side_each_have_their_own_image_and_their_trace_says_which() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let project = Project::new();
    let stages: Vec<(String, &str)> = (0..6)
        .map(|n| {
            (
                format!("s{n}"),
                if n % 2 == 0 {
                    ""
                } else {
                    "sandbox_image: 'box:2',"
                },
            )
        })
        .collect();
    let stages: Vec<(&str, &str, &str)> = stages
        .iter()
        .map(|(id, more)| (id.as_str(), *more, "echo $WHICH"))
        .collect();
    let said = engine.run(&project, &spec("", &stages), &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    let result = said.json();
    let digest = |image: &str| engine.docker(&["image", "inspect", "--format", "{{.Id}}", image]);
    let (one, two) = (digest("box:1"), digest("box:2"));
    let traces = rusqlite::Connection::open(project.path("home/traces.db")).unwrap();
    for (place, (id, ..)) in stages.iter().enumerate() {
        let (which, image) = if place % 2 == 0 {
            ("one\n", &one)
        } else {
            ("two\n", &two)
        };
        assert_eq!(stdout(&result, id), which);
        let traced: String = traces
            .query_row(
                "SELECT sandbox_image_digest FROM traces WHERE stage_id = ?",
                [id],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(&traced, image, "{id}");
    }
}

#[test]
fn a_run_that_is_interrupted_or_killed_takes_its_containers_with_it() {
    use rustix::process::Signal;

    let Some(engine) = Engine::start() else {
        return;
    };
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let project = Project::new();
        project.write("spec.yml", &spec("", &[("waits", "", "sleep 1000")]));
        let mut run = Command::new(env!("CARGO_BIN_EXE_armature"))
            .args(["run", "spec.yml", "-q"])
            .current_dir(project.path("work"))
            .env("DOCKER_HOST", engine.host())
            .env("ARMATURE_HOME", project.path("home"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The engine itself says when it has one.
        let mut events = Listening(
            Command::new("docker")
                .args(["events", "--since", "0", "--format", "{{.Status}} {{.ID}}"])
                .args(["--filter", "event=start", "--filter", "event=die"])
                .env("DOCKER_HOST", engine.host())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        );
        let mut lines = BufReader::new(events.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        // Those of the run before have died.
        let mut running = String::new();
        for line in lines.by_ref() {
            if let Some(id) = line.strip_prefix("start ")
                && engine.docker(&["ps", "--no-trunc", "--quiet"]).contains(id)
            {
                running = id.to_owned();
                break;
            }
        }
        let pid = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(pid, signal).unwrap();
        let died = format!("die {running}");
        assert!(lines.any(|line| line == died), "before the test ends");
        assert_eq!(run.wait().unwrap().code(), code);
    }
}

#[test]
fn the_example_in_a_container_says_what_the_others_say() {
    let Some(engine) = Engine::start() else {
        return;
    };
    engine.docker(&["tag", "box:1", "busybox:1.36"]);
    let project = Project::new();
    let from = repository().join("examples/adapters");
    let read = |name: &str| std::fs::read_to_string(from.join(name)).unwrap();
    project.write("examples/adapters/letter.txt", &read("letter.txt"));
    let said = engine.run(&project, &read("container.yml"), &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    let top = &said.json()["container"]["top"];
    assert_eq!(*top, serde_json::json!(["the 5", "tea 3", "was 3"]));
}

/// A program that is ended with the test.
struct Listening(Child);

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
