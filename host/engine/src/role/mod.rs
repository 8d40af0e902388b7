//! A stage that asks a model: prompt, tools, structured answer, larger tiers, record.
//!
//! A tier answers, or it does not (nothing said, no JSON, a schema not met). One whose answer has the wrong form is told
//! what is wrong and asked once more; then the next larger one goes on with the same conversation, so that a tool that
//! was called is not called again. When all have failed the stage has a result that says so, or fails where it says
//! `on_parse_error: fail`; a provider that fails (key, network) is a failure of the stage.

mod answer;
mod aside;
mod calls;
mod converse;
mod examples;
mod kept;
mod prompt;

use std::{
    borrow::Cow,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use armature_sandbox::Digest;
use armature_spec::{OutputMode, RoleType};
use armature_store::{Event, TraceRow};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    context::Context,
    failure::Failure,
    memory,
    plan::{
        stage::{Kind, RoleStage, Stage},
        text::Text,
    },
    provenance,
    run::Run,
    stage::{Place, Scope},
    tools::as_map,
};
pub(crate) use answer::score;
use answer::{Answer, Read};
pub(crate) use aside::{SMALLEST, aside};
use converse::Conversation;
pub(crate) use kept::Flights;
use prompt::{Format, Parts, Prompt};

/// Longest text of an input that a trace row keeps, in characters.
const TRACED_INPUT: usize = 2_000;

/// Asks the model of a stage.
pub(crate) async fn ask(
    scope: &Arc<Scope>,
    role: &RoleStage,
    context: &Context,
) -> Result<Value, Failure> {
    let run = &scope.run;
    run.budget
        .take_model_stage()
        .map_err(|exhausted| Failure::Exhausted {
            limit: exhausted.limit,
            stage: scope.id().to_owned(),
        })?;
    let began = Instant::now();
    let examples = match (scope.number(), scope.stage()) {
        (Some(number), Some(stage)) => examples::find(run, number, stage, role).await,
        _ => Vec::new(),
    };
    let prompt = prompt_of(run, role, context, &examples)?;
    let mut conversation = Conversation::new(scope, role, &prompt);
    let result = climb(role, &mut conversation).await;
    trace(
        scope,
        role,
        context,
        &conversation,
        began.elapsed(),
        &result,
    );
    let (value, _) = result?;
    run.transcribe(json!({
        "stage_id": scope.id(),
        "role_name": role.name,
        "role_type": role.role_type,
        "model": conversation.model,
        "system_prompt": prompt.system,
        "response": conversation.text,
    }));
    Ok(value)
}

/// Asks one tier after the other. Tells whether the answer keeps to its form.
async fn climb(
    role: &RoleStage,
    conversation: &mut Conversation<'_>,
) -> Result<(Value, bool), Failure> {
    let mut problem = String::new();
    for (count, tier) in role.tiers.iter().enumerate() {
        conversation.escalations = count;
        for may_mend in [true, false] {
            conversation.ask(*tier).await?;
            problem = match answer::read(role, &conversation.text) {
                Read::Good(value) => {
                    conversation.keep();
                    return Ok((value, true));
                }
                Read::Bad(problem) => problem,
            };
            conversation.object(&problem);
            // Who said nothing at all has nothing to mend.
            if !may_mend || conversation.text.trim().is_empty() {
                break;
            }
        }
        if count + 1 < role.tiers.len() {
            let run = &conversation.scope.run;
            run.journal.note(Event::TierEscalation {
                stage: conversation.scope.id().to_owned(),
                escalation_count: u32::try_from(count + 1).unwrap_or(u32::MAX),
                message: problem.clone(),
            });
        }
    }
    if role.must_fit {
        return Err(Failure::Unusable {
            stage: conversation.scope.id().to_owned(),
            problem,
        });
    }
    let value = match role.output {
        OutputMode::Text => json!({"content": conversation.text}),
        OutputMode::Json | OutputMode::GuidedJson => {
            json!({"raw": conversation.text, "_parse_error": true})
        }
    };
    Ok((value, false))
}

fn prompt_of(
    run: &Run,
    role: &RoleStage,
    context: &Context,
    examples: &[(String, String)],
) -> Result<Prompt, Failure> {
    let description = role.description.text(context)?;
    let plan = &run.plan.0;
    let mission = mission(run, context);
    let tools = role.tools.iter().filter_map(|name| plan.tools.get(name));
    Ok(prompt::assemble(&Parts {
        mission: &mission,
        layers: role
            .layers
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect(),
        role_type: role.role_type,
        description: &description,
        tools: tools
            .map(|tool| {
                (
                    tool.definition.name.as_str(),
                    tool.definition.description.as_str(),
                )
            })
            .collect(),
        skills: role
            .skills
            .iter()
            .map(|(title, text)| (title.as_str(), text.as_str()))
            .collect(),
        examples: examples
            .iter()
            .map(|(inputs, outputs)| (inputs.as_str(), outputs.as_str()))
            .collect(),
        // What is there for templates is listed where the signature names it.
        context: match role.only {
            Some(_) => context.all(),
            None => context.listed(),
        },
        // Who looks facts up is not handed them as well.
        without: role
            .tools
            .iter()
            .any(|tool| tool.starts_with(memory::tools::PREFIX))
            .then(|| plan.document.spec.memory.as_ref())
            .flatten()
            .map(|memory| memory.inject_knowledge_as.as_str()),
        only: role
            .only
            .as_ref()
            .map(|only| only.iter().map(String::as_str).collect()),
        stages: &plan.ids,
        format: match (role.output, &role.schema) {
            (OutputMode::Text, _) => Format::Text,
            (_, Some(schema)) => Format::Schema(&schema.value),
            (_, None) => Format::Object,
        },
    }))
}

