//! `log` and `progress`: what a guest says while it runs. No right is needed; the amount is limited.

use crate::{
    bindings::imports::armature::plugin::{log, progress},
    services::LogLevel,
    state::State,
};

/// Longest message of progress, in characters: a line of a terminal, and no second log without a limit.
const MAX_PROGRESS: usize = 200;

/// Bytes of such a message that are looked at.
const MAX_SEARCHED: usize = 4 * 1024;

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.enter()?;
        self.meter.log.take(1, message.len() as u64)?;
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
        // Cut twice: before the search for secrets, which is work that no fuel pays, and to what a line can show.
        let message = self.clean(
            message
                .get(..message.floor_char_boundary(MAX_SEARCHED))
                .unwrap_or_default(),
        );
        let message = message.chars().take(MAX_PROGRESS).collect();
        self.services
            .sink
            .progress(&self.plugin, done, total, message);
        Ok(())
    }
}
