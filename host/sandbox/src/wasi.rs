//! WASI 0.2 with nothing behind it, for guests whose language needs it to start.
//!
//! No arguments, no environment, no directories, no sockets, no name lookup. Standard output and error become lines of
//! log, under the limits of the log. Clocks tick in milliseconds: enough for a date, little for a side channel.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use armature_grants::{LimitId, Limits, PluginName};
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx,
    cli::{IsTerminal, StdoutStream},
};

use crate::{
    manifest::plain_text,
    services::{LogLevel, Services},
    state::to_usize,
};

/// Most random bytes for one call.
const MAX_RANDOM: u64 = 64 * 1024;

/// Longest line of standard output that is kept together.
const MAX_LINE: usize = 4 * 1024;

pub(crate) fn table(limits: &Limits) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(to_usize(limits.handles));
    table
}

pub(crate) fn nothing_behind(
    plugin: &PluginName,
    services: &Services,
    limits: &Limits,
    exceeded: &Arc<OnceLock<LimitId>>,
) -> WasiCtx {
    let left = Arc::new(Mutex::new(Left {
        lines: limits.log_lines,
        bytes: limits.log_bytes,
        line: Vec::new(),
    }));
    let output = |level| Lines {
        plugin: plugin.clone(),
        services: services.clone(),
        level,
        left: left.clone(),
        exceeded: exceeded.clone(),
    };
    WasiCtx::builder()
        .stdout(output(LogLevel::Info))
        .stderr(output(LogLevel::Warn))
        .max_random_size(MAX_RANDOM)
        .wall_clock(Coarse)
        .monotonic_clock(Coarse)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .socket_addr_check(|_, _| Box::pin(async { false }))
        .build()
}

struct Coarse;

fn now() -> Duration {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn now(&self) -> Duration {
        now()
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        1_000_000
    }
    fn now(&self) -> u64 {
        u64::try_from(now().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A stream that turns bytes into lines of log and fails when the log is full.
#[derive(Clone)]
struct Lines {
    plugin: PluginName,
    services: Services,
    level: LogLevel,
    left: Arc<Mutex<Left>>,
    exceeded: Arc<OnceLock<LimitId>>,
}

/// What may still be written, and the line that has not ended.
struct Left {
    lines: u64,
    bytes: u64,
    line: Vec<u8>,
}

impl Lines {
    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.bytes = left
            .bytes
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| self.full(LimitId::LogBytes))?;
        for byte in bytes {
            if *byte != b'\n' && left.line.len() < MAX_LINE {
                left.line.push(*byte);
                continue;
            }
            left.lines = left
                .lines
                .checked_sub(1)
                .ok_or_else(|| self.full(LimitId::LogLines))?;
            let line = String::from_utf8_lossy(&std::mem::take(&mut left.line)).into_owned();
            let scrubbed = self.services.secrets.scrubber().text(&line);
            self.services
                .sink
                .log(&self.plugin, self.level, plain_text(&scrubbed, MAX_LINE));
        }
        Ok(())
    }

    /// The guest gets an error; whatever it makes of it, it is stopped at the next tick.
    fn full(&self, limit: LimitId) -> std::io::Error {
        self.exceeded.get_or_init(|| limit);
        std::io::Error::other("the log is full")
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.write(bytes).map(|()| bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
