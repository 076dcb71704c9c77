//! How long something takes: the last durations for percentiles, all of them by range.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::locks::lock;

/// How many durations are remembered.
const KEPT: usize = 1_024;

/// The last 1,024 durations.
#[derive(Debug, Default)]
pub(crate) struct Durations(VecDeque<Duration>);

impl Durations {
    /// Records a duration.
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

/// Up to where runs are told apart, in seconds: from a dummy's to a night's training.
pub(crate) const RUNS: &[f64] = &[
    0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0,
    86_400.0,
];
/// The same of cancels, from asked to recorded.
pub(crate) const CANCELS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The same of commits: microseconds in memory, milliseconds on a disk.
pub(crate) const COMMITS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 1.0,
];

/// The same of checkpoints: microseconds for a number, seconds for a folder of gigabytes.
pub(crate) const CHECKPOINTS: &[f64] = &[
    0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// What the checkpoints of each kind cost. The functions record it, and no actor reads it. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckpointCosts(Arc<Mutex<BTreeMap<String, Histogram>>>);

impl CheckpointCosts {
    /// Records what one of them has cost.
    pub(crate) fn record(&self, kind: &str, cost: Duration) {
        let mut costs = lock(&self.0);
        if let Some(known) = costs.get_mut(kind) {
            known.record(cost);
        } else {
            let mut first = Histogram::new(CHECKPOINTS);
            first.record(cost);
            costs.insert(kind.to_owned(), first);
        }
    }

    /// All of them, by kind.
    pub(crate) fn all(&self) -> BTreeMap<String, Histogram> {
        lock(&self.0).clone()
    }
}

/// How many durations there were since the start, by range.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
/// # fn main() { run(async |orchestrator| {
/// let commits = orchestrator.system_metrics().await?.commits;
/// let counted: u64 = commits.ranges().map(|(_bound, count)| count).sum();
/// assert_eq!(commits.count(), counted);
/// assert!(commits.sum() < std::time::Duration::from_secs(60));
/// # Ok(())
/// # }) }
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    /// The upper bounds in seconds, ascending.
    bounds: &'static [f64],
    /// One a bound, and one for those above the last.
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: Duration::ZERO,
        }
    }

    /// Records a duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.counts[self.bounds.partition_point(|bound| *bound < seconds)] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// By range, ascending: its upper bound in seconds, which it includes, and how many were in it
    /// and in none before. The last bound is infinite.
    pub fn ranges(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied())
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they took together.
    pub const fn sum(&self) -> Duration {
        self.sum
    }
}

/// Both: the last ones, and all.
#[derive(Debug)]
pub(crate) struct Timed {
    last: Durations,
    all: Histogram,
}

impl Timed {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            last: Durations::default(),
            all: Histogram::new(bounds),
        }
    }

    /// Records a duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        self.last.record(duration);
        self.all.record(duration);
    }

    /// See [`Durations::percentile_ms`].
    pub(crate) fn percentile_ms(&self, p: usize) -> Option<f64> {
        self.last.percentile_ms(p)
    }

    /// All of them.
    pub(crate) const fn all(&self) -> &Histogram {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_includes_its_bound_and_the_last_one_takes_the_rest() {
        let mut histogram = Histogram::new(&[0.001, 0.25]);
        for us in [0, 1_000, 1_001, 250_000, 250_001, 86_400_000_000] {
            histogram.record(Duration::from_micros(us));
        }
        let ranges: Vec<_> = histogram.ranges().collect();
        assert_eq!(ranges, [(0.001, 2), (0.25, 2), (f64::INFINITY, 2)]);
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.sum(), Duration::from_micros(86_400_502_002));
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [RUNS, CANCELS, COMMITS, CHECKPOINTS] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
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
