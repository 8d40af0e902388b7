//! The tool calls of a model: what is refused before the one path, the calls themselves, and what the model is told.
//!
//! The calls of one answer are made side by side and answered in their order. Refused at once are those beyond
//! `calls_of_a_turn`, arguments that are no JSON or larger than `argument_bytes`, and a call that was made before in
//! the same words [`SAME_CALLS`] times: the model is told, and one that goes on with it all the same is stopped. What
//! is told is typed (`{"error", "type"}`) and cut to `told_chars`, so that one result cannot fill the model's context.

use std::{collections::HashMap, sync::Arc};

use armature_grants::RunLimit;
use armature_llm::{Message, Reply, ToolCall};
use armature_sandbox::Caller;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream,
};
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    stage::Scope,
    tools::{Act, Exposure, What, act},
};

/// How often the very same call is made: looking again whether something is done is fair, for ever is not.
const SAME_CALLS: u32 = 3;

/// The class of what is beyond a limit: such calls are counted with those that rules and missing rights stop.
const TOO_MUCH: &str = "LimitExceeded";

/// Calls of one answer that are at work at one time.
const AT_ONCE: usize = 16;

/// What a conversation's calls have been so far.
#[derive(Default)]
pub(super) struct Calls {
    /// Tool and arguments as one text, with how often the call was made.
    made: HashMap<String, u32>,
    /// Calls of which the model was told that they are not made again.
    told: Vec<String>,
}

/// What becomes of a call before it is made.
enum Fate {
    Make(Value),
    Refuse { class: &'static str, why: String },
}

impl Calls {
    /// The reply as it stays in the conversation: arguments that are too large are not sent back to the model.
    pub(super) fn as_kept(&self, reply: &Reply) -> Message {
        let tool_calls = reply.tool_calls.iter().map(|call| {
            let size = size(call);
            match size > limit("argument_bytes") {
                true => ToolCall {
                    arguments: Ok(json!({"left_out": format!("{size} bytes")})),
                    ..call.clone()
                },
                false => call.clone(),
            }
        });
        Message::Assistant {
            text: reply.text.clone(),
            tool_calls: tool_calls.collect(),
        }
    }

    /// Why a model must be stopped that repeats a call although it was told that it is not made again.
    pub(super) fn tireless(&self, calls: &[ToolCall]) -> Option<String> {
        let again = calls.iter().find(|call| self.told.contains(&key(call)))?;
        Some(format!(
            "it goes on calling `{}` with the same arguments, though it was told what that gives",
            again.name.escape_debug()
        ))
    }

    /// Makes the calls of one answer; gives a message for each, in their order.
    pub(super) async fn make(
        &mut self,
        scope: &Arc<Scope>,
        tools: &[String],
        calls: &[ToolCall],
    ) -> Result<Vec<Message>, Failure> {
        let fates: Vec<(&ToolCall, Fate)> = calls
            .iter()
            .enumerate()
            .map(|(place, call)| (call, self.judge(scope, place, call)))
            .collect();
        let mut answers: Vec<BoxFuture<'_, Result<Message, Failure>>> = Vec::new();
        for (call, fate) in fates {
            answers.push(match fate {
                Fate::Make(args) => {
                    scope.note_call(&call.name);
                    one(scope, tools, call, args).boxed()
                }
                Fate::Refuse { class, why } => {
                    if class == TOO_MUCH {
                        scope.run.tally.refused();
                    }
                    ready(Ok(told(call, Err((class, why))))).boxed()
                }
            });
        }
        let most = limit("calls_of_a_turn");
        let beyond = calls.len().saturating_sub(most);
        if beyond > 0 {
            let asked =
                format!("{beyond} calls more in one answer than the {most} of `calls_of_a_turn`");
            scope.not_given(Caller::Model, &asked, None);
        }
        // All are awaited, whatever becomes of one: what was begun is written down to its end.
        let answers: Vec<Result<Message, Failure>> =
            stream::iter(answers).buffered(AT_ONCE).collect().await;
        answers.into_iter().collect()
    }

    fn judge(&mut self, scope: &Scope, place: usize, call: &ToolCall) -> Fate {
        let refuse = |class, why| Fate::Refuse { class, why };
        let most = limit("calls_of_a_turn");
        if place >= most {
            return refuse(
                TOO_MUCH,
                format!("one answer may call {most} tools; make this call in the next one"),
            );
        }
        let size = size(call);
        let most = limit("argument_bytes");
        if size > most {
            let asked = format!(
                "`{}` with {size} bytes of arguments, more than the {most} of `argument_bytes`",
                call.name.escape_debug()
            );
            scope.not_given(Caller::Model, &asked, None);
            return refuse(
                TOO_MUCH,
                format!("the arguments have {size} bytes; {most} are allowed"),
            );
        }
        let args = match &call.arguments {
            Ok(args) => args.clone(),
            Err(_) => return refuse("ValueError", "the arguments are not JSON".to_owned()),
        };
        let key = key(call);
        let made = self.made.entry(key.clone()).or_default();
        if *made >= SAME_CALLS {
            self.told.push(key);
            return refuse(
                "RepeatedCall",
                format!(
                    "this very call was made {SAME_CALLS} times, and its results are above: it is not made again. \
                     Do something else, or answer with what you know"
                ),
            );
        }
        *made += 1;
        Fate::Make(args)
    }
}

/// One call through the one path.
async fn one(
    scope: &Arc<Scope>,
    tools: &[String],
    call: &ToolCall,
    args: Value,
) -> Result<Message, Failure> {
    let asked = Act {
        what: What::Tool {
            name: &call.name,
            exposure: Exposure::Listed(tools),
        },
        caller: Caller::Model,
        scope,
        args,
        placeholders: Vec::new(),
        sources: Map::new(),
    };
    // Boxed: a tool may be a long way down.
    match act(asked).boxed().await {
        Ok(value) => Ok(told(call, Ok(value))),
        Err(failure) if failure.ends_run() => Err(failure),
        Err(failure) => Ok(told(call, Err((failure.class(), failure.for_model())))),
    }
}

fn told(call: &ToolCall, answer: Result<Value, (&'static str, String)>) -> Message {
    let is_error = answer.is_err();
    let content = match answer {
        Ok(value) => cut(value.to_string()),
        Err((class, why)) => json!({"error": why, "type": class}).to_string(),
    };
    Message::Tool {
        id: call.id.clone(),
        name: call.name.clone(),
        content,
        is_error,
    }
}

/// A result that is too long, as far as it may go, with a note that says so.
fn cut(text: String) -> String {
    let most = limit("told_chars");
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text;
    };
    let all = text.chars().count();
    let shown = text.get(..end).unwrap_or_default();
    json!({
        "cut": format!("the first {most} of {all} characters; ask for less at a time"),
        "text": shown,
    })
    .to_string()
}

/// Two calls with one key ask for the same.
fn key(call: &ToolCall) -> String {
    match &call.arguments {
        Ok(args) => format!("{} {args}", call.name),
        Err(raw) => format!("{} {raw}", call.name),
    }
}

fn size(call: &ToolCall) -> usize {
    match &call.arguments {
        Ok(args) => args.to_string().len(),
        Err(raw) => raw.len(),
    }
}

fn limit(name: &str) -> usize {
    usize::try_from(RunLimit::amount_of(name)).unwrap_or(usize::MAX)
}
