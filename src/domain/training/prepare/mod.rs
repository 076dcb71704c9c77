//! Turns bars into the input of a network: features, labels, parts and the scaler. Pure and without
//! torch. `docs/FEATURES.md` lists every feature with its formula and source.
//!
//! The features of a row depend on exactly the last [`LOOK_BACK`] bars up to and including its own:
//! smoothed averages are seeded at the start of that window instead of at the start of the data. So a
//! window of recent bars is enough for a prediction, and no bar after the row's own can reach it.

mod error;
mod indicators;
mod parts;
mod scaler;
mod table;

#[cfg(test)]
mod tests;

pub use error::PrepareError;
pub use parts::{Parts, split};
pub use scaler::Scaler;
pub use table::{NAMES, Table, WIDTH, latest, table, table_watched};

/// Bars that a row depends on, its own included: neither more nor fewer. What a longer memory
/// would add is small: the seed of the slowest average, EMA 26, weighs (25/27)^74, 0.3 %.
pub const LOOK_BACK: usize = 100;

/// The fewest rows: 70 to learn from, 15 to choose by and 15 to test on. With fewer, a score is
/// worth nothing.
const MINIMUM_ROWS: usize = 100;

/// The fewest bars that can be trained on.
pub const MINIMUM_BARS: usize = LOOK_BACK + MINIMUM_ROWS;
