//! When a failed attempt is tried again.

use std::time::Duration;

/// Exponential backoff: the first wait is up to `base`, each later one up to twice as long,
/// never over `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub base: Duration,
    /// The longest wait at all.
    pub cap: Duration,
}

/// Milliseconds to wait after attempt number `attempt` (from 1) failed.
///
/// Full jitter: a uniform share `jitter` (0..1) of `min(cap, base · 2^(attempt − 1))`, so that
/// many that failed together do not come back together. Source: M. Brooker, "Exponential Backoff
/// And Jitter", AWS Architecture Blog, 2015.
pub fn backoff_ms(backoff: Backoff, attempt: u32, jitter: f64) -> i64 {
    let doublings = attempt.saturating_sub(1).min(31);
    let longest = backoff
        .base
        .saturating_mul(1_u32 << doublings)
        .min(backoff.cap);
    (longest.as_secs_f64() * 1000.0 * jitter.clamp(0.0, 1.0)) as i64
}
