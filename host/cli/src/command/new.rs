//! `armature new`: writes a workflow to begin from.
//!
//! From flags, or by asking at a terminal what the flags do not say. Either begins with a workflow that ships
//! (`--template`) or with stages of one's own (`--stage`). What is written was validated before, and nothing that is
//! there is replaced without being told to: a half-written or lost workflow is worse than none.

mod wizard;

use std::path::{Path, PathBuf};

use armature_spec::{Finding, Severity};

use self::wizard::{Asked, wizard};
use crate::{
    draft::{self, Draft},
    exit::Exit,
    failure::Failure,
    files, opening,
    render::{findings, screen::Screen, style, text, waiting::quoted},
    targets,
    templates::{self, TEMPLATES, Template},
};

/// Write a new workflow, from one that ships or from a few words.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "Examples:
  armature new                                    ask for everything
  armature new report.yml --template research
  armature new tea.yml -i topic --stage 'draft=Write a page about {{ topic }}.' \\
      --stage 'check=gate:Is it good enough?' --model openai/gpt-4o-mini")]
pub(crate) struct New {
    /// The file to write [default: the workflow's name and .yml]
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,

    /// Begin with this workflow that ships; --list says which there are
    #[arg(short, long, value_name = "NAME", conflicts_with = "stages", value_parser = templates::parser())]
    template: Option<String>,

    /// Name of the workflow
    #[arg(long)]
    name: Option<String>,

    /// What it is for
    #[arg(long, value_name = "TEXT", conflicts_with = "template")]
    description: Option<String>,

    /// An input, with its default if it has one; can be repeated
    #[arg(
        short,
        long = "input",
        value_name = "NAME[=DEFAULT]",
        conflicts_with = "template"
    )]
    inputs: Vec<String>,

    /// A stage: ID=what a model is to do, or ID=gate:what a person is shown; can be repeated, in order
    #[arg(short, long = "stage", value_name = "ID=TEXT")]
    stages: Vec<String>,

    /// The model that is asked; without it replies come from a script, so that it runs without a key
    #[arg(short, long, value_name = "PROVIDER/MODEL")]
    model: Option<String>,

    /// List the workflows that ship, and write nothing
    #[arg(long)]
    list: bool,

    /// Ask nothing; what is not said is as in `--template hello`
    #[arg(short, long)]
    yes: bool,

    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// What is to be written: the workflow first, then what it needs beside it.
struct Written {
    name: String,
    files: Vec<(PathBuf, String)>,
    /// What is doubtful in the workflow.
    warnings: Vec<Finding>,
}

impl New {
    pub(crate) fn run(mut self, screen: &Screen) -> Result<Exit, Failure> {
        if self.list {
            for template in TEMPLATES {
                screen.print(&format!(
                    "{:<18} {}",
                    template.name,
                    text::line(&template.description(), 200)
                ));
            }
            return Ok(Exit::Done);
        }
        let asks = !self.yes && self.template.is_none() && self.stages.is_empty();
        if asks && !screen.can_ask() {
            let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
            return Err(Failure::usage("nothing says what to write, and nobody can be asked here").hint(format!(
                "--template NAME, one of {}; or --stage ID=TEXT; or --yes for the smallest workflow",
                names.join(", ")
            )));
        }
        let written = if asks {
            let screen = *screen;
            opening::wait(async move {
                let Some(draft) = wizard(&screen, &mut self).await else {
                    return Ok(None);
                };
                let written = self.prepare(draft)?;
                show(&screen, &written);
                let question = "write it? [yes / no] ";
                let answer = Asked { screen }.line(question, "yes").await;
                let said =
                    answer.is_some_and(|said| matches!(said.to_lowercase().as_str(), "y" | "yes"));
                if said {
                    self.write(&written)?;
                }
                Ok(said.then_some(written))
            })?
        } else {
            let draft = self.draft()?;
            let written = self.prepare(draft)?;
            self.write(&written)?;
            Some(written)
        };
        match written {
            Some(written) => {
                tell(screen, &written);
                Ok(Exit::Done)
            }
            None => {
                screen.say("nothing was written");
                Ok(Exit::Failed)
            }
        }
    }

    /// What the flags say, where they say it by stages.
    fn draft(&self) -> Result<Option<Draft>, Failure> {
        if self.template.is_some() || self.stages.is_empty() {
            return Ok(None);
        }
        let wrong = |flag: &str, text: &str, form: &str| {
            Failure::usage(format!(
                "`{flag} {}` is not understood",
                text::line(text, 80)
            ))
            .hint(format!("write {flag} {form}"))
        };
        let stages = self.stages.iter().map(|text| {
            draft::stage(text).ok_or_else(|| {
                wrong(
                    "--stage",
                    text,
                    "'ID=what a model is to do' or 'ID=gate:what a person is shown'",
                )
            })
        });
        let inputs = self.inputs.iter().map(|text| {
            draft::input(text).ok_or_else(|| wrong("--input", text, "NAME or NAME=DEFAULT"))
        });
        Ok(Some(Draft {
            name: self.name()?.unwrap_or_else(|| self.stem()),
            description: self.description.clone().unwrap_or_default(),
            inputs: inputs.collect::<Result<_, _>>()?,
            stages: stages.collect::<Result<_, _>>()?,
            model: self.model()?,
        }))
    }

