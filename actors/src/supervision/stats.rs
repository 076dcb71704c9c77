//! How long something took: the last times for percentiles, all of them for a histogram.

use std::collections::VecDeque;
use std::time::Duration;

/// How many are remembered.
const KEPT: usize = 1_024;

/// The upper bounds of a histogram's buckets, in seconds; what is over the last counts in none.
pub const BUCKETS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0,
    60.0, 600.0, 3_600.0,
];

/// How often something took how long, since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How many fall into each of [`BUCKETS`] and into none before it.
    pub buckets: [u64; BUCKETS.len()],
    /// All of them.
    pub count: u64,
    /// Together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// One more.
    pub(crate) fn record(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = BUCKETS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

/// The last 1,024 durations, and the histogram of all.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    last: VecDeque<Duration>,
    pub(crate) all: Histogram,
}

impl Durations {
    /// One more.
    pub(crate) fn record(&mut self, duration: Duration) {
        self.all.record(duration);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(duration);
    }

    /// The `p`-th percentile (0–100, nearest rank) in milliseconds; `None` before the first.
    pub(crate) fn percentile_ms(&self, p: usize) -> Option<f64> {
        let mut sorted: Vec<_> = self.last.iter().collect();
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
    fn a_histogram_counts_each_in_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::default();
        for micros in [0, 100, 101, 3_600_000_000, 3_600_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.buckets[0], 2);
        assert_eq!(histogram.buckets[1], 1);
        assert_eq!(histogram.buckets[BUCKETS.len() - 1], 1);
        assert_eq!((histogram.count, histogram.sum.round()), (5, 7_200.0));
    }

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
