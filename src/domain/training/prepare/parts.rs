//! The chronological parts: for training, for the choice of the best epoch, and for the test.

use std::ops::Range;

use super::{LOOK_BACK, MINIMUM_BARS, MINIMUM_ROWS, PrepareError, Table};

/// The three parts of a table's rows: one after the other in time, and together all rows.
///
/// No row has to be left out between two parts. A label looks one bar ahead, so the label of a part's last
/// row depends on a bar that is in the features of the next part's first row, and not on its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The rows from which the weights and the scaler are learned.
    pub train: Range<usize>,
    /// The rows that decide about the best epoch and when to stop.
    pub validation: Range<usize>,
    /// The rows that neither of them uses.
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
