//! What the manager counts for the people who look at it.

use std::collections::BTreeMap;
use std::time::Duration;

use impresario_api::{Status, Timestamp};

use crate::rules::stall::AdvanceTimes;
use crate::supervision::messages::ManagerView;
use crate::supervision::metrics::{CANCELS, Histogram, RUNS, Timed};

/// An hour, in minutes.
const HOUR: i64 = 60;

pub(super) struct Metrics {
    pub(super) admitted: u64,
    pub(super) panics: u64,
    pub(super) restarts: u64,
    /// From cancel asked to its end recorded.
    pub(super) cancels: Timed,
    /// How long runs took, by kind.
    runs: BTreeMap<String, Histogram>,
    /// How often they advanced, by kind.
    paces: BTreeMap<String, AdvanceTimes>,
    /// Ends by the minute of the wall clock and by status: bounded, whatever the rate.
    ended: BTreeMap<(i64, Status), u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            admitted: 0,
            panics: 0,
            restarts: 0,
            cancels: Timed::new(CANCELS),
            runs: BTreeMap::new(),
            paces: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }
}

impl Metrics {
    /// How often runs of this kind advanced.
    pub(super) fn pace(&self, kind: &str) -> AdvanceTimes {
        self.paces.get(kind).copied().unwrap_or_default()
    }

    /// A run of this kind ended, after so long, having advanced so often.
    pub(super) fn ran(&mut self, kind: &str, took: Duration, pace: AdvanceTimes) {
        let before = self.pace(kind);
        match self.paces.get_mut(kind) {
            Some(known) => *known = before.and(pace),
            None => drop(self.paces.insert(kind.to_owned(), pace)),
        }
        if let Some(runs) = self.runs.get_mut(kind) {
            return runs.record(took);
        }
        let mut runs = Histogram::new(RUNS);
        runs.record(took);
        self.runs.insert(kind.to_owned(), runs);
    }

    /// An operation ended now.
    pub(super) fn ended(&mut self, status: Status, now: Timestamp) {
        let minute = now.minute();
        *self.ended.entry((minute, status)).or_default() += 1;
        while let Some(first) = self.ended.first_entry()
            && first.key().0 < minute - HOUR
        {
            first.remove();
        }
    }

    /// What ended before this process began.
    pub(super) fn ended_before(&mut self, counts: BTreeMap<(i64, Status), u64>) {
        for (key, count) in counts {
            *self.ended.entry(key).or_default() += count;
        }
    }

    pub(super) fn view(&self, now: Timestamp) -> ManagerView {
        let mut ended_last_hour = BTreeMap::new();
        let recent = self.ended.iter();
        for ((_, status), count) in recent.filter(|((minute, _), _)| *minute >= now.minute() - HOUR)
        {
            *ended_last_hour
                .entry(status.as_str().to_owned())
                .or_default() += count;
        }
        ManagerView {
            lanes: Vec::new(),
            ended_last_hour,
            runs: self.runs.clone(),
            cancels: self.cancels.all().clone(),
            cancel_p50_ms: self.cancels.percentile_ms(50),
            cancel_p99_ms: self.cancels.percentile_ms(99),
            panics: self.panics,
            restarts: self.restarts,
            admitted: self.admitted,
        }
    }
}
