//! Market data: OHLCV bars, from CSV files into the server's own folder, and back out of it.

mod bars;
mod error;
mod format;
mod library;
mod symbol;
mod writer;

pub use error::MarketError;
pub use library::{Dataset, Library};
pub use symbol::{SYMBOL, TIMEFRAMES, is_symbol, is_timeframe};
pub use writer::Writer;

#[cfg(test)]
mod tests;
