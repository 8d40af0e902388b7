//! WASI 0.2 with nothing behind it, for guests whose language needs it to start.
//!
//! No arguments, no environment, no directories, no sockets, no name lookup. Standard output and error become lines of
//! log, under the limits of the log. Clocks tick in milliseconds: enough for a date, little for a side channel.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use armature_grants::{Limits, PluginName};
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

use crate::{
    manifest::plain_text,
    services::{LogLevel, Services},
    state::to_usize,
    usage::{LogRoom, Stop},
};

/// Most random bytes for one call.
const MAX_RANDOM: u64 = 64 * 1024;

/// Longest line of standard output that is kept together.
const MAX_LINE: usize = 4 * 1024;

/// Most bytes that are taken at one time.
const MAX_WRITE: usize = 64 * 1024;

pub(crate) fn table(limits: &Limits) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(to_usize(limits.handles));
    table
}

pub(crate) fn nothing_behind(
    plugin: &PluginName,
    services: &Services,
    room: &Arc<LogRoom>,
) -> WasiCtx {
    let output = |level| {
        Output(Arc::new(Mutex::new(Line {
            plugin: plugin.clone(),
            services: services.clone(),
            level,
            room: room.clone(),
            text: Vec::new(),
        })))
    };
    WasiCtx::builder()
        .stdout(output(LogLevel::Info))
        .stderr(output(LogLevel::Warn))
        .max_random_size(MAX_RANDOM)
        .wall_clock(Coarse)
        .monotonic_clock(Steady(Instant::now()))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .socket_addr_check(|_, _| Box::pin(async { false }))
        .build()
}

/// The date, in milliseconds.
struct Coarse;

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Time since the guest first asked, in milliseconds: it never goes back, and says nothing about the machine.
struct Steady(Instant);

impl HostMonotonicClock for Steady {
    fn resolution(&self) -> u64 {
        1_000_000
    }
    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_mul(1_000_000)
    }
}

/// Standard output or standard error. Written at once and by the caller, so that a guest which goes over the limit of the
/// log is stopped in the very call that does.
#[derive(Clone)]
struct Output(Arc<Mutex<Line>>);

/// The line that has not ended yet.
struct Line {
    plugin: PluginName,
    services: Services,
    level: LogLevel,
    room: Arc<LogRoom>,
    text: Vec<u8>,
}

impl Line {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.room.take(0, bytes.len() as u64)?;
        for byte in bytes {
            if *byte != b'\n' {
                self.text.push(*byte);
            }
            if *byte == b'\n' || self.text.len() >= MAX_LINE {
                self.room.take(1, 0)?;
                self.say();
            }
        }
        Ok(())
    }

    fn say(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.text)).into_owned();
        let scrubbed = self.services.secrets.scrubber().text(&line);
        self.services
            .sink
            .log(&self.plugin, self.level, plain_text(&scrubbed, MAX_LINE));
    }
}

/// What was said without an end is said all the same when the call is over.
impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() && self.room.take(1, 0).is_ok() {
            self.say();
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // WASI 0.2 is all there is, and asks for the other one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.write(&bytes)
            .map_err(|stop| StreamError::Trap(stop.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}
