//! Steps of the price as splits make them.
//!
//! A split shows between two sessions: the price opens at a usual fraction of the last close, and stays there.
//! A crash does not: the price falls within a bar or from one bar to the next, and an open is where the last
//! close was. A gap of an opening that has by chance the size of a split cannot be told from one; that is why
//! it is only suspected.

use impresario_api::{Bar, QualityWarning, Timestamp};

use super::Found;
use crate::timeframe::{Length, Timeframe};

/// The usual ratios: so many new shares for so many old ones.
const RATIOS: [(u32, u32); 14] = [
    (5, 4),
    (4, 3),
    (3, 2),
    (2, 1),
    (3, 1),
    (4, 1),
    (5, 1),
    (7, 1),
    (10, 1),
    (15, 1),
    (20, 1),
    (25, 1),
    (50, 1),
    (100, 1),
];
/// A gap smaller than this is no split.
const SMALLEST_GAP: f64 = 1.2;
const DAY: i64 = 86_400_000;
/// Bars shorter than a day that are further apart than this belong to different sessions. (At noon, markets
/// rest less.)
const NIGHT: i64 = 4 * 3_600_000;
/// How many closes before and after a step are looked at, and how few may be there at the ends.
const BEFORE: usize = 8;
const AFTER: usize = 5;
const FEWEST: usize = 3;
/// A step of a split is at least so many times as large as the usual one from a close to the next.
const STANDS_OUT: f64 = 6.0;

/// Looks for lasting steps by a usual ratio between two sessions.
#[derive(Debug)]
pub(super) struct Splits {
    /// Two bars that are further apart than this belong to different sessions.
    session: i64,
    last: i64,
    /// The last closes, and how many bars there were.
    closes: [f64; BEFORE],
    seen: usize,
    /// Steps after which too few bars have been seen.
    open: Vec<Step>,
    found: Found,
}

/// A large step between two sessions.
#[derive(Clone, Debug)]
struct Step {
    time: Timestamp,
    /// The first price after it.
    opened: f64,
    before: Vec<f64>,
    after: Vec<f64>,
}

impl Splits {
    pub(super) fn new(timeframe: Timeframe) -> Self {
        let session = match timeframe.length() {
            Length::Fixed(length) if length < DAY => length.max(NIGHT),
            _ => 0,
        };
        Self {
            session,
            last: i64::MAX,
            closes: [0.0; BEFORE],
            seen: 0,
            open: Vec::new(),
            found: Found::default(),
        }
    }

    #[inline]
    pub(super) fn see(&mut self, bar: &Bar) {
        let time = bar.timestamp.as_millis();
        let close = self.closes[self.seen.wrapping_sub(1) % BEFORE];
        let is_large = bar.open > SMALLEST_GAP * close || close > SMALLEST_GAP * bar.open;
        let is_open = !self.open.is_empty();
        if is_open || (is_large && time.saturating_sub(self.last) > self.session) {
            self.look(bar, is_large);
        }
        self.closes[self.seen % BEFORE] = bar.close;
        self.seen += 1;
        self.last = time;
    }

    #[cold]
    fn look(&mut self, bar: &Bar, is_large: bool) {
        let is_new_session = bar.timestamp.as_millis().saturating_sub(self.last) > self.session;
        if is_large && is_new_session && self.seen >= FEWEST {
            let first = self.seen.saturating_sub(BEFORE);
            let before = (first..self.seen).map(|bar| self.closes[bar % BEFORE]);
            self.open.push(Step {
                time: bar.timestamp,
                opened: bar.open,
                before: before.collect(),
                after: Vec::with_capacity(AFTER),
            });
        }
        for step in &mut self.open {
            step.after.push(bar.close);
        }
        // The oldest one is the first to have all its bars.
        if self
            .open
            .first()
            .is_some_and(|step| step.after.len() == AFTER)
        {
            let step = self.open.remove(0);
            step.tell(&mut self.found);
        }
    }

    pub(super) fn warning(&self) -> Option<QualityWarning> {
        let mut found = self.found.clone();
        let ended = self.open.iter().filter(|step| step.after.len() >= FEWEST);
        ended.for_each(|step| step.tell(&mut found));
        found.warning(
            "SPLIT_SUSPECTED",
            "The price steps by a usual ratio of splits between two sessions, and stays there; prices before a split should be adjusted for it.",
        )
    }
}

impl Step {
    fn tell(&self, found: &mut Found) {
        let Some(close) = self.before.last() else {
            return;
        };
        if let Some((new, old)) = self.ratio(*close) {
            let opened = self.opened;
            let text = format!("from {close} to {opened}, as {new} new shares for {old} make it");
            found.see(self.time, text);
        }
    }

    /// The ratio of the split that this step seems to be: new shares, and old ones.
    fn ratio(&self, close: f64) -> Option<(u32, u32)> {
        let all = || self.before.iter().chain(&self.after);
        if self.opened <= 0.0 || all().any(|price| *price <= 0.0) {
            return None;
        }
        let usual = (movement(&self.before) + movement(&self.after)) / 2.0;
        let gap = (self.opened / close).ln();
        let tolerance = (3.0 * usual).clamp(0.03, 0.06);
        let (step, ratio) = RATIOS
            .into_iter()
            .map(|(new, old)| ((f64::from(new) / f64::from(old)).ln(), (new, old)))
            .min_by(|(a, _), (b, _)| (a - gap.abs()).abs().total_cmp(&(b - gap.abs()).abs()))?;
        // How far a price is on the way from the old level to the new one.
        let way = |price: &f64| (price / close).ln() / gap;
        let lasts = self.before.iter().all(|price| way(price).abs() < 0.5)
            && self
                .after
                .iter()
                .all(|price| (way(price) - 1.0).abs() < 0.5);
        let fits = (step - gap.abs()).abs() <= tolerance && step >= STANDS_OUT * usual;
        let (new, old) = ratio;
        (lasts && fits).then_some(if gap < 0.0 { (new, old) } else { (old, new) })
    }
}

/// By how much a price moves from a close to the next, as a mean of logarithms.
fn movement(closes: &[f64]) -> f64 {
    let steps = closes.windows(2).map(|pair| (pair[1] / pair[0]).ln().abs());
    steps.sum::<f64>() / (closes.len().saturating_sub(1).max(1)) as f64
}
