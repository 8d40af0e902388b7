//! THE one path of a call. Whoever asks (a stage, a model, an adapter, another plugin, a person at the command line)
//! and whatever is called (a tool or an adapter), it is this function, in this order:
//!
//! known? exposed? arguments valid? → rights of every layer → rules, before → approval, bound to the digest of exactly
//! this call → intent, durable → a fresh instance under limits → result, durable → promise of the output, secrets cut
//! out → rules, after → trace row.
//!
//! Nothing else in this crate calls into the sandbox with rights. A refusal is typed and says what would permit it.

use std::{borrow::Cow, sync::Arc, time::Instant};

use armature_grants::{Layer, Limits, Rights};
use armature_sandbox::{
    Call, CallContext, Caller, Digest, Outcome, Phase, Placeholder, Plugin, Services, Verdict,
};
use armature_store::{
    Event,
    event::{Denied, RuleVerdict, ToolIntent},
};
use serde_json::Value;

use super::{caller::GuestCaller, record::Record, services::StageSink};
use crate::{
    ask::{Answer, Approval},
    failure::Failure,
    plan::{
        nearest,
        stage::{AdapterStage, Tool},
    },
    rules::{Decision, Question, message, word},
    run::Run,
    secrets::CallSecrets,
    stage::Scope,
};

/// What somebody asks for.
pub(crate) struct Act<'a> {
    pub(crate) what: What<'a>,
    pub(crate) caller: Caller,
    pub(crate) scope: &'a Arc<Scope>,
    pub(crate) args: Value,
    /// The secrets that the arguments mention, each with the hosts that may have it.
    pub(crate) placeholders: Vec<Placeholder>,
}

/// What is to be called.
pub(crate) enum What<'a> {
    /// A tool, by name.
    Tool {
        name: &'a str,
        exposure: Exposure<'a>,
    },
    /// An adapter of the spec, with what it sees.
    Adapter {
        adapter: &'a AdapterStage,
        context: Value,
    },
}

/// Which tools whoever asks was given.
#[derive(Clone, Copy)]
pub(crate) enum Exposure<'a> {
    /// The one that the spec's author wrote down.
    Written,
    /// Those that the role lists.
    Listed(&'a [String]),
    /// Those that the calling plugin is granted.
    Granted(&'a Rights),
}

/// The target of a call, once it is known.
struct Target<'a> {
    name: &'a str,
    plugin: &'a Arc<Plugin>,
    rights: &'a Rights,
    limits: &'a Limits,
    reversibility: &'static str,
    idempotent: bool,
    outside: bool,
    destructive: bool,
    how: How<'a>,
}

enum How<'a> {
    Tool(&'a Tool),
    Adapter(&'a Value),
}

/// Makes a call, or says why not. Either way there is a trace row.
pub(crate) async fn act(asked: Act<'_>) -> Result<Value, Failure> {
    let scope = Arc::clone(asked.scope);
    let mut record = Record::new(&scope, asked.caller, &asked.what);
    let started = Instant::now();
    let result = pass(asked, &mut record).await;
    if let Err(failure) = &result
        && failure.is_refusal()
    {
        scope.run.tally.refused();
    }
    record.finish(&scope, started.elapsed(), &result);
    result
}

async fn pass(asked: Act<'_>, record: &mut Record) -> Result<Value, Failure> {
    let Act {
        what,
        caller,
        scope,
        args,
        placeholders,
    } = asked;
    let run = &scope.run;
    let target = find(run, scope, &what)?;
    record.target(target.plugin);
    let args = without_empty_options(&target, args);
    check_arguments(run, &target, &args)?;
    let rights = narrow(run, scope, target.rights);
    check_depth(&target, scope)?;

    // People, rules and the log see names of secrets where the guest's host will see their values.
    let shown: Cow<'_, Value> = if run.secrets.is_empty() {
        Cow::Borrowed(&args)
    } else {
        Cow::Owned(run.secrets.clean(args.clone()))
    };
    record.args(&shown);
    run.budget.add_tool_call();
    let call_id = scope.next_call();
    record.call_id(&call_id);
    let question = Question {
        phase: Phase::Pre,
        tool: target.name,
        plugin: target.plugin.name().as_str(),
        args: &shown,
        result: None,
        stage: scope.id(),
        caller,
        reversibility: target.reversibility,
    };
    let digest = Digest::of(&[
        target.plugin.digest().as_bytes(),
        target.name.as_bytes(),
        shown.to_string().as_bytes(),
    ]);
    judge(run, scope, &target, &question, &call_id, &digest).await?;

    run.journal
        .record(intent(scope, &target, caller, &shown, &call_id, &digest))
        .await?;
    let Outcome { result, usage } =
        enter(run, scope, &target, rights, &args, &call_id, placeholders).await;
    record.usage(&usage);
    for denial in &usage.denials {
        run.tally.denied();
        run.journal.note(Event::Denied(Denied {
            stage: scope.id().to_owned(),
            plugin: denial.plugin.to_string(),
            tool: Some(target.name.to_owned()),
            capability: denial.capability.to_string(),
            asked: denial.asked.clone(),
            hint: Some(denial.hint()),
        }));
    }
    let result = result
        .map(|value| run.secrets.clean(value))
        .map_err(|error| Failure::from(run.secrets.error(error)));
    let written = record.result_event(scope, &result, &call_id, target.outside, &usage);
    run.journal.record(written).await?;
    let value = result?;

    check_promise(&target, &value)?;
    let after = Question {
        phase: Phase::Post,
        result: Some(&value),
        ..question
    };
    judge(run, scope, &target, &after, &call_id, &digest).await?;
    Ok(value)
}

