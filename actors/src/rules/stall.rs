//! Whether a function that has not advanced for a while takes longer than usual.
//!
//! No progress is not death: this marks a slot for people to look at, and does nothing else.

/// So many times the mean time between two advances is longer than usual.
const TIMES: f64 = 10.0;
/// Less than this is never long, in seconds.
const LEAST: f64 = 10.0;

/// How often a run, or all runs of a kind, advanced, and in what time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AdvanceTimes {
    advances: u64,
    seconds: f64,
}

impl AdvanceTimes {
    /// It advanced again, so many seconds after the time before.
    pub fn advanced(&mut self, seconds: f64) {
        self.advances += 1;
        self.seconds += seconds;
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            advances: self.advances + other.advances,
            seconds: self.seconds + other.seconds,
        }
    }

    /// Whether `idle` seconds without an advance are longer than usual. Where nothing ever advanced
    /// nothing is usual.
    pub fn is_overdue(self, idle: f64) -> bool {
        let mean = self.seconds / self.advances as f64;
        self.advances > 0 && idle > (TIMES * mean).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(seconds: f64, advances: usize) -> AdvanceTimes {
        let mut pace = AdvanceTimes::default();
        (0..advances).for_each(|_| pace.advanced(seconds));
        pace
    }

    #[test]
    fn ten_times_the_usual_is_long_and_ten_seconds_at_least() {
        for (pace, idle, is_overdue) in [
            (every(0.1, 50), 9.9, false),
            (every(0.1, 50), 10.1, true),
            (every(60.0, 3), 599.0, false),
            (every(60.0, 3), 601.0, true),
            (every(1.0, 9).and(every(11.0, 1)), 19.0, false),
            (every(1.0, 9).and(every(11.0, 1)), 21.0, true),
            (AdvanceTimes::default(), 1e9, false),
        ] {
            assert_eq!(pace.is_overdue(idle), is_overdue, "{pace:?}, {idle} s");
        }
    }
}
