//! Checks bars in their final order for what is remarkable. Nothing here is a fault: a load says it, and goes
//! on.

use impresario_api::{Bar, QualityPlace, QualityWarning, Timestamp};

use crate::timeframe::Timeframe;

mod grid;
mod outliers;
mod spacing;
mod splits;

use grid::Grid;
use outliers::Outliers;
use spacing::Holes;
pub use spacing::Spacings;
use splits::Splits;

/// How many places of a warning are named.
const PLACES: usize = 10;
/// Closes that change their sign more often are no prices but differences of prices, and ratios of them mean
/// nothing. (Crude oil went below zero once.)
const MOST_SIGN_CHANGES: u64 = 4;

/// Checks the bars of a dataset one by one.
#[derive(Debug)]
pub struct Checker {
    holes: Holes,
    grid: Grid,
    outliers: Outliers,
    splits: Splits,
}

impl Checker {
    /// A checker for bars of this timeframe.
    pub fn new(timeframe: Timeframe) -> Self {
        Self {
            holes: Holes::new(timeframe),
            grid: Grid::new(timeframe),
            outliers: Outliers::default(),
            splits: Splits::new(timeframe),
        }
    }

    /// Sees the next bar, which is later than the one before.
    #[inline]
    pub fn see(&mut self, bar: &Bar) {
        self.holes.see(bar.timestamp);
        self.grid.see(bar.timestamp);
        self.outliers.see(bar);
        self.splits.see(bar);
    }

    /// The number of places where bars are missing.
    pub const fn holes(&self) -> u64 {
        self.holes.count()
    }

    /// What is remarkable. Call it after the last bar.
    pub fn warnings(&self) -> Vec<QualityWarning> {
        let are_prices = self.outliers.sign_changes() <= MOST_SIGN_CHANGES;
        let of_prices = |warning: Option<_>| warning.filter(|_| are_prices);
        let found = [
            of_prices(self.outliers.warning()),
            of_prices(self.splits.warning()),
            self.grid.warning(),
        ];
        found.into_iter().flatten().collect()
    }
}

/// Places that were found: all are counted, and the first ones are kept.
#[derive(Clone, Debug, Default)]
struct Found {
    count: u64,
    places: Vec<QualityPlace>,
}

impl Found {
    fn see(&mut self, time: Timestamp, text: String) {
        self.count += 1;
        if self.places.len() < PLACES {
            self.places.push(QualityPlace {
                line: None,
                time: Some(time),
                text,
            });
        }
    }

    fn warning(self, code: &str, message: &str) -> Option<QualityWarning> {
        (self.count > 0).then(|| QualityWarning {
            code: code.to_owned(),
            message: message.to_owned(),
            count: self.count,
            places: self.places,
        })
    }
}

#[cfg(test)]
mod tests;