/// Known, and given to whoever asks?
fn find<'a>(run: &'a Run, scope: &Scope, what: &'a What<'a>) -> Result<Target<'a>, Failure> {
    match what {
        What::Adapter { adapter, context } => Ok(Target {
            name: &adapter.name,
            plugin: &adapter.plugin,
            rights: &adapter.rights,
            limits: &adapter.limits,
            reversibility: "unknown",
            idempotent: false,
            outside: adapter.outside,
            destructive: false,
            how: How::Adapter(context),
        }),
        What::Tool { name, exposure } => {
            let tools = &run.plan.0.tools;
            if let Exposure::Granted(rights) = exposure {
                rights
                    .call_tool(name)
                    .map_err(|denial| Failure::Denied(Box::new(denial)))?;
            }
            if let Exposure::Listed(listed) = exposure
                && !listed.iter().any(|other| other == name)
            {
                return Err(Failure::NotExposed {
                    tool: clip(name),
                    stage: scope.id().to_owned(),
                });
            }
            let Some(tool) = tools.get(*name) else {
                let nearest = nearest(name, tools.keys().map(String::as_str));
                return Err(Failure::UnknownTool {
                    tool: clip(name),
                    nearest,
                });
            };
            Ok(Target {
                name: tool.definition.name.as_str(),
                plugin: &tool.plugin,
                rights: &tool.rights,
                limits: &tool.limits,
                reversibility: tool.definition.reversibility.word(),
                idempotent: tool.definition.idempotent,
                outside: tool.outside,
                destructive: tool.definition.effect == armature_sandbox::Effect::Destructive,
                how: How::Tool(tool),
            })
        }
    }
}

/// A name that a model made up, short enough to print.
fn clip(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

/// An optional argument that is null is one that was left out: a template whose name is missing gives null, and models
/// write it too. Where the schema takes null it stays.
fn without_empty_options(target: &Target<'_>, args: Value) -> Value {
    let How::Tool(tool) = &target.how else {
        return args;
    };
    let mut map = match args {
        Value::Object(map) if map.values().any(Value::is_null) => map,
        other => return other,
    };
    let schema = &tool.definition.input_schema;
    let required = |key: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|name| name == key))
    };
    let takes_null = |key: &str| match schema
        .get("properties")
        .and_then(|all| all.get(key)?.get("type"))
    {
        Some(Value::String(kind)) => kind == "null",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        _ => true,
    };
    map.retain(|key, value| !value.is_null() || required(key) || takes_null(key));
    Value::Object(map)
}

