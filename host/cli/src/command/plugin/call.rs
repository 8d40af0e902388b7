//! `armature plugin call`: one tool, called by the engine's one path, with what a spec or `--grant` gives.

use std::{path::PathBuf, sync::Arc};

use armature_engine::{CallRequest, CallToolError, Engine, Failure as CallFailure, RunRequest};
use armature_grants::{Grants, LimitRequest};
use armature_spec::Spec;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    arguments::Places,
    compiling,
    exit::Exit,
    failure::Failure,
    files, inputs, opening,
    person::Person,
    render::{
        outcome::{self, pretty},
        plugin,
        progress::{Detail, Progress, Tally},
        screen::Screen,
        style,
    },
};

/// Call one tool, under the same rules, rights and limits as in a workflow.
///
/// Without --grant and --spec a built-in plugin has what it asks for, and any other plugin has nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  armature plugin call file_read --args '{\"path\": \"notes.txt\"}'\n  \
    armature plugin call note_add --plugins examples/plugins --args @note.json --grant '{kv: run}'"
)]
pub(crate) struct Call {
    /// The tool; PLUGIN/TOOL where two plugins have one of that name
    #[arg(value_name = "TOOL")]
    tool: String,

    /// Its arguments as JSON; @FILE reads a file, - reads standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    args: String,

    /// What the plugin may do, as under `grants:` in a workflow, in YAML or JSON; @FILE reads a file
    #[arg(long, value_name = "GRANTS", conflicts_with = "spec")]
    grant: Option<String>,

    /// Give the plugin what this workflow gives it
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,

    /// Show what the plugin logs and what the call used, too
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    places: Places,
}

impl Call {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let args = inputs::json_argument(&self.args)?;
        opening::wait(self.call(screen, args))
    }

    async fn call(&self, screen: &Screen, args: Value) -> Result<Exit, Failure> {
        let engine = opening::engine(&self.places, true)?;
        let (owner, tool) = find(&engine, &self.tool).await?;
        let (grants, limits) = self.given(&owner)?;
        if let Some(plugin) = engine.plugins().get(&owner) {
            compiling::one(screen, &engine, plugin, true).await?;
        }
        let detail = if self.verbose {
            Detail::Verbose
        } else {
            Detail::Quiet
        };
        let progress = Arc::new(Progress::start(*screen, detail, false, None));
        let cancel = CancellationToken::new();
        let request = CallRequest {
            plugin: owner,
            tool,
            args,
            grants,
            limits,
            run: RunRequest {
                inputs: Map::new(),
                approver: Arc::new(Person::new(
                    *screen,
                    Arc::clone(&progress),
                    Default::default(),
                )),
                observer: Arc::clone(&progress) as _,
                cancel,
                use_cache: false,
            },
        };
        let result = tokio::select! {
            result = engine.call_tool(request) => result,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        };
        let tally = progress.end();
        if let Some(usage) = tally.last_usage.filter(|_| self.verbose) {
            screen.say(&style::faint(&plugin::usage(&usage)));
        }
        match result {
            Ok(value) => {
                screen.result(&pretty(&value))?;
                Ok(Exit::Done)
            }
            Err(error) => Err(failure(&error, &tally)),
        }
    }

    /// What the plugin is given: by `--grant`, by a spec, or by nobody.
    fn given(&self, plugin: &str) -> Result<(Option<Grants>, LimitRequest), Failure> {
        if let Some(text) = &self.grant {
            return Ok((Some(grants(text)?), LimitRequest::default()));
        }
        let Some(path) = &self.spec else {
            return Ok((None, LimitRequest::default()));
        };
        let document = armature_spec::load(path)
            .map_err(|findings| Failure::usage(findings.render(&path.display().to_string())))?;
        Ok(given_by(&document.spec, plugin))
    }
}

fn given_by(spec: &Spec, plugin: &str) -> (Option<Grants>, LimitRequest) {
    let entry = spec.tools.iter().find(|entry| {
        entry
            .plugin_name()
            .is_ok_and(|name| name.as_str() == plugin)
    });
    match entry {
        Some(entry) => (
            entry.grants.clone(),
            entry.limits.clone().unwrap_or_default(),
        ),
        None => (None, LimitRequest::default()),
    }
}

