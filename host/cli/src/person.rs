//! The person at the terminal, who opens gates and approves calls.
//!
//! Only a terminal is asked: a pipe that happens to contain `yes` approves nothing. Where there is none, a gate can be
//! answered beforehand by name (`--approve STAGE=yes`); a call cannot, because what is approved is exactly what was
//! shown. What is shown is made visible and has an end, and the whole of it can be asked for. Answers keep their
//! spelling, and what was typed before a question was shown is no answer to it.

use std::{collections::BTreeMap, sync::Arc};

use armature_engine::{Answer, Approval, Approver, BoxFuture, Gate, GateAnswer};
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

/// Asks at the terminal.
pub(crate) struct Person {
    screen: Screen,
    progress: Arc<Progress>,
    beforehand: BTreeMap<String, GateAnswer>,
    /// One question at a time.
    turn: Mutex<()>,
}

impl Person {
    /// Asks at this terminal, where no answer was given beforehand.
    pub(crate) fn new(
        screen: Screen,
        progress: Arc<Progress>,
        beforehand: BTreeMap<String, GateAnswer>,
    ) -> Self {
        Self {
            screen,
            progress,
            beforehand,
            turn: Mutex::new(()),
        }
    }

    /// Shows something and reads a line; none when there is no terminal, or it was closed.
    async fn ask(&self, shown: &str, question: &str) -> Option<String> {
        let _turn = self.turn.lock().await;
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
        let head = format!(
            "\n{} gate {}",
            style::doubtful("?"),
            style::name(&text::line(&gate.stage, 80))
        );
        let mut shown = format!(
            "{head}\n  {}",
            text::indented(&text::visible(&gate.message), "  ")
        );
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
            if self.screen.can_ask() {
                self.ask_approval(ask).await
            } else {
                Answer::Unavailable
            }
        })
    }

    fn gate<'a>(&'a self, gate: Gate) -> BoxFuture<'a, GateAnswer> {
        Box::pin(async move {
            match self.beforehand.get(&gate.stage) {
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

/// Reads `--approve STAGE=yes`, `STAGE=no` and `STAGE=no:words`.
pub(crate) fn answers(given: &[String]) -> Result<BTreeMap<String, GateAnswer>, Failure> {
    let mut answers = BTreeMap::new();
    for text in given {
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
        answers.insert(stage.trim().to_owned(), answer);
    }
    Ok(answers)
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
        let read = answers(&given).unwrap();
        assert_eq!(read.get("a"), Some(&GateAnswer::Approved));
        assert_eq!(
            read.get("b"),
            Some(&GateAnswer::Rejected("Use the OTHER title".into()))
        );
        assert_eq!(read.get("c"), Some(&GateAnswer::Rejected(String::new())));
        for wrong in ["a", "a=maybe", "a=yes:but"] {
            assert!(answers(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
