//! How far apart bars lie, held against how long one is said to last.

use impresario_api::Timestamp;

use super::symbol::TIMEFRAMES;

/// What each of [`TIMEFRAMES`] lasts, in minutes.
const MINUTES: [i64; TIMEFRAMES.len()] = [1, 5, 15, 30, 60, 240, 1_440, 10_080];

/// Counts the gaps between bars.
#[derive(Debug)]
pub(super) struct Spacing {
    /// What a bar should last.
    expected: i64,
    last: Option<Timestamp>,
    gaps: u64,
    shorter: u64,
    smallest: i64,
}

impl Spacing {
    /// For bars of this timeframe.
    pub(super) fn new(timeframe: &str) -> Self {
        let known = TIMEFRAMES.iter().zip(MINUTES);
        let minutes = known
            .filter(|(name, _)| **name == timeframe)
            .map(|(_, minutes)| minutes);
        Self {
            expected: minutes.sum::<i64>() * 60_000,
            last: None,
            gaps: 0,
            shorter: 0,
            smallest: i64::MAX,
        }
    }

    /// The next bar, later than the one before.
    #[inline]
    pub(super) fn see(&mut self, time: Timestamp) {
        if let Some(last) = self.last.replace(time) {
            let gap = time.as_millis() - last.as_millis();
            self.gaps += 1;
            self.shorter += u64::from(gap < self.expected);
            self.smallest = self.smallest.min(gap);
        }
    }

    /// Why the bars seem to be of another timeframe. Holes are no reason, and neither are a few bars
    /// too close, as a clock that is put forward makes them.
    pub(super) fn doubt(&self) -> Option<String> {
        if self.shorter * 2 > self.gaps {
            let (shorter, gaps) = (self.shorter, self.gaps);
            return Some(format!(
                "{shorter} of {gaps} bars begin before the one before them should have ended"
            ));
        }
        if self.gaps > 0 && self.smallest / 2 >= self.expected {
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
    fn every_timeframe_has_its_length() {
        assert!(MINUTES.is_sorted());
        for (timeframe, minutes) in TIMEFRAMES.iter().zip(MINUTES) {
            assert_eq!(Spacing::new(timeframe).expected, minutes * 60_000);
        }
    }
}
