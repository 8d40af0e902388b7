//! `armature memory`: what workflows remember from run to run, and forgetting it.

use std::path::{Path, PathBuf};

use armature_store::{
    Memory as Kept,
    memory::{DIRECTORY, Held, capture::Entry, record::Record},
};
use serde_json::json;

use crate::{
    arguments::Home,
    exit::Exit,
    failure::Failure,
    format::Format,
    keyboard, opening,
    render::{outcome::pretty, screen::Screen, style, text},
    trust,
};

/// Characters of one value or fact on a line.
const MAX_LINE: usize = 200;

/// Look at what workflows remember from run to run, and forget it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature memory list\n  armature memory show research.yml")]
pub(crate) struct Memory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Forget(Forget),
}

/// List the workflows that remember something.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature memory list --format json")]
struct List {
    /// How to write the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    home: Home,
}

/// Show the values and facts that a workflow remembers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  armature memory show research.yml\n  armature memory show research --find 'green tea'"
)]
struct Show {
    #[command(flatten)]
    whose: Whose,

    /// The facts that have to do with these words only
    #[arg(long, value_name = "WORDS")]
    find: Option<String>,

    /// Facts that were replaced, too
    #[arg(long, conflicts_with = "find")]
    replaced: bool,

    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Forget what a workflow remembers: all of it, or a part.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  armature memory forget research.yml\n  armature memory forget research --stage report --yes\n  \
                  armature memory forget research --record 12 --yes"
)]
struct Forget {
    #[command(flatten)]
    whose: Whose,

    /// The values of this stage only
    #[arg(long, value_name = "ID", conflicts_with = "record")]
    stage: Option<String>,

    /// The values of this key of the stage only
    #[arg(long, value_name = "KEY", requires = "stage")]
    key: Option<String>,

    /// The fact of this number only, as `memory show` has it
    #[arg(long, value_name = "NUMBER")]
    record: Option<i64>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// How to write what was forgotten
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// A workflow's file, or its name
    #[arg(value_name = "SPEC|NAME")]
    workflow: String,

    #[command(flatten)]
    home: Home,
}

impl Memory {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self.command {
            Command::List(command) => command.run(screen),
            Command::Show(command) => command.run(screen),
            Command::Forget(command) => command.run(screen),
        }
    }
}

fn directory(home: &Home) -> Result<PathBuf, Failure> {
    Ok(opening::home(home)?.join(DIRECTORY))
}

impl List {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let all = Kept::list(&directory(&self.home)?).map_err(Failure::failed)?;
        if self.format == Format::Json {
            screen.result(&pretty(&json!(all)))?;
            return Ok(Exit::Done);
        }
        if all.is_empty() {
            screen.say("no workflow remembers anything; `memory:` in a spec makes it remember");
        }
        for held in &all {
            screen.print(&line(held));
        }
        Ok(Exit::Done)
    }
}

fn line(held: &Held) -> String {
    let db = if held.db == held.workflow {
        String::new()
    } else {
        format!(" in {}", text::line(&held.db, 100))
    };
    let when = held
        .updated
        .as_deref()
        .map(text::moment)
        .unwrap_or_default();
    format!(
        "{}  {}, {}{}",
        style::faint(&when),
        text::count(held.values, "value"),
        text::count(held.records, "fact"),
        format_args!("  {}{db}", style::name(&text::line(&held.workflow, 80)))
    )
}

impl Whose {
    /// Their memory, if there is any.
    fn open(&self) -> Result<Option<Kept>, Failure> {
        let dir = directory(&self.home)?;
        let (workflow, db) = self.meant(&dir)?;
        if !Kept::is_there(&dir, &workflow, db.as_deref()) {
            return Ok(None);
        }
        Kept::open(&dir, &workflow, db.as_deref())
            .map(Some)
            .map_err(Failure::failed)
    }

    /// The workflow that remembers, and the database, where it is not its own.
    fn meant(&self, dir: &Path) -> Result<(String, Option<String>), Failure> {
        let text = &self.workflow;
        let path = Path::new(text);
        if path.is_file() {
            let read = armature_spec::load(path);
            let spec = read
                .map_err(|found| Failure::usage(found.render(text)))?
                .spec;
            return Ok(match &spec.memory {
                Some(memory) => (memory.name(&spec.name).to_owned(), memory.db.clone()),
                None => (spec.name, None),
            });
        }
        let all = Kept::list(dir).map_err(Failure::failed)?;
        let mut of_name = all.into_iter().filter(|held| held.workflow == *text);
        match (of_name.next(), of_name.next()) {
            (Some(one), None) => Ok((one.workflow, Some(one.db))),
            (Some(_), Some(_)) => Err(Failure::usage(format!(
                "`{}` remembers in several databases",
                text.escape_debug()
            ))
            .hint("name the workflow's file: it says which database is meant")),
            (None, _) => Ok((text.clone(), None)),
        }
    }
}