/// The mission. It may still name what only this run knows, as an item that a subagent is started for; where that is not
/// there, or is the result of a stage, the text stays as it is written.
fn mission<'r>(run: &'r Run, context: &Context) -> Cow<'r, str> {
    let plan = &run.plan.0;
    let written = plan.document.spec.mission.as_str();
    if !written.contains("{{") {
        return Cow::Borrowed(written);
    }
    let said = Text::compile("mission", written).ok().filter(|text| {
        text.needs()
            .iter()
            .all(|name| context.get(name).is_some() && !plan.index.contains_key(name))
    });
    said.and_then(|text| text.text(context).ok())
        .map_or(Cow::Borrowed(written), Cow::Owned)
}

fn trace(
    scope: &Scope,
    role: &RoleStage,
    context: &Context,
    conversation: &Conversation<'_>,
    elapsed: Duration,
    result: &Result<(Value, bool), Failure>,
) {
    let run = &scope.run;
    if !run.journal.traces() {
        return;
    }
    let judged = |value: &Value| {
        (role.role_type == RoleType::Judge.as_str())
            .then(|| answer::score(value))
            .flatten()
    };
    let short = |value: &Value| match value {
        Value::String(text) => Value::from(text.chars().take(TRACED_INPUT).collect::<String>()),
        other => {
            let text = other.to_string();
            if text.len() <= TRACED_INPUT {
                other.clone()
            } else {
                Value::from(text.chars().take(TRACED_INPUT).collect::<String>())
            }
        }
    };
    let called = scope.called();
    let mut row = TraceRow {
        kind: "llm".to_owned(),
        role_type: role.role_type.to_owned(),
        model: conversation.model.clone(),
        input_tokens: conversation.usage.input_tokens,
        output_tokens: conversation.usage.output_tokens,
        cached_input_tokens: conversation.usage.cached_input_tokens,
        reasoning_tokens: conversation.usage.reasoning_tokens,
        cost_usd: conversation.cost,
        cached: conversation.cached,
        latency_ms: elapsed.as_secs_f64() * 1000.0,
        escalation_count: conversation.escalations as u64,
        inputs: context
            .all()
            .iter()
            .map(|(key, value)| (key.clone(), short(value)))
            .collect(),
        inputs_hash: digest(context),
        inputs_provenance: provenance::of_all(run, context),
        tools_declared: role.tools.clone(),
        tools_called: called,
        schema_hash: role.form(),
        ..scope.row()
    };
    match result {
        Ok((value, valid)) => {
            row.output_valid = *valid;
            row.quorum_score = judged(value);
            row.outputs = as_map(value);
        }
        Err(failure) => scope.mark_failed(&mut row, failure),
    }
    scope.trace(&row);
}

/// Tells two runs apart that asked with different inputs.
fn digest(context: &Context) -> String {
    let listed: Map<String, Value> = context
        .listed()
        .into_iter()
        .filter(|(key, _)| key != "run_id")
        .map(|(key, value)| (key, Value::clone(&value)))
        .collect();
    Digest::of(&[Value::Object(listed).to_string().as_bytes()]).short()
}

/// One answer made of several, by the judge's tier.
pub(crate) async fn consensus(
    run: &Arc<Run>,
    at: Place,
    stop: &CancellationToken,
    results: Vec<Value>,
) -> Result<Value, Failure> {
    let Some(tier) = run.plan.0.judge_tier else {
        return Err(Failure::Value(
            "a consensus is made by a model, and no model tier is set".to_owned(),
        ));
    };
    let scope = Arc::new(Scope::new(run, at, 1, stop.clone()));
    run.budget
        .take_model_stage()
        .map_err(|exhausted| Failure::Exhausted {
            limit: exhausted.limit,
            stage: scope.id().to_owned(),
        })?;
    let description = run
        .plan
        .0
        .stages
        .get(at.number)
        .map(|stage| purpose(run, at.number, stage))
        .unwrap_or_default();
    let prompt = Prompt {
        system: format!(
            "Several people worked on the same task without seeing each other's results. Make one result of theirs: \
             keep what they agree on, weigh what they do not, drop what is wrong, and keep the form of the results.{description}"
        ),
        user: format!(
            "## Results\n{}\n\nReply with the one result.",
            json!(results)
        ),
    };
    let role = RoleStage::judge(tier)?;
    let began = Instant::now();
    let mut conversation = Conversation::new(&scope, &role, &prompt);
    let result = climb(&role, &mut conversation).await;
    trace(
        &scope,
        &role,
        &Context::of_everything(&run.board),
        &conversation,
        began.elapsed(),
        &result,
    );
    let (value, _) = result?;
    let text = value
        .get("content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Ok(match Answer::object(text) {
        Some(object) => object,
        None => json!({"consensus_output": text, "source_results": results}),
    })
}

/// What a stage is for, as far as its author said: without an item, since it is about all of them.
fn purpose(run: &Run, number: usize, stage: &Stage) -> String {
    let context = run.sight_of(number, stage);
    let task = match &stage.kind {
        Kind::Role(role) => role.description.text(&context).ok(),
        _ => None,
    };
    match task
        .as_deref()
        .map(str::trim)
        .filter(|task| !task.is_empty())
    {
        Some(task) => {
            format!(" The task of each, where what differed between them is left out:\n\n{task}")
        }
        None => format!(" The task was the stage `{}`.", stage.id),
    }
}

impl Run {
    /// Remembers an answer for the stages that run last.
    fn transcribe(&self, entry: Value) {
        self.transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }
}
