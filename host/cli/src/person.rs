//! The person at the terminal, who opens gates and approves calls.
//!
//! Only a terminal is asked: a pipe that happens to contain `yes` approves nothing. Where there is none, a gate can be
//! answered beforehand by name (`--approve STAGE=yes`); a call cannot, because what is approved is exactly what was
//! shown. What is shown is made visible and has an end, and the whole of it can be asked for. Answers keep their
//! spelling, and what was typed before a question was shown is no answer to it.

use std::{collections::BTreeMap, sync::Arc};

use armature_engine::{Answer, Approval, Approver, BoxFuture, Gate, GateAnswer, Plan};
use armature_store::without_items;
use tokio::sync::Mutex;

use crate::{
    failure::Failure,
    keyboard,
    render::{
        progress::Progress,
        screen::Screen,
        style,
        text::{self, MAX_ASKED},
    },
};

/// How alike two names are of which one was probably meant.
const LIKE: f64 = 0.8;

/// Asks at the terminal.
pub(crate) struct Person {
    screen: Screen,
    progress: Arc<Progress>,
    beforehand: Answers,
    /// One question at a time, and what is asked about its answer belongs to it.
    turn: Mutex<()>,
}

impl Person {
    /// Asks at this terminal, where no answer was given beforehand.
    pub(crate) fn new(screen: Screen, progress: Arc<Progress>, beforehand: Answers) -> Self {
        Self {
            screen,
            progress,
            beforehand,
            turn: Mutex::new(()),
        }
    }

    /// Shows something and reads a line; none when there is no terminal, or it was closed. Whoever asks has the turn.
    async fn ask(&self, shown: &str, question: &str) -> Option<String> {
        self.progress.pause();
        let _resumes = Resume(&self.progress);
        if !shown.is_empty() {
            self.screen.say(shown);
        }
        keyboard::forget_what_was_typed();
        self.screen.ask(question);
        keyboard::line().await
    }

    async fn ask_gate(&self, gate: Gate) -> GateAnswer {
        let _turn = self.turn.lock().await;
        let head = format!(
            "\n{} gate {}",
            style::doubtful("?"),
            style::name(&text::line(&gate.stage, 80))
        );
        let mut shown = format!("{head}\n{}", text::barred(&text::visible(&gate.message)));
        loop {
            let question = "  approve? [yes / no / say what should change] ";
            let Some(line) = self.ask(&shown, question).await else {
                return GateAnswer::Unavailable;
            };
            let words = line.trim();
            match words.to_lowercase().as_str() {
                "" => shown.clear(),
                "y" | "yes" | "ok" | "approve" | "approved" => return GateAnswer::Approved,
                "n" | "no" | "reject" | "rejected" => {
                    let why = self.ask("", "  why? [Enter to leave it out] ").await;
                    return GateAnswer::Rejected(why.unwrap_or_default().trim().to_owned());
                }
                _ => return GateAnswer::Rejected(words.to_owned()),
            }
        }
    }

    async fn ask_approval(&self, ask: Approval) -> Answer {
        let _turn = self.turn.lock().await;
        let args = serde_json::to_string_pretty(&ask.args).unwrap_or_default();
        let args = text::visible(&args).into_owned();
        let place = match ask.stage.as_str() {
            "" => String::new(),
            stage => format!("stage {} wants ", text::line(stage, 80)),
        };
        let head = format!(
            "\n{} {place}{} of plugin {}: {}",
            style::doubtful("?"),
            style::name(&text::line(&ask.tool, 80)),
            text::line(&ask.plugin, 80),
            text::line(&ask.message, MAX_ASKED),
        );
        let mut shown = format!(
            "{head}\n  {}",
            text::indented(&text::bounded(&args, MAX_ASKED), "  ")
        );
        let is_whole = args.chars().count() <= MAX_ASKED;
        let question = if is_whole {
            "  allow this one call? [yes / no] "
        } else {
            "  allow this one call? [yes / no / all, to see all of it] "
        };
        loop {
            let Some(line) = self.ask(&shown, question).await else {
                return Answer::Unavailable;
            };
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Answer::Approved,
                "n" | "no" => return Answer::Refused,
                "all" => shown = format!("  {}", text::indented(&args, "  ")),
                _ => shown = "  answer yes or no".to_owned(),
            }
        }
    }
}

