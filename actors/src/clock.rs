//! The wall clock, as the supervisor reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use impresario_api::Timestamp;

/// The system's clock, which somebody may set while the process runs: no two readings need be in
/// order. A clone is the same clock. Tests set it; a server never does.
///
/// ```
/// use impresario::Clock;
///
/// let clock = Clock::default(); // `Config::clock` takes it, or a clone
/// let before = clock.now();
/// clock.clone().jump(3_600_000);
/// assert!(clock.now().seconds_since(before) >= 3_600.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far a test has set it, in milliseconds.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The time that the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().plus_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// Sets it forward by so many milliseconds, or back by a negative number, as a person or a sleep
    /// of the machine would.
    pub fn jump(&self, millis: i64) {
        self.ahead.fetch_add(millis, Ordering::Relaxed);
    }
}
