//! Bars whose closes are far from those of both their neighbours.

use impresario_api::{Bar, QualityWarning, Timestamp};

use super::Found;

/// How many times a close is larger or smaller than those beside it.
const FACTOR: f64 = 10.0;

/// A bar's time and close.
type Close = (Timestamp, f64);

/// Looks for bars whose closes are at least ten times those of both neighbours, or at most a tenth. The first
/// and the last bar have one neighbour, and are compared with the next two beside them.
#[derive(Debug)]
pub(super) struct Outliers {
    /// The last three bars, the latest one last. One that is missing has no number for its close, of which
    /// nothing is ten times another.
    last: [Close; 3],
    seen: u64,
    sign_changes: u64,
    found: Found,
}

impl Default for Outliers {
    fn default() -> Self {
        Self {
            last: [(Timestamp::MIN, f64::NAN); 3],
            seen: 0,
            sign_changes: 0,
            found: Found::default(),
        }
    }
}

impl Outliers {
    #[inline]
    pub(super) fn see(&mut self, bar: &Bar) {
        let next = (bar.timestamp, bar.close);
        let [_, before, this] = self.last;
        self.last = [before, this, next];
        self.seen += 1;
        self.sign_changes += u64::from(this.1 * next.1 < 0.0);
        // A bar that is far from the one before is rare.
        if is_far(before.1, this.1) || is_far(this.1, before.1) {
            self.look(before, this, next);
        }
    }

    #[cold]
    fn look(&mut self, before: Close, this: Close, next: Close) {
        if self.seen == 3 && is_outlier(this.1, before.1, next.1) {
            tell(&mut self.found, before, this, next);
        }
        if is_outlier(before.1, this.1, next.1) {
            tell(&mut self.found, this, before, next);
        }
    }

    /// How often a close had another sign than the one before.
    pub(super) const fn sign_changes(&self) -> u64 {
        self.sign_changes
    }

    pub(super) fn warning(&self) -> Option<QualityWarning> {
        let mut found = self.found.clone();
        let [earlier, before, last] = self.last;
        if is_outlier(earlier.1, last.1, before.1) {
            tell(&mut found, last, before, earlier);
        }
        found.warning(
            "OUTLIER",
            "There are closes of at least ten times those of both neighbours, or at most a tenth.",
        )
    }
}

fn tell(found: &mut Found, (time, close): Close, (_, one): Close, (_, other): Close) {
    let text = format!("a close of {close} beside {one} and {other}");
    found.see(time, text);
}

/// Whether one number is ten times another one, whatever their signs.
#[inline]
fn is_far(large: f64, small: f64) -> bool {
    large.abs() >= FACTOR * small.abs()
}

/// Whether `close` is ten times both or a tenth of both. Numbers of different signs have no ratio, and neither
/// has a price of zero beside another one; a zero between two prices is a tenth of both.
#[inline]
fn is_outlier(before: f64, close: f64, next: f64) -> bool {
    let is_large = is_far(close, before) && is_far(close, next);
    let is_small = is_far(before, close) && is_far(next, close);
    (is_large || is_small) && before * next > 0.0 && before * close >= 0.0
}
