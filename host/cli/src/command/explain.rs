//! `armature explain`: what a workflow would do, with which rights and within which bounds. Nothing runs.
//!
//! Without `--prose` no model is asked and nothing is kept. With it, the workflow's own smallest tier is asked once, by
//! a run like any other: it is traced, it costs what it costs, and the model sees the account and nothing else.

use std::path::{Path, PathBuf};

use armature_engine::{Engine, Plan, RunRequest};
use armature_llm::{RetryPolicy, Script, Scripted};
use armature_spec::ModelTier;
use serde_json::{Map, Value, json};

use crate::{
    account::Account,
    arguments::Places,
    exit::Exit,
    failure::Failure,
    format::Format,
    opening::{self, Planned},
    render::{account, findings, outcome, screen::Screen},
    session::{Ran, Session, Show},
};

/// Explain what a workflow would do, with which rights and within which bounds, without running it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  armature explain workflow.yml --plugins ./plugins")]
pub(crate) struct Explain {
    /// The workflow's file
    #[arg(value_name = "SPEC", value_hint = clap::ValueHint::FilePath)]
    spec: PathBuf,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Ask the workflow's own smallest model tier to put it into prose
    #[arg(long, conflicts_with = "format")]
    prose: bool,

    #[command(flatten)]
    places: Places,
}

/// The stage that asks.
const STAGE: &str = "explain";

/// What the model is asked.
const QUESTION: &str = "Explain the workflow that `workflow` describes to somebody who has to decide whether to run it: \
     what goes in and what comes out, what happens in which order, which tools act on the world and with which rights, \
     what a person is asked, what could go wrong. Plain prose, no more than 250 words, nothing that is not in it.";

impl Explain {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        opening::wait(self.start(screen))
    }

    async fn start(&self, screen: &Screen) -> Result<Exit, Failure> {
        let (planned, engine) = opening::plan(&self.spec, &Map::new(), || {
            opening::engine(&self.places, self.prose)
        })
        .await?;
        let (plan, engine) = match (planned, engine) {
            (Planned::Good(plan), Some(engine)) => (plan, engine),
            (Planned::Bad(found), _) => return Ok(opening::refuse(screen, &found)),
            (Planned::Good(..), None) => {
                return Err(Failure::failed("no engine was made for a plan"));
            }
        };
        findings::show(screen, plan.warnings());
        let told = Account::of(&engine, &plan);
        if self.prose {
            return prose(screen, &engine, &plan, &told).await;
        }
        match self.format {
            Format::Text => show(screen, &told),
            Format::Json => {
                let told = serde_json::to_value(&told).map_err(Failure::failed)?;
                screen.result(&outcome::pretty(&told))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Shows an account, and that it was only told.
pub(crate) fn show(screen: &Screen, told: &Account) {
    for line in account::lines(told) {
        screen.print(&line);
    }
    screen.print("");
    screen.print("Nothing was run.");
}

/// Would the model say what it is asked? A script says what was written for something else. One that cannot be read is
/// reported by the run.
fn can_explain(spec: &str, model: &ModelTier) -> bool {
    let Some(script) = model
        .script
        .as_ref()
        .filter(|_| model.provider == "scripted")
    else {
        return true;
    };
    let script = Script::File(Path::new(spec).with_file_name(script));
    let read = Scripted::new(&*model.model, &script, None, RetryPolicy::default());
    read.is_ok_and(|script| script.is_written_for(STAGE))
}

/// A workflow of one stage, over the tiers of the one that is explained.
async fn prose(
    screen: &Screen,
    engine: &Engine,
    plan: &Plan,
    told: &Account,
) -> Result<Exit, Failure> {
    let document = plan.document();
    let tiers = &document.spec.model_tiers;
    let Some((tier, model)) = tiers.iter().next() else {
        return Err(Failure::usage("the workflow has no model tier to ask")
            .hint("leave --prose out: what would be asked is shown without a model"));
    };
    if !can_explain(&document.source.name, model) {
        return Err(Failure::usage(format!(
            "tier `{tier}` answers from a script, which has nothing to say about the workflow"
        ))
        .hint(format!(
            "give the tier a model, or the script a reply with `stage: {STAGE}`; without --prose no model is asked"
        )));
    }
    let asking = json!({
        "name": format!("explain {}", document.spec.name),
        "model_tiers": tiers,
        "stages": [{
            "id": STAGE,
            "role": {"name": "Explainer", "type": "worker", "model_tier": tier, "description": QUESTION},
        }],
    });
    // JSON is YAML; the name makes a script of replies be looked for beside the workflow.
    let asking = armature_spec::parse(&document.source.name, &asking.to_string())
        .map_err(|found| Failure::failed(found.render("explain")))?;
    let asking = match engine.plan(asking).await {
        Ok(plan) => plan,
        Err(found) => return Ok(opening::refuse(screen, &found)),
    };
    let mut inputs = Map::new();
    let told = serde_json::to_value(told).map_err(Failure::failed)?;
    inputs.insert("workflow".to_owned(), Value::String(outcome::pretty(&told)));
    let show = Show::default();
    let ask = async |session: Session| {
        let request = RunRequest {
            observer: session.progress,
            cancel: session.cancel,
            ..RunRequest::new(inputs)
        };
        engine.run(&asking, request).await
    };
    let (result, tally) = show.follow(screen, ask).await?;
    let ran = Ran {
        plan: &asking,
        engine,
        home: None,
    };
    show.finish(screen, &ran, result, &tally)
}
