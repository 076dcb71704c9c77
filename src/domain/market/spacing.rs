//! Compares the distances between bars with their timeframe.

use impresario_api::Timestamp;

use super::timeframe::Timeframe;

const DAY_MS: i64 = 86_400_000;
/// A weekend and a holiday next to it: from Friday's bar to Tuesday's.
const LONGEST_REST_MS: i64 = 4 * DAY_MS;

/// Counts the gaps between bars: where bars are missing.
#[derive(Debug)]
pub(super) struct Spacing {
    timeframe: Timeframe,
    last: Option<Timestamp>,
    steps: u64,
    shorter: u64,
    smallest: i64,
    gaps: u64,
}

impl Spacing {
    /// A count for bars of this timeframe.
    pub(super) const fn new(timeframe: Timeframe) -> Self {
        Self {
            timeframe,
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
            let expected = self.timeframe.next(last);
            self.steps += 1;
            self.shorter += u64::from(time < expected);
            self.smallest = self.smallest.min(time.as_millis() - last.as_millis());
            self.gaps += u64::from(time > expected && self.is_gap(last, expected, time));
        }
    }

    /// Whether bars are missing between two that lie further apart than one lasts. A market rests:
    /// bars shorter than a day are missed within a day (UTC) alone, daily ones past a weekend with
    /// a holiday, longer ones past as many days more.
    fn is_gap(&self, last: Timestamp, expected: Timestamp, time: Timestamp) -> bool {
        let (last, expected, time) = (last.as_millis(), expected.as_millis(), time.as_millis());
        if self.timeframe.mean_millis() < DAY_MS {
            return last.div_euclid(DAY_MS) == time.div_euclid(DAY_MS);
        }
        time - expected > LONGEST_REST_MS - DAY_MS
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
        let length = self.timeframe.mean_millis();
        if self.steps > 0 && self.smallest / 2 >= length {
            let bars = self.smallest / length;
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
        let mut spacing = Spacing::new(timeframe.parse().expect(timeframe));
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
            // Months on their first days, and on their last trading days.
            ("1mo", &[0, 44_640, 84_960, 129_600], false),
            ("1mo", &[44_640, 84_960, 127_920, 172_800], false),
            ("1mo", &[0, 1_440, 2_880], true),
            ("1mo", &[0, 129_600, 260_640], true),
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
            // January, February, March; and without February.
            ("1mo", &[0, 31 * DAY, 59 * DAY], 0),
            ("1mo", &[0, 59 * DAY], 1),
            ("1m", &[], 0),
        ] {
            let mut spacing = Spacing::new(timeframe.parse().expect(timeframe));
            for minute in minutes {
                spacing.see(Timestamp::from_millis(minute * 60_000));
            }
            assert_eq!(spacing.gaps(), gaps, "{timeframe} {minutes:?}");
        }
    }
}
