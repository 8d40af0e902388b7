//! A directory with a spec, plugins and a home of its own, and the program to run in it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

pub(crate) struct Project {
    dir: TempDir,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(project.path("work")).unwrap();
        project
    }

    /// A place in the project; `work/` is where the program runs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path("work").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path("work").join(name)).ok()
    }

    /// Puts one of the example plugins into `work/plugins`, as a person would.
    pub(crate) fn install(&self, plugin: &str) -> &Self {
        let from = repository().join("examples/plugins").join(plugin);
        let to = self.path("work/plugins").join(plugin);
        std::fs::create_dir_all(&to).unwrap();
        for name in ["plugin.toml".to_owned(), format!("{plugin}.wasm")] {
            std::fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_armature"));
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("nobody"))
            .env("ARMATURE_HOME", self.path("home"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Said {
        let output = self
            .command()
            .args(args)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        Said::new(output)
    }

    /// Runs with standard output going to this file.
    pub(crate) fn run_into(&self, args: &[&str], file: std::fs::File) -> Said {
        let output = self
            .command()
            .args(args)
            .stdout(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Said::new(output.wait_with_output().unwrap())
    }

    /// Runs `work/spec.yml` quietly and returns the result.
    pub(crate) fn result(&self) -> Value {
        let said = self.run(&["run", "spec.yml", "-q"]);
        assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
        said.json()
    }
}

impl Said {
    fn new(output: Output) -> Self {
        let said = Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!said.err.contains("panicked at"), "{}", said.err);
        said
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|why| panic!("{why}: {}\n{}", self.out, self.err))
    }

    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}
