//! Replies that need not be asked for: kept from before, or on their way to somebody who asks the same just now.
//!
//! Of several who ask the same at one time one asks, and the others wait for what it hears. When that one fails or is
//! given up, the next of them asks: a failure is nobody else's, and nobody is stopped by another's end. A reply stays
//! with whoever asked until it is known whether it was any good; only then is it kept for later runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use armature_llm::{Finish, Reply};
use armature_store::CacheBounds;
use tokio::sync::watch;

use crate::{engine::Shared, run::Run};

/// How far a request is that others wait for.
#[derive(Debug)]
enum State {
    Asking,
    Answered(Arc<Reply>),
    /// It failed, or was given up.
    Over,
}

/// The requests that are being made, by key. One for all runs of an engine.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Arc<watch::Sender<State>>>>);

/// A reply, or the right to ask for it.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is one.
    Reply(Reply),
    /// There is none: whoever has this asks.
    Ask(Asking),
}

/// Somebody asks, and others may wait for it. Dropping it without an answer lets the next one ask.
#[derive(Debug)]
pub(crate) struct Asking {
    engine: Arc<Shared>,
    key: String,
    state: Arc<watch::Sender<State>>,
    answer: Option<Arc<Reply>>,
}

/// Looks for a reply to the question with this key.
pub(crate) async fn find(run: &Run, key: &str) -> Found {
    let asking = match join(&run.engine, key).await {
        // It may know what is a secret here and was none there.
        Found::Reply(reply) => return Found::Reply(run.secrets.reply(reply)),
        Found::Ask(asking) => asking,
    };
    match stored(run, key).await {
        Some(reply) => Found::Reply(reply),
        None => Found::Ask(asking),
    }
}

async fn join(engine: &Arc<Shared>, key: &str) -> Found {
    loop {
        let mut state = {
            let mut all = lock(&engine.flights);
            match all.get(key) {
                Some(state) => state.subscribe(),
                None => {
                    let state = Arc::new(watch::Sender::new(State::Asking));
                    all.insert(key.to_owned(), Arc::clone(&state));
                    return Found::Ask(Asking {
                        engine: Arc::clone(engine),
                        key: key.to_owned(),
                        state,
                        answer: None,
                    });
                }
            }
        };
        let ended = state
            .wait_for(|state| !matches!(state, State::Asking))
            .await;
        if let Ok(state) = ended
            && let State::Answered(reply) = &*state
        {
            return Found::Reply(Reply::clone(reply));
        }
    }
}

/// A reply from the store.
async fn stored(run: &Run, key: &str) -> Option<Reply> {
    let store = run.engine.store.clone()?;
    let (key, bounds) = (key.to_owned(), run.engine.cache_bounds());
    let found = tokio::task::spawn_blocking(move || store.cache_get(&key, bounds)).await;
    // A cache that cannot be read is a cache without the answer.
    let reply = serde_json::from_str(&found.ok()?.ok()??).ok()?;
    // It may be older than what is a secret today.
    Some(run.secrets.reply(reply))
}

impl Asking {
    /// The reply came: whoever waits has it too.
    pub(crate) fn answered(&mut self, reply: &Reply) {
        let reply = Arc::new(reply.clone());
        self.answer = Some(Arc::clone(&reply));
        self.state.send_replace(State::Answered(reply));
    }

    /// It was good: it is kept for the next time the same is asked.
    pub(crate) fn keep(self) {
        let is_answer =
            |reply: &&Arc<Reply>| !matches!(reply.finish, Finish::Refused | Finish::Length);
        if let (Some(reply), Some(store)) =
            (self.answer.as_ref().filter(is_answer), &self.engine.store)
            && let Ok(text) = serde_json::to_string(&**reply)
        {
            store.cache_put(&self.key, &text, self.engine.cache_bounds());
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock(&self.engine.flights).remove(&self.key);
        if self.answer.is_none() {
            self.state.send_replace(State::Over);
        }
    }
}

fn lock(
    flights: &Flights,
) -> std::sync::MutexGuard<'_, HashMap<String, Arc<watch::Sender<State>>>> {
    flights.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// How much of what models said is kept, by the operator's word.
    pub(crate) fn cache_bounds(&self) -> CacheBounds {
        let home = self.policy.home();
        CacheBounds {
            max_bytes: home.cache,
            max_age_s: home.cache_days.saturating_mul(24 * 3600),
        }
    }
}
