//! What stands behind a guest's host interfaces: kept values, log lines, progress.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use armature_grants::PluginName;
use armature_sandbox::{KvError, KvRoom, KvSpace, KvStore, LogLevel, Sink};
use armature_store::{Event, KvQuota, Store, StoreError};
use futures::future::BoxFuture;

use crate::run::Run;

/// Values that plugins keep, in the store.
pub(crate) struct KeptKv(pub(crate) Store);

fn failed(error: StoreError) -> KvError {
    match error {
        StoreError::KvFull { .. } => KvError::TooLarge,
        // What the storage says is about the host, not for a guest.
        _ => KvError::Other("the store is not available".to_owned()),
    }
}

impl KvStore for KeptKv {
    fn get<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        let (store, space, key) = (self.0.clone(), space.clone(), key.to_owned());
        Box::pin(in_background(move || {
            store.kv_get(&space.scope, space.plugin.as_str(), &key)
        }))
    }

    fn set<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
        value: Vec<u8>,
        room: KvRoom,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        let (store, space, key) = (self.0.clone(), space.clone(), key.to_owned());
        let quota = KvQuota {
            bytes: room.bytes,
            entries: room.entries,
        };
        Box::pin(while_awaited(move |is_wanted| {
            let (scope, plugin) = (&space.scope, space.plugin.as_str());
            store.kv_set_while(scope, plugin, &key, &value, quota, is_wanted)
        }))
    }

    fn delete<'a>(
        &'a self,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        let (store, space, key) = (self.0.clone(), space.clone(), key.to_owned());
        Box::pin(while_awaited(move |is_wanted| {
            store.kv_delete_while(&space.scope, space.plugin.as_str(), &key, is_wanted)
        }))
    }

    fn keys<'a>(
        &'a self,
        space: &'a KvSpace,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<String>, KvError>> {
        let (store, space, prefix) = (self.0.clone(), space.clone(), prefix.to_owned());
        Box::pin(in_background(move || {
            store.kv_keys(&space.scope, space.plugin.as_str(), &prefix)
        }))
    }
}

/// Tells, once it is dropped, that nobody waits any longer.
struct Awaited(Arc<AtomicBool>);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A change that is not made any more once the call it belongs to was stopped.
async fn while_awaited(
    work: impl FnOnce(Box<dyn Fn() -> bool + Send>) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), KvError> {
    let wanted = Arc::new(AtomicBool::new(true));
    let _awaited = Awaited(Arc::clone(&wanted));
    in_background(move || work(Box::new(move || wanted.load(Ordering::Acquire)))).await
}

/// SQLite blocks; the scheduler's threads must not.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, KvError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(KvError::Other("the store is not available".to_owned())),
    }
}

/// Writes what a guest says into the run's log, under the stage's name.
pub(crate) struct StageSink {
    pub(crate) run: Arc<Run>,
    pub(crate) stage: String,
}

impl Sink for StageSink {
    fn log(&self, plugin: &PluginName, level: LogLevel, message: String) {
        self.run.journal.note(Event::PluginLog {
            stage: self.stage.clone(),
            plugin: plugin.to_string(),
            level: level.to_string(),
            message,
        });
    }

    fn progress(&self, plugin: &PluginName, done: u64, total: Option<u64>, message: String) {
        #[expect(clippy::cast_precision_loss, reason = "a fraction shown to people")]
        let fraction = total
            .filter(|total| *total > 0)
            .map(|total| (done as f64 / total as f64).min(1.0));
        self.run.journal.note(Event::Progress {
            stage: self.stage.clone(),
            plugin: plugin.to_string(),
            message,
            fraction,
        });
    }
}
