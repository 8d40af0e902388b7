//! A case as it is written: a directory with `spec.yml` and `expected.json`, and what else the spec needs.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// Parts that a case may need and that are not there yet: its tests are listed as ignored until they are.
const NOT_THERE: &[&str] = &[];

/// What a case says about itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The directory.
    #[serde(skip)]
    pub(crate) dir: PathBuf,
    /// `inputs.json`.
    #[serde(skip)]
    pub(crate) inputs: Map<String, Value>,
    /// Where the expected values come from.
    pub(crate) origin: Origin,
    /// In a sentence; for `documents` and `design` with the reason to differ.
    pub(crate) why: String,
    /// A part that has to be there; the shell is compiled beforehand.
    #[serde(default)]
    pub(crate) needs: Option<String>,
    /// A difference that is known and not yet mended.
    #[serde(default)]
    pub(crate) known: Option<String>,
    /// `run` unless it says otherwise.
    #[serde(default)]
    pub(crate) command: Command,
    /// Inputs are given as `name=text`, as people type them.
    #[serde(default)]
    pub(crate) typed_inputs: bool,
    /// More arguments.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    /// Plugins of `examples/plugins` that the project has.
    #[serde(default)]
    pub(crate) plugins: Vec<String>,
    /// Variables of the environment.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// How often it is run; the last time counts.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// The exit code.
    #[serde(default)]
    pub(crate) exit: i32,
    /// What the result must have.
    #[serde(default)]
    pub(crate) result: Option<Value>,
    /// The codes of all findings, in any order, each once.
    #[serde(default)]
    pub(crate) findings: Option<Vec<String>>,
    /// The risk's score and tier.
    #[serde(default)]
    pub(crate) risk: Option<Value>,
    /// Texts on standard error.
    #[serde(default)]
    pub(crate) stderr: Vec<String>,
    /// Files of the workspace after the run; `null` is none.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Value>,
    /// The longest that the run may take, in seconds.
    #[serde(default)]
    pub(crate) seconds: Option<f64>,
    /// For the script that asks the original; not read here.
    #[serde(default, rename = "original")]
    pub(crate) _original: Option<Value>,
}

/// Where expected values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// The original does this.
    Original,
    /// The original's documents say this, its code does something else.
    Documents,
    /// Decided here: safer, or more useful, or the original has nothing of the kind.
    Design,
}

impl Origin {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Documents => "documents",
            Self::Design => "design",
        }
    }
}

/// What is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Command {
    /// `armature run -q`
    #[default]
    Run,
    /// `armature validate --format json`
    Validate,
}

fn once() -> u32 {
    1
}

/// The directory of all cases.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

/// The names of all cases, in order.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("__pycache__"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

impl Case {
    /// Reads one.
    pub(crate) fn read(name: &str) -> Result<Self, String> {
        let dir = folder().join(name);
        let text = |file: &str| {
            std::fs::read_to_string(dir.join(file)).map_err(|why| format!("{name}/{file}: {why}"))
        };
        let mut case: Self = serde_json::from_str(&text("expected.json")?)
            .map_err(|why| format!("{name}/expected.json: {why}"))?;
        if dir.join("inputs.json").exists() {
            case.inputs = serde_json::from_str(&text("inputs.json")?)
                .map_err(|why| format!("{name}/inputs.json: {why}"))?;
        }
        if case.why.trim().is_empty() {
            return Err(format!("{name}: `why` says where the values come from"));
        }
        let checks = case.result.is_some()
            || case.findings.is_some()
            || case.risk.is_some()
            || !case.stderr.is_empty()
            || !case.files.is_empty();
        if !checks {
            return Err(format!("{name}: it expects nothing, so it cannot fail"));
        }
        case.dir = dir;
        Ok(case)
    }

    /// The part that it needs and that is not there.
    pub(crate) fn missing_part(&self) -> Option<String> {
        self.needs
            .clone()
            .filter(|part| NOT_THERE.contains(&part.as_str()))
    }
}
