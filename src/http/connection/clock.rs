//! The time, as often as it is asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Milliseconds since the server began, as of the last look at all connections: what is told many
/// times a request costs no call of the system.
pub(super) struct Clock {
    began: Instant,
    millis: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.millis.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn set(&self, millis: u64) {
        self.millis.store(millis, Ordering::Relaxed);
    }

    pub(super) fn look(&self) -> u64 {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
        millis
    }
}
