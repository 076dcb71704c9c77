//! Standardisation: every feature has mean 0 and deviation 1 over the training part.

use std::ops::Range;

use super::{Table, WIDTH};

/// A deviation below this comes from rounding, and the column counts as constant.
const CONSTANT: f64 = 1e-12;

/// What is subtracted from each feature, and by what it is then divided, in the order of `NAMES`.
/// LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.3.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaler {
    /// The mean of each feature over the rows of `fit`.
    pub mean: Vec<f64>,
    /// The population standard deviation there; 1 for a feature that never changes.
    pub deviation: Vec<f64>,
}

impl Scaler {
    /// The scaler of these rows of the table. Panics if the table does not have them.
    pub fn fit(table: &Table, rows: Range<usize>) -> Self {
        let features = &table.features[rows.start * WIDTH..rows.end * WIDTH];
        let (mean, deviation) = (0..WIDTH).map(|column| moments(features, column)).unzip();
        Self { mean, deviation }
    }

    /// Scales whole rows, in place.
    pub fn scale(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(WIDTH) {
            for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *value = ((f64::from(*value) - mean) / deviation) as f32;
            }
        }
    }
}

/// Mean and deviation of one column.
fn moments(features: &[f32], column: usize) -> (f64, f64) {
    let values = || {
        let column = features.iter().skip(column).step_by(WIDTH);
        column.map(|value| f64::from(*value))
    };
    let count = (features.len() / WIDTH).max(1) as f64;
    // Distances from the first are used, so that equal values have a deviation of exactly 0.
    let first = values().next().unwrap_or(0.0);
    let mean = values().map(|value| value - first).sum::<f64>() / count;
    let squares = values().map(|value| (value - first - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    let deviation = if deviation > CONSTANT { deviation } else { 1.0 };
    (first + mean, deviation)
}
