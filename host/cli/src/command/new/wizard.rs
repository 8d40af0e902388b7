//! `armature new` at a terminal: asks for what the flags do not say, with what an empty answer means in brackets.

use std::path::PathBuf;

use super::{New, file_name};
use crate::{
    draft::{Does, Draft, Input, Stage},
    keyboard,
    render::{screen::Screen, style, text},
    templates::{self, TEMPLATES},
};

/// Asks at the terminal.
pub(super) struct Asked {
    pub(super) screen: Screen,
}

impl Asked {
    /// A line, or what is meant by an empty one; none when the terminal was closed.
    pub(super) async fn line(&self, question: &str, default: &str) -> Option<String> {
        self.screen.ask(question);
        let line = keyboard::line().await?;
        let line = line.trim();
        Some(if line.is_empty() { default } else { line }.to_owned())
    }
}

/// Asks for what the flags do not say. None when the terminal was closed; an inner none for a template.
pub(super) async fn wizard(screen: &Screen, flags: &mut New) -> Option<Option<Draft>> {
    let ask = Asked { screen: *screen };
    screen.say("A new workflow. Enter takes what stands in brackets.\n");
    for (template, number) in TEMPLATES.iter().zip(1..) {
        let about = text::line(&template.description(), 100);
        screen.say(&format!(
            "  {number}  {:<18} {}",
            template.name,
            style::faint(&about)
        ));
    }
    screen.say(&format!(
        "  0  {:<18} {}",
        "your own",
        style::faint("a few stages, one after the other")
    ));
    let template = loop {
        let said = ask.line("begin with [0] ", "0").await?;
        if said == "0" || said == "own" {
            break None;
        }
        let by_number = said
            .parse::<usize>()
            .ok()
            .and_then(|n| TEMPLATES.get(n.checked_sub(1)?));
        match by_number.or_else(|| templates::template(&said)) {
            Some(template) => break Some(template),
            None => screen.say("  a number or a name from the list"),
        }
    };
    let default = flags.name.clone().unwrap_or_else(|| match template {
        Some(template) => template.name.to_owned(),
        None => flags.stem(),
    });
    let name = ask.line(&format!("name [{default}] "), &default).await?;
    loop {
        let said = ask
            .line("model, as provider/model [a script that needs no key] ", "")
            .await?;
        flags.model = (!said.is_empty()).then_some(said);
        match flags.model() {
            Ok(_) => break,
            Err(failure) => screen.failure(&failure),
        }
    }
    flags.name = Some(name.clone());
    let draft = match template {
        Some(template) => {
            flags.template = Some(template.name.to_owned());
            None
        }
        None => Some(own(&ask, name, flags).await?),
    };
    if flags.output.is_none() {
        let default = file_name(flags.name.as_deref().unwrap_or("workflow"));
        flags.output = Some(PathBuf::from(
            ask.line(&format!("file [{default}] "), &default).await?,
        ));
    }
    Some(draft)
}

async fn own(ask: &Asked, name: String, flags: &New) -> Option<Draft> {
    let mut draft = Draft {
        name,
        description: ask.line("what it is for [nothing] ", "").await?,
        model: flags.model().ok().flatten(),
        ..Draft::default()
    };
    loop {
        let name = ask.line("input: its name [no more] ", "").await?;
        if name.is_empty() {
            break;
        }
        let description = ask.line("  what it is [nothing] ", "").await?;
        let default = ask.line("  default [it is required] ", "").await?;
        draft.inputs.push(Input {
            name,
            description,
            default: (!default.is_empty()).then_some(default),
        });
    }
    loop {
        let first = draft.stages.is_empty();
        let question = if first {
            "stage: its id [answer] "
        } else {
            "stage: its id [no more] "
        };
        let id = ask
            .line(question, if first { "answer" } else { "" })
            .await?;
        if id.is_empty() {
            break;
        }
        let what = ask
            .line("  what the model is to do [ask a person instead] ", "")
            .await?;
        let does = if what.is_empty() {
            Does::Gate(
                ask.line("  what the person is shown [Go on?] ", "Go on?")
                    .await?,
            )
        } else {
            Does::Ask(what)
        };
        draft.stages.push(Stage { id, does });
    }
    Some(draft)
}
