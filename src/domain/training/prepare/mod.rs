//! From bars to what a network reads: features, labels, parts and the scaler. Pure and without
//! torch. `docs/FEATURES.md` lists every feature with its formula and source.
//!
//! A row's features are a function of exactly the last [`LOOK_BACK`] bars up to and including its
//! own: smoothed averages are seeded at the start of that window instead of at the start of the
//! data. So a window of recent bars is enough to predict from, and nothing from after the row's
//! bar can reach it.

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
