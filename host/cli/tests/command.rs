//! Runs the binary in a directory and a home of its own, with nothing of the tester's environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A directory to work in, and a home.
pub(crate) struct Place {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).unwrap()
}

impl Place {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        Self {
            dir,
            variables: Vec::new(),
        }
    }

    /// A directory with one workflow, `spec.yml`.
    pub(crate) fn with_spec(spec: &str) -> Self {
        let place = Self::new();
        place.write("spec.yml", spec);
        place
    }

    /// With an environment variable.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file in the directory.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file in armature's home.
    pub(crate) fn write_home(&self, name: &str, content: &str) {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file of the directory.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap()
    }

    /// The directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// armature's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn command(&self, arguments: &[&str], dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armature"));
        command
            .args(arguments)
            .current_dir(dir)
            .env_clear()
            .env("ARMATURE_HOME", self.home());
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.ran(self.command(arguments, &self.work()).output().unwrap())
    }

    /// Runs a command here that reads this.
    pub(crate) fn run_reading(&self, arguments: &[&str], given: &str) -> Ran {
        use std::io::Write as _;
        let mut command = self.command(arguments, &self.work());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who does not want to read it, closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(given.as_bytes());
        self.ran(child.wait_with_output().unwrap())
    }

    /// Runs a command here that is made up by the caller.
    pub(crate) fn run_with(&self, make: impl FnOnce(&mut Command) -> &mut Command) -> Ran {
        let mut command = self.command(&[], &self.work());
        self.ran(make(&mut command).output().unwrap())
    }

    /// Runs a command at the top of the repository.
    pub(crate) fn run_in_repository(&self, arguments: &[&str]) -> Ran {
        self.ran(self.command(arguments, &repository()).output().unwrap())
    }

    /// Starts a command here and leaves it to the caller.
    pub(crate) fn start(&self, arguments: &[&str]) -> std::process::Child {
        self.start_with(arguments, |command| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped())
        })
    }

    /// The same, with streams of the caller's.
    pub(crate) fn start_with(
        &self,
        arguments: &[&str],
        make: impl FnOnce(&mut Command) -> &mut Command,
    ) -> std::process::Child {
        let mut command = self.command(arguments, &self.work());
        make(&mut command).spawn().unwrap()
    }

    fn ran(&self, output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            place: self.dir.path().display().to_string(),
        }
    }
}

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    place: String,
}

impl Ran {
    /// Everything that it said.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// All of it in one text, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        let mut text = format!("exit {code}");
        for (name, content) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !content.is_empty() {
                text.push_str(&format!("\n--- {name}\n{}", content.trim_end()));
            }
        }
        text.replace(&self.place, "[DIR]")
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    }
}

/// What is cut out of snapshots: times, digests, ids, sizes.
pub(crate) const FILTERS: [(&str, &str); 10] = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[TIME]"),
    (r"sha256:[0-9a-f]{64}", "[DIGEST]"),
    (r"\b[0-9a-f]{12}\b", "[ID]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)", "[TIME]"),
    (r"\(\d+\.\d+s", "([T]s"),
    (r"in \d+(\.\d+)?(s| ms)", "in [T]"),
    (r"\d[\d,]* tokens", "[N] tokens"),
    (r"\$0\.\d+", "$$[N]"),
    (r"\d+\.\d KiB", "[SIZE]"),
    (r"used [\d,]+ fuel.*", "used [USAGE]"),
];

/// Compares with the snapshot of this name.
macro_rules! shows {
    ($name:expr, $ran:expr) => {
        insta::with_settings!({filters => crate::command::FILTERS, omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $ran.shown());
        })
    };
}
pub(crate) use shows;

/// Ctrl-C.
#[cfg(unix)]
pub(crate) fn interrupt(child: &std::process::Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}
