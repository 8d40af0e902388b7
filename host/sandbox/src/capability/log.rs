//! `log` and `progress`: what a guest says while it runs. No right is needed; the amount is limited.

use crate::{
    bindings::imports::armature::plugin::{log, progress},
    services::LogLevel,
    state::State,
};

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.enter()?;
        self.meter.log(message.len())?;
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        let message = self.clean(&message);
        self.services.sink.log(&self.plugin, level, message);
        Ok(())
    }
}

impl progress::Host for State {
    async fn report(
        &mut self,
        done: u64,
        total: Option<u64>,
        message: String,
    ) -> wasmtime::Result<()> {
        self.enter()?;
        let message = self.clean(&message);
        self.services
            .sink
            .progress(&self.plugin, done, total, message);
        Ok(())
    }
}
