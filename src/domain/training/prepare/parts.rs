//! The chronological parts: what is learned from, what chooses the best epoch, what is untouched.

use std::ops::Range;

use super::{LOOK_BACK, MINIMUM_BARS, MINIMUM_ROWS, PrepareError, Table};

/// Rows of a table by what they are for: one behind the other in time, and together all of them.
///
/// No row has to be left out between two parts: a label looks one bar ahead, so that of a part's
/// last row is what the next part's first row already knows, and nothing that it has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What the weights and the scaler are learned from.
    pub train: Range<usize>,
    /// What chooses the best epoch and when to stop.
    pub validation: Range<usize>,
    /// What neither has seen.
    pub test: Range<usize>,
}

/// The first 70 % of the rows, the next 15 %, and the rest.
pub fn split(table: &Table) -> Result<Parts, PrepareError> {
    let rows = table.rows();
    if rows < MINIMUM_ROWS {
        return Err(PrepareError::NotEnoughBars {
            bars: rows + LOOK_BACK,
            needed: MINIMUM_BARS,
        });
    }
    let train = rows * 70 / 100;
    let validation = train + rows * 15 / 100;
    let labels = &table.labels[..train];
    if labels.iter().all(|label| *label == labels[0]) {
        return Err(PrepareError::OneClass {
            part: "training",
            class: if labels[0] == 1 { "up" } else { "not_up" },
            rows: train,
        });
    }
    Ok(Parts {
        train: 0..train,
        validation: train..validation,
        test: validation..rows,
    })
}