impl Approver for Person {
    fn approve<'a>(&'a self, ask: Approval) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            if ask.is_again && self.beforehand.again.contains(&ask.call_id) {
                Answer::Approved
            } else if self.screen.can_ask() {
                self.ask_approval(ask).await
            } else {
                Answer::Unavailable
            }
        })
    }

    fn gate<'a>(&'a self, gate: Gate) -> BoxFuture<'a, GateAnswer> {
        Box::pin(async move {
            match self.beforehand.of(&gate.stage) {
                Some(answer) => answer.clone(),
                None if self.screen.can_ask() => self.ask_gate(gate).await,
                None => GateAnswer::Unavailable,
            }
        })
    }

    fn name(&self) -> &str {
        if self.screen.can_ask() {
            "terminal"
        } else {
            "command line"
        }
    }
}

/// Lets progress go on, also when the question is given up.
struct Resume<'a>(&'a Progress);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

/// What was answered before anything was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    gates: BTreeMap<String, GateAnswer>,
    /// Calls that may be made again.
    again: Vec<String>,
}

impl Answers {
    /// Reads `--approve STAGE=yes`, `STAGE=no` and `STAGE=no:words`.
    pub(crate) fn read(given: &[String]) -> Result<Self, Failure> {
        let mut gates = BTreeMap::new();
        for text in given {
            let (stage, answer) = one(text)?;
            if gates.insert(stage.clone(), answer).is_some() {
                return Err(Failure::usage(format!(
                    "gate `{}` is answered twice",
                    stage.escape_debug()
                ))
                .hint("leave one of the two --approve out"));
            }
        }
        Ok(Self {
            gates,
            again: Vec::new(),
        })
    }

    /// With calls that may be made again.
    pub(crate) fn again(self, calls: Vec<String>) -> Self {
        Self {
            again: calls,
            ..self
        }
    }

    /// The answer to a gate: its own, or the one to all items of the stage.
    fn of(&self, gate: &str) -> Option<&GateAnswer> {
        let own = self.gates.get(gate);
        own.or_else(|| self.gates.get(&without_items(gate)))
    }

    /// Refuses an answer to what is no gate of the plan: it was meant for another one.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), Failure> {
        let gates = plan.gates();
        let is_gate = |name: &str| gates.contains(&without_items(name));
        let Some(unknown) = self.gates.keys().find(|name| !is_gate(name)) else {
            return Ok(());
        };
        let message = format!("there is no gate `{}`", unknown.escape_debug());
        let near = gates
            .iter()
            .map(|gate| (strsim::jaro_winkler(unknown, gate), gate))
            .filter(|(likeness, _)| *likeness > LIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        Err(Failure::usage(message).hint(match near {
            Some((_, gate)) => format!("did you mean `{gate}`?"),
            None if gates.is_empty() => "the workflow has no gates; leave --approve out".to_owned(),
            None => format!("its gates: {}", gates.join(", ")),
        }))
    }
}

fn one(text: &str) -> Result<(String, GateAnswer), Failure> {
    let wrong = || {
        Failure::usage(format!("`--approve {}` is no answer", text.escape_debug()))
            .hint("write --approve STAGE=yes, --approve STAGE=no or --approve 'STAGE=no:what should change'")
    };
    let (stage, answer) = text.split_once('=').ok_or_else(wrong)?;
    let (word, words) = answer.split_once(':').unwrap_or((answer, ""));
    let answer = match word.trim().to_lowercase().as_str() {
        "yes" | "y" if words.is_empty() => GateAnswer::Approved,
        "no" | "n" => GateAnswer::Rejected(words.trim().to_owned()),
        _ => return Err(wrong()),
    };
    Ok((stage.trim().to_owned(), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_given_beforehand_keep_their_words() {
        let given = [
            "a=yes".to_owned(),
            "b = no: Use the OTHER title ".to_owned(),
            "c=n".to_owned(),
        ];
        let read = Answers::read(&given).unwrap().gates;
        assert_eq!(read.get("a"), Some(&GateAnswer::Approved));
        assert_eq!(
            read.get("b"),
            Some(&GateAnswer::Rejected("Use the OTHER title".into()))
        );
        assert_eq!(read.get("c"), Some(&GateAnswer::Rejected(String::new())));
        for wrong in ["a", "a=maybe", "a=yes:but"] {
            assert!(Answers::read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        let items = ["each=yes".to_owned(), "each[2]=no:Not this".to_owned()];
        let read = Answers::read(&items).unwrap();
        assert_eq!(read.of("each[0]"), Some(&GateAnswer::Approved));
        let no = GateAnswer::Rejected("Not this".into());
        assert_eq!(read.of("each[2]"), Some(&no));
        let twice = ["a=yes".to_owned(), "a=no".to_owned()];
        assert!(Answers::read(&twice).is_err());
    }
}
