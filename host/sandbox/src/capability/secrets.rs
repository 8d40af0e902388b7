//! `secrets`: whether one is there. Its value is put in by `http`, at the host's edge.

use crate::{bindings::imports::armature::plugin::secrets, state::State};

impl secrets::Host for State {
    async fn exists(&mut self, name: String) -> wasmtime::Result<bool> {
        self.enter()?;
        // What was not granted does not exist, so that names cannot be tried out.
        Ok(self.rights.has_secret(&name) && self.services.secrets.get(&name).is_some())
    }
}
