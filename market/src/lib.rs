//! Bars of market data: reads them from files as people have them, and says what it took for what.
//!
//! A file is unpacked ([`container`]) into a stream of CSV text; where its columns are is found ([`layout`]);
//! its times are read in the one way that fits them ([`times`]); each row becomes a bar ([`rows`]) that obeys
//! the rules of bars ([`bars`]). Bars in any order are put in order ([`order`]), and what is remarkable about
//! all of them is told ([`quality`]). Everything is synchronous and knows nothing of operations.
#![deny(missing_docs)]

pub mod bars;
pub mod container;
pub mod dialect;
pub mod error;
pub mod layout;
pub mod notes;
pub mod number;
pub mod order;
pub mod quality;
mod records;
pub mod rows;
mod survey;
pub mod timeframe;
pub mod times;

pub use timeframe::Timeframe;
