//! When a call is made again.
//!
//! Only failures that another try can mend are tried again: rate limits, overload, timeouts, broken connections. The
//! wait doubles each time, is cut at a cap and shortened by chance so that fan-outs do not return in step. A server that
//! says how long to wait is believed, up to [`RetryPolicy::longest_wait`]: past that a clear error now is worth more
//! than a stage that seems to hang. The wait is a plain sleep inside the future: dropping the future ends it.

use std::future::Future;
use std::time::Duration;

use crate::LlmError;

/// How often and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included. 0 counts as 1.
    pub attempts: u32,
    /// The wait before the second try.
    pub base: Duration,
    /// The longest wait of our own choosing.
    pub cap: Duration,
    /// The longest wait a server may ask for; when it asks for more the call fails at once and says so.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Three tries within a few seconds: enough for a hiccup, too little to hide an outage.
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            longest_wait: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// One try only.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            attempts: 1,
            base: Duration::ZERO,
            cap: Duration::ZERO,
            longest_wait: Duration::ZERO,
        }
    }

    /// The wait after the `failed`-th failure (from 1), or `None` when there is nothing to wait for.
    fn wait(&self, error: &LlmError, failed: u32, chance: f64) -> Option<Duration> {
        if failed >= self.attempts.max(1) || !error.is_retryable() {
            return None;
        }
        if let Some(asked) = error.retry_after() {
            return (asked <= self.longest_wait).then_some(asked);
        }
        let doubled = self
            .base
            .saturating_mul(1u32.checked_shl(failed - 1).unwrap_or(u32::MAX));
        // Between half and the whole: chance spreads callers, and the wait still grows.
        Some(
            doubled
                .min(self.cap)
                .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0),
        )
    }
}

/// One failed try, and whether the caller has already seen part of an answer.
pub(crate) struct Failure {
    pub(crate) error: LlmError,
    /// Text was handed out: another try would hand it out twice.
    pub(crate) shown: bool,
}

impl From<LlmError> for Failure {
    fn from(error: LlmError) -> Self {
        Self {
            error,
            shown: false,
        }
    }
}

/// Runs `attempt` until it succeeds or the policy gives up.
pub(crate) async fn retrying<T, F>(
    policy: &RetryPolicy,
    mut attempt: impl FnMut() -> F,
) -> Result<T, LlmError>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut failed = 0;
    loop {
        let Failure { error, shown } = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        failed += 1;
        let wait = match policy.wait(&error, failed, rand::random::<f64>()) {
            Some(wait) if !shown => wait,
            _ => return Err(error.after(failed)),
        };
        tracing::debug!(%error, failed, ?wait, "model call failed, trying again");
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}
