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
pub use parts::{MINIMUM_BARS, Parts, split};
pub use scaler::Scaler;
pub use table::{LOOK_BACK, NAMES, Table, WIDTH, latest, table, table_watched};
