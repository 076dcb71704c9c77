//! Compares the distances between bars with their timeframe.

use impresario_api::Timestamp;

use super::symbol::TIMEFRAMES;

/// The length of each of [`TIMEFRAMES`], in minutes.
const MINUTES: [i64; TIMEFRAMES.len()] = [1, 5, 15, 30, 60, 240, 1_440, 10_080];

const DAY_MS: i64 = 86_400_000;
/// A weekend and a holiday next to it: from Friday's bar to Tuesday's.
const LONGEST_REST_MS: i64 = 4 * DAY_MS;

/// Counts the gaps between bars: where bars are missing.
#[derive(Debug)]
pub(super) struct Spacing {
    /// The length of a bar, in milliseconds.
    expected: i64,
    last: Option<Timestamp>,
    steps: u64,
    shorter: u64,
    smallest: i64,
    gaps: u64,
}

impl Spacing {
    /// A count for bars of this timeframe.
    pub(super) fn new(timeframe: &str) -> Self {
        let known = TIMEFRAMES.iter().zip(MINUTES);
        let minutes = known
            .filter(|(name, _)| **name == timeframe)
            .map(|(_, minutes)| minutes);
        Self {
            expected: minutes.sum::<i64>() * 60_000,
            last: None,
            steps: 0,
            shorter: 0,
            smallest: i64::MAX,
            gaps: 0,
        }
    }

    /// Counts the next bar, which must be later than the one before.
    #[inline]
    pub(super) fn see(&mut self, time: Timestamp) {
        if let Some(last) = self.last.replace(time) {
            let step = time.as_millis() - last.as_millis();
            self.steps += 1;
            self.shorter += u64::from(step < self.expected);
            self.smallest = self.smallest.min(step);
            self.gaps += u64::from(step > self.expected && self.is_gap(last, time));
        }
    }

    /// Whether bars are missing between two that lie further apart than one lasts. A market rests:
    /// bars shorter than a day are missed within a day (UTC) alone, daily ones past a weekend with
    /// a holiday, weekly ones past as many days more.
    fn is_gap(&self, last: Timestamp, time: Timestamp) -> bool {
        let (last, time) = (last.as_millis(), time.as_millis());
        if self.expected < DAY_MS {
            return last.div_euclid(DAY_MS) == time.div_euclid(DAY_MS);
        }
        time - last > self.expected - DAY_MS + LONGEST_REST_MS
    }

    /// Places where bars are missing.
    pub(super) const fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Why the bars seem to be of another timeframe. Gaps are no reason, and neither are a few bars
    /// too close, as a clock that is put forward makes them.
    pub(super) fn doubt(&self) -> Option<String> {
        if self.shorter * 2 > self.steps {
            let (shorter, steps) = (self.shorter, self.steps);
            return Some(format!(
                "{shorter} of {steps} bars begin before the one before them should have ended"
            ));
        }
        if self.steps > 0 && self.smallest / 2 >= self.expected {
            let bars = self.smallest / self.expected.max(1);
            return Some(format!(
                "no two of them are closer than {bars} bars of that length would be"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(timeframe: &str, minutes: &[i64]) -> Option<String> {
        let mut spacing = Spacing::new(timeframe);
        for minute in minutes {
            spacing.see(Timestamp::from_millis(minute * 60_000));
        }
        spacing.doubt()
    }

    #[test]
    fn bars_of_another_length_are_doubted_and_holes_are_not() {
        for (timeframe, minutes, is_doubted) in [
            ("1d", &[0, 60, 120, 1_440][..], true),
            ("1h", &[0, 60, 120, 1_440], false),
            ("1h", &[0, 1_440, 2_880, 7_200], true),
            ("1d", &[0, 1_440, 2_880, 7_200], false),
            // The clock was put forward.
            ("1d", &[0, 1_440, 2_820, 4_260], false),
            ("1m", &[0, 7, 8, 90], false),
            ("1d", &[0], false),
            ("1d", &[], false),
        ] {
            let doubt = doubt(timeframe, minutes);
            assert_eq!(
                doubt.is_some(),
                is_doubted,
                "{timeframe} {minutes:?}: {doubt:?}"
            );
        }
    }

    #[test]
    fn holes_are_counted_and_a_market_at_rest_is_none() {
        const HOUR: i64 = 60;
        const DAY: i64 = 24 * HOUR;
        for (timeframe, minutes, gaps) in [
            ("1d", &[0, DAY, 4 * DAY, 8 * DAY][..], 0),
            ("1d", &[0, 5 * DAY, 6 * DAY, 16 * DAY], 2),
            ("1w", &[0, 7 * DAY, 15 * DAY], 0),
            ("1w", &[0, 14 * DAY, 21 * DAY], 1),
            // A night, and an hour that is missing.
            ("1h", &[9 * HOUR, 10 * HOUR, 12 * HOUR, DAY + 9 * HOUR], 1),
            ("1m", &[0, 1, 2], 0),
            ("1m", &[], 0),
        ] {
            let mut spacing = Spacing::new(timeframe);
            for minute in minutes {
                spacing.see(Timestamp::from_millis(minute * 60_000));
            }
            assert_eq!(spacing.gaps(), gaps, "{timeframe} {minutes:?}");
        }
    }

    #[test]
    fn every_timeframe_has_its_length() {
        assert!(MINUTES.is_sorted());
        for (timeframe, minutes) in TIMEFRAMES.iter().zip(MINUTES) {
            assert_eq!(Spacing::new(timeframe).expected, minutes * 60_000);
        }
    }
}
