//! Bars of market data: reads them from files as people have them, and says what it took for what.
//!
//! A file is unpacked (`container`) into a stream of CSV text; its times are read in the one way that fits
//! them (`times`); the bars are checked (`quality`). Everything is synchronous and knows nothing of
//! operations.
#![deny(missing_docs)]

pub mod timeframe;

pub use timeframe::Timeframe;
