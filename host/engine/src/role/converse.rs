//! A conversation with a model: requests, tool calls in between, until it has said its piece.
//!
//! The calls of one answer are made side by side, through the one path, and answered in the order of the model's wish;
//! see [`super::calls`] for what is refused before it gets there. What goes wrong in a call is told to the model as the
//! call's result. A model that calls tools until its rounds are used up, or that goes on repeating one call, is stopped,
//! and has not answered: what it says beside its calls is what it is about to do, and no answer.
//!
//! A question that was answered before is not asked again ([`kept`](super::kept)): the calls that a kept answer asks for
//! are made again, since what they do is not in the answer. An answer that was no good is not kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use armature_llm::{Finish, Message, Model, Output, Reply, Request, ToolSpec, Usage};
use armature_sandbox::Digest;
use armature_spec::OutputMode;
use armature_store::{
    Event,
    event::{self, ModelIntent, ModelResult},
};

use super::{
    calls::Calls,
    kept::{self, Asking, Found},
    prompt::Prompt,
};
use crate::{failure::Failure, plan::stage::RoleStage, stage::Scope};

/// A conversation and what it has come to.
pub(crate) struct Conversation<'a> {
    pub(crate) scope: &'a Arc<Scope>,
    role: &'a RoleStage,
    messages: Vec<Message>,
    tools: Vec<ToolSpec>,
    calls: Calls,
    turn: u32,
    /// What the model said last.
    pub(crate) text: String,
    /// Was that cut off?
    is_cut: bool,
    /// The model that said it.
    pub(crate) model: String,
    pub(crate) usage: Usage,
    pub(crate) cost: Option<f64>,
    pub(crate) escalations: usize,
    /// Were there answers, and none of them asked for?
    pub(crate) cached: bool,
    /// Was a model asked?
    asked: bool,
    /// Answers to keep once it has turned out that they led to a good one.
    to_keep: Vec<Asking>,
}

impl<'a> Conversation<'a> {
    /// Begins with the prompt.
    pub(crate) fn new(scope: &'a Arc<Scope>, role: &'a RoleStage, prompt: &Prompt) -> Self {
        let tools = role
            .tools
            .iter()
            .filter_map(|name| scope.run.plan.0.tools.get(name));
        // Whoever gives a secret as an input gives it to the tools that need it, and to no model.
        let said = |text: &str| scope.run.secrets.text(text);
        let mut messages = Vec::new();
        if !prompt.system.is_empty() {
            messages.push(Message::System(said(&prompt.system)));
        }
        messages.push(Message::User(said(&prompt.user)));
        Self {
            scope,
            role,
            messages,
            tools: tools
                .map(|tool| ToolSpec {
                    name: tool.definition.name.to_string(),
                    description: tool.definition.description.clone(),
                    input_schema: tool.definition.input_schema.clone(),
                })
                .collect(),
            calls: Calls::default(),
            turn: 0,
            text: String::new(),
            is_cut: false,
            model: String::new(),
            usage: Usage::default(),
            cost: None,
            escalations: 0,
            cached: false,
            asked: false,
            to_keep: Vec::new(),
        }
    }

    /// Tells the next model what was wrong with the last answer.
    pub(crate) fn object(&mut self, problem: &str) {
        self.to_keep.clear();
        let problem = if self.is_cut {
            format!(
                "it was cut off at the longest reply there may be, so {problem}. Answer again, completely and shorter"
            )
        } else {
            format!("{problem}. Answer again, completely")
        };
        self.messages
            .push(Message::User(format!("That cannot be used: {problem}.")));
    }

