//! Why bars cannot be learned from.

use impresario::operation::ErrorCode;
use impresario_api::Timestamp;
use serde_json::{Value, json};

use super::LOOK_BACK;

/// Why bars cannot be learned from, or predicted from. The caller names symbol and timeframe.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// Too few for a training.
    #[error(
        "there are {bars} bars; a {LOOK_BACK}-bar window and three parts need at least {needed}"
    )]
    NotEnoughBars {
        /// What came.
        bars: usize,
        /// What is needed.
        needed: usize,
    },
    /// Too few for one row of features.
    #[error("there are {bars} bars; the features of one look back on {needed}")]
    ShortWindow {
        /// What came.
        bars: usize,
        /// What is needed.
        needed: usize,
    },
    /// A logarithm of it does not exist.
    #[error("bar {row} ({timestamp}): {field} is {value}, expected {expected}")]
    BadPrice {
        /// Which of the bars given, from 1.
        row: usize,
        /// When it opens.
        timestamp: Timestamp,
        /// Its field.
        field: &'static str,
        /// What came.
        value: f64,
        /// What is taken.
        expected: &'static str,
    },
    /// Nothing ever moves.
    #[error("all {bars} closes are {price}; prices that never move have no direction to learn")]
    ConstantPrices {
        /// How many.
        bars: usize,
        /// The one close.
        price: f64,
    },
    /// One class says nothing of the other.
    #[error("all {rows} rows of the {part} part are of class {class}; both classes are needed")]
    OneClass {
        /// Which part.
        part: &'static str,
        /// The class that is there.
        class: &'static str,
        /// The part's rows.
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
