//! What one call used, and the meter that counts it while it runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use armature_grants::{Denial, LimitId, Limits};

/// What one call used. Kept also for calls that failed.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Instructions, as wasmtime's fuel counts them.
    pub fuel: u64,
    /// The most linear memory it had at one time, in bytes.
    pub memory_peak: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes of arguments.
    pub bytes_in: u64,
    /// Bytes of the result.
    pub bytes_out: u64,
    /// Bytes sent over HTTP.
    pub http_up: u64,
    /// Bytes received over HTTP.
    pub http_down: u64,
    /// Bytes written to files.
    pub file_written: u64,
    /// From the start of the call to its end, waiting for room included.
    pub wall: Duration,
    /// Rights that were asked for and refused, whether or not the guest carried on; each once, the first hundred.
    pub denials: Vec<Denial>,
}

/// Most refusals that are remembered of one call. A guest can ask for what it was not given as often as it may call the
/// host at all; the record of it is for people.
const MAX_DENIALS: usize = 100;

impl Usage {
    /// Remembers a refusal, once, and while there is room.
    pub(crate) fn deny(&mut self, denial: Denial) {
        if self.denials.len() < MAX_DENIALS && !self.denials.contains(&denial) {
            self.denials.push(denial);
        }
    }
}

/// Why a call must stop now. It travels through wasmtime as an error and comes out as a [`crate::CallError`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("limit `{}`", .0.name())]
pub(crate) struct Stop(pub(crate) LimitId);

/// What a call has said, in `log` and on standard output together.
#[derive(Debug, Default)]
pub(crate) struct LogRoom {
    /// Lines and bytes.
    limits: (u64, u64),
    lines: AtomicU64,
    bytes: AtomicU64,
}

impl LogRoom {
    /// So many lines and bytes more.
    pub(crate) fn take(&self, lines: u64, bytes: u64) -> Result<(), Stop> {
        let over = |counter: &AtomicU64, more: u64, limit: u64| {
            counter
                .fetch_add(more, Ordering::Relaxed)
                .saturating_add(more)
                > limit
        };
        if over(&self.lines, lines, self.limits.0) {
            Err(Stop(LimitId::LogLines))
        } else if over(&self.bytes, bytes, self.limits.1) {
            Err(Stop(LimitId::LogBytes))
        } else {
            Ok(())
        }
    }
}

/// Counts one call against its limits.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: Limits,
    pub(crate) deadline: Instant,
    pub(crate) used: Usage,
    /// A limit that was found exceeded where the guest could not be stopped at once.
    pub(crate) exceeded: Option<LimitId>,
    memory: u64,
    tables: u64,
    pub(crate) log: Arc<LogRoom>,
    http_requests: u64,
    file_read: u64,
    file_entries: u64,
}

impl Meter {
    pub(crate) fn start(limits: Limits, deadline: Instant) -> Self {
        let log = Arc::new(LogRoom {
            limits: (limits.log_lines, limits.log_bytes),
            ..LogRoom::default()
        });
        Self {
            limits,
            deadline,
            used: Usage::default(),
            exceeded: None,
            memory: 0,
            tables: 0,
            log,
            http_requests: 0,
            file_read: 0,
            file_entries: 0,
        }
    }

    /// Time that is left.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How much of a count is left.
    fn left(&self, limit: LimitId, used: u64) -> u64 {
        self.limits.get(limit).saturating_sub(used)
    }

    fn add(limits: &Limits, counter: &mut u64, amount: u64, limit: LimitId) -> Result<(), Stop> {
        *counter = counter.saturating_add(amount);
        if *counter > limits.get(limit) {
            Err(Stop(limit))
        } else {
            Ok(())
        }
    }

    /// One call into the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Stop> {
        if let Some(limit) = self.exceeded {
            return Err(Stop(limit));
        }
        Self::add(
            &self.limits,
            &mut self.used.host_calls,
            1,
            LimitId::HostCalls,
        )?;
        if self.remaining().is_zero() {
            Err(Stop(LimitId::Timeout))
        } else {
            Ok(())
        }
    }

    /// A memory grows; all memories count together.
    pub(crate) fn grow_memory(&mut self, by: u64) -> Result<(), Stop> {
        Self::add(&self.limits, &mut self.memory, by, LimitId::Memory)?;
        self.used.memory_peak = self.used.memory_peak.max(self.memory);
        Ok(())
    }

    /// A table grows; all tables count together.
    pub(crate) fn grow_table(&mut self, by: u64) -> Result<(), Stop> {
        Self::add(&self.limits, &mut self.tables, by, LimitId::TableElements)
    }

    /// One request or redirect, and the bytes it sends.
    pub(crate) fn http_request(&mut self, bytes: u64) -> Result<(), Stop> {
        Self::add(
            &self.limits,
            &mut self.http_requests,
            1,
            LimitId::HttpRequests,
        )?;
        Self::add(&self.limits, &mut self.used.http_up, bytes, LimitId::HttpUp)
    }

    /// Bytes that a response may still have.
    pub(crate) fn http_left(&self) -> u64 {
        self.left(LimitId::HttpDown, self.used.http_down)
    }

    /// Bytes that came.
    pub(crate) fn http_received(&mut self, bytes: u64) {
        self.used.http_down = self.used.http_down.saturating_add(bytes);
    }

    /// Bytes that may still be read from files.
    pub(crate) fn file_read_left(&self) -> u64 {
        self.left(LimitId::FileRead, self.file_read)
    }

    /// Bytes that were read from files.
    pub(crate) fn file_read(&mut self, bytes: u64) {
        self.file_read = self.file_read.saturating_add(bytes);
    }

    /// A file of this many bytes is about to be written.
    pub(crate) fn file_write(&mut self, bytes: u64) -> Result<(), Stop> {
        Self::add(
            &self.limits,
            &mut self.used.file_written,
            bytes,
            LimitId::FileWritten,
        )
    }

    /// Entries made or listed.
    pub(crate) fn file_entries(&mut self, count: u64) -> Result<(), Stop> {
        Self::add(
            &self.limits,
            &mut self.file_entries,
            count,
            LimitId::FileEntries,
        )
    }
}
