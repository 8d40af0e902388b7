//! `kv`: what a plugin keeps between calls. Its space is its own: named by plugin and by run or workflow.

use armature_grants::KvScope;

use crate::{
    bindings::imports::armature::plugin::kv,
    services::{KvError, KvRoom, KvSpace},
    state::State,
};

/// Longest key, in bytes.
const MAX_KEY: usize = 512;

impl State {
    fn space(&mut self) -> Result<KvSpace, kv::Error> {
        let scope = self
            .rights
            .kv()
            .map_err(|denial| kv::Error::Denied(self.denied(denial)))?;
        let scope = match scope {
            KvScope::Run => format!("run:{}", self.context.run_id),
            KvScope::Workflow => format!("workflow:{}", self.context.workflow),
        };
        Ok(KvSpace {
            plugin: self.plugin.clone(),
            scope,
        })
    }
}

fn checked(key: &str) -> Result<&str, kv::Error> {
    if key.is_empty() || key.len() > MAX_KEY {
        Err(kv::Error::InvalidKey(format!(
            "a key has 1 to {MAX_KEY} bytes, and this one has {}",
            key.len()
        )))
    } else {
        Ok(key)
    }
}

impl From<KvError> for kv::Error {
    fn from(error: KvError) -> Self {
        match error {
            KvError::TooLarge => Self::TooLarge,
            KvError::Other(why) => Self::Other(why),
        }
    }
}

impl kv::Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, kv::Error>> {
        self.enter()?;
        Ok(async {
            let space = self.space()?;
            Ok(self.services.kv.get(&space, checked(&key)?).await?)
        }
        .await)
    }

    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), kv::Error>> {
        self.enter()?;
        Ok(async {
            let space = self.space()?;
            let room = KvRoom {
                bytes: self.meter.limits.kv_bytes,
                entries: self.meter.limits.kv_entries,
            };
            Ok(self
                .services
                .kv
                .set(&space, checked(&key)?, value, room)
                .await?)
        }
        .await)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), kv::Error>> {
        self.enter()?;
        Ok(async {
            let space = self.space()?;
            Ok(self.services.kv.delete(&space, checked(&key)?).await?)
        }
        .await)
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, kv::Error>> {
        self.enter()?;
        Ok(async {
            let space = self.space()?;
            Ok(self.services.kv.keys(&space, &prefix).await?)
        }
        .await)
    }
}
