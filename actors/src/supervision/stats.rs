//! The last durations of something, for percentiles.

use std::collections::VecDeque;
use std::time::Duration;

/// How many are remembered.
const KEPT: usize = 1_024;

/// The last 1,024 durations.
#[derive(Debug, Default)]
pub(crate) struct Durations(VecDeque<Duration>);

impl Durations {
    /// One more.
    pub(crate) fn record(&mut self, duration: Duration) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(duration);
    }

    /// The `p`-th percentile (0–100, nearest rank) in milliseconds; `None` before the first.
    pub(crate) fn percentile_ms(&self, p: usize) -> Option<f64> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * p).div_ceil(100).max(1);
        sorted
            .get(rank - 1)
            .map(|duration| duration.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank_of_the_last_1024() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile_ms(50), None);
        for ms in 1..=2_000 {
            durations.record(Duration::from_millis(ms));
        }
        assert_eq!(durations.percentile_ms(50), Some(1_488.0));
        assert_eq!(durations.percentile_ms(99), Some(1_990.0));
        assert_eq!(durations.percentile_ms(100), Some(2_000.0));
    }
}