fn check_arguments(run: &Run, target: &Target<'_>, args: &Value) -> Result<(), Failure> {
    /// Problems that are listed: enough to mend a call, too few to fill a prompt.
    const LISTED: usize = 5;
    let How::Tool(tool) = &target.how else {
        return Ok(());
    };
    let problems: Vec<String> = tool
        .input
        .iter_errors(args)
        .take(LISTED)
        .map(|error| {
            let place = error.instance_path().to_string();
            if place.is_empty() {
                error.to_string()
            } else {
                format!("{place}: {error}")
            }
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::Arguments {
        tool: target.name.to_owned(),
        problems: run.secrets.text(&problems.join("; ")),
    })
}

/// The stage's own `grants:`, and those of the stages that started this run as a subagent.
fn narrow(run: &Run, scope: &Scope, rights: &Rights) -> Rights {
    let own = scope.stage().and_then(|stage| stage.narrowing.as_ref());
    run.narrowing
        .iter()
        .chain(own)
        .fold(rights.clone(), |rights, grants| {
            rights.narrowed(Layer::Stage, grants.clone())
        })
}

fn check_depth(target: &Target<'_>, scope: &Scope) -> Result<(), Failure> {
    let (depth, limit) = (scope.depth + 1, target.limits.call_depth);
    if depth > limit {
        return Err(Failure::TooDeep {
            tool: target.name.to_owned(),
            depth,
            limit,
        });
    }
    Ok(())
}

/// Asks the rules, and a person if they say so.
async fn judge(
    run: &Run,
    scope: &Scope,
    target: &Target<'_>,
    question: &Question<'_>,
    call_id: &str,
    digest: &Digest,
) -> Result<(), Failure> {
    let (opinions, mut decision) = run.law.judge(&run.engine.sandbox, question).await;
    for opinion in opinions
        .iter()
        .filter(|opinion| opinion.verdict != Verdict::Allow)
    {
        run.journal.note(Event::RuleVerdict(RuleVerdict {
            stage: scope.id().to_owned(),
            call_id: call_id.to_owned(),
            tool: target.name.to_owned(),
            rule: opinion.rule.clone(),
            phase: if question.phase == Phase::Pre {
                "pre"
            } else {
                "post"
            }
            .to_owned(),
            verdict: word(&opinion.verdict).to_owned(),
            message: message(&opinion.verdict).to_owned(),
        }));
    }
    if question.phase == Phase::Pre && target.destructive && decision == Decision::Go {
        let message = "the tool says that it can destroy something".to_owned();
        decision = Decision::Ask {
            rule: "effect: destructive".into(),
            message,
        };
    }
    match decision {
        Decision::Go => Ok(()),
        Decision::Stop { rule, message } => Err(Failure::Blocked {
            tool: target.name.to_owned(),
            rule,
            message,
        }),
        Decision::Ask { message, .. } => {
            approve(run, scope, target, question, message, call_id, digest).await
        }
    }
}

async fn approve(
    run: &Run,
    scope: &Scope,
    target: &Target<'_>,
    question: &Question<'_>,
    message: String,
    call_id: &str,
    digest: &Digest,
) -> Result<(), Failure> {
    let asked = Event::ApprovalAsked {
        stage: scope.id().to_owned(),
        call_id: call_id.to_owned(),
        plugin: target.plugin.name().to_string(),
        tool: target.name.to_owned(),
        args_digest: digest.to_string(),
        message: message.clone(),
    };
    run.journal.record(asked).await?;
    let answer = run
        .approver
        .approve(Approval {
            run: run.id.clone(),
            stage: scope.id().to_owned(),
            plugin: target.plugin.name().to_string(),
            tool: target.name.to_owned(),
            args: question.args.clone(),
            digest: digest.to_string(),
            message: message.clone(),
        })
        .await;
    let answered = Event::Approval {
        stage: scope.id().to_owned(),
        call_id: call_id.to_owned(),
        args_digest: digest.to_string(),
        approved: answer == Answer::Approved,
        by: run.approver.name().to_owned(),
    };
    run.journal.record(answered).await?;
    let refused = |why: &str| Failure::NotApproved {
        tool: target.name.to_owned(),
        why: if message.is_empty() {
            why.to_owned()
        } else {
            format!("{why} ({message})")
        },
    };
    match answer {
        Answer::Approved => Ok(()),
        Answer::Refused => Err(refused("a person refused it")),
        Answer::Unavailable => Err(refused("nobody could be asked")),
    }
}

fn intent(
    scope: &Scope,
    target: &Target<'_>,
    caller: Caller,
    shown: &Value,
    call_id: &str,
    digest: &Digest,
) -> Event {
    Event::ToolIntent(ToolIntent {
        stage: scope.id().to_owned(),
        item: scope.item,
        caller: caller.word().to_owned(),
        plugin: target.plugin.name().to_string(),
        plugin_digest: target.plugin.digest().to_string(),
        tool: target.name.to_owned(),
        args_digest: digest.to_string(),
        args: shown.clone(),
        call_id: call_id.to_owned(),
        idempotent: target.idempotent,
        outside: target.outside,
    })
}

async fn enter(
    run: &Arc<Run>,
    scope: &Arc<Scope>,
    target: &Target<'_>,
    rights: Rights,
    args: &Value,
    call_id: &str,
    placeholders: Vec<Placeholder>,
) -> Outcome<Value> {
    let caller = match target.how {
        How::Tool(_) => Caller::Plugin,
        How::Adapter(_) => Caller::Adapter,
    };
    let call = Call {
        rights: rights.clone(),
        limits: target.limits.clone(),
        services: Services {
            secrets: Arc::new(CallSecrets {
                run: Arc::clone(&run.secrets),
                placeholders,
            }),
            kv: Arc::clone(&run.kv),
            tools: Arc::new(GuestCaller {
                scope: Arc::new(scope.deeper(call_id)),
                rights,
                caller,
            }),
            sink: Arc::new(StageSink {
                run: Arc::clone(run),
                stage: scope.id().to_owned(),
            }),
        },
        workspace: Some(run.workspace.clone()),
        context: CallContext {
            run_id: run.id.to_string(),
            stage: scope.id().to_owned(),
            call_id: format!("{}/{call_id}", run.id),
            workflow: run.plan.name().to_owned(),
        },
    };
    let sandbox = &run.engine.sandbox;
    match &target.how {
        How::Tool(tool) => {
            sandbox
                .call_tool(&tool.plugin, &tool.definition.name, args, call)
                .await
        }
        How::Adapter(context) => {
            sandbox
                .run_adapter(target.plugin, args, context, call)
                .await
        }
    }
}

fn check_promise(target: &Target<'_>, value: &Value) -> Result<(), Failure> {
    let How::Tool(Tool {
        output: Some(output),
        ..
    }) = &target.how
    else {
        return Ok(());
    };
    let problem = output.iter_errors(value).next().map(|error| {
        let place = error.instance_path().to_string();
        if place.is_empty() {
            error.to_string()
        } else {
            format!("{place}: {error}")
        }
    });
    match problem {
        None => Ok(()),
        Some(problem) => Err(Failure::Result {
            tool: target.name.to_owned(),
            problem,
        }),
    }
}
