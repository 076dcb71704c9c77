//! Market data: OHLCV bars, loaded from CSV files into the server's own folder, and read from it.

mod bars;
mod checked;
mod error;
mod format;
mod import;
mod library;
mod load;
mod loading;
mod symbol;
mod writer;

pub use bars::{SeriesFault, check_bars};
pub use error::MarketError;
pub use library::{Dataset, Library};
pub use load::{DataLoad, DataLoadOutput, DataLoadParams};
pub use loading::{Duplicates, LoadCounts, LoadMode, Loading, Ordered, Preview};
pub use symbol::{SYMBOL, TIMEFRAMES, is_symbol, is_timeframe};

#[cfg(test)]
mod tests;