    /// Asks one tier until it calls no more tools.
    pub(crate) async fn ask(&mut self, tier: usize) -> Result<(), Failure> {
        let model = self
            .scope
            .run
            .model(tier)
            .map_err(|error| Failure::Model(Box::new(error)))?;
        // Until it says otherwise: a failure is traced under the name of whoever was asked.
        model.id().clone_into(&mut self.model);
        let rounds = self.role.rounds;
        for round in 1..=rounds {
            let reply = self.request(tier, &model).await?;
            self.text.clone_from(&reply.text);
            self.is_cut = reply.finish == Finish::Length;
            self.model.clone_from(&reply.model);
            self.messages.push(self.calls.as_kept(&reply));
            if reply.tool_calls.is_empty() {
                return Ok(());
            }
            let stopped = if round == rounds {
                Some(format!(
                    "it still calls tools in round {rounds}, the last it has"
                ))
            } else {
                self.calls.tireless(&reply.tool_calls)
            };
            if let Some(why) = stopped {
                return Err(Failure::NoAnswer {
                    stage: self.scope.id().to_owned(),
                    why,
                });
            }
            let answers = self
                .calls
                .make(self.scope, &self.role.tools, &reply.tool_calls)
                .await?;
            self.messages.extend(answers);
        }
        Ok(())
    }

    fn next_request(&mut self, tier: usize) -> Request {
        self.turn += 1;
        let config = self
            .scope
            .run
            .plan
            .0
            .tiers
            .get(tier)
            .map(|tier| &tier.config);
        let output = match (self.role.output, &self.role.schema) {
            (OutputMode::Text, _) => Output::Text,
            (_, Some(schema)) => Output::Schema {
                name: format!("{}_output", self.scope.id()),
                schema: schema.value.clone(),
            },
            (_, None) => Output::Json,
        };
        Request {
            turn: self.turn,
            item: self.scope.item,
            model: config
                .map(|config| config.model.clone())
                .unwrap_or_default(),
            tools: self.tools.clone(),
            output,
            temperature: self
                .role
                .temperature
                .or(config.and_then(|config| config.temperature)),
            max_tokens: self
                .role
                .max_tokens
                .or(config.and_then(|config| config.max_tokens)),
            ..Request::new(self.scope.id(), self.messages.clone())
        }
    }

    /// One request: from the cache, or from the model with an event before and after.
    async fn request(&mut self, tier: usize, model: &Arc<dyn Model>) -> Result<Reply, Failure> {
        let run = &self.scope.run;
        let request = self.next_request(tier);
        let key = self.key(tier, model, &request);
        let outside = run
            .plan
            .0
            .tiers
            .get(tier)
            .is_none_or(|tier| !tier.is_scripted());
        let call_id = self.scope.next_call();
        if let Some(reply) = run.past.reply(&call_id, &key)
            && let Ok(reply) = serde_json::from_value::<Reply>(reply.clone())
        {
            // It was answered before the run was interrupted, and paid for: nobody is asked.
            self.used(&reply);
            self.stream(&reply.text);
            return Ok(reply);
        }
        let mut asking = None;
        if run.use_cache {
            match kept::find(run, &key).await {
                Found::Ask(ask) => asking = Some(ask),
                Found::Reply(reply) => {
                    self.cached = !self.asked;
                    let event = self.result_event(
                        &call_id,
                        model.id(),
                        Ok(&reply),
                        Duration::ZERO,
                        false,
                        true,
                    );
                    run.journal.note(event);
                    self.stream(&reply.text);
                    return Ok(reply);
                }
            }
        }
        run.budget
            .check_spending()
            .map_err(|spent| Failure::Spent {
                limit: spent.limit,
                most: spent.most,
                used: spent.used,
                stage: self.scope.id().to_owned(),
            })?;
        let intent = ModelIntent {
            stage: self.scope.id().to_owned(),
            item: self.scope.item,
            turn: self.turn,
            call_id: call_id.clone(),
            model: model.id().to_owned(),
            tier: run.plan.0.tiers.get(tier).map(|tier| tier.name.clone()),
            request_digest: key.clone(),
            outside,
        };
        run.journal.record(Event::ModelIntent(intent)).await?;
        (self.asked, self.cached) = (true, false);
        let began = Instant::now();
        let scope = self.scope;
        let tokens = scope.run.journal.tokens(scope.id());
        let on_token = |piece: &str| tokens.push(piece);
        run.budget.add_model_call();
        let result = model
            .complete(&request, self.streams().then_some(&on_token))
            .await
            .map(|reply| run.secrets.reply(reply));
        tokens.end();
        // Charged at once: whoever gives up while this is written down has paid for it all the same.
        if let Ok(reply) = &result {
            let Usage {
                input_tokens,
                output_tokens,
                ..
            } = reply.usage;
            run.budget
                .add_model_usage(input_tokens.saturating_add(output_tokens), reply.cost_usd);
        }
        let event = self.result_event(
            &call_id,
            model.id(),
            result.as_ref(),
            began.elapsed(),
            outside,
            false,
        );
        run.journal.record(event).await?;
        let reply = result.map_err(|error| Failure::Model(Box::new(error)))?;
        self.used(&reply);
        if let Some(mut asking) = asking {
            asking.answered(&reply);
            self.to_keep.push(asking);
        }
        Ok(reply)
    }

