//! Errors of bars that a training cannot use.

use impresario::operation::ErrorCode;
use impresario_api::Timestamp;
use serde_json::{Value, json};

use super::LOOK_BACK;

/// Why bars cannot be used for a training or a prediction. The caller adds symbol and timeframe.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// There are too few bars for a training.
    #[error(
        "there are {bars} bars; a {LOOK_BACK}-bar window and three parts need at least {needed}"
    )]
    NotEnoughBars {
        /// How many bars there are.
        bars: usize,
        /// How many bars are needed.
        needed: usize,
    },
    /// There are too few bars for one row of features.
    #[error("there are {bars} bars; the features of one look back on {needed}")]
    ShortWindow {
        /// How many bars there are.
        bars: usize,
        /// How many bars are needed.
        needed: usize,
    },
    /// A price has no logarithm.
    #[error("bar {row} ({timestamp}): {field} is {value}, expected {expected}")]
    BadPrice {
        /// The number of the bar, from 1.
        row: usize,
        /// When the bar opens.
        timestamp: Timestamp,
        /// The field of the bar.
        field: &'static str,
        /// The price.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// All closes are equal.
    #[error("all {bars} closes are {price}; prices that never move have no direction to learn")]
    ConstantPrices {
        /// The number of bars.
        bars: usize,
        /// The close of all bars.
        price: f64,
    },
    /// All rows of a part are of one class.
    #[error("all {rows} rows of the {part} part are of class {class}; both classes are needed")]
    OneClass {
        /// The part.
        part: &'static str,
        /// The class of all rows.
        class: &'static str,
        /// The number of rows.
        rows: usize,
    },
}

impl ErrorCode for PrepareError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotEnoughBars { .. } | Self::ShortWindow { .. } => "NOT_ENOUGH_BARS",
            Self::BadPrice { .. } => "PRICES_NOT_POSITIVE",
            Self::ConstantPrices { .. } => "CONSTANT_PRICES",
            Self::OneClass { .. } => "ONE_CLASS",
        }
    }

    fn details(&self) -> Option<Value> {
        Some(match self {
            Self::NotEnoughBars { bars, needed } | Self::ShortWindow { bars, needed } => {
                json!({"bars": bars, "needed": needed})
            }
            Self::BadPrice {
                row, field, value, ..
            } => json!({"row": row, "field": field, "value": value}),
            Self::ConstantPrices { bars, price } => json!({"bars": bars, "price": price}),
            Self::OneClass { part, class, rows } => {
                json!({"part": part, "class": class, "rows": rows})
            }
        })
    }
}
