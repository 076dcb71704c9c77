//! Market data: OHLCV bars, loaded from CSV files into the server's own folder, and read from it.

mod bars;
mod checked;
mod error;
mod format;
mod import;
mod imports;
mod library;
mod load;
mod spacing;
mod symbol;
mod writer;

pub use bars::{SeriesFault, check_bars};
pub use error::MarketError;
pub use imports::{ImportName, Imports, Upload};
pub use library::{Dataset, Library};
pub use load::{DataLoad, DataLoadOutput, DataLoadParams};
pub use symbol::{SYMBOL, TIMEFRAMES, is_symbol, is_timeframe};
pub use writer::Writer;

#[cfg(test)]
mod tests;