    /// What the stage pays for a reply, whenever that was.
    fn used(&mut self, reply: &Reply) {
        self.usage += reply.usage;
        self.cost = match (self.cost, reply.cost_usd) {
            (None, None) => None,
            (before, now) => Some(before.unwrap_or(0.0) + now.unwrap_or(0.0)),
        };
    }

    /// What a reply is found again by: all that decides it, whose account it is asked with, and how often the same was
    /// asked on purpose. Sealed, since the question may hold what nobody should find by digesting guesses.
    fn key(&self, tier: usize, model: &Arc<dyn Model>, request: &Request) -> String {
        let run = &self.scope.run;
        let tier = run.plan.0.tiers.get(tier);
        let account = tier.and_then(|tier| tier.key_name()).unwrap_or_default();
        Digest::of(&[
            &run.engine.seal,
            model.cache_key(request).as_bytes(),
            account.as_bytes(),
            self.scope.sample().as_bytes(),
        ])
        .to_string()
    }

    /// Is the answer for somebody who reads along?
    fn streams(&self) -> bool {
        self.role.output == OutputMode::Text
            && self.scope.stage().is_some_and(|stage| stage.response_stage)
    }

    fn stream(&self, text: &str) {
        if self.streams() {
            let tokens = self.scope.run.journal.tokens(self.scope.id());
            tokens.push(text);
            tokens.end();
        }
    }

    fn result_event(
        &self,
        call_id: &str,
        model: &str,
        result: Result<&Reply, &armature_llm::LlmError>,
        elapsed: Duration,
        outside: bool,
        cached: bool,
    ) -> Event {
        let reply = result.ok();
        Event::ModelResult(ModelResult {
            stage: self.scope.id().to_owned(),
            call_id: call_id.to_owned(),
            model: reply.map_or(model, |reply| &reply.model).to_owned(),
            ok: result.is_ok(),
            input_tokens: reply.map_or(0, |reply| reply.usage.input_tokens),
            output_tokens: reply.map_or(0, |reply| reply.usage.output_tokens),
            cached_input_tokens: reply.map_or(0, |reply| reply.usage.cached_input_tokens),
            reasoning_tokens: reply.map_or(0, |reply| reply.usage.reasoning_tokens),
            cost_usd: reply.and_then(|reply| reply.cost_usd),
            elapsed_s: elapsed.as_secs_f64(),
            cached,
            reply: reply
                .and_then(|reply| serde_json::to_value(reply).ok())
                .unwrap_or_default(),
            error: result.err().map(|error| event::Failure {
                class: "ModelError".to_owned(),
                reason: error.to_string(),
            }),
            outside,
        })
    }

    /// Keeps what was said for the next time the same is asked.
    pub(crate) fn keep(&mut self) {
        self.to_keep.drain(..).for_each(Asking::keep);
    }
}
