//! THE one path of a call. Whoever asks (a stage, a model, an adapter, another plugin, a person at the command line)
//! and whatever is called (a tool or an adapter), it is this function, in this order:
//!
//! A call that an interrupted run had made is taken from its log at the point where it would be judged.
//!
//! known? exposed? arguments valid? → rights of every layer → rules, before → approval, bound to the digest of exactly
//! this call → intent, durable → a fresh instance under limits → result, durable → promise of the output, secrets cut
//! out → rules, after → trace row.
//!
//! A tool of the host itself (`memory.*`) goes the same way; only the instance is none, because it is our own code. So
//! does a command that spec and operator want outside of components; its instance is a container, or a process.
//!
//! Nothing else in this crate calls into the sandbox with rights. A refusal is typed and says what would permit it.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use armature_grants::{LimitId, Rights};
use armature_sandbox::{
    Call, CallContext, CallError, Caller, Digest, Outcome, Phase, Placeholder, Services, Usage,
};
use armature_store::{
    Event,
    event::{Denied, ToolIntent},
};
use serde_json::{Map, Value};

use super::{
    caller::GuestCaller,
    judge::Hearing,
    outside,
    record::Record,
    services::StageSink,
    target::{How, Target, as_wanted, check_arguments, check_depth, check_promise, find, narrow},
};
use crate::{
    failure::Failure,
    memory,
    plan::{hands_on, stage::AdapterStage},
    rules::Question,
    run::Run,
    secrets::CallSecrets,
    stage::{Scope, adapter},
};

/// What somebody asks for.
pub(crate) struct Act<'a> {
    pub(crate) what: What<'a>,
    pub(crate) caller: Caller,
    pub(crate) scope: &'a Arc<Scope>,
    pub(crate) args: Value,
    /// The secrets that the arguments mention, each with the hosts that may have it.
    pub(crate) placeholders: Vec<Placeholder>,
    /// Where the values come from that the templates of the arguments mention. Empty where nobody wrote templates.
    pub(crate) sources: Map<String, Value>,
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

/// Makes a call, or says why not. Either way there is a trace row.
pub(crate) async fn act(mut asked: Act<'_>) -> Result<Value, Failure> {
    let scope = Arc::clone(asked.scope);
    let mut record = Record::new(&scope, asked.caller, &asked.what);
    record.sources(std::mem::take(&mut asked.sources));
    let (started, asked_by) = (Instant::now(), asked.caller);
    let asked_adapter = match &asked.what {
        What::Adapter { adapter, .. } => Some(*adapter),
        What::Tool { .. } => None,
    };
    let mut result = pass(asked, &mut record).await;
    // Before the row is written: what an adapter's answer is read as is part of how the call ended.
    if let Some(stage) = asked_adapter {
        result = result.and_then(|value| adapter::read(stage, value));
    }
    if let Err(failure) = &result
        && failure.is_stop()
    {
        scope.run.tally.refused();
        if let Failure::NotExposed { tool, .. } = failure {
            scope.not_given(asked_by, tool, failure.hint());
        }
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
        sources: _,
    } = asked;
    let run = &scope.run;
    let target = find(run, scope, &what)?;
    record.target(target.plugin);
    let args = as_wanted(&target, args);
    check_arguments(run, &target, &args)?;
    let rights = narrow(run, scope, target.rights);
    check_depth(&target, scope)?;

    let (judged, shown) = faces(run, &target, &args)?;
    record.args(&shown);
    let call_id = scope.next_call();
    record.call_id(&call_id);
    let question = Question {
        phase: Phase::Pre,
        tool: target.name,
        plugin: target.plugin.name().as_str(),
        args: &judged,
        result: None,
        stage: scope.id(),
        caller,
        reversibility: target.reversibility,
        taken: None,
    };
    let hearing = Hearing {
        run,
        scope,
        target: &target,
        call_id: &call_id,
        args: &args,
        shown: &shown,
    };
    let digest = hearing.digest(&question);
    let value = match run.past.call(&call_id, &digest) {
        // This very call was made before the run was interrupted: it was judged then, and is not made again.
        Some(value) => value.clone(),
        None => {
            let taken = run.budget.take_tool_call();
            let before = Question {
                taken: Some(&taken),
                ..question
            };
            hearing.judge(&before).await?;
            taken.made();
            run.journal
                .record(intent(scope, &target, caller, &shown, &call_id, &digest))
                .await?;
            // Who can send nothing has no use for a placeholder, and would keep it where its name belongs.
            let given = if hands_on(&rights) { &args } else { &*judged };
            let outcome = match outside::backend(run, &target) {
                Some(commands) => {
                    let ran = outside::enter(run, scope, commands, &target, &rights, given).await;
                    record.image(ran.image);
                    ran.outcome
                }
                None => enter(run, scope, &target, rights, given, &call_id, placeholders).await,
            };
            come_out(scope, &target, record, &call_id, outcome).await?
        }
    };

    check_promise(&target, &value)?;
    let after = Question {
        phase: Phase::Post,
        result: Some(&value),
        ..question
    };
    hearing.judge(&after).await?;
    Ok(value)
}

