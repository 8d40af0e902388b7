//! What a spec says of containers, checked before any container is made: a container engine reads these words beside its
//! own options, and would take some of them for more than a setting.

use std::path::Path;

use indexmap::IndexMap;

/// Programs that start containers. A spec names one of them, never a path: what a spec names here is run on the host.
const RUNTIMES: &[&str] = &["docker", "podman", "nerdctl"];

/// Places of a container that have a use of their own.
const TAKEN: &[&str] = &["/tmp", "/run", "/proc", "/sys", "/dev"];

/// `sandbox:` of a spec, as far as it is about containers.
#[derive(Debug, Clone, Default)]
pub struct ContainerSettings {
    /// `docker`, `podman` or `nerdctl`.
    pub runtime: String,
    /// The image, where a stage names no other.
    pub image: String,
    /// `linux/amd64`, …
    pub platform: Option<String>,
    /// Is there a network?
    pub network: bool,
    /// Where the workspace is mounted.
    pub workspace: String,
    /// Variables.
    pub env: IndexMap<String, String>,
    /// Processors.
    pub cpus: Option<String>,
    /// Memory, as `512m`.
    pub memory: Option<String>,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    /// Which key.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub hint: &'static str,
}

impl ContainerSettings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        check_runtime(&self.runtime)?;
        check_image(&self.image)?;
        check_platform(self.platform.as_deref())?;
        check_workspace(&self.workspace)?;
        check_variables(&self.env)?;
        check_cpus(self.cpus.as_deref())?;
        check_memory(self.memory.as_deref())
    }
}

/// An error about this key, unless it fits. `what` stands behind what was written.
fn expect(
    fits: bool,
    key: &'static str,
    written: &str,
    what: &str,
    hint: &'static str,
) -> Result<(), SettingsError> {
    if fits {
        return Ok(());
    }
    let message = format!("`{}` is {what}", written.escape_debug());
    Err(SettingsError { key, message, hint })
}

fn check_runtime(runtime: &str) -> Result<(), SettingsError> {
    let hint = "write docker, podman or nerdctl";
    let fits = RUNTIMES.contains(&runtime);
    expect(fits, "runtime", runtime, "no container command", hint)
}

/// Can this be the name of an image?
///
/// # Errors
/// [`SettingsError`], with how one is written.
pub fn check_image(image: &str) -> Result<(), SettingsError> {
    let starts = image.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fits = starts && image.len() <= 512 && is_word(image, "/_-.:@+");
    let hint = "write it as `python:3.11-slim` or `host/name@sha256:…`";
    expect(fits, "image", image, "no name of an image", hint)
}

fn check_platform(platform: Option<&str>) -> Result<(), SettingsError> {
    let Some(platform) = platform else {
        return Ok(());
    };
    let hint = "write it as `linux/amd64`";
    let fits = is_word(platform, "/_-.");
    expect(fits, "platform", platform, "no platform", hint)
}

fn check_workspace(workspace: &str) -> Result<(), SettingsError> {
    let mut names = workspace.split('/').skip(1);
    let are_names = names.all(|name| !matches!(name, "" | "." | ".."));
    let is_taken = TAKEN
        .iter()
        .any(|taken| Path::new(workspace).starts_with(taken));
    let fits = workspace.starts_with('/') && are_names && is_word(workspace, "/_-.") && !is_taken;
    if fits {
        return Ok(());
    }
    let shown = workspace.escape_debug();
    Err(SettingsError {
        key: "workspace",
        message: format!("the workspace cannot be mounted at `{shown}`"),
        hint: "write an absolute path of its own, e.g. `/workspace`",
    })
}

fn check_cpus(cpus: Option<&str>) -> Result<(), SettingsError> {
    let Some(cpus) = cpus else { return Ok(()) };
    let amount = cpus.parse::<f64>().ok();
    let fits = amount.is_some_and(|amount| amount > 0.0 && amount.is_finite());
    let what = "no number of processors";
    expect(fits, "cpu_limit", cpus, what, "write e.g. `1.5`")
}

fn check_memory(memory: Option<&str>) -> Result<(), SettingsError> {
    let Some(memory) = memory else { return Ok(()) };
    let digits = memory.trim_end_matches(|c: char| "bkmgBKMG".contains(c));
    let is_amount = digits.parse::<u64>().is_ok_and(|amount| amount > 0);
    let fits = is_amount && memory.len() - digits.len() <= 1;
    let hint = "write a number and b, k, m or g, e.g. `512m`";
    expect(fits, "memory_limit", memory, "no amount of memory", hint)
}

/// Are these names of variables, with values that variables can have?
pub(super) fn check_variables(env: &IndexMap<String, String>) -> Result<(), SettingsError> {
    let fits = |(name, value): &(&String, &String)| is_variable(name) && !value.contains('\0');
    match env.iter().find(|pair| !fits(pair)) {
        None => Ok(()),
        Some((name, _)) => Err(SettingsError {
            key: "env",
            message: format!(
                "`{}` is no name of a variable, or its value has a NUL in it",
                name.escape_debug()
            ),
            hint: "letters, digits and `_` make a name",
        }),
    }
}

fn is_word(text: &str, more: &str) -> bool {
    let mut chars = text.chars();
    chars.all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        && !text.is_empty()
        && !text.starts_with('-')
}

/// Can a shell have a variable of this name?
pub(super) fn is_variable(name: &str) -> bool {
    let starts = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