    /// The name that was given.
    fn name(&self) -> Result<Option<String>, Failure> {
        match self.name.as_deref().map(str::trim) {
            Some("") => Err(
                Failure::usage("a workflow without a name is not found again")
                    .hint("--name NAME; without it the workflow is called as its file is"),
            ),
            name => Ok(name.map(str::to_owned)),
        }
    }

    fn model(&self) -> Result<Option<(String, String)>, Failure> {
        let Some(text) = &self.model else {
            return Ok(None);
        };
        let form = "write provider/model, e.g. openai/gpt-4o-mini, anthropic/claude-sonnet-4-5, ollama/qwen3:8b";
        let (provider, model) = draft::model(text).ok_or_else(|| {
            Failure::usage(format!("`{}` is no model", text::line(text, 80))).hint(form)
        })?;
        if armature_llm::provider(&provider).is_none() {
            let names: Vec<&str> = armature_llm::PROVIDERS.iter().map(|row| row.name).collect();
            return Err(Failure::usage(format!("`{}` is no provider that is known", text::line(&provider, 80)))
                .hint(format!("one of {}; any other server that speaks OpenAI's protocol goes into the file, with `api_base`", names.join(", "))));
        }
        Ok(Some((provider, model)))
    }

    /// The name of the file without its ending.
    fn stem(&self) -> String {
        let stem = self.output.as_deref().and_then(Path::file_stem);
        stem.map_or_else(
            || "workflow".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// All files, checked: what is not valid is not written.
    fn prepare(&self, draft: Option<Draft>) -> Result<Written, Failure> {
        let model = self.model()?;
        let model = model
            .as_ref()
            .map(|(provider, model)| (provider.as_str(), model.as_str()));
        let (name, files) = match draft {
            Some(draft) => {
                let output = self
                    .output
                    .clone()
                    .unwrap_or_else(|| PathBuf::from(file_name(&draft.name)));
                let script = output.with_extension("model.yml");
                let beside = script.file_name().unwrap_or_default().to_string_lossy();
                let mut files = vec![(output.clone(), draft.spec(&beside))];
                files.extend(draft.script().map(|text| (script.clone(), text)));
                (draft.name, files)
            }
            None => {
                let template = self.template()?;
                let name = self.name()?;
                let (spec, beside) = template.files(name.as_deref(), model);
                let name = name.unwrap_or_else(|| template.name.to_owned());
                let output = self
                    .output
                    .clone()
                    .unwrap_or_else(|| PathBuf::from(file_name(&name)));
                let beside = beside
                    .into_iter()
                    .map(|(file, text)| (output.with_file_name(file), text));
                let files: Vec<_> = std::iter::once((output.clone(), spec))
                    .chain(beside)
                    .collect();
                (name, files)
            }
        };
        let Some((path, spec)) = files.first() else {
            return Err(Failure::failed("nothing to write"));
        };
        let warnings = check(path, spec)?;
        for (path, _) in &files {
            targets::check(path)?;
        }
        Ok(Written {
            name,
            files,
            warnings,
        })
    }

    fn template(&self) -> Result<&'static Template, Failure> {
        let name = self.template.as_deref().unwrap_or("hello");
        templates::template(name).ok_or_else(|| {
            Failure::usage(format!("there is no template `{}`", text::line(name, 80)))
        })
    }

    fn write(&self, written: &Written) -> Result<(), Failure> {
        for (place, (path, text)) in written.files.iter().enumerate() {
            let there = files::read_if_there(path)?;
            if there.is_some_and(|there| there != *text) && !self.force {
                let there = format!("`{}` is there already", path.display());
                return Err(match place {
                    0 => {
                        Failure::failed(there).hint("name another file, or replace it with --force")
                    }
                    _ => Failure::failed(format!(
                        "{there}, and the workflow wants a file of that name beside it"
                    ))
                    .hint("name another file for the workflow, or replace both with --force"),
                });
            }
        }
        // The workflow last: where it is, everything that it needs is.
        for (path, text) in written.files.iter().rev() {
            files::write(path, text)?;
        }
        Ok(())
    }
}

/// The name of a workflow as the name of a file.
fn file_name(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(80)
        .collect();
    let name = name.trim_matches(['.', '-']);
    format!("{}.yml", if name.is_empty() { "workflow" } else { name })
}

/// Refuses what would not be valid, and says what is doubtful.
fn check(path: &Path, spec: &str) -> Result<Vec<Finding>, Failure> {
    let name = path.display().to_string();
    let found = match armature_spec::parse(&name, spec) {
        Ok(document) => armature_spec::validate(&document),
        Err(found) => found.0,
    };
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    match found.iter().find(is_error) {
        None => Ok(found),
        Some(finding) => Err(Failure {
            hint: finding.hint.clone(),
            ..Failure::usage(format!("this would be no workflow: {}", finding.message))
        }),
    }
}

fn show(screen: &Screen, written: &Written) {
    for (path, text) in &written.files {
        screen.say(&format!("\n{}", style::name(&path.display().to_string())));
        screen.say(&text::visible(text));
    }
}

fn tell(screen: &Screen, written: &Written) {
    for (path, _) in &written.files {
        screen.print(&format!(
            "wrote {}",
            text::visible(&path.display().to_string())
        ));
    }
    if let Some((path, _)) = written.files.first() {
        findings::show(screen, &written.warnings);
        screen.say(&format!(
            "'{}' is ready: armature run {}",
            text::line(&written.name, 80),
            quoted(&path.display().to_string())
        ));
    }
}