/// What came of a call, written down, without secrets.
async fn come_out(
    scope: &Scope,
    target: &Target<'_>,
    record: &mut Record,
    call_id: &str,
    outcome: Outcome<Value>,
) -> Result<Value, Failure> {
    let run = &scope.run;
    let Outcome { result, usage } = outcome;
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
        .map_err(|error| error.under(run.engine.policy.limits()))
        .map_err(|error| Failure::from(run.secrets.error(error)));
    let written = record.result_event(scope, &result, call_id, target.outside, &usage);
    run.journal.record(written).await?;
    result
}

/// The arguments as rules see them, and as people and the log do. The guest's host sees the values of secrets.
fn faces<'a>(
    run: &Run,
    target: &Target<'_>,
    args: &'a Value,
) -> Result<(Cow<'a, Value>, Cow<'a, Value>), Failure> {
    let secrets = &run.secrets;
    if secrets.is_empty() {
        return Ok((Cow::Borrowed(args), Cow::Borrowed(args)));
    }
    match (secrets.judged(args), secrets.shown(args)) {
        (Some(judged), Some(shown)) => Ok((Cow::Owned(judged), Cow::Owned(shown))),
        _ => Err(Failure::Arguments {
            tool: target.name.to_owned(),
            problems: "two keys of one object are the same text where a secret is not shown; name one differently"
                .to_owned(),
        }),
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

/// Calls a tool that is a function of the host: the same limits of time and size, and nobody's rights.
async fn within(scope: &Arc<Scope>, target: &Target<'_>, args: &Value) -> Outcome<Value> {
    let started = Instant::now();
    let limit = |limit: LimitId| {
        Err(CallError::Limit {
            plugin: target.plugin.name().to_string(),
            limit,
            allowed: target.limits.get(limit),
            most: limit.row().ceiling,
        })
    };
    let patience = Duration::from_millis(target.limits.timeout_s);
    let asked = memory::tools::call(scope, target.name, args);
    let result = match tokio::time::timeout(patience, asked).await {
        Err(_) => limit(LimitId::Timeout),
        Ok(answer) => answer.map_err(CallError::Tool),
    };
    let bytes = |value: &Value| value.to_string().len() as u64;
    let bytes_out = result.as_ref().map_or(0, bytes);
    let usage = Usage {
        bytes_in: bytes(args),
        bytes_out,
        wall: started.elapsed(),
        ..Usage::default()
    };
    let result = if bytes_out > target.limits.output {
        limit(LimitId::Output)
    } else {
        result
    };
    Outcome { result, usage }
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
    if let How::Tool(tool) = &target.how
        && tool.plugin.is_of_host()
    {
        return within(scope, target, args).await;
    }
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
                scope: Arc::new(scope.deeper(call_id, target.limits.call_depth)),
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
