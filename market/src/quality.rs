//! Checks bars in their final order for what is remarkable.

use impresario_api::{Bar, QualityWarning};

use crate::timeframe::Timeframe;

mod grid;
mod spacing;

use spacing::Holes;
pub use spacing::Spacings;

/// How many places of a warning are named.
const PLACES: usize = 10;

/// Checks the bars of a dataset one by one.
#[derive(Debug)]
pub struct Checker {
    holes: Holes,
}

impl Checker {
    /// A checker for bars of this timeframe.
    pub fn new(timeframe: Timeframe) -> Self {
        Self {
            holes: Holes::new(timeframe),
        }
    }

    /// Sees the next bar, which is later than the one before.
    #[inline]
    pub fn see(&mut self, bar: &Bar) {
        self.holes.see(bar.timestamp);
    }

    /// The number of places where bars are missing.
    pub const fn holes(&self) -> u64 {
        self.holes.count()
    }

    /// What is remarkable. Call it after the last bar.
    pub fn warnings(&self) -> Vec<QualityWarning> {
        Vec::new()
    }
}