impl Show {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (values, facts) = match self.whose.open()? {
            None => (Vec::new(), Vec::new()),
            Some(memory) => {
                let facts = match &self.find {
                    Some(words) => memory.search(words, None, usize::MAX),
                    None => memory.records(self.replaced),
                };
                let values = match self.find {
                    Some(_) => Ok(Vec::new()),
                    None => memory.entries(),
                };
                (
                    values.map_err(Failure::failed)?,
                    facts.map_err(Failure::failed)?,
                )
            }
        };
        if self.format == Format::Json {
            screen.result(&pretty(&json!({ "values": values, "facts": facts })))?;
            return Ok(Exit::Done);
        }
        if values.is_empty() && facts.is_empty() {
            screen.say("nothing is remembered");
        }
        for entry in &values {
            screen.print(&value(entry));
        }
        for record in &facts {
            screen.print(&fact(record));
        }
        Ok(Exit::Done)
    }
}

fn value(entry: &Entry) -> String {
    let shown = match &entry.value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let stale = if entry.is_stale() { ", old" } else { "" };
    format!(
        "{}.{}  {} {}",
        text::line(&entry.stage, 80),
        text::line(&entry.key, 80),
        text::line(&shown, MAX_LINE),
        style::faint(&format!(
            "({}, quality {:.2}{stale})",
            text::moment(&entry.timestamp),
            entry.quality
        ))
    )
}

fn fact(record: &Record) -> String {
    let replaced = match record.superseded_by {
        Some(by) => format!(", replaced by {by}"),
        None => String::new(),
    };
    let from = record.provenance.last().map(|source| {
        let stage = match source.stage_id.as_str() {
            "" => String::new(),
            stage => format!(" of {stage}"),
        };
        format!(", from run {}{stage}", source.run_id)
    });
    format!(
        "{:>5}  {} {}: {} {}",
        record.id,
        record.kind.as_str(),
        style::name(&text::line(&record.entity, 80)),
        text::line(&record.fact, MAX_LINE),
        style::faint(&format!(
            "(sure {:.2}{}{replaced})",
            record.confidence,
            text::line(&from.unwrap_or_default(), 120)
        ))
    )
}

impl Forget {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        trust::check(&opening::home(&self.whose.home)?)?;
        let forgotten = match self.whose.open()? {
            Some(memory) if self.agreed(screen, &memory)? => self.forget(&memory)?,
            Some(_) => {
                screen.say("nothing is forgotten");
                return Ok(Exit::Done);
            }
            None => (0, 0),
        };
        let (values, facts) = forgotten;
        if self.format == Format::Json {
            screen.result(&pretty(&json!({ "values": values, "facts": facts })))?;
        } else {
            screen.say(&format!(
                "forgotten: {}, {}",
                text::count(values, "value"),
                text::count(facts, "fact")
            ));
        }
        Ok(Exit::Done)
    }

    /// How many values and facts are gone.
    fn forget(&self, memory: &Kept) -> Result<(u64, u64), Failure> {
        let is_whole = self.stage.is_none() && self.record.is_none();
        let mut gone = (0, 0);
        if is_whole || self.stage.is_some() {
            gone.0 = memory
                .forget_values(self.stage.as_deref(), self.key.as_deref())
                .map_err(Failure::failed)?;
        }
        if is_whole || self.record.is_some() {
            gone.1 = memory
                .forget_records(self.record)
                .map_err(Failure::failed)?;
        }
        Ok(gone)
    }

    /// What is forgotten does not come back: a person says so.
    fn agreed(&self, screen: &Screen, memory: &Kept) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        if !screen.can_ask() {
            return Err(
                Failure::usage("nobody can be asked here whether to forget").hint("say so: --yes")
            );
        }
        let what = match (&self.stage, self.record) {
            (Some(stage), _) => format!("the values of {}", text::line(stage, 80)),
            (_, Some(record)) => format!("fact {record}"),
            _ => "everything".to_owned(),
        };
        let question = format!(
            "forget {what} that `{}` remembers? [yes / no] ",
            text::line(memory.workflow(), 80)
        );
        opening::wait(async {
            keyboard::forget_what_was_typed();
            screen.ask(&question);
            let line = keyboard::line().await.unwrap_or_default();
            Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
        })
    }
}