/// Grants are written as in a workflow, so they are read as one.
fn grants(text: &str) -> Result<Grants, Failure> {
    let text = match text.strip_prefix('@') {
        Some(file) => files::read(file)?,
        None => text.to_owned(),
    };
    let indented = text.trim().replace('\n', "\n      ");
    let indented = if text.trim_start().starts_with('{') {
        format!(" {indented}")
    } else {
        format!("\n      {indented}")
    };
    let spec =
        format!("name: grant\nstages: []\ntools:\n  - plugin: granted\n    grants:{indented}\n");
    let document = armature_spec::parse("--grant", &spec).map_err(|findings| {
        let why = findings.errors().next().map(|finding| finding.message.clone()).unwrap_or_default();
        Failure::usage(format!("--grant is not understood: {why}"))
            .hint("write it as under `grants:` in a workflow, e.g. --grant '{http: [\"GET https://api.example.com/**\"]}'")
    })?;
    let entry = document.spec.tools.into_iter().next();
    Ok(entry.and_then(|entry| entry.grants).unwrap_or_default())
}

/// The line of an advice that goes under `grants:` in a spec.
fn line_to_grant(hint: &str) -> Option<&str> {
    let (_, line) = hint.rsplit_once("grants:\n")?;
    let line = line.trim();
    (!line.contains('\n') && !line.contains('\'')).then_some(line)
}

/// The plugin that has a tool: the one that is named, else the first, built-in ones before others.
async fn find(engine: &Engine, name: &str) -> Result<(String, String), Failure> {
    if let Some((plugin, tool)) = name.split_once('/') {
        return Ok((plugin.to_owned(), tool.to_owned()));
    }
    let (mut all, mut owners, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for plugin in engine.plugins().iter().filter(|plugin| plugin.kinds().tool) {
        match engine.sandbox().tools(plugin).await {
            Ok(tools) => {
                if tools.iter().any(|tool| tool.name.as_str() == name) {
                    owners.push(plugin.name().to_string());
                }
                all.extend(tools.iter().map(|tool| tool.name.to_string()));
            }
            Err(error) => broken.push(format!(
                "plugin `{}` does not say which tools it has: {error}",
                plugin.name()
            )),
        }
    }
    match owners.as_slice() {
        [owner] => Ok((owner.clone(), name.to_owned())),
        [] => {
            let failure = Failure::usage(format!("there is no tool `{}`", name.escape_debug()));
            let near = all
                .iter()
                .filter(|other| strsim::damerau_levenshtein(other, name) <= 3)
                .min_by_key(|other| strsim::damerau_levenshtein(other, name));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "there are {}; more plugins with --plugins DIR",
                    all.join(", ")
                ),
            };
            broken.insert(0, hint);
            Err(failure.hint(broken.join("\n")))
        }
        several => Err(
            Failure::usage(format!("{} have a tool `{name}`", several.join(" and "))).hint(
                format!(
                    "say which: {}/{name}",
                    several.first().map_or("PLUGIN", String::as_str)
                ),
            ),
        ),
    }
}

fn failure(error: &CallToolError, tally: &Tally) -> Failure {
    let exit = match error {
        CallToolError::Plan(_) => Exit::Usage,
        CallToolError::Run(error) => outcome::exit(error),
        CallToolError::Call(failure) if failure.is_refusal() => Exit::Denied,
        CallToolError::Call(CallFailure::Arguments { .. } | CallFailure::UnknownTool { .. }) => {
            Exit::Usage
        }
        CallToolError::Call(_) => Exit::Failed,
    };
    let message = match error {
        CallToolError::Plan(problems) => problems
            .errors()
            .next()
            .map(|p| p.message.clone())
            .unwrap_or_else(|| error.to_string()),
        other => other.to_string(),
    };
    let hint = error
        .hint()
        .or_else(|| tally.advice())
        .map(|hint| match line_to_grant(&hint) {
            Some(line) => format!("{hint}\nor, for this call only: --grant '{{{line}}}'"),
            None => hint,
        });
    Failure {
        hint,
        ..Failure::new(exit, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_written_as_in_a_workflow() {
        for text in [
            "{http: [\"GET https://a.com/**\"], kv: run}",
            "{\"http\": [\"GET https://a.com/**\"], \"kv\": \"run\"}",
            "http: [\"GET https://a.com/**\"]\nkv: run",
        ] {
            assert_eq!(
                grants(text).unwrap().lines(),
                ["http GET https://a.com/**", "kv run"],
                "{text}"
            );
        }
        assert!(
            grants("{network: true}")
                .unwrap_err()
                .message
                .contains("network")
        );
    }
}
